import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
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

/**
 * The ground production stands on: a server like Azure's, on which nobody is superuser, with the platform's roles made by
 * the platform's script, TLS on every connection and PgBouncer in front; and a blob server.
 */
export interface PlatformLab {
  server: FlexibleServer;
  azurite: LocalAzurite;
  /** Connection strings of the roles a restore tries, that of `api` through PgBouncer. */
  probes: Readonly<Record<string, string>>;
  /** Makes a database as Azure's resource manager does, or with options as the administrator, and the roles' rights in it. */
  createDatabase(name: string, options?: string): Promise<void>;
  /** Asks as `migration`, who owns what the application has; in the database `postgres` as the administrator. */
  sql<T extends object = Record<string, unknown>>(database: string, text: string): Promise<T[]>;
  /** A store of its own, and settings that connect as the role; default database: the application's. */
  store(role: string, database?: string, extra?: Record<string, string>): Promise<LabStore>;
  /** The same store, seen as another role; default database: the store's. */
  as(store: LabStore, role: string, database?: string, extra?: Record<string, string>): LabStore;
  /** The same store, seen as who restores: the administrator, who tries the platform's roles before it says done. */
  restoring(store: LabStore, extra?: Record<string, string>): LabStore;
  stop(): Promise<void>;
}

/** The regions whose logins the platform's server has, as in production. */
export const LOGIN_REGIONS: LoginRegions = {
  serving: { code: "weu", location: "westeurope" },
  standby: { code: "neu", location: "northeurope" },
};

type ServerOptions = Pick<FlexibleServerOptions, "version" | "settings">;

/** The server alone, with the platform's roles and parameters. */
export function startPlatformServer(options: ServerOptions = {}): Promise<FlexibleServer> {
  usePrograms();
  const pool = { defaultPoolSize: 5, maxClientConnections: 50, maxPreparedStatements: 0 };
  return startFlexibleServer({
    roles: { script: rolesScript(LOGIN_REGIONS), logins: databaseLogins(LOGIN_REGIONS) },
    parameters: serverParameters(pool, {}),
    ...options,
  });
}

export async function startPlatformLab(options: ServerOptions = {}): Promise<PlatformLab> {
  const starting = startPlatformServer(options);
  const [server, azurite, pooled] = await Promise.all([
    starting,
    startAzurite(),
    starting.then((started) => started.pooledUrl("api")),
  ]);
  const { administrator } = server;
  const probes = {
    PROBE_API_URL: pooled,
    PROBE_MIGRATION_URL: server.url("migration"),
    PROBE_BACKUP_URL: server.url("backup"),
  };
  const as: PlatformLab["as"] = (store, role, database = store.settings.server?.database, extra = {}) => {
    const env = { ...store.env, DATABASE_URL: server.url(role, database), ...extra };
    return { ...store, env, settings: loadSettings(env, ["database", "store"]) };
  };
  return {
    server,
    azurite,
    probes,
    as,
    async createDatabase(name, how) {
      if (how === undefined) await server.createDatabase(name);
      else await server.sql(administrator, `CREATE DATABASE "${name}" ${how}`, "postgres");
      server.makeRoles(name);
    },
    sql: (database, text) =>
      server.sql(database === "postgres" ? administrator : "migration", text, database),
    store: (role, database, extra = {}) =>
      labStore(azurite, { DATABASE_URL: server.url(role, database), ...extra }),
    restoring: (store, extra = {}) => as(store, administrator, undefined, { ...probes, ...extra }),
    async stop() {
      await Promise.all([server.stop(), azurite.stop()]);
    },
  };
}

const everyKind = readFileSync(path.join(__dirname, "everyKind.sql"), "utf8");

/** Makes a database with every kind of object, of some of which row-level security hides rows. */
export async function createEveryKind(lab: PlatformLab, database: string): Promise<void> {
  await lab.createDatabase(database);
  await lab.sql("postgres", "alter role backup bypassrls");
  await lab.sql(database, everyKind);
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
