import { InvalidArgumentError, type Command } from "commander";
import { checkChain, parseReport, type ChainResult } from "../evidence/chain";
import { replicatedEvidence, type ReplicatedEvidence } from "../evidence/replicated";
import {
  checkAttachments,
  folderEvidence,
  readIfThere,
  readReports,
  storeEvidence,
  type EvidenceStore,
} from "../evidence/store";
import { ExitCode, messageOf, NotRunError, UsageError } from "../../../packages/command/errors";
import type { RunVerb } from "../runner";
import type { Settings } from "../settings";
import { askAll, openTargets } from "../store/fleet";

export interface EvidenceResult extends ChainResult {
  /** Where the reports were read. */
  place: string;
  verdict: "PASS" | "FAIL";
  /** Of several places, how many of the reports each holds; the next drill brings what one lacks. */
  replicas?: { place: string; reports: number }[];
}

/**
 * The evidence containers of all targets that answer, as one.
 * @param note told of those that do not
 * @throws NotRunError when none answers: found out before a drill, not when its report is to be stored
 */
export async function openEvidence(
  settings: Settings,
  note: (message: string) => void = () => undefined,
): Promise<ReplicatedEvidence> {
  const places = (await openTargets(settings)).filter((place) => place.settings.containers.evidence);
  if (places.length === 0)
    throw new UsageError("BACKUP_CONTAINER_EVIDENCE: missing; container of drill reports");
  let answers: Awaited<ReturnType<typeof askAll<EvidenceStore>>>["answers"];
  try {
    const asked = await askAll(places, async ({ name, store, settings: own }) => {
      const container = own.containers.evidence ?? "";
      await store.requireContainer(container);
      const evidence = storeEvidence(store, container);
      return places.length > 1 ? { ...evidence, place: `${evidence.place} in ${name}` } : evidence;
    });
    for (const { target, error } of asked.outages)
      note(`target ${target} gets no evidence now: ${error.message}`);
    answers = asked.answers;
  } catch (error) {
    throw new NotRunError(messageOf(error));
  }
  const [first, ...others] = answers.map(({ answer }) => answer);
  if (!first) throw new NotRunError("no target answers");
  return replicatedEvidence([first, ...others]);
}

/**
 * Checks that no drill report of an environment was changed, removed or inserted, and the documents beside them.
 * @throws NotRunError when there is no report or they cannot be read
 */
export async function verifyEvidence(
  store: EvidenceStore | ReplicatedEvidence,
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
  const replicas = "replicas" in store ? store.replicas : [];
  const held: { place: string; reports: number }[] = [];
  for (const replica of replicas.length > 1 ? replicas : []) {
    let count = 0;
    for (const { name, bytes } of reports) {
      const own = await readIfThere(replica, name);
      if (!own) continue;
      count += 1;
      if (!own.equals(bytes))
        chain.problems.push({ report: name, problem: `it is another one in ${replica.place}` });
    }
    held.push({ place: replica.place, reports: count });
  }
  return {
    place: store.place,
    verdict: chain.problems.length === 0 ? "PASS" : "FAIL",
    ...chain,
    ...(held.length > 0 && { replicas: held }),
  };
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

export function registerEvidence(program: Command, runVerb: RunVerb): void {
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
      const needs = options.dir ? [] : (["store", "evidence"] as const);
      return runVerb("evidence", options, needs, async (settings, context) => {
        const store = options.dir
          ? folderEvidence(options.dir)
          : await openEvidence(settings, context.progress.note);
        const result = await verifyEvidence(store, settings.environment, options.head);
        return {
          document: result,
          text: describe(result),
          exitCode: result.verdict === "PASS" ? ExitCode.ok : ExitCode.failed,
        };
      });
    });
}

function describe(result: EvidenceResult): string {
  const { verdict, reports, environment, place, head, problems, replicas = [] } = result;
  const lines = problems.map(({ report, problem }) => `  ${report}: ${problem}`);
  const summary = `${verdict}: ${reports} drill ${reports === 1 ? "report" : "reports"} of ${environment} in ${place}`;
  const held = replicas.map((one) => `  ${one.place}: ${one.reports} of ${reports}`);
  return [summary, ...lines, ...held, `newest: ${head ?? "none"}`, ""].join("\n");
}
