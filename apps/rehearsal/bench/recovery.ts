/**
 * Measures backup and restore against what the recovery replaces: `pg_dump | gzip`, uploaded with the same client,
 * and `gunzip | psql`. Real servers, alternating runs, medians.
 */
import { BlobServiceClient } from "@azure/storage-blob";
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { Client } from "pg";
import { findProgram } from "../../../packages/programs/postgres";
import { startAzurite, type LocalAzurite } from "../../../packages/local-servers/azurite";
import { startPostgres, type LocalPostgres } from "../../../packages/local-servers/postgres";
import { productionPrograms, usePrograms } from "../../../packages/local-servers/postgresPrograms";
import { projectRoot } from "../../../packages/command/root";
import { createCommand, runCommand } from "../../../packages/command/program";
import { measure, median, scriptArguments, wholeNumber, wholeNumbers, type Measured } from "./measure";

const root = projectRoot(__dirname);
const FULL_SCALE = 60;
const FULL_EVENTS = 2_500_000;
const MIB = 1024 * 1024;

/** A server as it is run: what a restore writes must be on disk when it says done. As superuser, as the usual script is. */
const DURABLE = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "128MB",
  max_wal_size: "4GB",
};

interface Bench {
  postgres: LocalPostgres;
  azurite: LocalAzurite;
  directory: string;
  env: NodeJS.ProcessEnv;
}

interface Options {
  scale: number;
  runs: number;
  sizes: number[];
  json?: boolean;
}

interface Row {
  what: string;
  ours: number[];
  naive: number[];
  target: string;
  unit: string;
}

async function load(bench: Bench, database: string, scale: number): Promise<void> {
  await sql(bench, "postgres", `CREATE DATABASE ${database}`);
  const url = bench.postgres.urlOf(database);
  await measure(findProgram("pgbench").path, ["-i", "-q", "-s", String(scale), url], bench.env);
  const rows = Math.round((FULL_EVENTS * scale) / FULL_SCALE);
  const dataset = path.join(root, "apps/rehearsal/bench/dataset.sql");
  await measure(
    findProgram("psql").path,
    ["-q", "-v", "ON_ERROR_STOP=1", "-v", `rows=${rows}`, "-f", dataset, url],
    bench.env,
  );
  await sql(bench, database, "VACUUM ANALYZE");
  await sql(bench, database, "CHECKPOINT");
}

