import { writeFile } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { UNSEEN } from "./figure";
import { type Reason, reasonFor, reasonText } from "./harmless";
import { subject, type Tried, tried } from "./measure";

interface Flags {
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

function print(report: Report): void {
  const number = (value: number): string => value.toLocaleString("en").padStart(8);
  console.log(`${number(report.tried)}  single changes to production's inputs`);
  console.log(`${number(report.refused)}  refused by a rule`);
  for (const [reason, count] of [...report.harmless].sort(([, one], [, other]) => other - one))
    console.log(`${number(count)}  unseen and harmless: ${reasonText(reason)}`);
  console.log(`${number(countUnseen(report))}  unseen and harmful (the figure allows ${UNSEEN})`);
  for (const { type, path, how, count } of report.unseen)
    console.log(`          ${how} ${type} ${path || "(the whole resource)"} ×${count}`);
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand(
      "gate:weaken",
      "Tries every single change that could weaken production, and counts those no rule refuses. Takes some minutes.",
      {
        0: "no more go through than the figure allows",
        1: "more do, or production is not clean to begin with",
      },
    )
      .option("--type <pattern>", "only resources whose type fits this regular expression")
      .option("--json <file>", "where the places that go through are written")
      .action(async ({ type, json }: Flags) => {
        const root = projectRoot(__dirname);
        const wanted = new RegExp(type ?? ".");
        // The platform, and what it is deployed from.
        const subjects = [await subject(root, "prod"), await subject(root, "prod", "control")];
        const report = reportOn(
          subjects.flatMap(({ views, judge }) => [
            ...tried(
              views.filter((view) => wanted.test(view.type)),
              judge,
            ),
          ]),
        );
        print(report);
        if (json) writeFile(json, `${JSON.stringify(report.unseen, null, 2)}\n`);
        if (subjects.some(({ judge }) => !judge.clean) || countUnseen(report) > UNSEEN) process.exitCode = 1;
      }),
  );
}
