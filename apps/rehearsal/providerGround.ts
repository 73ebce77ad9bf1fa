import { BlobServiceClient } from "@azure/storage-blob";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { databaseLogins, type LoginRegions } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { messageOf, NotRunError } from "../../packages/command/errors";
import { startAzurite } from "../../packages/local-servers/azurite";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { usePrograms } from "../../packages/local-servers/postgresPrograms";
import { startS3, type LocalS3 } from "../../packages/local-servers/s3";
import { loadDataset } from "../recovery/drill/dataset";
import type { Elsewhere } from "../recovery/drill/ground";
import { withClient } from "../recovery/postgres/connect";
import { parseServerUrl } from "../recovery/postgres/connection";
import { forTarget, loadSettings } from "../recovery/settings";

const CONTAINER = "daily";
const BUCKET = "forma3d-backups";
const REGIONS: LoginRegions = {
  serving: { code: "weu", location: "westeurope" },
  standby: { code: "neu", location: "northeurope" },
};

/** Something that ends with the drill. */
type Started = { stop(): Promise<void> }[];

/**
 * Azure as it is for this scenario, and what is left without it: a database server without superuser with the platform's
 * roles and two storage accounts; an S3 server; a fresh database server on which the roles were made; and of two pairs of
 * keys the one that was kept on paper. The application, what backs up and whoever restores log in as they do in production.
 * @param started gets everything that must be stopped when the drill ends
 * @throws NotRunError naming a program that is not installed
 */
export async function providerGround(
  started: Started,
  environment: string,
  orders: number,
): Promise<Elsewhere> {
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  usePrograms();
  const roles = { script: rolesScript(REGIONS), logins: databaseLogins(REGIONS) };
  const folder = await mkdtemp(path.join(tmpdir(), "provider-"));
  started.push({ stop: () => rm(folder, { recursive: true, force: true }) });
  // All are waited for even when one fails, so that every one that started is stopped.
  const all = await Promise.allSettled([
    keep(startFlexibleServer({ roles })),
    keep(startFlexibleServer({ roles })),
    keep(startAzurite({ account: "forma3dgoneweu" })),
    keep(startAzurite({ account: "forma3dgoneneu" })),
    keep(startS3()),
  ]);
  for (const outcome of all)
    if (outcome.status === "rejected") throw new NotRunError(messageOf(outcome.reason));
  const [database, fresh, west, north, s3] = all.map((outcome) =>
    outcome.status === "fulfilled" ? outcome.value : undefined,
  ) as [FlexibleServer, FlexibleServer, Account, Account, LocalS3];
  for (const { connectionString } of [west, north])
    await BlobServiceClient.fromConnectionString(connectionString).createContainer(CONTAINER);
  await s3.createBucket(BUCKET);
  const cluster = await keyPair(folder, "cluster");
  const paper = await keyPair(folder, "paper");
  const common = {
    ENVIRONMENT: environment,
    BACKUP_TARGETS: JSON.stringify([
      ...[west, north].map(({ account, connectionString }) => ({
        name: account,
        kind: "azure",
        connectionString,
        containers: { daily: CONTAINER },
      })),
      await s3Entry(s3, folder),
    ]),
    BACKUP_RECIPIENTS: `${cluster.recipient},${paper.recipient}`,
  };
  const before = loadSettings({ ...common, DATABASE_URL: database.url("backup") }, ["database", "store"]);
  const after = loadSettings(
    {
      ...common,
      DATABASE_URL: fresh.url(fresh.administrator),
      BACKUP_IDENTITY_FILE: paper.file,
      PROBE_API_URL: fresh.url("api"),
      PROBE_MIGRATION_URL: fresh.url("migration"),
      PROBE_BACKUP_URL: fresh.url("backup"),
    },
    ["database", "store"],
  );
  const [, , s3Target] = after.targets;
  if (!s3Target) throw new Error("no target with another provider");
  await withClient(parseServerUrl(database.url("migration")), (client) => loadDataset(client, orders));
  return {
    settings: { ...forTarget(after, s3Target.name), targets: [s3Target] },
    server: parseServerUrl(fresh.url(fresh.administrator, "postgres")),
    lost: {
      settings: before,
      server: parseServerUrl(database.url(database.administrator, "postgres")),
      roles: {
        createDatabase: database.createDatabase.bind(database),
        migration: parseServerUrl(database.url("migration")),
        api: parseServerUrl(database.url("api")),
        backup: parseServerUrl(database.url("backup")),
      },
      lose: async () => {
        await Promise.all([database.stop(), west.stop(), north.stop()]);
      },
    },
  };
}

type Account = Awaited<ReturnType<typeof startAzurite>>;

async function s3Entry({ endpoint, region, credentials }: LocalS3, folder: string): Promise<object> {
  const write = async (name: string, text: string) => {
    const file = path.join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  return {
    name: "elsewhere",
    kind: "s3",
    endpoint,
    region,
    objectLock: "compliance",
    accessKeyIdFile: await write("access-key-id", credentials.accessKeyId),
    secretAccessKeyFile: await write("secret-access-key", credentials.secretAccessKey),
    containers: { daily: BUCKET },
  };
}

async function keyPair(folder: string, name: string): Promise<{ recipient: string; file: string }> {
  const file = path.join(folder, `${name}.txt`);
  try {
    await promisify(execFile)("age-keygen", ["-o", file]);
    const { stdout } = await promisify(execFile)("age-keygen", ["-y", file]);
    return { recipient: stdout.trim(), file };
  } catch (error) {
    throw new NotRunError(`age-keygen: ${messageOf(error)}`);
  }
}
