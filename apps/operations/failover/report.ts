import { branchOf, type Commit } from "../frame/commit";
import type { Finished } from "../frame/operate";
import type { StackChange } from "../frame/stackFile";
import type { Platform, RegionFacts } from "../platform";

interface Facts {
  from: string;
  to: string;
  mode: "planned" | "forced";
  promoted: boolean;
  lossSeconds: number;
  contained?: string;
}

const seconds = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000;

/** What the stack file has to say of the regions once one of them serves. */
export const roleChanges = (
  regions: readonly Pick<RegionFacts, "place" | "location">[],
  to: string,
  mode: "planned" | "forced",
): StackChange[] =>
  regions.map(({ place, location }) => ({
    path: `regions.${place}.role`,
    how: "set",
    value: location === to ? "serving" : mode === "planned" ? "standby" : "lost",
  }));

/** Evidence of one failover: what was measured against its targets, and what has to be committed. */
export function reportOf({ stack, targets, regions }: Platform, finished: Finished) {
  const { incident, plan, results, runs, decidedAt, since, ends } = finished;
  // What was lost and how stands in the last run that began before the promotion.
  const facts = plan.document as Facts;
  const decisive = (runs as readonly Facts[])
    .filter(({ promoted, to }) => !promoted && to === facts.to)
    .at(-1);
  const { from, to, mode, lossSeconds } = decisive ?? facts;
  const { contained } = facts;
  const servingAt = ends.get("edge") ?? finished.endedAt;
  const rto = seconds(since ?? decidedAt, servingAt);
  const measured = {
    rtoSeconds: rto,
    rtoFrom: since ? "alert" : "decision",
    rpoSeconds: lossSeconds,
    rtoMet: rto <= targets.rtoSeconds,
    rpoMet: lossSeconds <= targets.rpoSeconds,
  };
  const changes = roleChanges(regions, to, mode);
  const roles = changes.map(({ path, value }) => ({ key: `forma3d:${path}`, value }));
  const document = {
    verb: "failover",
    incident,
    stack,
    from,
    to,
    mode,
    decidedAt: decidedAt.toISOString(),
    ...(since && { since: since.toISOString() }),
    servingAt: servingAt.toISOString(),
    targets,
    measured,
    steps: results,
    roles,
    ...(contained !== undefined && { contained }),
  };
  const verdict = (met: boolean) => (met ? "met" : "missed");
  const loss = `loss at most ${lossSeconds.toFixed(1)} s (target ${targets.rpoSeconds} s: ${verdict(measured.rpoMet)})`;
  const lines =
    contained === undefined
      ? [
          `${to} serves. Recovery time ${rto.toFixed(1)} s from the ${measured.rtoFrom} (target ${targets.rtoSeconds} s: ${verdict(measured.rtoMet)}); ${loss}`,
        ]
      : [
          `${to} has what was written, and serves nobody: contained by ${contained}, nothing was opened; ${loss}`,
          `next: rotate ${stack} --all${mode === "forced" ? ` (--without ${from} while that does not answer)` : ""}, then reopen ${stack}`,
        ];
  const rows = results.map(
    ({ id, how, seconds: took, bound }) => `| ${id} | ${how} | ${took.toFixed(1)} | ${bound} |`,
  );
  const markdown = [
    `# Failover of ${stack}: ${from} to ${to}, ${mode}`,
    "",
    `Incident ${incident}. Decided ${decidedAt.toISOString()}, serving ${servingAt.toISOString()}.`,
    "",
    ...lines.map((line) => `- ${line}`),
    "",
    "| Step | | Seconds | Bound |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
  const commit: Commit = {
    stack,
    changes,
    branch: branchOf("failover", finished),
    subject: `chore(${stack}): ${to} serves (${incident})`,
  };
  return { markdown, document, lines, commit };
}
