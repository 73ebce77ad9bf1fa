import type { Finished, Plan, Verb } from "../frame/operate";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { assess, type Assessment, type FailoverChoice } from "./assess";
import { reportOf } from "./report";
import { failoverSteps } from "./steps";

/** `failover --to <region>`: the other region serves. The same command brings it back. */
export function failover(platform: Platform, ground: Ground, choice: FailoverChoice): Verb {
  let found: Assessment | undefined;
  return {
    name: "failover",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      found = await assess(platform, ground, choice);
      return {
        subject: found.to.location,
        facts: factsOf(platform, found),
        steps: failoverSteps(platform, ground, found, incident, choice),
        document: documentOf(platform, found),
      };
    },
    report: (finished: Finished) => reportOf(platform, finished),
  };
}

function documentOf({ stack }: Platform, { from, to, ...rest }: Assessment): object {
  return { stack, from: from.location, to: to.location, ...rest };
}

function factsOf({ targets }: Platform, found: Assessment): string[] {
  const { from, to, mode, promoted, silent, lagBytes, lastTransaction, lossSeconds } = found;
  if (promoted)
    return [
      `${to.server} is the primary already: what is left for ${to.location} to serve is done now`,
      `${from.server} ${mode === "planned" ? "answers: its region stands by" : "does not answer: its region counts as lost"}`,
    ];
  const lines = [
    `failover ${from.location} -> ${to.location}, ${mode}`,
    silent === undefined ? `${from.server} answers` : `${from.server} does not answer: ${silent}`,
  ];
  if (lagBytes !== undefined) lines.push(`${to.server} is ${lagBytes} bytes behind`);
  lines.push(
    mode === "planned"
      ? "loss: none; writes stop while the servers change places"
      : `loss: at most what was confirmed after ${lastTransaction ?? "an unknown moment"}, ${lossSeconds.toFixed(0)} s (objective ${targets.rpoSeconds} s)`,
  );
  if (mode === "forced")
    lines.push(
      `if ${from.location} is cut off rather than gone, it goes on writing to its own server until Azure demotes that; those writes are lost too`,
    );
  return lines;
}
