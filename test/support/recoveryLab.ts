import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { RunContext } from "../../apps/recovery/context";
import { silent } from "../../apps/recovery/progress";
import { storeEvidence, type EvidenceStore } from "../../apps/recovery/evidence/store";
import { loadSettings, type Settings } from "../../apps/recovery/settings";
import { openStore } from "../../apps/recovery/store/open";
import { TIERS, type Tier } from "../../apps/recovery/types";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import {
  startFlexibleServer,
  type FlexibleServer,
  type FlexibleServerOptions,
} from "../../packages/local-servers/flexibleServer";
import { startPostgres, type LocalPostgres } from "../../packages/local-servers/postgres";
import { usePrograms } from "../../packages/local-servers/postgresPrograms";
import { databaseLogins, type LoginRegions } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { serverParameters } from "../../infra/data/serverParameters";

/** One set of containers nobody else uses, and the settings that name it. */
export interface LabStore extends Record<Tier, ContainerClient> {
  env: Record<string, string>;
  settings: Settings;
  /** Names of all blobs, those without committed blocks included. */
  blobs(): Promise<string[]>;
}

/** A real PostgreSQL server and a real blob server for one test file. */
export interface Lab {
  postgres: LocalPostgres;
  azurite: LocalAzurite;
  /** Creates a database, runs SQL in it, and gives back a store whose default database it is. */
  store(database: string, extra?: Record<string, string>): Promise<LabStore>;
  createDatabase(name: string, options?: string): Promise<void>;
  sql<T extends object = Record<string, unknown>>(database: string, text: string): Promise<T[]>;
  stop(): Promise<void>;
}

export async function startLab(settings: Record<string, string> = {}): Promise<Lab> {
  const [postgres, azurite] = await Promise.all([startPostgres({ settings }), startAzurite()]);
  const sql = async <T extends object>(database: string, text: string): Promise<T[]> => {
    const client = new Client({ connectionString: postgres.urlOf(database) });
    await client.connect();
    try {
      const result = await client.query<T>(text);
      return (Array.isArray(result) ? (result as { rows: T[] }[]).at(-1)?.rows : result.rows) ?? [];
    } finally {
      await client.end();
    }
  };
  return {
    postgres,
    azurite,
    sql,
    createDatabase: async (name, options = "") => {
      await sql("postgres", `CREATE DATABASE "${name}" ${options}`);
    },
    store: (database, extra = {}) => labStore(azurite, { DATABASE_URL: postgres.urlOf(database), ...extra }),
    async stop() {
      await Promise.all([postgres.stop(), azurite.stop()]);
    },
  };
}

/** A set of containers of its own in a blob server, and the settings that name it. */
async function labStore(azurite: LocalAzurite, given: Record<string, string>): Promise<LabStore> {
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const names = [...TIERS, "evidence"].map((kind) => `${kind}-${randomBytes(4).toString("hex")}`);
  for (const name of names) await service.createContainer(name);
  const [hourly = "", daily = "", weekly = "", monthly = "", evidence = ""] = names;
  const env = {
    BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
    BACKUP_CONTAINER_HOURLY: hourly,
    BACKUP_CONTAINER_DAILY: daily,
    BACKUP_CONTAINER_WEEKLY: weekly,
    BACKUP_CONTAINER_MONTHLY: monthly,
    BACKUP_CONTAINER_EVIDENCE: evidence,
    ENVIRONMENT: "test",
    ...given,
  };
  return {
    env,
    settings: loadSettings(env, ["database", "store"]),
    hourly: service.getContainerClient(hourly),
    daily: service.getContainerClient(daily),
    weekly: service.getContainerClient(weekly),
    monthly: service.getContainerClient(monthly),
    async blobs() {
      const found: string[] = [];
      for (const name of names) {
        const list = service.getContainerClient(name).listBlobsFlat({ includeUncommitedBlobs: true });
        for await (const blob of list) found.push(blob.name);
      }
      return found;
    },
  };
}

/** The ground production stands on: a server like Azure's with the platform's roles, and a blob server. */
export interface PlatformLab {
  server: FlexibleServer;
  azurite: LocalAzurite;
  /** A store of its own, and settings that connect as the role; default database: the application's. */
  store(role: string, database?: string, extra?: Record<string, string>): Promise<LabStore>;
  /** The same store, seen as another role. */
  as(store: LabStore, role: string, database?: string, extra?: Record<string, string>): LabStore;
  stop(): Promise<void>;
}

/** The regions whose logins the platform's server has, as in production. */
export const LOGIN_REGIONS: LoginRegions = {
  serving: { code: "weu", location: "westeurope" },
  standby: { code: "neu", location: "northeurope" },
};

export async function startPlatformLab(
  options: Pick<FlexibleServerOptions, "version" | "settings"> = {},
): Promise<PlatformLab> {
  usePrograms();
  const pool = { defaultPoolSize: 5, maxClientConnections: 50, maxPreparedStatements: 0 };
  const [server, azurite] = await Promise.all([
    startFlexibleServer({
      roles: { script: rolesScript(LOGIN_REGIONS), logins: databaseLogins(LOGIN_REGIONS) },
      parameters: serverParameters(pool, {}),
      ...options,
    }),
    startAzurite(),
  ]);
  return {
    server,
    azurite,
    store: (role, database, extra = {}) =>
      labStore(azurite, { DATABASE_URL: server.url(role, database), ...extra }),
    as(store, role, database, extra = {}) {
      const env = { ...store.env, DATABASE_URL: server.url(role, database), ...extra };
      return { ...store, env, settings: loadSettings(env, ["database", "store"]) };
    },
    async stop() {
      await Promise.all([server.stop(), azurite.stop()]);
    },
  };
}

/** Reports in a container of an emulator. */
export async function containerEvidence(
  { connectionString }: { connectionString: string },
  container: string,
): Promise<EvidenceStore> {
  return storeEvidence(await openStore({ store: { kind: "azure", connectionString } }), container);
}

export function labContext(overrides: Partial<RunContext> = {}): RunContext {
  return { progress: silent, signal: new AbortController().signal, now: () => new Date(), ...overrides };
}
