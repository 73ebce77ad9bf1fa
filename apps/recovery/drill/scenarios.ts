import type { Client } from "pg";
import { runBackup } from "../commands/backup";
import type { RunContext } from "../context";
import { FailedError, NotRunError } from "../../../packages/command/errors";
import { quoteIdentifier, withClient } from "../postgres/connect";
import { withDatabase, type ServerConnection } from "../postgres/connection";
import { dropDatabase } from "../postgres/databases";
import type { Settings } from "../settings";
import { openStore } from "../store/open";
import type { Stages } from "../stages";
import type { CheckResult, Manifest, Tier } from "../types";
import { plantDamagedBackup, removeOwnBackups } from "./damage";
import { loadDataset } from "./dataset";
import { asRole, createDatabase, type Ground, type Left, type Lost } from "./ground";
import type { ScenarioId } from "./objectives";
import { recover, type Loss, type Recovery } from "./recover";
import { startWorkload, untilBusy, type WorkDone, type Workload } from "./workload";

/** Transactions confirmed before, and again after, the backup a scenario recovers from. */
const TRANSACTIONS = 25;
/** Orders in the made-up database of a scenario: small, because what is measured is the procedure. */
const ORDERS = 2_000;

export interface Attempt {
  ground: Ground;
  stages: Stages;
  context: RunContext;
  /** Makes names of this drill's databases unique. */
  stamp: string;
}

export type ScenarioOutcome = Recovery & { extra: CheckResult[] };

/** Why a scenario cannot be exercised on this ground; undefined when it can. */
export function obstacle(id: ScenarioId, ground: Ground): string | undefined {
  if (id === "region-loss" && !ground.geo) {
    return "no second region to recover from: neither a second target nor BACKUP_STORE_SECONDARY_URL is set";
  }
  if (id === "provider-loss" && !ground.elsewhere)
    return "no target with another provider to recover from (S3, or a folder); see docs/targets.md";
  return undefined;
}

/** Scenarios that bring back the environment's own backups; the others make up data of their own. */
export const USES_ENVIRONMENT: readonly ScenarioId[] = ["backup-only", "region-loss", "provider-loss"];

/** Each scenario causes its loss, recovers from it, and cleans up. */
export const RUN_SCENARIO: Readonly<Record<ScenarioId, (attempt: Attempt) => Promise<ScenarioOutcome>>> = {
  "backup-only": loseDatabase,
  "accidental-deletion": deleteRows,
  "corrupted-newest": corruptNewest,
  "region-loss": loseRegion,
  "provider-loss": loseProvider,
};

async function loseDatabase(attempt: Attempt): Promise<ScenarioOutcome> {
  const { ground, stages, context } = attempt;
  const { source } = ground;
  const from = source.settings;
  if (!source.expendable) return recoverBeside(attempt, from, "backup_only");
  if (ground.anotherServer) return loseServer(attempt, ground.anotherServer);
  const victim = withDatabase(ground.server, source.database);
  const { confirmedBefore, workload } = await backUpUnderWrites(attempt, from, victim);
  const loss = await stages.run("lose the database", () => drop(attempt, victim, workload));
  const recovery = await recover(
    { ...loss, confirmedBefore, from, database: source.database, target: victim, maintenance: ground.server },
    stages,
    context,
  );
  return { ...recovery, extra: [] };
}

/** The server itself and its automated backups are lost; a new one gets the content back from the hourly copies. */
async function loseServer(
  attempt: Attempt,
  anotherServer: NonNullable<Ground["anotherServer"]>,
): Promise<ScenarioOutcome> {
  const { stages } = attempt;
  const { lost, again } = await stages.run("set up a server to lose", anotherServer);
  const made = () => stages.run("make a server in its place, with roles and an empty database", again);
  return loseWhole(attempt, lost, made, "lose the server and its automated backups", "hourly");
}

async function loseRegion(attempt: Attempt): Promise<ScenarioOutcome> {
  const { ground, stages, context } = attempt;
  const { geo, source } = ground;
  if (!geo) throw new NotRunError(obstacle("region-loss", ground) ?? "no second region");
  if (!source.expendable) return recoverBeside(attempt, geo.settings, "region_loss");
  const victim = withDatabase(ground.server, source.database);
  const { confirmedBefore, workload } = await backUpUnderWrites(attempt, source.settings, victim);
  if (geo.replicate) await stages.run("replicate to the second region", geo.replicate);
  await untilBusy(workload, workload.transactions + TRANSACTIONS);
  const loss = await stages.run("lose the region", async () => {
    const lost = await drop(attempt, victim, workload);
    await geo.loseStore?.();
    return lost;
  });
  const recovery = await recover(
    {
      ...loss,
      confirmedBefore,
      from: geo.settings,
      database: source.database,
      target: victim,
      maintenance: ground.server,
    },
    stages,
    context,
  );
  return { ...recovery, extra: [] };
}

