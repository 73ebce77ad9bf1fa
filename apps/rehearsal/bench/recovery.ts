/**
 * Measures backup and restore against what the recovery replaces: `pg_dump | gzip`, uploaded with the same client,
 * and `gunzip | psql`. Real servers, nobody superuser, alternating runs, medians.
 */
import { availableParallelism } from "node:os";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { projectRoot } from "../../../packages/command/root";
import { createCommand, runCommand } from "../../../packages/command/program";
import { wholeNumber, wholeNumbers, type Measured } from "./measure";
import { startGround, VALUE_BYTES, type Ground, type Way } from "./recovery/ground";
import { isMet, renderTable, type Row } from "./recovery/table";
import { usualBackup, usualRestore } from "./recovery/usual";

const MIB = 1024 * 1024;
const ONE: Way = "one target";
const TWO: Way = "two targets, encrypted";
const SEVERAL: Way = "two targets, encrypted, two sessions";
/** MiB of memory that no process may pass. */
const PEAK = { most: 200 };

interface Options {
  scale: number[];
  runs: number;
  sizes: number[];
  value: boolean;
  results?: string;
}

/** A part of the measurement that is done as a whole, and its name among the results. */
interface Part {
  name: string;
  measure(ground: Ground, say: (line: string) => void): Promise<Row[]>;
}

interface Backup {
  id: string;
  rawBytes: number;
  storedBytes: number;
}

const manifestOf = ({ stdout }: Measured) => JSON.parse(stdout) as Backup;
const gib = (bytes: number) => `${(bytes / 1024 / MIB).toFixed(2)} GiB`;
const mib = (bytes: number) => bytes / MIB;

/** Backup to one target and to two, and the usual script, in turn; then restores in turn. */
async function compare(
  ground: Ground,
  scale: number,
  runs: number,
  say: (line: string) => void,
): Promise<Row[]> {
  say(`loading pgbench at scale ${scale} and its events`);
  await ground.load("app", scale);
  const seconds = { one: [] as number[], two: [] as number[], usual: [] as number[] };
  const stored = { ours: [] as number[], usual: [] as number[] };
  const restored = { one: [] as number[], usual: [] as number[] };
  const peaks = { one: 0, two: 0, several: 0, restore: 0 };
  let last: Backup | undefined;
  // The first run warms the caches.
  for (let run = 0; run <= runs; run += 1) {
    const one = await ground.backup("app", ONE);
    const two = await ground.backup("app", TWO);
    const usual = await usualBackup(ground, "app", `usual-${run}.sql.gz`);
    last = manifestOf(one);
    peaks.one = Math.max(peaks.one, one.peakBytes);
    peaks.two = Math.max(peaks.two, two.peakBytes);
    say(
      `backup run ${run}: ${one.seconds.toFixed(1)} s, to two targets and encrypted ${two.seconds.toFixed(1)} s, the script ${usual.seconds.toFixed(1)} s`,
    );
    if (run === 0) continue;
    seconds.one.push(one.seconds);
    seconds.two.push(two.seconds);
    seconds.usual.push(usual.seconds);
    stored.ours.push(mib(last.storedBytes));
    stored.usual.push(mib(usual.bytes));
  }
  peaks.several = (await ground.backup("app", SEVERAL)).peakBytes;
  for (let run = 1; last && run <= runs; run += 1) {
    const ours = await ground.restore(last.id, `ours_${run}`, ONE);
    await ground.drop(`ours_${run}`);
    const usual = await usualRestore(ground, "usual-1.sql.gz", `usual_${run}`);
    say(`restore run ${run}: ${ours.seconds.toFixed(1)} s, the script ${usual.toFixed(1)} s`);
    restored.one.push(ours.seconds);
    restored.usual.push(usual);
    peaks.restore = Math.max(peaks.restore, ours.peakBytes);
  }
  await ground.drop("app");
  const data = gib(last?.rawBytes ?? 0);
  const script = (values: number[]) => ({ name: "the script", values });
  const timed = (what: string, ours: number[], other: Row["other"], limit: Row["limit"]): Row => ({
    ...{ data, what, unit: "s", ours, other, limit },
  });
  return [
    timed("backup, with fingerprints", seconds.one, script(seconds.usual), { least: 2.3 }),
    timed(
      "backup to two targets, encrypted",
      seconds.two,
      { name: ONE, values: seconds.one },
      { most: 1.15 },
    ),
    ...[{ data, what: "stored archive", unit: "MiB" as const, ours: stored.ours }].map((row) => ({
      ...row,
      other: script(stored.usual),
      limit: { most: 0.85 },
    })),
    timed("restore, with its check", restored.one, script(restored.usual), { least: 1.15 }),
    largest(data, "backup", peaks.one),
    largest(data, "backup to two targets, encrypted", peaks.two),
    largest(data, "the same by two sessions", peaks.several),
    largest(data, "restore", peaks.restore),
  ];
}

