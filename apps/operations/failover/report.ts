import type { Finished } from "../frame/operate";
import type { Platform } from "../platform";

interface Facts {
  from: string;
  to: string;
  mode: "planned" | "forced";
  promoted: boolean;
  lossSeconds: number;
}

const seconds = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000;

/** Evidence of one failover: what was measured against its targets, and what has to be committed. */
export function reportOf({ stack, targets, regions }: Platform, finished: Finished) {
  const { incident, plan, results, runs, decidedAt, since, ends } = finished;
  // What was lost and how stands in the last run that began before the promotion.
  const decisive = (runs as readonly Facts[]).filter(({ promoted }) => !promoted).at(-1);
  const { from, to, mode, lossSeconds } = decisive ?? (plan.document as Facts);
  const servingAt = ends.get("edge") ?? finished.endedAt;
  const rto = seconds(since ?? decidedAt, servingAt);
  const measured = {
    rtoSeconds: rto,
    rtoFrom: since ? "alert" : "decision",
    rpoSeconds: lossSeconds,
    rtoMet: rto <= targets.rtoSeconds,
    rpoMet: lossSeconds <= targets.rpoSeconds,
  };
  const roles = regions.map(({ place, location }) => ({
    key: `forma3d:regions.${place}.role`,
    value: location === to ? "serving" : mode === "planned" ? "standby" : "lost",
  }));
  const commit = [
    `in Pulumi.${stack}.yaml: ${roles.map(({ key, value }) => `${key}: ${value}`).join(", ")}`,
    `git switch --create failover-${incident} && git commit --all --message "chore(${stack}): ${to} serves (${incident})" && git push --set-upstream origin HEAD`,
  ];
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
  };
  const verdict = (met: boolean) => (met ? "met" : "missed");
  const lines = [
    `${to} serves. Recovery time ${rto.toFixed(1)} s from the ${measured.rtoFrom} (target ${targets.rtoSeconds} s: ${verdict(measured.rtoMet)}); loss at most ${lossSeconds.toFixed(1)} s (target ${targets.rpoSeconds} s: ${verdict(measured.rpoMet)})`,
    "commit now, or the next update undoes it:",
    ...commit.map((line) => `  ${line}`),
  ];
  const rows = results.map(
    ({ id, how, seconds: took, bound }) => `| ${id} | ${how} | ${took.toFixed(1)} | ${bound} |`,
  );
  const markdown = [
    `# Failover of ${stack}: ${from} to ${to}, ${mode}`,
    "",
    `Incident ${incident}. Decided ${decidedAt.toISOString()}, serving ${servingAt.toISOString()}.`,
    "",
    `- ${lines[0] ?? ""}`,
    "",
    "| Step | | Seconds | Bound |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    "To be committed:",
    "",
    ...commit.map((line) => `    ${line}`),
    "",
  ].join("\n");
  return { markdown, document, lines };
}
