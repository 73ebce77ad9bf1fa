import { notRun, refused } from "../frame/errors";
import type { Plan, Surroundings, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { workloadRoles } from "../roles";
import { overdue } from "../rotate/overdue";
import { parts, record } from "./containment";
import { keepEvidence } from "./evidence";
import { placesOf, type Place } from "./places";

/** `contain`: whoever is inside, or has a credential, is cut off; nothing is lost that could tell what happened. */
export function contain(
  platform: Platform,
  ground: Ground,
  around: Pick<Surroundings, "folder" | "copy" | "say">,
): Verb {
  return {
    name: "contain",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      const { places, silent } = await placesOf(platform, ground);
      if (places.length === 0) throw notRun(`no cluster answers: ${silent.join("; ")}`);
      await workloadRoles(platform, ground);
      const known = await containedBy(platform, places);
      if (known && known !== incident) throw refused(`${platform.stack} is contained already, by ${known}`);
      const record = recorded(platform, places, incident);
      return {
        subject: platform.stack,
        facts: [
          `contain ${platform.stack}: ${places.map(({ region }) => region.cluster).join(", ")}`,
          ...silent.map((reason) => `not contained: ${reason}`),
          "customers and partners get errors until `reopen`; partners repeat their webhooks",
        ],
        steps: [
          ...parts(platform, ground, places, incident).shut,
          keepEvidence(
            platform,
            ground,
            places,
            incident,
            around,
            async () => (await record.done()) === true,
          ),
          record,
        ],
        document: { stack: platform.stack, clusters: places.map(({ region }) => region.cluster), silent },
      };
    },
    report: (finished) =>
      plainReport(platform, finished, {
        title: "Contain",
        outcome: `${platform.stack} is cut off: names, database logins, partners, edge`,
        notes: [
          `next: rotate ${platform.stack} --all, restore to before if data was touched, then reopen ${platform.stack}`,
          "role assignments nobody declared: npm run -s gate -- run preview shows drift; take them away by hand",
        ],
      }),
  };
}

/** `reopen`: the exact way back. */
export function reopen(
  platform: Platform,
  ground: Ground,
  { keepSecrets = false }: { keepSecrets?: boolean },
): Verb {
  return {
    name: "reopen",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      const { places, silent } = await placesOf(platform, ground);
      if (silent.length > 0) throw notRun(`all that was contained must be reopened: ${silent.join("; ")}`);
      const by = await containedBy(platform, places);
      const { open } = parts(platform, ground, places, by ?? incident);
      if (by === undefined) {
        const shut = await asked(open);
        if (shut.length > 0)
          throw refused(
            `the containment was not finished (${shut.join("; ")}): type contain ${platform.stack} again first`,
          );
        // Nothing is left of it: whoever was killed with the last word unsaid finds all steps done.
      }
      const since = by === undefined ? undefined : await containedAt(platform, places);
      const old = since ? await overdue(platform, ground, since) : [];
      if (old.length > 0 && !keepSecrets)
        throw refused(
          `secrets from before the containment: ${old.join(", ")}; rotate ${platform.stack} --all, or --keep-secrets if that is meant`,
        );
      return {
        subject: platform.stack,
        facts: [
          since
            ? `reopen ${platform.stack}, contained by ${by ?? ""} since ${since.toISOString()}`
            : `${platform.stack} is not contained`,
          ...(old.length > 0 ? [`secrets from before: ${old.join(", ")}`] : []),
        ],
        steps: [...open, answering(platform, ground), forgotten(platform, places)],
        document: {
          stack: platform.stack,
          containedBy: by,
          containedAt: since?.toISOString(),
          keptSecrets: old,
        },
      };
    },
    report: (finished) =>
      plainReport(platform, finished, { title: "Reopen", outcome: `${platform.stack} serves again` }),
  };
}

/** What of it does not hold, one line each. */
async function asked(steps: readonly Step[]): Promise<string[]> {
  const states = await Promise.all(steps.map(async ({ id, done }) => [id, await done()] as const));
  return states.flatMap(([id, state]) => (state === true ? [] : [`${id}: ${state}`]));
}

export async function containedBy(platform: Platform, places: readonly Place[]): Promise<string | undefined> {
  const found = await records(platform, places);
  const data = found.find((one) => one !== undefined)?.["data"] as { incident?: string } | undefined;
  return data?.incident;
}

/** What each cluster says of a containment; undefined where it says nothing. */
const records = (platform: Platform, places: readonly Place[]) =>
  Promise.all(places.map(({ cluster }) => cluster.find(record(platform))));

async function containedAt(platform: Platform, places: readonly Place[]): Promise<Date> {
  const found = await records(platform, places);
  const at = found.flatMap((one) => (one?.["data"] as { at?: string } | undefined)?.at ?? []).sort()[0];
  return new Date(at ?? NaN);
}

function recorded(platform: Platform, places: readonly Place[], incident: string): Step {
  return {
    id: "record",
    title: "the containment is whole: each cluster says so",
    bound: 30,
    undo: `reopen ${platform.stack}`,
    done: async () => {
      const found = await records(platform, places);
      return found.every((one) => one !== undefined) || "it is not recorded";
    },
    run: async () => {
      const data = { incident, at: new Date().toISOString() };
      for (const { cluster } of places) await cluster.create({ ...record(platform, incident), data });
    },
  };
}

function forgotten(platform: Platform, places: readonly Place[]): Step {
  return {
    id: "record",
    title: "no cluster says any more that it is contained",
    bound: 30,
    undo: `contain ${platform.stack}`,
    done: async () => {
      const found = await records(platform, places);
      return found.every((one) => one === undefined) || "it is still recorded";
    },
    run: async () => {
      for (const { cluster } of places) await cluster.remove(record(platform));
    },
  };
}

function answering({ sites }: Platform, ground: Ground): Step {
  return {
    id: "answers",
    title: "every public name answers 200",
    // What Front Door was told travels to all its places.
    bound: 3600,
    undo: "nothing was changed",
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