async function sql(bench: Bench, database: string, text: string): Promise<void> {
  const client = new Client({ connectionString: bench.postgres.urlOf(database) });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

function recovery(bench: Bench, database: string, args: string[]): Promise<Measured> {
  const env = { ...bench.env, DATABASE_URL: bench.postgres.urlOf(database) };
  return measure(process.execPath, [...scriptArguments(root, "recovery"), ...args, "--json"], env);
}

/** `pg_dump | gzip`, streamed to the same blob server with the client's own upload. */
async function naiveBackup(
  bench: Bench,
  database: string,
  name: string,
): Promise<{ seconds: number; bytes: number }> {
  const started = process.hrtime.bigint();
  const command = `"$0" "$1" | gzip`;
  const dump = spawn(
    "/bin/sh",
    ["-c", command, findProgram("pg_dump").path, bench.postgres.urlOf(database)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const service = BlobServiceClient.fromConnectionString(bench.azurite.connectionString);
  const blob = service.getContainerClient("daily").getBlockBlobClient(name);
  await blob.uploadStream(dump.stdout, 8 * MIB, 5);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  return { seconds, bytes: (await blob.getProperties()).contentLength ?? 0 };
}

async function naiveRestore(bench: Bench, archive: string, database: string): Promise<number> {
  await sql(bench, "postgres", `CREATE DATABASE ${database}`);
  const command = `gunzip -c "$1" | "$0" -q -v ON_ERROR_STOP=1 "$2" >/dev/null`;
  const { seconds } = await measure(
    "/bin/sh",
    ["-c", command, findProgram("psql").path, archive, bench.postgres.urlOf(database)],
    bench.env,
  );
  await sql(bench, "postgres", `DROP DATABASE ${database}`);
  return seconds;
}

async function compare(bench: Bench, options: Options, say: (line: string) => void): Promise<Row[]> {
  const backup: Row = { what: "backup, with fingerprints", ours: [], naive: [], target: ">= 2.3", unit: "s" };
  const size: Row = { what: "stored archive", ours: [], naive: [], target: "<= 0.85", unit: "MiB" };
  const restore: Row = { what: "restore, with its check", ours: [], naive: [], target: ">= 1.15", unit: "s" };
  const archive = path.join(bench.directory, "naive.sql.gz");
  let id = "";
  for (let run = 0; run <= options.runs; run += 1) {
    const ours = await recovery(bench, "app", ["backup"]);
    const naive = await naiveBackup(bench, "app", `naive-${run}.sql.gz`);
    const manifest = JSON.parse(ours.stdout) as { id: string; storedBytes: number };
    id = manifest.id;
    say(`backup run ${run}: ${ours.seconds.toFixed(1)} s against ${naive.seconds.toFixed(1)} s`);
    // The first run warms the caches.
    if (run === 0) continue;
    backup.ours.push(ours.seconds);
    backup.naive.push(naive.seconds);
    size.ours.push(manifest.storedBytes / MIB);
    size.naive.push(naive.bytes / MIB);
  }
  const service = BlobServiceClient.fromConnectionString(bench.azurite.connectionString);
  const stored = await service.getContainerClient("daily").getBlobClient("naive-1.sql.gz").download();
  if (stored.readableStreamBody) await pipeline(stored.readableStreamBody, createWriteStream(archive));
  say(`naive archive downloaded: ${(statSync(archive).size / MIB).toFixed(1)} MiB`);
  for (let run = 1; run <= options.runs; run += 1) {
    const ours = await recovery(bench, "app", ["restore", id, "--to", `ours_${run}`]);
    await sql(bench, "postgres", `DROP DATABASE ours_${run}`);
    const naive = await naiveRestore(bench, archive, `naive_${run}`);
    say(`restore run ${run}: ${ours.seconds.toFixed(1)} s against ${naive.toFixed(1)} s`);
    restore.ours.push(ours.seconds);
    restore.naive.push(naive);
  }
  return [backup, size, restore];
}

async function memory(bench: Bench, scales: number[], say: (line: string) => void): Promise<string[]> {
  const lines: string[] = [];
  for (const scale of scales) {
    const database = `size_${scale}`;
    await load(bench, database, scale);
    const ours = await recovery(bench, database, ["backup"]);
    const { rawBytes } = JSON.parse(ours.stdout) as { rawBytes: number };
    const gib = (rawBytes / 1024 / MIB).toFixed(2);
    const peak = (ours.peakBytes / MIB).toFixed(0);
    lines.push(`| ${gib} GiB | ${ours.seconds.toFixed(1)} s | ${peak} MiB (${ours.peakProcess}) |`);
    say(
      `backup of ${gib} GiB: ${ours.seconds.toFixed(1)} s, largest process ${peak} MiB (${ours.peakProcess})`,
    );
    await sql(bench, "postgres", `DROP DATABASE ${database}`);
  }
  return lines;
}

function markdown(rows: Row[], sizes: string[]): string {
  const cell = (values: number[], unit: string) =>
    `${median(values).toFixed(1)} ${unit} (${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`;
  const lines = rows.map(({ what, ours, naive, target, unit }) => {
    const ratio = unit === "s" ? median(naive) / median(ours) : median(ours) / median(naive);
    return `| ${what} | ${cell(ours, unit)} | ${cell(naive, unit)} | ${ratio.toFixed(2)} | ${target} |`;
  });
  const compared =
    rows.length > 0
      ? ["| | recovery | pg_dump, gzip, psql | ratio | target |", "|---|---|---|---|---|", ...lines]
      : [];
  const memoryTable =
    sizes.length > 0 ? ["", "| dump | backup | largest process |", "|---|---|---|", ...sizes] : [];
  return [...compared, ...memoryTable].join("\n");
}

async function measureAll(options: Options): Promise<void> {
  process.chdir(root);
  usePrograms();
  const say = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  const directory = mkdtempSync(path.join(tmpdir(), "bench-"));
  const [postgres, azurite] = await Promise.all([
    startPostgres({ programs: productionPrograms(), settings: DURABLE }),
    startAzurite(),
  ]);
  try {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    for (const container of ["daily", "monthly", "evidence"]) await service.createContainer(container);
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      POSTGRES_PROGRAMS: process.env.POSTGRES_PROGRAMS,
      BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
      BACKUP_CONTAINER_DAILY: "daily",
      BACKUP_CONTAINER_MONTHLY: "monthly",
      BACKUP_CONTAINER_EVIDENCE: "evidence",
      ENVIRONMENT: "bench",
      SCRATCH_DIR: directory,
    };
    const bench: Bench = { postgres, azurite, directory, env };
    let rows: Row[] = [];
    if (options.runs > 0) {
      say(`loading pgbench at scale ${options.scale} and its events`);
      await load(bench, "app", options.scale);
      rows = await compare(bench, options, say);
    }
    const sizes = await memory(bench, options.sizes, say);
    process.stdout.write(
      `PostgreSQL ${postgres.version}, ${availableParallelism()} processors, scale ${options.scale}, ${options.runs} runs\n\n` +
        `${markdown(rows, sizes)}\n`,
    );
  } finally {
    await Promise.all([postgres.stop(), azurite.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function main(): Promise<void> {
  const about =
    "Measures backup and restore against pg_dump, gzip and psql, on real servers, in alternating runs.";
  await runCommand(
    createCommand("bench recovery", about, { 0: "measured", 1: "not measured" })
      .option("--scale <n>", "pgbench scale; events grow with it", wholeNumber(1), FULL_SCALE)
      .option("--runs <n>", "measured runs of each kind; 0 leaves the comparison out", wholeNumber(0), 5)
      .option(
        "--sizes <list>",
        "scales to measure memory at, separated by commas; none: not measured",
        scales,
        [5, 60, 205],
      )
      .action(measureAll),
  );
}

const scales = (text: string): number[] => (text === "none" ? [] : wholeNumbers(text));
