import { BlobServiceClient } from "@azure/storage-blob";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { databaseLogins, type LoginRegions } from "../../../../infra/data/databaseLogins";
import { rolesScript } from "../../../../infra/data/rolesScript";
import { serverParameters } from "../../../../infra/data/serverParameters";
import { projectRoot } from "../../../../packages/command/root";
import { startAzurite } from "../../../../packages/local-servers/azurite";
import { startFlexibleServer, type FlexibleServer } from "../../../../packages/local-servers/flexibleServer";
import { usePrograms } from "../../../../packages/local-servers/postgresPrograms";
import { startS3, type LocalS3 } from "../../../../packages/local-servers/s3";
import { findProgram } from "../../../../packages/programs/postgres";
import { measure, scriptArguments, type Measured } from "../measure";

const root = projectRoot(__dirname);
const CONTAINERS = { daily: "daily", monthly: "monthly", evidence: "evidence" };
const POOL = { defaultPoolSize: 5, maxClientConnections: 50, maxPreparedStatements: 0 };
const REGIONS: LoginRegions = { serving: { code: "weu", location: "westeurope" } };
/** A server as it is run: what a restore writes must be on disk when it says done. */
const DURABLE = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "128MB",
  max_wal_size: "4GB",
};
/** Of `--scale`: pgbench's scale that is 1.2 GiB of dump, and the events that go with it. */
const EVENTS_PER_SCALE = 2_500_000 / 60;
/** Bytes of the one value of {@link Ground.loadValue}. */
export const VALUE_BYTES = 200_000_000;

/**
 * Where a backup goes: one account, or that account and a bucket of another provider, encrypted; and by how many sessions
 * large tables are read, where that is more than `pg_dump`'s.
 */
export type Way = "one target" | "two targets, encrypted" | "two targets, encrypted, two sessions";

/** The servers of a measurement, and who does what on them: nobody is superuser. */
export interface Ground {
  server: FlexibleServer;
  /** Container the usual script uploads to. */
  blobs: ReturnType<BlobServiceClient["getContainerClient"]>;
  /** For files of the usual script. */
  directory: string;
  env: NodeJS.ProcessEnv;
  /** Makes a database as Azure does and fills it as the role that owns what the application has. */
  load(database: string, scale: number): Promise<void>;
  /** Makes one whose only row holds one value of {@link VALUE_BYTES}. */
  loadValue(database: string): Promise<void>;
  drop(database: string): Promise<void>;
  backup(database: string, way: Way): Promise<Measured>;
  /** With the check of every table and every role's probe, as in production. */
  restore(id: string, database: string, way: Way): Promise<Measured>;
  stop(): Promise<void>;
}

