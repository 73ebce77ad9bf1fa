import { refused } from "../frame/errors";
import type { Finished, Plan, Verb } from "../frame/operate";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { assess, type Assessment, type FailoverChoice } from "./assess";
import { reportOf } from "./report";
import { failoverSteps } from "./steps";

/** `failover --to <region>`: the other region serves. The same command brings it back. */
export function failover(platform: Platform, ground: Ground, choice: FailoverChoice): Verb {
  return {
    name: "failover",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      const told = await assess(platform, ground, choice);
      return {
        subject: told.to.location,
        facts: factsOf(platform, told),
        steps: failoverSteps(platform, ground, told, incident, choice),
        document: documentOf(platform, told),
        stands: async () => stillSo(told, await assess(platform, ground, choice)),
      };
    },
    report: (finished: Finished) => reportOf(platform, finished),
  };
}

/** A region may have come back, or gone, or a containment begun or ended, while somebody read what would be lost without it; a loss that grew beyond what was accepted is refused as before. */
function stillSo(told: Assessment, now: Assessment): void {
  const { from, to } = told;
  if (now.promoted !== told.promoted)
    throw refused(
      `meanwhile ${to.server} was promoted; nothing was changed here: type the same command again`,
    );
  if (now.contained !== told.contained)
    throw refused(
      `meanwhile it was ${now.contained === undefined ? "reopened" : `contained by ${now.contained}`}; nothing was changed: type the same command again`,
    );
  if (now.mode !== told.mode)
    throw refused(
      `meanwhile ${from.server} ${now.mode === "planned" ? "answers again" : "stopped answering"}, and it would be ${now.mode}; nothing was changed: type the same command again`,
    );
}

function documentOf({ stack }: Platform, { from, to, ...rest }: Assessment): object {
  return { stack, from: from.location, to: to.location, ...rest };
}

function factsOf(platform: Platform, found: Assessment): string[] {
  const { contained, to } = found;
  const facts = movesOf(platform, found);
  if (contained === undefined) return facts;
  return [
    ...facts,
    `contained by ${contained}, and it stays so: no login, pod or public name is opened; reopen ${platform.stack} opens ${to.location} afterwards`,
  ];
}

function movesOf({ targets }: Platform, found: Assessment): string[] {
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
