import { ENDPOINT, endpointState } from "../edge";
import { notRun, refused } from "../frame/errors";
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
import { unheard } from "./unheard";

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
      const [database, edge] = await Promise.all([
        unheard(platform.writerHost, () => workloadRoles(platform, ground)),
        unheard(ENDPOINT, () => endpointState(platform, ground)),
      ]);
      const known = await containedBy(platform, places);
      if (known && known !== incident)
        throw refused(`${stack} is contained already, by ${known}: --incident ${known} goes on with that`);
      const whole = recorded(platform, places, incident);
      // Without its logins it is not whole, and no cluster may say so; behind an edge that stays on no name leads anywhere.
      const left = [
        ...(database === undefined ? [] : ["logins", "record"]),
        ...(edge === undefined ? [] : ["edge"]),
      ];
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
          ...(edge === undefined
            ? []
            : [`the edge stays as it is: ${edge}; what it leads to is shut all the same`]),
          ...(database === undefined
            ? []
            : [
                `no login is shut: ${database}; a failover keeps the containment and shuts them where it goes, and contain, typed again once it answers, does too`,
              ]),
          "customers and partners get errors until `reopen`; partners repeat their webhooks",
        ],
        steps: steps.filter(({ id }) => !left.includes(id)),
        document: {
          stack,
          clusters: places.map(({ region }) => region.cluster),
          silent: [...silent, ...[database, edge].filter((one) => one !== undefined)],
          logins: database === undefined,
          edge: edge === undefined,
        },
      };
    },
    report: (finished) => {
      const { logins, edge } = finished.plan.document as { logins: boolean; edge: boolean };
      const shut = ["names", ...(logins ? ["database logins"] : []), "partners", ...(edge ? ["edge"] : [])];
      return plainReport(platform, finished, {
        title: "Contain",
        outcome: `${stack} is cut off: ${shut.join(", ")}`,
        notes: [
          ...(logins
            ? []
            : [
                `no database login is shut: failover ${stack} to the region that stands, then contain ${stack} again`,
              ]),
          ...(edge
            ? []
            : [
                `the edge stays as it was: contain ${stack} --incident ${finished.incident} once more when it answers`,
              ]),
          `next: rotate ${stack} --all, restore to before if data was touched, then reopen ${stack}`,
          "role assignments nobody declared: npm run -s gate -- run preview shows drift; take them away by hand",
        ],
      });
    },
  };
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
