import fs from "node:fs";
import path from "node:path";
import { catalogue } from "../../../policies/pack/catalogue";
import { toSarif } from "../../../policies/pack/sarif";
import { UsageError } from "../../../packages/offline-engine/config";
import type { PlanCommand } from "./planCommand";
import type { Plan } from "../../../packages/offline-engine/planner";
import { diffPlans, renderDiff } from "../render/diff";
import { renderMermaid } from "../render/mermaid";
import { formatDocument, PlanDocument, planDocument } from "../render/plan";
import { renderProblems, renderReport } from "../render/report";

/** Replaces a file as a whole or not at all. */
export function replaceFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    fs.writeFileSync(draft, text);
    fs.renameSync(draft, file);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw new UsageError(
      `${file}: cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Reads a plan written by `--json`. @throws UsageError when it is not one. */
export function readPlan(file: string): PlanDocument {
  let document: unknown;
  try {
    document = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`--diff ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const resources = (document as Partial<PlanDocument> | null)?.resources;
  const isPlan =
    Array.isArray(resources) && resources.every((r) => typeof r?.urn === "string" && r.inputs && r.options);
  if (!isPlan) throw new UsageError(`--diff ${file}: is no plan; allowed: a file written by --json`);
  return document as PlanDocument;
}

/** Whether the whole program was planned. */
function isComplete({ deployment }: Plan): boolean {
  return deployment.diagnostics.every((d) => d.severity !== "error");
}

/** Whether a plan is fine: no error, and nothing a policy forbids. */
export function succeeded(plan: Plan): boolean {
  return isComplete(plan) && plan.violations.every((v) => v.level !== "mandatory");
}

/** The earlier plan of a stack to compare with, if the user named one. */
export function earlierPlan(command: PlanCommand, stack: string): PlanDocument | undefined {
  return command.diff === undefined ? undefined : readPlan(fileOf(command.diff, stack));
}

function fileOf(pattern: string, stack: string): string {
  return pattern.replaceAll("{stack}", stack);
}

/**
 * Writes what was asked for and gives the text to print with the exit code. Only a plan that succeeded is written, except
 * as SARIF, which exists to carry failures.
 */
export function finish(
  plan: Plan,
  command: PlanCommand,
  earlier: PlanDocument | undefined,
): { text: string; code: number } {
  const { stack } = plan.settings;
  const name = (pattern: string): string => fileOf(pattern, stack);
  const document = planDocument(plan);
  const fine = succeeded(plan);
  const lines = [command.quiet ? renderProblems(plan) : renderReport(plan)];
  if (command.sarif && typeof plan.pack !== "string") {
    const judged = { stack, version: plan.pack.version, findings: plan.violations };
    replaceFile(name(command.sarif), `${JSON.stringify(toSarif([judged], catalogue()), null, 2)}\n`);
  }
  if (fine && command.json) replaceFile(name(command.json), formatDocument(document));
  if (fine && command.mermaid) {
    replaceFile(name(command.mermaid), renderMermaid([...plan.deployment.resources.values()], plan.model));
  }
  if (!fine && (command.json || command.mermaid)) {
    lines.push("The plan failed: no file was written.");
  }
  let lost = 0;
  if (earlier && !isComplete(plan)) lines.push("The plan is not complete: it was not compared.");
  if (earlier && isComplete(plan)) {
    const changes = diffPlans(earlier, document, plan.model);
    lost = changes.filter((change) => change.danger !== "").length;
    lines.push(`\nCompared with ${name(command.diff as string)}: ${renderDiff(changes)}`);
  }
  if (plan.refused) return { text: lines.join("\n").trim(), code: 2 };
  return { text: lines.filter((line) => line !== "").join("\n"), code: fine && lost === 0 ? 0 : 1 };
}
