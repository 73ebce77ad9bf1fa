import { BlobServiceClient } from "@azure/storage-blob";
import { InvalidArgumentError } from "commander";
import path from "node:path";
import { DRILL_EXIT, describeDrill, operatorName, writeCopies } from "../recovery/commands/drill";
import type { RunContext } from "../recovery/context";
import { loadDataset } from "../recovery/drill/dataset";
import { ownSettings, type Ground, type GroundRoles } from "../recovery/drill/ground";
import { PLATFORM_IDS, SCENARIO_IDS, type PlatformId, type ScenarioId } from "../recovery/drill/objectives";
import { runDrill, type DrillResult } from "../recovery/drill/run";
import { EXIT_CODE_HELP, messageOf, NotRunError } from "../../packages/command/errors";
import { createCommand, runCommand } from "../../packages/command/program";
import { writableFolder } from "../recovery/evidence/store";
import { parseDurationOption } from "../recovery/parse";
import { withClient } from "../recovery/postgres/connect";
import { parseServerUrl } from "../recovery/postgres/connection";
import { verbRunner } from "../recovery/runner";
import { SETTING_HELP } from "../recovery/settingHelp";
import { loadSettings, onlyTarget } from "../recovery/settings";
import { providerGround } from "./providerGround";
import { serverGround } from "./serverGround";
import { exerciseOf } from "./laptop/exercises";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { usePrograms } from "../../packages/local-servers/postgresPrograms";
import { databaseLogins, type LoginRegions } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { serverParameters } from "../../infra/data/serverParameters";

const ENVIRONMENT = "local";
const DATABASE = "forma3d";
const CONTAINER = "daily";
const REGIONS: LoginRegions = { serving: { code: "weu", location: "westeurope" } };
const POOL = { defaultPoolSize: 5, maxClientConnections: 50, maxPreparedStatements: 0 };

interface Flags {
  out: string;
  orders: number;
  scenario?: (ScenarioId | PlatformId)[];
  rto?: number;
  rpo?: number;
  markdown?: string;
  junit?: string;
  json?: boolean;
}

/**
 * Everything the drill stands on: a database server as unkind as Azure's, with the platform's roles and its pooler, and a
 * blob server for each of two regions.
 */
interface Servers {
  postgres: FlexibleServer;
  region: LocalAzurite;
  secondRegion: LocalAzurite;
}

/**
 * Drills every scenario on servers made for it: the database and the first region's store are really lost.
 * @throws NotRunError when the servers cannot be started, saying what to install
 */
async function localDrill(flags: Flags, context: RunContext): Promise<DrillResult> {
  const evidence = writableFolder(flags.out);
  const started: { stop(): Promise<void> }[] = [];
  try {
    context.progress.stage("start PostgreSQL and two blob servers");
    const servers = await start(started);
    context.signal.throwIfAborted();
    const ground: Ground = {
      ...(await Promise.race([prepare(servers, flags.orders, context), interrupted(context.signal)])),
      anotherServer: () =>
        serverGround(started, servers.region, REGIONS, {
          environment: ENVIRONMENT,
          orders: flags.orders,
          daily: CONTAINER,
        }),
      elsewhere: () => providerGround(started, ENVIRONMENT, flags.orders),
    };
    return await runDrill(
      ground,
      evidence,
      {
        scenarios: wanted(SCENARIO_IDS, flags),
        platform: wanted(PLATFORM_IDS, flags).map(exerciseOf),
        objectives: { overall: {}, flags: { rtoSeconds: flags.rto, rpoSeconds: flags.rpo } },
        trigger: "manual",
        operator: operatorName(),
        runner: { image: "not an image", revision: "work tree" },
      },
      context,
    );
  } finally {
    await Promise.all(started.map((server) => server.stop()));
  }
}

/** Rejects when somebody interrupts: what still works at that moment ends with its servers. */
function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}

async function start(started: { stop(): Promise<void> }[]): Promise<Servers> {
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  // All are waited for even when one fails, so that every one that started is stopped.
  const [postgres, region, secondRegion] = await Promise.allSettled([
    keep(
      startFlexibleServer({
        database: DATABASE,
        roles: { script: rolesScript(REGIONS), logins: databaseLogins(REGIONS) },
        parameters: serverParameters(POOL, {}),
      }),
    ),
    keep(startAzurite({ account: "forma3dweu" })),
    keep(startAzurite({ account: "forma3dneu" })),
  ]);
  for (const outcome of [postgres, region, secondRegion]) {
    if (outcome.status === "rejected") throw new NotRunError(messageOf(outcome.reason));
  }
  return {
    postgres: (postgres as PromiseFulfilledResult<FlexibleServer>).value,
    region: (region as PromiseFulfilledResult<LocalAzurite>).value,
    secondRegion: (secondRegion as PromiseFulfilledResult<LocalAzurite>).value,
  };
}

