import { UsageError } from "../../../packages/command/errors";
import { writeFile } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { CONTROL } from "../../../stacks/controlFile";
import { readStacks } from "../../../stacks/files";
import { controlStates, platformStates, type State } from "../states";
import { UNSEEN } from "./figure";
import { type Reason, reasonFor, reasonText } from "./harmless";
import { subject, type Tried, tried } from "./measure";

interface Flags {
  state?: string;
  type?: string;
  json?: string;
}

/** One line of the report: a place in a type, and how often it was changed unseen. */
interface Place {
  readonly type: string;
  readonly path: string;
  readonly how: string;
  count: number;
}

/** What became of all changes. */
export interface Report {
  readonly tried: number;
  readonly refused: number;
  readonly harmless: ReadonlyMap<Reason, number>;
  /** Harmful and unseen, by place. */
  readonly unseen: readonly Place[];
}

export function reportOn(changes: Iterable<Tried>): Report {
  const harmless = new Map<Reason, number>();
  const unseen = new Map<string, Place>();
  let [all, refused] = [0, 0];
  for (const { type, path, how, refusedBy } of changes) {
    all++;
    if (refusedBy.length > 0) {
      refused++;
      continue;
    }
    const reason = reasonFor(type, { path, how });
    if (reason) {
      harmless.set(reason, (harmless.get(reason) ?? 0) + 1);
      continue;
    }
    const key = [type, path, how].join(" ");
    const place = unseen.get(key) ?? { type, path, how, count: 0 };
    place.count++;
    unseen.set(key, place);
  }
  return { tried: all, refused, harmless, unseen: [...unseen.values()] };
}

export const countUnseen = ({ unseen }: Pick<Report, "unseen">): number =>
  unseen.reduce((sum, { count }) => sum + count, 0);

function print(name: string, report: Report): void {
  const number = (value: number): string => value.toLocaleString("en").padStart(8);
  console.log(name);
  console.log(`${number(report.tried)}  single changes to production's inputs and options`);
  console.log(`${number(report.refused)}  refused by a rule`);
  for (const [reason, count] of [...report.harmless].sort(([, one], [, other]) => other - one))
    console.log(`${number(count)}  unseen and harmless: ${reasonText(reason)}`);
  console.log(`${number(countUnseen(report))}  unseen and harmful (the figure allows ${UNSEEN})`);
  for (const { type, path, how, count } of report.unseen)
    console.log(`          ${how} ${type} ${path || "(the whole resource)"} ×${count}`);
}

const STACK = "prod";

/** The platform, and what it is deployed from, in every state their stack file can be in. */
function statesOf(root: string): { name: string; state: State; project?: string }[] {
  const { [STACK]: config } = readStacks(root);
  if (!config) throw new UsageError(`there is no stack ${STACK}`);
  return [
    ...platformStates(config, root).map((state) => ({ name: `production ${state.name}`, state })),
    ...controlStates().map((state) => ({
      name: `what it is deployed from, ${state.name}`,
      state,
      project: CONTROL,
    })),
  ];
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand(
      "gate:weaken",
      "Tries every single change that could weaken production, whatever its regions are for and whichever options it has, and counts those no rule refuses. Takes some minutes for each state.",
      {
        0: "no more go through than the figure allows",
        1: "more do, or production is not clean to begin with",
      },
    )
      .option("--state <pattern>", "only states whose name fits this regular expression, e.g. lost")
      .option("--type <pattern>", "only resources whose type fits this regular expression")
      .option("--json <file>", "where the places that go through are written")
      .action(async ({ state: states, type, json }: Flags) => {
        const root = projectRoot(__dirname);
        const [wanted, named] = [new RegExp(type ?? "."), new RegExp(states ?? ".")];
        const unseen: (Place & { state: string })[] = [];
        let isClean = true;
        for (const { name, state, project } of statesOf(root).filter((one) => named.test(one.name))) {
          const { views, judge } = await subject(root, STACK, state, project);
          const report = reportOn(tried(views, judge, wanted));
          print(judge.clean ? name : `${name}, which is not clean to begin with`, report);
          unseen.push(...report.unseen.map((place) => ({ state: name, ...place })));
          isClean &&= judge.clean;
        }
        if (json) writeFile(json, `${JSON.stringify(unseen, null, 2)}\n`);
        if (!isClean || countUnseen({ unseen }) > UNSEEN) process.exitCode = 1;
      }),
  );
}
