import type { Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { POSTGRES_API, serverId } from "../server";
import { assess, MADE_BY, primary, type PitrAssessment } from "./assess";
import { Extraction, schemaOf, WHOLE_TABLE_SECONDS } from "./extract";

const NETWORK_API = "2024-10-01";
const ZONE = "privatelink.postgres.database.azure.com";

export interface PitrChoice {
  at: Date;
  /** Tables whose missing rows come back. */
  extract: readonly string[];
}

interface Counts {
  table: string;
  then: number;
  now: number | undefined;
}

/** `pitr --at`: a server with what there was at a moment, beside the one that serves; and rows of it back where they lack. */
export function pitr(platform: Platform, ground: Ground, { at, extract }: PitrChoice): Verb {
  let counts: Counts[] = [];
  let differing: { table: string; rows: number }[] = [];
  let found: PitrAssessment | undefined;
  return {
    name: "pitr",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      const assessed = (found = await assess(platform, ground, at, extract, incident));
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
                  done: () => extraction.done(),
                  run: async (signal: AbortSignal) => {
                    await extraction.run(signal);
                    differing = await extraction.differing();
                  },
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
          `it costs as much as the primary: pitr ${platform.stack} --drop takes it away`,
        ],
        more: { counts, differing },
      }),
  };
}

/** `pitr --drop`: the server beside goes, with its address. */
export function dropRestored(platform: Platform, ground: Ground): Verb {
  return {
    name: "pitr-drop",
    exclusive: platform.stack,
    async plan(): Promise<Plan> {
      const region = await primary(platform, ground);
      const server = `${region.server}-pitr`;
      const ids = [
        [endpointOf(platform, region.resourceGroup, server), NETWORK_API],
        [serverId(platform, region, server), POSTGRES_API],
      ] as const;
      return {
        subject: server,
        facts: [`${server} and its address are deleted; nothing else is`],
        steps: ids.map(([id, version], index) => ({
          id: index === 0 ? "endpoint" : "server",
          title: `delete ${id.slice(id.lastIndexOf("/providers/") + 11)}`,
          bound: 900,
          undo: "pitr --at makes it again while the moment can be restored",
          done: async () => (await ground.resources.get(id, version)) === undefined || "it is still there",
          run: (signal: AbortSignal) => ground.resources.delete(id, version, signal),
        })),
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

const endpointOf = ({ subscriptionId }: Platform, resourceGroup: string, server: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/privateEndpoints/${server}`;

function restore(
  platform: Platform,
  ground: Ground,
  { region, restored, id, sourceId }: PitrAssessment,
  at: Date,
  incident: string,
): Step {
  return {
    id: "restore",
    title: `${restored}: ${region.server} as of ${at.toISOString()}`,
    bound: 7200,
    undo: `pitr ${platform.stack} --drop`,
    done: async () => {
      const server = await ground.resources.get(id, POSTGRES_API);
      const state = server?.properties?.["state"];
      return state === "Ready" || `it is ${typeof state === "string" ? state : "not there"}`;
    },
    run: (signal) =>
      ground.resources.put(
        id,
        POSTGRES_API,
        {
          location: region.location,
          tags: { [MADE_BY]: incident },
          properties: {
            createMode: "PointInTimeRestore",
            sourceServerResourceId: sourceId,
            pointInTimeUTC: at.toISOString(),
          },
        },
        signal,
      ),
  };
}

/** No server answers a public address here; the restored one comes up without one of the network's. */
function endpoint(platform: Platform, ground: Ground, { region, restored, id }: PitrAssessment): Step {
  const group = `/subscriptions/${platform.subscriptionId}/resourceGroups/${region.resourceGroup}/providers/Microsoft.Network`;
  const own = endpointOf(platform, region.resourceGroup, restored);
  const name = `${own}/privateDnsZoneGroups/default`;
  return {
    id: "endpoint",
    title: `${restored} gets an address and a name in the network`,
    bound: 900,
    undo: `pitr ${platform.stack} --drop`,
    done: async () => (await ground.resources.get(name, NETWORK_API)) !== undefined || "it has no name yet",
    run: async (signal) => {
      await ground.resources.put(
        own,
        NETWORK_API,
        {
          location: region.location,
          properties: {
            subnet: { id: `${group}/virtualNetworks/${region.virtualNetwork}/subnets/endpoints` },
            privateLinkServiceConnections: [
              { name: "pitr", properties: { privateLinkServiceId: id, groupIds: ["postgresqlServer"] } },
            ],
          },
        },
        signal,
      );
      const zone = { name: "database", properties: { privateDnsZoneId: `${group}/privateDnsZones/${ZONE}` } };
      await ground.resources.put(
        name,
        NETWORK_API,
        { properties: { privateDnsZoneConfigs: [zone] } },
        signal,
      );
    },
  };
}

/** It has the administrator's password of that moment; it gets today's. */
function signIn(
  platform: Platform,
  ground: Ground,
  { region, restored, restoredHost }: PitrAssessment,
): Step {
  return {
    id: "sign-in",
    title: `${restored} takes the administrator's password of today`,
    bound: 600,
    undo: `pitr ${platform.stack} --drop`,
    done: async () => {
      await ground.database.query(restoredHost, "SELECT 1");
      return true;
    },
    run: (signal) =>
      ground.servers.setPassword(region.resourceGroup, restored, ground.database.password(), signal),
  };
}

/** Reads every table in full, and compares with what there is now. */
function check(
  { writerHost }: Platform,
  ground: Ground,
  { restoredHost }: PitrAssessment,
  tell: (counts: Counts[]) => void,
): Step {
  let read = false;
  return {
    id: "check",
    title: "every table of it is read in full and counted, beside today's",
    bound: 3600,
    undo: "nothing was changed",
    done: () => Promise.resolve(read || "not read yet"),
    run: async () => {
      const tables = await ground.database.query<{ name: string }>(
        restoredHost,
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
          WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname !~ '^(pg_|restored_)' ORDER BY 1`,
      );
      const counts: Counts[] = [];
      for (const { name: table } of tables) {
        const count = async (host: string) => {
          const [row] = await ground.database.query<{ count: string }>(
            host,
            `SELECT count(*) FROM ${table}`,
            [],
            WHOLE_TABLE_SECONDS,
          );
          return Number(row?.count);
        };
        counts.push({
          table,
          then: await count(restoredHost),
          now: await count(writerHost).catch(() => undefined),
        });
      }
      tell(counts);
      read = true;
    },
  };
}