/**
 * Everything that stands with the provider is lost: servers, accounts, vaults. What is left is another provider's storage, a
 * private key that was kept on paper, and whoever starts a server somewhere.
 */
async function loseProvider(attempt: Attempt): Promise<ScenarioOutcome> {
  const { ground, stages } = attempt;
  if (!ground.elsewhere) throw new NotRunError(obstacle("provider-loss", ground) ?? "nothing is elsewhere");
  const { settings, server, lost } = await stages.run("set up another provider", ground.elsewhere);
  if (!lost) return recoverBeside({ ...attempt, ground: { ...ground, server } }, settings, "provider_loss");
  return loseWhole(attempt, lost, () => Promise.resolve({ settings, server }), "lose the provider");
}

/** Work, a backup under it, and then nothing of what it ran on is left. */
async function loseWhole(
  attempt: Attempt,
  lost: Lost,
  left: () => Promise<Left>,
  stage: string,
  tier?: Tier,
): Promise<ScenarioOutcome> {
  const { ground, stages, context } = attempt;
  const { database } = ground.source;
  const gone = { ...attempt, ground: { ...ground, server: lost.server, roles: lost.roles } };
  const { confirmedBefore, workload } = await backUpUnderWrites(
    gone,
    lost.settings,
    withDatabase(lost.server, database),
    tier,
  );
  const loss = await stages.run(stage, async () => {
    const moment = { at: context.now(), serverAt: await withClient(lost.server, clock) };
    await lost.lose();
    return { ...moment, work: await workload.stop() };
  });
  const { settings, server } = await left();
  const target = withDatabase(server, database);
  const recovery = await recover(
    { ...loss, confirmedBefore, from: settings, database, target, maintenance: server },
    stages,
    context,
  );
  return { ...recovery, extra: [] };
}

/** On a live environment nothing is lost: its newest backup is brought back beside it, as if it were needed now. */
async function recoverBeside(attempt: Attempt, from: Settings, name: string): Promise<ScenarioOutcome> {
  const { ground, stages, context, stamp } = attempt;
  const target = withDatabase(ground.server, `drill_${stamp}_${name}`);
  try {
    const loss: Loss = {
      at: context.now(),
      from,
      database: ground.source.database,
      target,
      maintenance: ground.server,
      provision: ground.provision,
    };
    return { ...(await recover(loss, stages, context)), extra: [] };
  } finally {
    await dropDatabase(ground.server, target.database);
  }
}

async function deleteRows(attempt: Attempt): Promise<ScenarioOutcome> {
  const { ground, stages, context } = attempt;
  return withOwnDatabase(attempt, "deletion", async (victim) => {
    const { confirmedBefore, workload } = await backUpUnderWrites(attempt, ground.own, victim);
    const before = await withClient(victim, countOrders);
    const at = context.now();
    const serverAt = await stages.run("delete rows by mistake", () =>
      withClient(asRole(ground, "api", victim.database), async (client) => {
        await client.query(`delete from public.orders where id <= ${ORDERS}`);
        return clock(client);
      }),
    );
    // The application goes on: what it writes from here on must survive the recovery.
    await untilBusy(workload, workload.transactions + TRANSACTIONS);
    await workload.stop();
    const after = await withClient(victim, countMarkers);
    const target = withDatabase(ground.server, `${victim.database}_back`);
    try {
      const loss: Loss = {
        at,
        serverAt,
        confirmedBefore,
        from: ground.own,
        database: victim.database,
        target,
        maintenance: ground.server,
      };
      const recovery = await recover(loss, stages, context);
      const [back, left] = await Promise.all([
        withClient(target, countOrders),
        withClient(victim, countMarkers),
      ]);
      return {
        ...recovery,
        extra: [
          compared("deleted-rows-back", `${before} deleted orders`, `${back} deleted orders`),
          compared(
            "live-database-untouched",
            `${after} markers in the live database`,
            `${left} markers in the live database`,
          ),
        ],
      };
    } finally {
      await dropDatabase(ground.server, target.database);
    }
  });
}

