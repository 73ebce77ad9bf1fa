import type { Command } from "commander";
import { loadAssertions } from "../assertions";
import type { RunContext } from "../context";
import { ExitCode, UsageError } from "../../../packages/command/errors";
import { LEVELS } from "../ladder";
import type { BackupSelector, VerifyOptions } from "../options";
import { parseDurationOption, parseLevelOption } from "../parse";
import { describeCopy, proveCopies, type CopyProof } from "../proveCopies";
import { table, type RunVerb } from "../runner";
import type { Settings } from "../settings";
import { isUnproved } from "../store/catalogue";
import { bestOf, openTargets, readFleet } from "../store/fleet";
import type { Level, VerifyReport } from "../types";
import { DEFAULT_TIMEOUT_SECONDS, runVerify } from "./verify";

interface VerifyFlags {
  latest?: boolean;
  unproved?: boolean;
  randomWithin?: number;
  database?: string;
  target?: string;
  through: Level;
  assertions?: string;
  timeout?: number;
  json?: boolean;
}

function selectorOf(id: string | undefined, flags: VerifyFlags): BackupSelector {
  const chosen = [id, flags.latest, flags.randomWithin, flags.unproved].filter(
    (value) => value !== undefined,
  );
  if (chosen.length !== 1)
    throw new UsageError("name one backup: an id, --latest or --random-within <duration>; or --unproved");
  if (id !== undefined) return { id };
  const { database } = flags;
  return flags.latest
    ? { latest: true, database }
    : { randomWithinSeconds: flags.randomWithin ?? 0, database };
}

export function registerVerify(program: Command, runVerb: RunVerb): void {
  program
    .command("verify")
    .description(
      "prove a backup: digest, full read, restore into a scratch server, every table's content, amcheck",
    )
    .argument("[id]", "the backup; see list")
    .option("--latest", "the newest backup")
    .option(
      "--random-within <duration>",
      "a random backup that is at most this old, such as 7d",
      parseDurationOption,
    )
    .option(
      "--unproved",
      "every backup that nobody has verified yet, the newest first, as far as the time allowed goes",
    )
    .option("--database <name>", "choose among backups of this database")
    .option("--target <name>", "prove only this target's copy (default: all that hold it)")
    .option(
      "--through <level>",
      `last level to check: ${LEVELS.join(", ")}; verified means L4`,
      parseLevelOption,
      "L6",
    )
    .option(
      "--assertions <file>",
      "YAML or JSON list of { id, sql } asked at level L6 (default VERIFY_ASSERTIONS)",
    )
    .option("--timeout <duration>", "time allowed (default 2h)", parseDurationOption)
    .option("--json", "print the report as one JSON document; an array with --unproved")
    .action((id: string | undefined, flags: VerifyFlags) =>
      runVerb("verify", flags, ["store"], async (settings, context) => {
        const file = flags.assertions ?? settings.assertionsFile;
        const options = {
          target: flags.target,
          through: flags.through,
          assertions: file ? loadAssertions(file) : [],
        };
        const backup = selectorOf(id, flags);
        const seconds = flags.timeout ?? DEFAULT_TIMEOUT_SECONDS;
        if (!flags.unproved) {
          const one = await prove(settings, { ...options, backup, timeoutSeconds: seconds }, context);
          return { document: documentOf(one), text: describe(one), exitCode: exitCodeOf(one) };
        }
        const proofs = await proveUnproved(
          settings,
          { ...options, database: flags.database },
          seconds,
          context,
        );
        const text = proofs.length === 0 ? "every backup is proved\n" : proofs.map(describe).join("");
        return { document: proofs.map(documentOf), text, exitCode: worst(proofs.map(exitCodeOf)) };
      }),
    );
}

/** A report, and what it says of further copies. */
interface Proof {
  report: VerifyReport;
  copies: CopyProof[];
}

async function prove(settings: Settings, options: VerifyOptions, context: RunContext): Promise<Proof> {
  const report = await runVerify(settings, options, context);
  return { report, copies: options.target ? [] : await proveCopies(settings, report, context) };
}

/**
 * Proves what nobody has proved, one after another, so that none is believed only because another one is good. Ends early
 * at one that could not be checked: the next could not be either.
 * @param seconds none begins after these, and none may take longer than what is left of them
 */
async function proveUnproved(
  settings: Settings,
  { database, ...options }: Omit<VerifyOptions, "backup"> & { database?: string },
  seconds: number,
  context: RunContext,
): Promise<Proof[]> {
  const proofs: Proof[] = [];
  const end = context.now().getTime() + seconds * 1000;
  const tried = new Set<string>();
  for (;;) {
    const id = await nextUnproved(settings, options.target, database, tried);
    const left = (end - context.now().getTime()) / 1000;
    if (id === undefined) return proofs;
    if (left <= 0) {
      context.progress.note(`the time allowed is over; ${id} and perhaps others are left for the next run`);
      return proofs;
    }
    tried.add(id);
    const proof = await prove(settings, { ...options, backup: { id }, timeoutSeconds: left }, context);
    proofs.push(proof);
    if (proof.report.verdict === "NOT_RUN" || proof.report.verdict === "TIMED_OUT") return proofs;
  }
}

/** The newest backup of which no target holds a proved copy and one holds a copy that nobody has tried. */
async function nextUnproved(
  settings: Settings,
  target: string | undefined,
  database: string | undefined,
  tried: ReadonlySet<string>,
): Promise<string | undefined> {
  const { backups } = await readFleet(await openTargets(settings, target));
  return backups.find(
    (backup) =>
      !tried.has(backup.id) &&
      (database === undefined || backup.database === database) &&
      isUnproved(bestOf(backup).entry),
  )?.id;
}

function exitCodeOf({ report, copies }: Proof): ExitCode {
  const codes = {
    PASS: ExitCode.ok,
    FAIL: ExitCode.failed,
    NOT_RUN: ExitCode.notRun,
    TIMED_OUT: ExitCode.notRun,
  };
  return copies.some(({ verdict }) => verdict === "FAIL") ? ExitCode.failed : codes[report.verdict];
}

const worst = (codes: readonly ExitCode[]) =>
  codes.includes(ExitCode.failed)
    ? ExitCode.failed
    : (codes.find((code) => code !== ExitCode.ok) ?? ExitCode.ok);

const documentOf = ({ report, copies }: Proof) => (copies.length > 0 ? { ...report, copies } : report);

function describe({ report, copies }: Proof): string {
  const rows = report.checks.map((check) => [check.level, check.id, check.status, check.actual]);
  const levels = table(["LEVEL", "CHECK", "STATUS", "FOUND"], rows);
  return `${levels}${report.id}: ${report.verdict}\n${copies.map(describeCopy).join("")}`;
}