/** A server shaped like Azure's with the platform's own roles and parameters, a blob server and an S3 server. */
export async function startGround(): Promise<Ground> {
  usePrograms();
  const directory = mkdtempSync(path.join(tmpdir(), "bench-"));
  const [server, azurite, s3] = await Promise.all([
    startFlexibleServer({
      roles: { script: rolesScript(REGIONS), logins: databaseLogins(REGIONS) },
      parameters: serverParameters(POOL, {}),
      settings: DURABLE,
    }),
    startAzurite(),
    startS3(),
  ]);
  const stop = async () => {
    await Promise.all([server.stop(), azurite.stop(), s3.stop()]);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    for (const container of Object.values(CONTAINERS)) {
      await service.createContainer(container);
      await s3.createBucket(container);
    }
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      POSTGRES_PROGRAMS: process.env.POSTGRES_PROGRAMS,
      ENVIRONMENT: "bench",
      SCRATCH_DIR: directory,
      PROBE_API_URL: await server.pooledUrl("api"),
      PROBE_MIGRATION_URL: server.url("migration"),
      PROBE_BACKUP_URL: server.url("backup"),
    };
    // The first start compiles the program, whose compiler is no process of a backup.
    await recovery(env, ["--help"]);
    const ways = waysOf(azurite.connectionString, s3, directory);
    return {
      ...{ server, directory, env, stop, blobs: service.getContainerClient(CONTAINERS.daily) },
      ...data(server, env),
      backup: (database, way) =>
        recovery({ ...env, ...ways[way], DATABASE_URL: server.url("backup", database) }, ["backup"]),
      restore: (id, database, way) =>
        recovery({ ...env, ...ways[way], DATABASE_URL: server.url(server.administrator) }, [
          ...["restore", id, "--to", database],
        ]),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function recovery(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Measured> {
  return measure(process.execPath, [...scriptArguments(root, "recovery"), ...args, "--json"], env);
}

function waysOf(
  account: string,
  s3: LocalS3,
  directory: string,
): Record<Way, Readonly<Record<string, string>>> {
  const file = (name: string, text: string) => {
    const made = path.join(directory, name);
    writeFileSync(made, text, { mode: 0o600 });
    return made;
  };
  const identity = path.join(directory, "identity");
  execFileSync("age-keygen", ["-o", identity], { stdio: "ignore" });
  const recipient = execFileSync("age-keygen", ["-y", identity], { encoding: "utf8" }).trim();
  const azure = { name: "azure", kind: "azure", connectionString: account, containers: CONTAINERS };
  const other = {
    ...{ name: "elsewhere", kind: "s3", endpoint: s3.endpoint, region: s3.region, containers: CONTAINERS },
    accessKeyIdFile: file("access-key-id", s3.credentials.accessKeyId),
    secretAccessKeyFile: file("secret-access-key", s3.credentials.secretAccessKey),
  };
  const both = {
    BACKUP_TARGETS: JSON.stringify([azure, other]),
    BACKUP_RECIPIENTS: recipient,
    BACKUP_IDENTITY_FILE: identity,
  };
  return {
    "one target": { BACKUP_TARGETS: JSON.stringify([azure]) },
    "two targets, encrypted": both,
    "two targets, encrypted, two sessions": { ...both, BACKUP_JOBS: "2" },
  };
}

function data(server: FlexibleServer, env: NodeJS.ProcessEnv): Pick<Ground, "load" | "loadValue" | "drop"> {
  // As a migration does for its own session.
  const unhurried = { ...env, PGOPTIONS: "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0" };
  const create = async (database: string) => {
    await server.createDatabase(database);
    server.makeRoles(database);
    return server.url("migration", database);
  };
  const settle = async (database: string) => {
    await server.asMicrosoft("VACUUM ANALYZE", database);
    await server.asMicrosoft("CHECKPOINT", database);
  };
  return {
    async load(database, scale) {
      const url = await create(database);
      await measure(findProgram("pgbench").path, ["-i", "-q", "-s", String(scale), url], unhurried);
      const rows = Math.round(EVENTS_PER_SCALE * scale);
      const dataset = path.join(root, "apps/rehearsal/bench/dataset.sql");
      await measure(
        findProgram("psql").path,
        ["-q", "-v", "ON_ERROR_STOP=1", "-v", `rows=${rows}`, "-f", dataset, url],
        unhurried,
      );
      await settle(database);
    },
    async loadValue(database) {
      const piece =
        "SELECT string_agg(decode(md5(g::text), 'hex'), '') AS bytes FROM generate_series(1, 62500) g";
      const statement =
        `CREATE TABLE model (id int PRIMARY KEY, shape bytea NOT NULL); ALTER TABLE model ALTER shape SET STORAGE EXTERNAL; ` +
        `INSERT INTO model SELECT 1, string_agg(bytes, '') FROM (${piece}) p, generate_series(1, ${VALUE_BYTES / 1_000_000})`;
      const url = await create(database);
      await measure(
        findProgram("psql").path,
        ["-q", "-v", "ON_ERROR_STOP=1", "-c", statement, url],
        unhurried,
      );
      await settle(database);
    },
    async drop(database) {
      // The pooler may still hold a connection of the probe.
      await server.asMicrosoft(`DROP DATABASE "${database}" WITH (FORCE)`, "postgres");
    },
  };
}
