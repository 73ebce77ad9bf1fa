import { InvalidArgumentError, type Command } from "commander";
import { checkChain, parseReport, type ChainResult } from "../evidence/chain";
import {
  checkAttachments,
  folderEvidence,
  readReports,
  storeEvidence,
  type EvidenceStore,
} from "../evidence/store";
import { ExitCode, messageOf, NotRunError, UsageError } from "../../../packages/command/errors";
import { runVerb } from "../runner";
import type { Settings } from "../settings";
import { openStore } from "../store/open";

export interface EvidenceResult extends ChainResult {
  /** Where the reports were read. */
  place: string;
  verdict: "PASS" | "FAIL";
}

/**
 * The evidence container of the settings.
 * @throws NotRunError when it does not answer: found out before a drill, not when its report is to be stored
 */
export async function openEvidence(settings: Settings): Promise<EvidenceStore> {
  const name = settings.containers.evidence;
  if (!name) throw new UsageError("BACKUP_CONTAINER_EVIDENCE: missing; container of drill reports");
  const store = await openStore(settings);
  try {
    await store.requireContainer(name);
  } catch (error) {
    throw new NotRunError(messageOf(error));
  }
  return storeEvidence(store, name);
}

/**
 * Checks that no drill report of an environment was changed, removed or inserted, and the documents beside them.
 * @throws NotRunError when there is no report or they cannot be read
 */
export async function verifyEvidence(
  store: EvidenceStore,
  environment: string,
  expectedHead?: string,
): Promise<EvidenceResult> {
  const reports = await readReports(store, environment);
  if (reports.length === 0) throw new NotRunError(`no drill report of ${environment} in ${store.place}`);
  const chain = checkChain(environment, reports, expectedHead);
  for (const { name, bytes } of reports) {
    // A report that cannot be parsed is a problem of the chain already.
    const evidence = readableEvidence(bytes);
    for (const problem of await checkAttachments(store, evidence))
      chain.problems.push({ report: name, problem });
  }
  return { place: store.place, verdict: chain.problems.length === 0 ? "PASS" : "FAIL", ...chain };
}

function readableEvidence(bytes: Buffer): { name: string; sha256: string }[] {
  try {
    return parseReport(bytes).evidence;
  } catch {
    return [];
  }
}

function parseDigest(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new InvalidArgumentError("expected 64 lower-case hexadecimal digits");
  return text;
}

export function registerEvidence(program: Command): void {
  const evidence = program.command("evidence").description("work with the reports that drills leave");
  evidence
    .command("verify")
    .description("check that no drill report was changed, removed or inserted")
    .option(
      "--dir <folder>",
      "reports in a folder, as `npm run drill` leaves them, instead of the evidence container",
    )
    .option("--environment <name>", "instead of ENVIRONMENT")
    .option(
      "--head <sha256>",
      "digest a drill printed: fails when that report is gone, even from the end",
      parseDigest,
    )
    .option("--json", "print the result as one JSON document")
    .action((options: { dir?: string; environment?: string; head?: string; json?: boolean }) => {
      if (options.environment) process.env.ENVIRONMENT = options.environment;
      const needs = options.dir ? [] : (["store", "evidence"] as const);
      return runVerb("evidence", options, needs, async (settings) => {
        const store = options.dir ? folderEvidence(options.dir) : await openEvidence(settings);
        const result = await verifyEvidence(store, settings.environment, options.head);
        return {
          document: result,
          text: describe(result),
          exitCode: result.verdict === "PASS" ? ExitCode.ok : ExitCode.failed,
        };
      });
    });
}

function describe({ verdict, reports, environment, place, head, problems }: EvidenceResult): string {
  const lines = problems.map(({ report, problem }) => `  ${report}: ${problem}`);
  const summary = `${verdict}: ${reports} drill ${reports === 1 ? "report" : "reports"} of ${environment} in ${place}`;
  return [summary, ...lines, `newest: ${head ?? "none"}`, ""].join("\n");
}
