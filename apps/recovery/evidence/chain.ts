import { createHash } from "node:crypto";
import { contradictions, drillReportSchema, type DrillReport } from "../drill/report";
import { messageOf } from "../../../packages/command/errors";

/** One stored report: the name says its place in the chain, the bytes are what the next one's link covers. */
export interface StoredReport {
  name: string;
  bytes: Buffer;
}

export interface ChainProblem {
  report: string;
  problem: string;
}

export interface ChainResult {
  environment: string;
  reports: number;
  /** SHA-256 of the newest report; null when the chain is empty. Noted elsewhere, it also proves that none is missing. */
  head: string | null;
  problems: ChainProblem[];
}

export function sha256(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Name of a report's document, in the order of the chain when sorted: `drills/prod/000042.json`. */
export function documentName(environment: string, sequence: number, extension: string): string {
  return `drills/${environment}/${String(sequence).padStart(6, "0")}.${extension}`;
}

/** Reads one report. @throws Error saying what is wrong with it, on one line */
export function parseReport(bytes: Buffer): DrillReport {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Error(`is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = drillReportSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(
    `is not a drill report of version 1: ${issue?.path.join(".") || "document"}: ${issue?.message ?? ""}`,
  );
}

/**
 * Checks a chain of reports, given in order: each is a valid report of this environment, stands at the place its
 * name says, links to the bytes before it, and agrees with its own measurements.
 *
 * A chain shortened at its end is still a chain: only `expectedHead`, a digest noted when a drill printed it,
 * shows that a report is missing there.
 */
export function checkChain(
  environment: string,
  reports: readonly StoredReport[],
  expectedHead?: string,
): ChainResult {
  const problems: ChainProblem[] = [];
  let previous: string | null = null;
  let previousStart = "";
  reports.forEach(({ name, bytes }, index) => {
    const found = (problem: string) => problems.push({ report: name, problem });
    const sequence = index + 1;
    if (name !== documentName(environment, sequence, "json")) {
      found(`expected ${documentName(environment, sequence, "json")} here: a report is missing or misplaced`);
    }
    try {
      const report = parseReport(bytes);
      if (report.environment !== environment)
        found(`it speaks of ${report.environment}, not of ${environment}`);
      if (report.sequence !== sequence) found(`its sequence is ${report.sequence}, its place is ${sequence}`);
      if (report.prevReportSha256 !== previous) {
        found(
          previous === null
            ? "it is the first, yet links to a report before it"
            : "its link does not match the report before it: one of the two was changed",
        );
      }
      if (report.startedAt < previousStart) found("it starts before the report before it");
      previousStart = report.startedAt;
      contradictions(report).forEach(found);
    } catch (error) {
      found(messageOf(error));
    }
    previous = sha256(bytes);
  });
  if (expectedHead !== undefined && !reports.some(({ bytes }) => sha256(bytes) === expectedHead)) {
    problems.push({
      report: "chain",
      problem: `no report has the digest ${expectedHead}: it was removed or changed`,
    });
  }
  return { environment, reports: reports.length, head: previous, problems };
}
