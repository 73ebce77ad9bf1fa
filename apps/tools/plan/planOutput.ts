import fs from "node:fs";
import path from "node:path";
import { catalogue } from "../../../policies/pack/catalogue";
import { toSarif } from "../../../policies/pack/sarif";
import { UsageError } from "../../../packages/command/errors";
import { projectRoot } from "../../../packages/command/root";
import { writeFile } from "../../../packages/command/files";
import type { PlanCommand } from "./planCommand";
import type { Plan } from "../../../packages/offline-engine/planner";
import { estimate, type Estimate } from "../cost/price";
import { readPrices, UnknownPrice } from "../cost/table";
import type { ResourceChange } from "../render/change";
import { diffPlans, renderDiff } from "../render/diff";
import { renderMermaid } from "../render/mermaid";
import { formatDocument, PlanDocument, planDocument } from "../render/plan";
import { renderProblems, renderReport } from "../render/report";
import { indented } from "../../../packages/command/terminal";
import { renderPage } from "../page/planPage";
import { outcomeOf, renderVerdict, type Outcome } from "../render/verdict";

/** Reads a plan written by `--save`. @throws UsageError when it is not one. */
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
  if (!isPlan) throw new UsageError(`--diff ${file}: is no plan; allowed: a file written by --save`);
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

/** An earlier plan, and the name of its file. */
export interface Earlier {
  readonly file: string;
  readonly plan: PlanDocument;
}

/** Where the plan a stack is expected to have is kept. */
const EXPECTED = "test/expected/{stack}.json";

/** The earlier plan of a stack to compare with: the one the user named, or for a verdict the expected one. */
export function earlierPlan(command: PlanCommand, stack: string, root: string): Earlier | undefined {
  if (command.diff !== undefined) {
    const file = fileOf(command.diff, stack);
    return { file, plan: readPlan(file) };
  }
  const file = fileOf(
    command.project === undefined ? EXPECTED : EXPECTED.replace("{stack}", `${command.project}/{stack}`),
    stack,
  );
  const isVerdict = (!command.quiet && !command.full) || command.html !== undefined;
  return isVerdict && fs.existsSync(path.join(root, file))
    ? { file, plan: readPlan(path.join(root, file)) }
    : undefined;
}

function fileOf(pattern: string, stack: string): string {
  return pattern.replaceAll("{stack}", stack);
}

function costOf(document: PlanDocument): Estimate | string {
  try {
    return estimate(document.resources, readPrices());
  } catch (error) {
    if (error instanceof UnknownPrice) return `unknown: ${error.message}`;
    throw error;
  }
}

/** What to print for a plan, and how it ends. */
export interface Finished {
  readonly text: string;
  readonly outcome: Outcome;
}

/**
 * Writes what was asked for and gives the text to print. Only a plan that succeeded is written, except as SARIF and as a
 * page, which exist to show failures too.
 */
export function finish(
  plan: Plan,
  command: PlanCommand,
  earlier: Earlier | undefined,
  columns: number,
): Finished {
  const document = planDocument(plan);
  const list = earlier && isComplete(plan) ? diffPlans(earlier.plan, document, plan.model) : [];
  const outcome = outcomeOf(plan, list);
  writeAsked(plan, document, command);
  if (command.html) {
    const changes = earlier &&
      isComplete(plan) && { against: earlier.file, list, cost: costOf(earlier.plan) };
    const page = { cost: costOf(document), outcome, ...(changes && { changes }) };
    writeFile(fileOf(command.html, plan.settings.stack), renderPage(plan, page));
  }
  const lines = [...shown(plan, command, earlier, list, columns), ...left(plan, command, earlier)];
  if (earlier && command.diff !== undefined && isComplete(plan)) {
    lines.push(`\nCompared with ${earlier.file}: ${renderDiff(list, command.quiet ? Infinity : columns)}`);
  }
  if (!command.quiet) lines.push("", ...indented(outcome.sentence, columns, ""));
  return { text: lines.filter((line, i) => line !== "" || i > 0).join("\n"), outcome };
}

/** Writes the files that programs read. */
function writeAsked(
  plan: Plan,
  document: PlanDocument,
  { sarif, save, mermaid, project = "." }: PlanCommand,
): void {
  const { stack } = plan.settings;
  if (sarif && typeof plan.pack !== "string") {
    const file = path.join(projectRoot(__dirname), project, `Pulumi.${stack}.yaml`);
    const stackFile = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
    const judged = { stack, version: plan.pack.version, findings: plan.violations, stackFile };
    writeFile(fileOf(sarif, stack), `${JSON.stringify(toSarif([judged], catalogue()), null, 2)}\n`);
  }
  if (!succeeded(plan)) return;
  if (save) writeFile(fileOf(save, stack), formatDocument(document));
  if (mermaid) {
    writeFile(fileOf(mermaid, stack), renderMermaid([...plan.deployment.resources.values()], plan.model));
  }
}

/** What was asked for and not done. */
function left(plan: Plan, { save, mermaid }: PlanCommand, earlier: Earlier | undefined): string[] {
  return [
    ...(!succeeded(plan) && (save || mermaid) ? ["The plan failed: no file was written."] : []),
    ...(earlier && !isComplete(plan) ? ["The plan is not complete: it was not compared."] : []),
  ];
}

function shown(
  plan: Plan,
  command: PlanCommand,
  earlier: Earlier | undefined,
  list: readonly ResourceChange[],
  columns: number,
): string[] {
  if (command.quiet) return [renderProblems(plan, columns)].filter((text) => text !== "");
  if (command.full) return [renderReport(plan, columns)];
  const changes =
    earlier && isComplete(plan)
      ? { against: earlier.file, list, told: command.diff !== undefined }
      : undefined;
  return [renderVerdict(plan, { cost: costOf(planDocument(plan)), columns, ...(changes && { changes }) })];
}
