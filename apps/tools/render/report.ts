import { styleText } from "node:util";
import type { Diagnostic } from "../../../packages/offline-engine/resource";
import { nameOf } from "../../../packages/wire/urn";
import type { Plan } from "../../../packages/offline-engine/planner";
import { JsonValue, renderProperties } from "./plan";
import { renderCounts, renderTree } from "./tree";
import { isStack } from "./names";
import { renderFindings } from "./findings";

function heading(text: string): string {
  return `\n${styleText("bold", text)}`;
}

function leaves(value: JsonValue, at: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => leaves(item, `${at}[${i}]`));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => leaves(item, at === "" ? key : `${at}.${key}`));
  }
  return [`  ${at}: ${String(value)}`];
}

function outputs({ deployment }: Plan): string[] {
  const stack = [...deployment.resources.values()].find(isStack);
  const lines = stack ? leaves(renderProperties(stack.outputs, stack.outputSecrets), "") : [];
  return lines.length > 0 ? [heading("Outputs"), ...lines] : [];
}

function policies(plan: Plan, columns: number): string[] {
  const { pack } = plan;
  if (typeof pack === "string") return [heading("Policies"), `  ${pack}`];
  const mandatory = plan.violations.filter((v) => v.level === "mandatory").length;
  const advisory = plan.violations.length - mandatory;
  return [
    heading(`Policies: ${pack.name} ${pack.version}, ${pack.policies} checked`),
    plan.violations.length === 0 ? "  no violation" : `  ${mandatory} mandatory, ${advisory} advisory`,
    ...renderFindings(plan.violations, columns, "  "),
  ];
}

const MARKS: Readonly<Record<Diagnostic["severity"], string>> = {
  error: styleText("red", "error:"),
  warning: styleText("yellow", "warning:"),
  info: "info:",
};

function diagnostic({ severity, urn, message }: Diagnostic): string {
  const name = nameOf(urn);
  return `  ${MARKS[severity]} ${name && `${name}: `}${message.replaceAll("\n", "\n    ")}`;
}

function diagnostics({ deployment }: Plan): string[] {
  const lines = deployment.diagnostics.map(diagnostic);
  return lines.length > 0 ? [heading("Messages"), ...lines] : [];
}

/** What is wrong with a plan, and nothing else; empty when all is well. */
export function renderProblems(plan: Plan, columns: number): string {
  const errors = plan.deployment.diagnostics.filter((d) => d.severity === "error");
  const forbidden = plan.violations.filter((v) => v.level === "mandatory");
  const unchecked = typeof plan.pack === "string" && plan.pack.startsWith("NOT CHECKED");
  return [
    ...(unchecked ? [`${plan.settings.stack}: policies ${plan.pack as string}`] : []),
    ...(forbidden.length > 0 ? renderFindings(forbidden, columns, "  ") : []),
    ...errors.map(diagnostic),
  ].join("\n");
}

/** Everything there is to say about a plan: the tree, outputs, findings and messages. */
export function renderReport(plan: Plan, columns: number): string {
  const resources = [...plan.deployment.resources.values()];
  const { settings, model } = plan;
  return [
    styleText("bold", `Plan of ${settings.project}/${settings.stack}, made without a cloud`),
    renderTree(resources, model, columns),
    heading(`${resources.length} resources`),
    renderCounts(resources),
    ...outputs(plan),
    ...policies(plan, columns),
    ...diagnostics(plan),
  ].join("\n");
}