async function prepare(servers: Servers, orders: number, context: RunContext): Promise<Ground> {
  const { postgres, region, secondRegion } = servers;
  const settings = loadSettings(
    {
      ENVIRONMENT,
      DATABASE_URL: postgres.url("backup"),
      BACKUP_STORE_CONNECTION_STRING: region.connectionString,
      BACKUP_CONTAINER_DAILY: CONTAINER,
      // A restore is done when each of them can work.
      PROBE_API_URL: await postgres.pooledUrl("api"),
      PROBE_MIGRATION_URL: postgres.url("migration"),
      PROBE_BACKUP_URL: postgres.url("backup"),
    },
    ["database", "store"],
  );
  const connection = (role: string, database?: string) => parseServerUrl(postgres.url(role, database));
  const maintenance = connection(postgres.administrator, "postgres");
  const roles: GroundRoles = {
    async createDatabase(name) {
      await postgres.createDatabase(name);
      postgres.makeRoles(name);
    },
    migration: connection("migration"),
    api: connection("api"),
    backup: connection("backup"),
  };
  const containers = [region, secondRegion].map(containerOf);
  await Promise.all(containers.map((container) => container.create()));
  context.progress.stage(`load ${orders} orders with their print jobs and shipments`);
  await withClient(roles.migration, (client) => loadDataset(client, orders));
  context.progress.done();
  return {
    scratchKind: "PostgreSQL shaped like Azure's on this machine",
    server: maintenance,
    roles,
    serverVersion: `${postgres.version}`,
    source: { settings, database: DATABASE, expendable: true },
    own: ownSettings(settings, maintenance),
    geo: {
      settings: onlyTarget(settings, {
        name: "second-region",
        store: { kind: "azure", connectionString: secondRegion.connectionString },
        containers: settings.containers,
      }),
      replicate: () => replicate(region, secondRegion),
      loseStore: () => region.stop(),
    },
  };
}

function containerOf({ connectionString }: LocalAzurite) {
  return BlobServiceClient.fromConnectionString(connectionString).getContainerClient(CONTAINER);
}

/** What geo-redundant storage does by itself, in the order it was written: archives before their manifests. */
async function replicate(from: LocalAzurite, to: LocalAzurite): Promise<void> {
  const [source, target] = [containerOf(from), containerOf(to)];
  const blobs: { name: string; writtenAt: number }[] = [];
  for await (const { name, properties } of source.listBlobsFlat()) {
    blobs.push({ name, writtenAt: properties.lastModified.getTime() });
  }
  for (const { name } of blobs.sort((one, other) => one.writtenAt - other.writtenAt)) {
    await target.getBlockBlobClient(name).uploadData(await source.getBlobClient(name).downloadToBuffer());
  }
}

function wholeNumber(minimum: number, maximum: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}`);
  };
}

const ALL: readonly (ScenarioId | PlatformId)[] = [...SCENARIO_IDS, ...PLATFORM_IDS];

function scenarioList(text: string): (ScenarioId | PlatformId)[] {
  return text.split(",").map((part) => {
    const id = ALL.find((known) => known === part.trim());
    if (!id) throw new InvalidArgumentError(`${part.trim()}: unknown; allowed: ${ALL.join(", ")}`);
    return id;
  });
}

/** Those of some kind that were asked for; all of them unless some were. */
const wanted = <Id extends string>(kind: readonly Id[], { scenario = [...ALL] }: Flags): Id[] =>
  kind.filter((id) => (scenario as readonly string[]).includes(id));

const program = createCommand(
  "drill",
  "Drills the recovery on this machine, without a cloud: starts PostgreSQL and two blob servers, loads made-up " +
    "orders, backs up under writes, loses the database, restores, compares, and measures RTO and RPO.",
  EXIT_CODE_HELP,
)
  .option("--out <folder>", "folder of the chain of reports", ".drill")
  .option("--orders <number>", "orders to load, 1000 to 10000000", wholeNumber(1_000, 10_000_000), 20_000)
  .option("--scenario <ids>", `of ${ALL.join(", ")}, separated by commas (default: all)`, scenarioList)
  .option("--rto <duration>", "longest time to recover (default: the scenario's target)", parseDurationOption)
  .option("--rpo <duration>", "longest loss of work (default: the scenario's target)", parseDurationOption)
  .option("--markdown <file>", "also write the report as Markdown")
  .option("--junit <file>", "also write the report as JUnit XML")
  .option("--json", "print the report as one JSON document")
  .action((flags: Flags) => {
    // Settings of a real environment in this shell have no say here.
    for (const name of Object.keys(SETTING_HELP)) delete process.env[name];
    process.env.ENVIRONMENT = ENVIRONMENT;
    usePrograms();
    return verbRunner()("drill", flags, [], async (_settings, context) => {
      const result = await localDrill({ ...flags, out: path.resolve(flags.out) }, context);
      writeCopies(result, flags);
      return {
        document: {
          ...result.report,
          stored: { place: result.place, name: result.name, sha256: result.digest },
        },
        text: describeDrill(result),
        exitCode: DRILL_EXIT[result.report.verdict.overall],
      };
    });
  });

export async function main(): Promise<void> {
  await runCommand(program);
}
