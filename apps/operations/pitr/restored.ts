import { setTimeout as sleep } from "node:timers/promises";
import { failed } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { POSTGRES_API } from "../server";
import { MADE_BY, MOMENT, type PitrAssessment } from "./assess";
import { WHOLE_TABLE_SECONDS } from "./extract";
import { endpointBelow } from "./virtualEndpoint";

/** Unsaid, Azure gives a new server a public address. */
export const NO_PUBLIC_ADDRESS = { publicNetworkAccess: "Disabled" } as const;

export const NETWORK_API = "2024-10-01";
const ZONE = "privatelink.postgres.database.azure.com";

/** Rows of a table at the moment and today; today undefined where there is no such table any more. */
export interface Counts {
  table: string;
  then: number;
  now: number | undefined;
}

export const endpointOf = ({ subscriptionId }: Platform, resourceGroup: string, server: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/privateEndpoints/${server}`;

export function restore(
  platform: Platform,
  ground: Ground,
  { region, restored, id, sourceId, tags, backup }: PitrAssessment,
  at: Date | undefined,
  incident: string,
): Step {
  return {
    id: "restore",
    title: `${restored}: ${region.server} as of ${at?.toISOString() ?? "now that nobody writes"}`,
    bound: 7200,
    undo: `pitr ${platform.stack} --drop`,
    done: async () => {
      const server = await ground.resources.get(id, POSTGRES_API);
      const state = server?.properties?.["state"];
      return state === "Ready" || `it is ${typeof state === "string" ? state : "not there"}`;
    },
    run: async (signal) => {
      const moment = (at ?? (await ground.database.clock(region.serverHost))).toISOString();
      // What was written last has to be archived first.
      if (!at)
        await sleep((ground.restoreLagSeconds ?? platform.restoreLagSeconds) * 1000, undefined, { signal });
      await ground.resources.put(
        id,
        POSTGRES_API,
        {
          location: region.location,
          tags: { ...tags, [MADE_BY]: incident, [MOMENT]: moment },
          properties: {
            ...(backup && { backup }),
            network: NO_PUBLIC_ADDRESS,
            createMode: "PointInTimeRestore",
            sourceServerResourceId: sourceId,
            pointInTimeUTC: moment,
          },
        },
        signal,
      );
    },
  };
}

/** No server answers a public address here; the restored one comes up without one of the network's. */
export function endpoint(platform: Platform, ground: Ground, { region, restored, id }: PitrAssessment): Step {
  return {
    id: "endpoint",
    title: `${restored} gets an address and a name in the network`,
    bound: 900,
    undo: `pitr ${platform.stack} --drop`,
    done: () => hasAddress(platform, ground, region, restored),
    run: (signal) => giveAddress(platform, ground, region, { server: restored, id }, signal),
  };
}

/** Whether a server has a name in the network of a region. */
export async function hasAddress(
  platform: Platform,
  ground: Ground,
  { resourceGroup, location }: RegionFacts,
  server: string,
): Promise<true | string> {
  const name = `${endpointOf(platform, resourceGroup, server)}/privateDnsZoneGroups/default`;
  return (await ground.resources.get(name, NETWORK_API)) !== undefined || `it has no name in ${location} yet`;
}

export async function giveAddress(
  platform: Platform,
  ground: Ground,
  { location, resourceGroup, virtualNetwork }: RegionFacts,
  { server, id }: { server: string; id: string },
  signal: AbortSignal,
): Promise<void> {
  const group = `/subscriptions/${platform.subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network`;
  const own = endpointOf(platform, resourceGroup, server);
  await ground.resources.put(
    own,
    NETWORK_API,
    {
      location,
      properties: {
        subnet: { id: `${group}/virtualNetworks/${virtualNetwork}/subnets/endpoints` },
        privateLinkServiceConnections: [
          { name: "pitr", properties: { privateLinkServiceId: id, groupIds: ["postgresqlServer"] } },
        ],
      },
    },
    signal,
  );
  const zone = { name: "database", properties: { privateDnsZoneId: `${group}/privateDnsZones/${ZONE}` } };
  await ground.resources.put(
    `${own}/privateDnsZoneGroups/default`,
    NETWORK_API,
    { properties: { privateDnsZoneConfigs: [zone] } },
    signal,
  );
}

/** It has the administrator's password of that moment; it gets today's. */
export function signIn(
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

/** Tables of the application, without what earlier restores left beside them. */
const TABLES = `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
  WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname !~ '^(pg_|restored_)' ORDER BY 1`;

/**
 * Reads every table in full at both servers, each by its own name: no row of the one that is left may lack or be another. The name
 * clients use leads nowhere where an earlier run ended while it moved; once it leads to the new server, that has rows of its own.
 */
export function same(
  platform: Platform,
  ground: Ground,
  { region, restored, restoredHost }: PitrAssessment,
  tell: (counts: Counts[]) => void,
): Step {
  let read = false;
  const tablesOf = async (host: string) =>
    (await ground.database.query<{ name: string }>(host, TABLES)).map(({ name }) => name);
  return {
    id: "check",
    title: `every row of ${region.server} is in ${restored}, as it is there`,
    bound: 3600,
    done: async () =>
      read || (await endpointBelow(platform, ground, region, restored)) !== undefined || "not read yet",
    run: async () => {
      const [left, taken] = [await tablesOf(region.serverHost), await tablesOf(restoredHost)];
      const counts: Counts[] = [];
      const wrong = left.filter((table) => !taken.includes(table));
      for (const table of left.filter((one) => taken.includes(one))) {
        // The sum is the same in any order, and another as soon as a row lacks, comes twice or reads otherwise.
        const [there, here] = await Promise.all(
          [region.serverHost, restoredHost].map(async (host) => {
            const [row] = await ground.database.query<{ rows: string; sum: string }>(
              host,
              `SELECT count(*) AS rows, coalesce(sum(hashtextextended(ROW(one.*)::text, 0)), 0) AS sum FROM ${table} AS one`,
              [],
              WHOLE_TABLE_SECONDS,
            );
            return row;
          }),
        );
        if (there?.rows !== here?.rows || there?.sum !== here?.sum) wrong.push(table);
        counts.push({ table, then: Number(here?.rows), now: Number(there?.rows) });
      }
      if (wrong.length > 0)
        throw failed(
          `${wrong.join(", ")} differ: ${region.server} was written since; pitr ${platform.stack} --drop lets its workloads in again`,
        );
      tell(counts);
      read = true;
    },
  };
}

/** Reads every table in full, and compares with what there is now. */
export function check(
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
    done: () => Promise.resolve(read || "not read yet"),
    run: async () => {
      const tables = await ground.database.query<{ name: string }>(restoredHost, TABLES);
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