async function corruptNewest(attempt: Attempt): Promise<ScenarioOutcome> {
  const { ground, stages, context } = attempt;
  return withOwnDatabase(attempt, "corrupted", async (victim) => {
    const { confirmedBefore, workload, manifest } = await backUpUnderWrites(attempt, ground.own, victim);
    const store = await openStore(ground.own);
    const damaged = await stages.run("plant a damaged newest backup", async () =>
      plantDamagedBackup(store, manifest, await withClient(victim, clock)),
    );
    const loss = await stages.run("lose the database", () => drop(attempt, victim, workload));
    const recovery = await recover(
      {
        ...loss,
        confirmedBefore,
        from: ground.own,
        database: victim.database,
        target: victim,
        maintenance: ground.server,
      },
      stages,
      context,
    );
    const refused = recovery.refused.map(({ id }) => id).join(", ") || "none";
    return {
      ...recovery,
      extra: [
        compared("damaged-backup-refused", `refused: ${damaged}`, `refused: ${refused}`),
        compared("previous-backup-used", `used: ${manifest.id}`, `used: ${recovery.backup.id}`),
      ],
    };
  });
}

/** A database with made-up data, removed afterwards together with its backups. */
async function withOwnDatabase<T>(
  { ground, stages, context, stamp }: Attempt,
  name: string,
  work: (victim: ServerConnection) => Promise<T>,
): Promise<T> {
  const victim = withDatabase(ground.server, `drill_${stamp}_${name}`);
  try {
    await stages.run("set up made-up data", async () => {
      await createDatabase(ground, victim.database);
      await withClient(asRole(ground, "migration", victim.database), (client) => loadDataset(client, ORDERS));
    });
    return await work(victim);
  } finally {
    await dropDatabase(ground.server, victim.database);
    await removeOwnBackups(await openStore(ground.own), ground.own, victim.database, context);
  }
}

/** Work, a backup while it goes on, and more work that the backup cannot hold. */
async function backUpUnderWrites(
  { ground, stages, context }: Attempt,
  settings: Settings,
  victim: ServerConnection,
  tier?: Tier,
): Promise<{ manifest: Manifest; confirmedBefore: Date; workload: Workload }> {
  const workload = await startWorkload(asRole(ground, "api", victim.database));
  const server = asRole(ground, "backup", victim.database);
  try {
    await stages.run("work", () => untilBusy(workload, TRANSACTIONS));
    const confirmedBefore = workload.lastMarkerAt;
    if (!confirmedBefore) throw new FailedError("the workload confirmed nothing");
    const manifest = await stages.run("back up under writes", async () => {
      const [outcome] = await runBackup({ ...settings, server }, { ...(tier && { tier }) }, context);
      if (!outcome) throw new FailedError("the backup run had no outcome");
      if ("error" in outcome) throw outcome.error;
      return outcome.manifest;
    });
    await stages.run("work after the backup", () =>
      untilBusy(workload, workload.transactions + TRANSACTIONS),
    );
    return { manifest, confirmedBefore, workload };
  } catch (error) {
    await workload.stop();
    throw error;
  }
}

/** Drops a database under its writer, as a crash would take it away. */
async function drop(
  { ground, context }: Attempt,
  victim: ServerConnection,
  workload: Workload,
): Promise<{ at: Date; serverAt: Date; work: WorkDone }> {
  const { at, serverAt } = await withClient(ground.server, async (client) => {
    const moment = { at: context.now(), serverAt: await clock(client) };
    await client.query(`drop database ${quoteIdentifier(victim.database)} with (force)`);
    return moment;
  });
  return { at, serverAt, work: await workload.stop() };
}

async function clock(client: Client): Promise<Date> {
  const { rows } = await client.query<{ now: Date }>("select pg_catalog.clock_timestamp() as now");
  return rows[0]?.now ?? new Date(NaN);
}

async function countOrders(client: Client): Promise<number> {
  return count(client, `select count(*)::int as count from public.orders where id <= ${ORDERS}`);
}

async function countMarkers(client: Client): Promise<number> {
  return count(client, "select count(*)::int as count from drill.marker");
}

async function count(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(sql);
  return rows[0]?.count ?? 0;
}

function compared(id: string, expected: string, actual: string): CheckResult {
  return { id, level: "L6", status: expected === actual ? "PASS" : "FAIL", expected, actual };
}
