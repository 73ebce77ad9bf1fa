import type { Command } from "commander";
import { ExitCode, CommandError } from "../../../packages/command/errors";
import type { BackupOutcome } from "../options";
import { parseTierOption } from "../parse";
import { formatBytes } from "../progress";
import { redact } from "../redact";
import type { RunVerb } from "../runner";
import type { Manifest, Tier } from "../types";
import { runBackup } from "./backup";

export function registerBackup(program: Command, runVerb: RunVerb): void {
  program
    .command("backup")
    .description("back databases up, each in one consistent snapshot, with fingerprints of every table")
    .option("--database <name...>", "databases to back up (default: the one DATABASE_URL names)")
    .option("--all", "every database of the server, templates and Azure's own excluded")
    .option(
      "--tier <tier>",
      "hourly, daily, weekly or monthly: which container and how long it is kept",
      parseTierOption,
      "daily",
    )
    .option("--json", "print the manifest; an array with --all or several databases")
    .action((options: { database?: string[]; all?: boolean; tier: Tier; json?: boolean }) => {
      return runVerb("backup", options, ["database", "store", options.tier], async (settings, context) => {
        const request = { databases: options.database, all: options.all, tier: options.tier };
        const outcomes = await runBackup(settings, request, context);
        const several = options.all === true || (options.database?.length ?? 0) > 1;
        const [first] = outcomes;
        if (!several && first && "error" in first) throw first.error;
        const documents = outcomes.map((one) => ("error" in one ? failureOf(one) : documentOf(one)));
        for (const one of outcomes) if ("error" in one) context.progress.note(`error: ${one.error.message}`);
        return {
          document: several ? documents : documents[0],
          text: outcomes.map(describe).join(""),
          problem: problemOf(outcomes),
          exitCode: worst(outcomes),
        };
      });
    });
}

/** What a webhook is told: databases that failed, and targets that were left out. */
function problemOf(outcomes: BackupOutcome[]): string | undefined {
  const problems = outcomes.flatMap((one) =>
    "error" in one
      ? [one.error.message]
      : one.outages.map(
          ({ target, error }) => `${one.manifest.id} is not in target ${target}: ${error.message}`,
        ),
  );
  return problems.length > 0 ? problems.join("; ") : undefined;
}

function failureOf({ database, error }: { database: string; error: Error }) {
  const exitCode = error instanceof CommandError ? error.exitCode : ExitCode.failed;
  return { database, error: { kind: error.name, message: redact(error.message), exitCode } };
}

/** The manifest, and what became of each target. */
function documentOf({ manifest, targets, outages }: Extract<BackupOutcome, { manifest: Manifest }>) {
  const failed = outages.map(({ target, error }) => ({ name: target, error: redact(error.message) }));
  return { ...manifest, targets: [...targets.map((name) => ({ name })), ...failed] };
}

/** A failure outweighs a lease held elsewhere, which outweighs success. */
function worst(outcomes: BackupOutcome[]): ExitCode {
  const codes = outcomes.map((one) => ("error" in one ? failureOf(one).error.exitCode : ExitCode.ok));
  const order = [ExitCode.failed, ExitCode.usage, ExitCode.notRun, ExitCode.leaseHeld];
  return order.find((code) => codes.includes(code)) ?? ExitCode.ok;
}

function describe(outcome: BackupOutcome): string {
  if ("error" in outcome) return `FAILED ${outcome.database}: ${redact(outcome.error.message)}\n`;
  const { outages } = outcome;
  const { id, tables, rawBytes, storedBytes, seconds } = outcome.manifest;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const size = `${formatBytes(rawBytes)} stored as ${formatBytes(storedBytes)}`;
  const missing = outages.map(
    ({ target, error }) => `  not in ${target}: ${redact(error.message)}; copy brings it there later\n`,
  );
  return `${id}: ${tables.length} tables, ${rows} rows, ${size}, ${seconds.toFixed(1)} s; not verified yet\n${missing.join("")}`;
}
