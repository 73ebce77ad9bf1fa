import { runRestore } from "../commands/restore";
import type { RunContext } from "../context";
import { FailedError, messageOf, NotRunError } from "../../../packages/command/errors";
import { Unreachable, withClient } from "../postgres/connect";
import type { ServerConnection } from "../postgres/connection";
import { dropDatabase } from "../postgres/databases";
import type { Provision } from "../postgres/provision";
import type { Settings } from "../settings";
import { readCatalogue } from "../store/catalogue";
import { openStore } from "../store/open";
import { instantOf } from "../store/names";
import { Stages } from "../stages";
import type { CatalogueEntry, CheckResult, RestoreResult } from "../types";
import type { Measured, UsedBackup } from "./report";
import { newestMarker } from "./workload";

/** A loss that has happened, and the way back from it. */
export interface Loss {
  /** The runner's clock when the data was gone. */
  at: Date;
  /** The database server's clock at that moment, where markers were written. */
  serverAt?: Date;
  /** Server's instant of a marker confirmed before the newest good backup began: it must come back. */
  confirmedBefore?: Date;
  /** Store and environment whose backups are used. */
  from: Settings;
  /** Database whose backups are used. */
  database: string;
  /** Server and name of the database that is restored. */
  target: ServerConnection;
  /** A database of that server that stays, to create and drop from. */
  maintenance: ServerConnection;
  /** What a throwaway server does for a database before anything is restored into it. */
  provision?: Provision | undefined;
}

export interface Recovery {
  result: RestoreResult;
  backup: UsedBackup;
  measured: Measured;
  checks: CheckResult[];
  /** Newer backups that were tried and found unusable, newest first. */
  refused: { id: string; problem: string }[];
}

/**
 * Brings the data back from the newest backup that proves usable, and measures how long it took and how much is
 * missing. The clock stops only when every table has been compared.
 * @throws FailedError when no backup taken before the loss is usable, NotRunError when the server that would tell is away
 */
export async function recover(loss: Loss, stages: Stages, context: RunContext): Promise<Recovery> {
  const store = await openStore(loss.from);
  const catalogue = await stages.run("find backups", () => readCatalogue(store, loss.from));
  const candidates = catalogue.filter(
    ({ id, database }) =>
      database === loss.database && (instantOf(id)?.getTime() ?? Infinity) <= loss.at.getTime(),
  );
  if (candidates.length === 0) {
    throw new FailedError(`there is no backup of ${loss.database} from before ${loss.at.toISOString()}`);
  }
  const refused: Recovery["refused"] = [];
  for (const entry of candidates) {
    const result = await attempt(loss, entry, stages, context);
    if ("problem" in result) {
      context.progress.note(`${entry.id} cannot be used: ${result.problem}`);
      refused.push({ id: entry.id, problem: result.problem });
      continue;
    }
    return { ...(await measure(loss, entry, result, context)), refused };
  }
  const why = refused.map(({ id, problem }) => `${id}: ${problem}`).join("; ");
  throw new FailedError(`none of ${candidates.length} backups of ${loss.database} is usable; ${why}`);
}

async function attempt(
  loss: Loss,
  entry: CatalogueEntry,
  stages: Stages,
  context: RunContext,
): Promise<RestoreResult | { problem: string }> {
  if (!entry.manifest) return { problem: entry.problem ?? "its manifest is damaged" };
  const startedAt = context.now();
  try {
    const result = await runRestore(
      { ...loss.from, server: loss.maintenance },
      { backup: { id: entry.id }, to: loss.target.database, provision: loss.provision },
      context,
    );
    stages.list.push(...result.stages);
    if (result.verdict === "PASS") return result;
    await dropDatabase(loss.maintenance, result.database);
    const wrong = result.checks.find(({ status }) => status !== "PASS");
    return { problem: wrong ? `${wrong.id}: ${wrong.actual}` : "its content was not compared" };
  } catch (error) {
    if (context.signal.aborted || !(error instanceof FailedError)) throw error;
    if (error instanceof Unreachable)
      throw new NotRunError(`whether ${entry.id} is usable was not found out: ${error.message}`);
    const seconds = (context.now().getTime() - startedAt.getTime()) / 1000;
    stages.list.push({ name: `refuse ${entry.id}`, startedAt: startedAt.toISOString(), seconds });
    return { problem: messageOf(error) };
  }
}

async function measure(
  loss: Loss,
  entry: CatalogueEntry,
  result: RestoreResult,
  context: RunContext,
): Promise<Omit<Recovery, "refused">> {
  const { manifest } = entry;
  if (!manifest) throw new FailedError(`backup ${entry.id} has no manifest`);
  const recoveredAt = context.now();
  const marker = loss.serverAt && (await withClient(loss.target, newestMarker));
  const ageSeconds = secondsFrom(new Date(manifest.snapshotAt), loss.at);
  return {
    result,
    backup: {
      id: manifest.id,
      container: manifest.archive.container,
      blob: manifest.archive.blob,
      tier: manifest.tier,
      sha256: manifest.sha256,
      storedBytes: manifest.storedBytes,
      snapshotAt: manifest.snapshotAt,
      ageSeconds,
      lsn: manifest.server.lsn,
      serverVersion: manifest.server.version,
      systemIdentifier: manifest.server.systemIdentifier,
    },
    measured: {
      rtoSeconds: secondsFrom(loss.at, recoveredAt),
      rpoSeconds: loss.serverAt && marker ? secondsFrom(marker, loss.serverAt) : ageSeconds,
      rpoMethod: marker ? "marker" : "snapshot",
      lossAt: loss.at.toISOString(),
      markerAt: marker ? marker.toISOString() : null,
    },
    checks: [...result.checks, ...markerCheck(loss, marker ?? undefined)],
  };
}

/** What was confirmed before the backup began must be in it, whatever the clocks say. */
function markerCheck(loss: Loss, found: Date | undefined): CheckResult[] {
  const expected = loss.confirmedBefore;
  if (!expected) return [];
  return [
    {
      id: "confirmed-work",
      level: "L6",
      status: found && found >= expected ? "PASS" : "FAIL",
      expected: `a marker of ${expected.toISOString()} or later`,
      actual: found ? `the newest is of ${found.toISOString()}` : "no marker came back",
    },
  ];
}

function secondsFrom(earlier: Date, later: Date): number {
  return Math.max(0, (later.getTime() - earlier.getTime()) / 1000);
}
