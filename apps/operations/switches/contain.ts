import { messageOf, notRun, OperationError, passes, refused } from "../frame/errors";
import type { Plan, Surroundings, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { workloadRoles } from "../roles";
import { containedBy, record, recordsOf } from "./contained";
import { shutting } from "./containment";
import { keepEvidence } from "./evidence";
import { placesOf, type Place } from "./places";

/** `contain`: whoever is inside, or has a credential, is cut off; nothing is lost that could tell what happened. */
export function contain(
  platform: Platform,
  ground: Ground,
  around: Pick<Surroundings, "folder" | "copy" | "say">,
): Verb {
  const { stack } = platform;
  return {
    name: "contain",
    exclusive: stack,
    async plan(incident): Promise<Plan> {
      const { places, silent } = await placesOf(platform, ground);
      if (places.length === 0) throw notRun(`no cluster answers: ${silent.join("; ")}`);
      const unheard = await unheardDatabase(platform, ground);
      const known = await containedBy(platform, places);
      if (known && known !== incident)
        throw refused(`${stack} is contained already, by ${known}: --incident ${known} goes on with that`);
      const whole = recorded(platform, places, incident);
      const steps = [
        ...shutting(platform, ground, places, incident),
        keepEvidence(platform, ground, places, incident, around, async () => (await whole.done()) === true),
        whole,
      ];
      return {
        subject: stack,
        facts: [
          `contain ${stack}: ${places.map(({ region }) => region.cluster).join(", ")}`,
          ...silent.map((reason) => `not contained: ${reason}`),
          ...(unheard === undefined
            ? []
            : [
                `no login is shut: ${unheard}; a failover keeps the containment and shuts them where it goes, and contain, typed again once it answers, does too`,
              ]),
          "customers and partners get errors until `reopen`; partners repeat their webhooks",
        ],
        // Without its logins it is not whole, and no cluster may say so.
        steps: unheard === undefined ? steps : steps.filter(({ id }) => id !== "logins" && id !== "record"),
        document: {
          stack,
          clusters: places.map(({ region }) => region.cluster),
          silent: [...silent, ...(unheard === undefined ? [] : [unheard])],
          logins: unheard === undefined,
        },
      };
    },
    report: (finished) => {
      const { logins } = finished.plan.document as { logins: boolean };
      return plainReport(platform, finished, {
        title: "Contain",
        outcome: `${stack} is cut off: names, ${logins ? "database logins, " : ""}partners, edge`,
        notes: [
          ...(logins
            ? []
            : [
                `no database login is shut: failover ${stack} to the region that stands, then contain ${stack} again`,
              ]),
          `next: rotate ${stack} --all, restore to before if data was touched, then reopen ${stack}`,
          "role assignments nobody declared: npm run -s gate -- run preview shows drift; take them away by hand",
        ],
      });
    },
  };
}

/**
 * Why no login can be shut, where the database is only not heard, or its name not found: what answers is cut off all the same.
 * @throws OperationError with whatever else it says
 */
async function unheardDatabase(platform: Platform, ground: Ground): Promise<string | undefined> {
  try {
    await workloadRoles(platform, ground);
    return undefined;
  } catch (error) {
    if (!passes(error) && (error as { code?: unknown }).code !== "ENOTFOUND")
      throw error instanceof OperationError
        ? error
        : notRun(`${platform.writerHost} cannot be asked: ${messageOf(error)}`, error);
    return `${platform.writerHost} does not answer: ${messageOf(error)}`;
  }
}

function recorded(platform: Platform, places: readonly Place[], incident: string): Step {
  return {
    id: "record",
    title: "the containment is whole: each cluster says so",
    bound: 30,
    undo: `reopen ${platform.stack}`,
    done: async () => {
      const found = await recordsOf(platform, places);
      return found.every((one) => one !== undefined) || "it is not recorded";
    },
    run: async () => {
      const data = { incident, at: new Date().toISOString() };
      for (const { cluster } of places) await cluster.create({ ...record(platform, incident), data });
    },
  };
}
