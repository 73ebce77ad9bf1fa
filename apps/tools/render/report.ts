import { styleText } from "node:util";
import type { Diagnostic } from "../../../packages/offline-engine/resource";
import { nameOf } from "../../../packages/wire/urn";
import type { Plan } from "../../../packages/offline-engine/planner";
import { JsonValue, renderProperties } from "./plan";
import { renderCounts, renderTree } from "./tree";
import { isStack } from "./names";
import type { Violation } from "../../../packages/offline-engine/policies";

const RANK: Readonly<Record<Violation["level"], number>> = { mandatory: 0, advisory: 1 };

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

/** What the policies found, worst first; each message once, with the resources it is about. */
export function renderViolations(violations: readonly Violation[]): string[] {
  const byText = new Map<string, { violation: Violation; names: string[] }>();
  for (const violation of violations) {
    const key = [violation.level, violation.policy, violation.message].join("\0");
    const entry = byText.get(key) ?? { violation, names: [] };
    const name = nameOf(violation.urn);
    if (name !== "") entry.names.push(name);
    byText.set(key, entry);
  }
  return [...byText.values()]
    .sort((a, b) => RANK[a.violation.level] - RANK[b.violation.level])
    .map(({ violation: { level, policy, message }, names }) => {
      const mark = level === "mandatory" ? styleText("red", "mandatory") : styleText("yellow", "advisory ");
      const shown =
        names.length > 4 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : names.join(", ");
      const [first = "", ...rest] = message.split("\n");
      return [
        `  ${mark} ${policy}${shown && `  ${shown}`}`,
        ...[first, ...rest].map((line) => `    ${line}`),
      ].join("\n");
    });
}

function policies(plan: Plan): string[] {
  const { pack } = plan;
  if (typeof pack === "string") return [heading("Policies"), `  ${pack}`];
  const mandatory = plan.violations.filter((v) => v.level === "mandatory").length;
  const advisory = plan.violations.length - mandatory;
  return [
    heading(`Policies: ${pack.name} ${pack.version}, ${pack.policies} checked`),
    plan.violations.length === 0 ? "  no violation" : `  ${mandatory} mandatory, ${advisory} advisory`,
    ...renderViolations(plan.violations),
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
export function renderProblems(plan: Plan): string {
  const errors = plan.deployment.diagnostics.filter((d) => d.severity === "error");
  const forbidden = plan.violations.filter((v) => v.level === "mandatory");
  const unchecked = typeof plan.pack === "string" && plan.pack.startsWith("NOT CHECKED");
  return [
    ...(unchecked ? [`${plan.settings.stack}: policies ${plan.pack as string}`] : []),
    ...(forbidden.length > 0 ? renderViolations(forbidden) : []),
    ...errors.map(diagnostic),
  ].join("\n");
}

/** Everything there is to say about a plan. */
export function renderReport(plan: Plan): string {
  if (plan.refused) return renderProblems(plan);
  const resources = [...plan.deployment.resources.values()];
  const { settings, model } = plan;
  return [
    styleText("bold", `Plan of ${settings.project}/${settings.stack}, made without a cloud`),
    renderTree(resources, model),
    heading(`${resources.length} resources`),
    renderCounts(resources),
    ...outputs(plan),
    ...policies(plan),
    ...diagnostics(plan),
  ].join("\n");
}
