import yaml from "js-yaml";
import { RUNBOOKS } from "../../../packages/alerting/runbooks";
import { RUNBOOK_FOLDER, runbookProblems } from "../docs/runbook";
import { GROUP_TITLES } from "../docs/runbookPages";
import type { Made } from "./made";
import { formed, literal, type Making, oneOf, refuse, scaffold } from "./scaffold";

export interface NewRunbook {
  readonly title: string;
  readonly when: string;
  readonly severity: string;
  readonly symptom: readonly string[];
  readonly decides: string;
  readonly risk: readonly string[];
  /** `title | all is well | otherwise`, one for each step. */
  readonly step: readonly string[];
  readonly over: readonly string[];
  readonly rehearse: string;
  /** Heading of the index it stands under. */
  readonly group: string;
}

const INDEX = "apps/tools/docs/runbookPages.ts";

/** A runbook of steps that a person takes, in the index, and ready to be led to by alerts. */
export async function newRunbook(making: Making, id: string, wanted: NewRunbook): Promise<Made> {
  const steps = wanted.step.map((step) => step.split("|").map((part) => part.trim()));
  const content = {
    title: wanted.title,
    when: wanted.when,
    severity: wanted.severity,
    symptoms: wanted.symptom,
    decides: wanted.decides,
    risks: wanted.risk,
    objective: "none",
    steps: steps.map(([title, prints, otherwise]) => ({ title, runs: "person", prints, otherwise })),
    over: wanted.over,
    rehearse: { how: wanted.rehearse },
  };
  const file = `${RUNBOOK_FOLDER}/${id}.yaml`;
  refuse([
    ...formed(
      "runbook",
      id,
      /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
      "lower-case letters, digits and single hyphens",
    ),
    ...(id in RUNBOOKS ? [`runbook ${id}: exists; allowed: a name of its own`] : []),
    ...oneOf("--group", wanted.group, GROUP_TITLES),
    ...wanted.step.flatMap((step, index) =>
      steps[index]?.length === 3 && steps[index].every(Boolean)
        ? []
        : [`--step ${step}: allowed: what to do | what is seen when all is well | what to do otherwise`],
    ),
    ...runbookProblems(content),
  ]);
  return scaffold(
    making,
    async (sources) => {
      if (sources.exists(file)) refuse([`runbook ${id}: exists; allowed: a name of its own`]);
      await sources.write(file, yaml.dump(content, { lineWidth: -1, noRefs: true }));
      await sources.add(
        "packages/alerting/runbooks.ts",
        ["RUNBOOKS"],
        `${literal(id)}: ${literal(wanted.when.replace(/\.$/, ""))}`,
      );
      await sources.add(INDEX, ["GROUPS", wanted.group, "books"], literal(id));
    },
    [
      `${file}: a step with a command says where it runs (runs: local, cluster or azure)`,
      `docs/runbooks/${id}.md: the page; an alert leads to it with runbook: "${id}"`,
      "npx jest test/docs/runbooks.test.ts",
    ],
  );
}
