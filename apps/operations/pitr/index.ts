import type { Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import { refused } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import { nextDatabaseServer } from "../../../infra/naming";
import type { Platform, RegionFacts } from "../platform";
import { changeRole, workloadRoles } from "../roles";
import { POSTGRES_API, serverId } from "../server";
import { assess, primary, type PitrAssessment } from "./assess";
import { Extraction, schemaOf, type Undecided } from "./extract";
import { check, endpoint, endpointOf, NETWORK_API, restore, signIn, type Counts } from "./restored";
import { endpointServer } from "./virtualEndpoint";

export interface PitrChoice {
  at: Date;
  /** Tables whose missing rows come back. */
  extract: readonly string[];
}

/** `pitr --at`: a server with what there was at a moment, beside the one that serves; and rows of it back where they lack. */
export function pitr(platform: Platform, ground: Ground, { at, extract }: PitrChoice): Verb {
  let counts: Counts[] = [];
  let differing: Undecided[] = [];
  let found: PitrAssessment | undefined;
  return {
    name: "pitr",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      const assessed = (found = await assess(
        platform,
        ground,
        { at, extract, nameOf: (server) => `${server}-pitr` },
        incident,
      ));
      const { region, restored, earliest, tables } = assessed;
      const extraction = new Extraction(platform, ground, assessed, incident);
      return {
        subject: platform.stack,
        facts: [
          `${restored} beside ${region.server}, as of ${at.toISOString()} (restorable since ${earliest.toISOString()})`,
          ...(tables.length > 0
            ? [
                `rows missing in ${tables.map(({ name }) => name).join(", ")} come back; rows that changed are left as they are`,
              ]
            : ["nothing of the live database is changed"]),
        ],
        steps: [
          restore(platform, ground, assessed, at, incident),
          endpoint(platform, ground, assessed),
          signIn(platform, ground, assessed),
          check(platform, ground, assessed, (all) => (counts = all)),
          ...(tables.length > 0
            ? [
                {
                  id: "extract",
                  title: `rows that lack in ${tables.map(({ name }) => name).join(", ")} come back, in one transaction`,
                  bound: 7200,
                  undo: `delete those of ${schemaOf(incident)} by their keys`,
                  done: async () => {
                    const state = await extraction.done();
                    // Told by whichever run ends: the one that brought them back may have been killed before it could.
                    if (state === true) differing = await extraction.undecided();
                    return state;
                  },
                  run: (signal: AbortSignal) => extraction.run(signal),
                },
              ]
            : []),
        ],
        document: { stack: platform.stack, at: at.toISOString(), restored, extract },
      };
    },
    report: (finished) =>
      plainReport(platform, finished, {
        title: "Point in time",
        outcome: `${found?.restoredHost ?? ""} holds ${at.toISOString()}`,
        notes: [
          ...counts.map(
            ({ table, then, now }) => `${table}: ${then} rows then, ${now ?? "no such table"} now`,
          ),
          ...differing
            .filter(({ rows }) => rows > 0)
            .map(
              ({ table, rows }) =>
                `${table}: ${rows} rows changed since; compare with ${schemaOf(finished.incident)}`,
            ),
          ...differing
            .filter(({ taken }) => taken > 0)
            .map(
              ({ table, taken }) =>
                `${table}: ${taken} rows did not come back: another row has what there may be once, or a trigger kept them out; compare with ${schemaOf(finished.incident)}`,
            ),
          `it costs as much as the primary: pitr ${platform.stack} --drop takes it away`,
        ],
        more: { counts, differing },
      }),
  };
}

/** `pitr --drop`: a server beside goes, with its addresses; one that serves never does. */
export function dropRestored(platform: Platform, ground: Ground): Verb {
  return {
    name: "pitr-drop",
    exclusive: platform.stack,
    async plan(): Promise<Plan> {
      const region = await primary(platform, ground);
      const server = await beside(platform, ground, region);
      const serving = await endpointServer(platform, ground);
      if (serving === server)
        throw refused(
          `${server} serves: its pair was adopted; commit that, and take the old pair away instead`,
        );
      const ids = [
        ...platform.regions.map(
          ({ resourceGroup }) => [endpointOf(platform, resourceGroup, server), NETWORK_API] as const,
        ),
        [serverId(platform, region, server), POSTGRES_API] as const,
      ];
      const readmitted = new Readmission({ ...platform, writerHost: region.serverHost }, ground);
      const shut = await readmitted.shut();
      return {
        subject: server,
        facts: [
          `${server} and its addresses are deleted; nothing else is`,
          ...(shut.length > 0 ? [`${shut.join(", ")} may log in to ${region.server} again`] : []),
        ],
        steps: [
          ...(shut.length > 0 ? [readmitted.step(region.server)] : []),
          ...ids.map(([id, version], index) => ({
            id: index < ids.length - 1 ? `endpoint-${platform.regions[index]?.code ?? index}` : "server",
            title: `delete ${id.slice(id.lastIndexOf("/providers/") + 11)}`,
            bound: 900,
            undo: "pitr --at makes it again while the moment can be restored",
            done: async () => (await ground.resources.get(id, version)) === undefined || "it is still there",
            run: (signal: AbortSignal) => ground.resources.delete(id, version, signal),
          })),
        ],
        document: { stack: platform.stack, server },
      };
    },
    report: (finished) =>
      plainReport(platform, finished, {
        title: "Point in time, dropped",
        outcome: "the server beside is gone",
      }),
  };
}

/** Logins an adoption kept out of the server that was to be left, and that is not left after all. */
class Readmission {
  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
  ) {}

  async shut(): Promise<string[]> {
    const roles = await workloadRoles(this.platform, this.ground);
    return roles.filter(({ notes }) => notes.left !== undefined).map(({ role }) => role);
  }

  step(server: string): Step {
    return {
      id: "logins",
      title: `${server}: whom the adoption kept out may log in again`,
      bound: 60,
      undo: "pitr --adopt keeps them out again",
      done: async () => {
        const shut = await this.shut();
        return shut.length === 0 || `${shut.join(", ")} may not log in yet`;
      },
      run: async () => {
        for (const { role, notes } of await workloadRoles(this.platform, this.ground)) {
          const { left, ...others } = notes;
          if (left !== undefined)
            await changeRole(this.platform, this.ground, role, { login: true, notes: others });
        }
      },
    };
  }
}

/** The server beside: one to read from, else one whose adoption was not finished. */
async function beside(platform: Platform, ground: Ground, region: RegionFacts): Promise<string> {
  const next = nextDatabaseServer(region.server, platform.databaseGeneration);
  const there = (server: string) => ground.resources.get(serverId(platform, region, server), POSTGRES_API);
  const reading = `${region.server}-pitr`;
  if ((await there(reading)) === undefined && (await there(next)) !== undefined) return next;
  return reading;
}