const largest = (data: string, what: string, bytes: number): Row => ({
  ...{ data, what: `${what}: largest process`, unit: "MiB", ours: [mib(bytes)], limit: PEAK },
});

/** The largest process of a backup of more data. */
async function size(ground: Ground, scale: number, say: (line: string) => void): Promise<Row[]> {
  await ground.load("size", scale);
  const ours = await ground.backup("size", TWO);
  const several = await ground.backup("size", SEVERAL);
  await ground.drop("size");
  const data = gib(manifestOf(ours).rawBytes);
  for (const [way, { seconds, peakBytes, peakProcess }] of Object.entries({
    [TWO]: ours,
    [SEVERAL]: several,
  }))
    say(
      `backup of ${data}, ${way}: ${seconds.toFixed(1)} s, ${mib(peakBytes).toFixed(0)} MiB in ${peakProcess}`,
    );
  return [
    largest(data, "backup to two targets, encrypted", ours.peakBytes),
    largest(data, "the same by two sessions", several.peakBytes),
  ];
}

/** The largest process of a backup and a restore of one row with one large value. */
async function value(ground: Ground, say: (line: string) => void): Promise<Row[]> {
  await ground.loadValue("large");
  const saved = await ground.backup("large", TWO);
  const restored = await ground.restore(manifestOf(saved).id, "large_again", TWO);
  for (const database of ["large", "large_again"]) await ground.drop(database);
  const data = `${VALUE_BYTES / 1_000_000} MB in one row`;
  for (const [verb, { peakBytes, peakProcess }] of Object.entries({ saved, restored }))
    say(`${data}, ${verb}: ${mib(peakBytes).toFixed(0)} MiB in ${peakProcess}`);
  return [
    largest(data, "backup to two targets, encrypted", saved.peakBytes),
    largest(data, "restore", restored.peakBytes),
  ];
}

function partsOf(options: Options): Part[] {
  const { scale: scales, runs, sizes } = options;
  return [
    ...(runs > 0 ? scales : []).map((scale) => ({
      name: `scale ${scale}, ${runs} runs`,
      measure: (ground: Ground, say: (line: string) => void) => compare(ground, scale, runs, say),
    })),
    ...(options.value ? [{ name: "value", measure: value }] : []),
    ...sizes.map((scale) => ({
      name: `size ${scale}`,
      measure: (ground: Ground, say: (line: string) => void) => size(ground, scale, say),
    })),
  ];
}

/** Results of parts that were measured before, by the parts' names. */
function readResults(file: string | undefined): Map<string, Row[]> {
  if (file === undefined || !existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line) as [string, Row[]]));
}

async function measureAll(options: Options): Promise<void> {
  process.chdir(projectRoot(__dirname));
  const say = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  const results = readResults(options.results);
  const left = partsOf(options).filter(({ name }) => !results.has(name));
  if (left.length > 0) {
    const ground = await startGround();
    try {
      for (const part of left) {
        const rows = await part.measure(ground, say);
        results.set(part.name, rows);
        if (options.results !== undefined)
          appendFileSync(options.results, `${JSON.stringify([part.name, rows])}\n`);
      }
    } finally {
      await ground.stop();
    }
  }
  const rows = [...results.values()].flat();
  const missed = rows.filter((row) => !isMet(row));
  process.stdout.write(
    `${availableParallelism()} processors, ${options.runs} runs, nobody superuser\n\n${renderTable(rows)}\n\n` +
      (missed.length > 0 ? `${missed.length} of ${rows.length} targets missed\n` : "every target met\n"),
  );
  if (missed.length > 0) process.exitCode = 1;
}

export async function main(): Promise<void> {
  const about =
    "Measures backup and restore against pg_dump, gzip and psql, on real servers, in alternating runs.";
  await runCommand(
    createCommand("bench recovery", about, { 0: "every target met", 1: "one missed, or not measured" })
      .option(
        "--scale <list>",
        "pgbench scales to compare at; events grow with them (60: 1.2 GiB)",
        list,
        [60, 5],
      )
      .option("--runs <n>", "measured runs of each kind; 0 leaves the comparison out", wholeNumber(0), 5)
      .option("--sizes <list>", "further scales to measure memory at, or none", list, [205])
      .option("--no-value", `leave out the row with a value of ${VALUE_BYTES / 1_000_000} MB`)
      .option(
        "--results <file>",
        "keep each part's results in this file; a part that is in it is not measured again",
      )
      .action(measureAll),
  );
}

const list = (text: string): number[] => (text === "none" ? [] : wholeNumbers(text));
