import { ENDPOINT, endpointState } from "../edge";
import { firstBackup } from "../failover/firstBackup";
import { notRun, refused } from "../frame/errors";
import type { Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { workloadRoles } from "../roles";
import { overdue } from "../rotate/overdue";
import { servingRegion } from "../serves";
import { containedAt, containedBy, record, recordsOf } from "./contained";
import { opening } from "./containment";
import { placesOf, type Place } from "./places";
import { unheard } from "./unheard";

/**
 * `reopen`: the exact way back from a containment, of all that answers. A region that is lost stays shut, its roles fenced by the failover
 * that left it; typed again once it is back, this takes the containment away there too, and it stands by.
 */
export function reopen(
  platform: Platform,
  ground: Ground,
  { keepSecrets = false }: { keepSecrets?: boolean },
): Verb {
  const { stack } = platform;
  return {
    name: "reopen",
    exclusive: stack,
    async plan(incident): Promise<Plan> {
      const { places, silent } = await placesOf(platform, ground);
      const serves = await servingRegion(platform, ground);
      if (!places.some(({ region }) => region === serves))
        throw notRun(`${serves.location} serves, and cannot be reopened: ${silent.join("; ")}`);
      await refuseHalfLeft(platform, ground, serves);
      const by = await containedBy(platform, places);
      const edge = await unheard(ENDPOINT, () => endpointState(platform, ground));
      const open = opening(serves, platform, ground, places, by ?? incident).filter(
        ({ id }) => id !== "edge" || edge === undefined,
      );
      if (by === undefined) {
        const shut = await asked(open);
        if (shut.length > 0)
          throw refused(
            `the containment was not finished (${shut.join("; ")}): type contain ${stack} again first`,
          );
        // Nothing is left of it: whoever was killed with the last word unsaid finds all steps done.
      }
      const since = by === undefined ? undefined : await containedAt(platform, places);
      const answering = places.map(({ region }) => region);
      const old = since ? await overdue(platform, answering, ground, since) : [];
      if (old.length > 0 && !keepSecrets)
        throw refused(
          `secrets from before the containment: ${old.join(", ")}; rotate ${stack} --all, or --keep-secrets if that is meant`,
        );
      return {
        subject: stack,
        facts: [
          since
            ? `reopen ${stack}, contained by ${by ?? ""} since ${since.toISOString()}: ${serves.location} serves`
            : `${stack} is not contained`,
          ...(old.length > 0 ? [`secrets from before: ${old.join(", ")}`] : []),
          ...silent.map((reason) => `stays shut, and its roles fenced: ${reason}`),
          ...(edge === undefined
            ? []
            : [
                `the edge stays as it is: ${edge}; where the containment switched it off nobody is let in, and reopen, typed again once it answers, does that`,
              ]),
        ],
        steps: [
          ...open,
          // Without its edge it is not open yet, and its clusters go on saying so.
          ...(edge === undefined ? [answers(platform, ground), forgotten(platform, places)] : []),
          firstBackup(platform, ground, serves, incident),
        ],
        document: {
          stack,
          containedBy: by,
          containedAt: since?.toISOString(),
          keptSecrets: old,
          serves: serves.location,
          silent,
          ...(edge !== undefined && { edge }),
        },
      };
    },
    report: (finished) => {
      const { serves, silent, edge } = finished.plan.document as {
        serves: string;
        silent: string[];
        edge?: string;
      };
      return plainReport(platform, finished, {
        title: "Reopen",
        outcome:
          edge === undefined
            ? `${stack} serves again, from ${serves}`
            : `${serves} is open, but for the edge`,
        notes: [
          ...silent.map(
            (reason) =>
              `stays shut, and its roles fenced: ${reason}. Once it is back: rotate ${stack} --all, then reopen ${stack} again`,
          ),
          ...(edge === undefined
            ? []
            : [
                `${edge}. ${stack} stays contained until reopen ${stack}, typed again once that answers, has switched it on`,
              ]),
        ],
        more: { serves, silent },
      });
    },
  };
}

/** A failover that was cut short has moved who writes, and not yet who will be let in again. */
async function refuseHalfLeft(
  platform: Platform,
  ground: Ground,
  { code, location }: RegionFacts,
): Promise<void> {
  const shut = (await workloadRoles(platform, ground)).filter(({ notes }) => notes.contained !== undefined);
  if (shut.length > 0 && shut.every(({ role }) => !role.endsWith(`_${code}`)))
    throw refused(
      `the failover to ${location} was not finished (${shut.map(({ role }) => role).join(", ")} would be let in again): type failover ${platform.stack} --to ${location} again first`,
    );
}

/** What of it does not hold, one line each. */
async function asked(steps: readonly Step[]): Promise<string[]> {
  const states = await Promise.all(steps.map(async ({ id, done }) => [id, await done()] as const));
  return states.flatMap(([id, state]) => (state === true ? [] : [`${id}: ${state}`]));
}

function forgotten(platform: Platform, places: readonly Place[]): Step {
  return {
    id: "record",
    title: "no cluster that answers says any more that it is contained",
    bound: 30,
    undo: `contain ${platform.stack}`,
    done: async () => {
      const found = await recordsOf(platform, places);
      return found.every((one) => one === undefined) || "it is still recorded";
    },
    run: async () => {
      for (const { cluster } of places) await cluster.remove(record(platform));
    },
  };
}

function answers({ sites }: Platform, ground: Ground): Step {
  return {
    id: "answers",
    title: "every public name answers 200",
    // What Front Door was told travels to all its places.
    bound: 3600,
    done: async () => {
      for (const site of sites) {
        const { status } = await ground.edge(site);
        if (status !== 200) return `${site} answers ${status}`;
      }
      return true;
    },
    run: () => Promise.resolve(),
  };
}
