import { Model } from "../../packages/emulated-azure/model/types";
import type { JournalEntry } from "../../packages/emulated-azure/provider/front";
import { nameOf } from "../../packages/wire/urn";
import { Run, Step } from "./engine";

/** A rehearsal that did not go as promised. */
export class Broken extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Broken";
  }
}

/** Operations that destroy the resource or put another in its place. */
const LOSING = new Set(["delete", "replace", "create-replacement", "delete-replaced", "discard-replaced"]);

/** `update azure-native:dbforpostgresql:Server forma3d-prod-database-primary`. */
export function line({ op, type, name }: Pick<Step, "op" | "type" | "name">): string {
  return `${op} ${type} ${name}`;
}

/** Providers and components are bookkeeping of the engine: nothing in a cloud changes with them. */
function real({ type }: Step): boolean {
  return !type.startsWith("pulumi:") && !type.startsWith("forma3d:");
}

/** The steps that touch something in a cloud. */
export function cloudSteps(run: Run): readonly Step[] {
  return run.steps.filter(real);
}

/** What policies said that stops a command, each of its resource where it is of one. */
const forbade = ({ policies }: Run): string[] =>
  policies
    .filter(({ enforcementLevel }) => enforcementLevel === "mandatory")
    .map(({ policyName, message, resourceUrn }) =>
      [resourceUrn && nameOf(resourceUrn), policyName, message.trim()].filter(Boolean).join(": "),
    );

export function succeeded(run: Run): void {
  if (run.ok) return;
  const reasons = [...run.diagnostics.filter((text) => text.startsWith("error")), ...forbade(run)];
  throw new Broken(`pulumi ${run.command} failed:\n${reasons.join("\n") || run.output}`);
}

/**
 * The command failed, nothing in a cloud was touched, and what it said matches.
 * @param reason What the reader must be told.
 */
export function refused(run: Run, reason: RegExp): void {
  if (run.ok) throw new Broken(`pulumi ${run.command} succeeded; it should have been stopped (${reason})`);
  const said = [
    ...run.diagnostics,
    ...run.policies.map(({ policyName, message }) => `${policyName}: ${message}`),
    run.output,
  ].join("\n");
  if (!reason.test(said))
    throw new Broken(`pulumi ${run.command} was stopped, but did not say ${reason}:\n${said}`);
}

/** What any change of a stack file brings with it: the copy of the file that the daily readiness check reads. */
const copiesStackFile = ({ op, type, name }: Step): boolean =>
  op === "update" && type === "kubernetes:core/v1:ConfigMap" && name.endsWith("-readiness-platform");

/** Exactly these operations, in any order; beside some, the copy of the stack file may change. A trailing `*` stands for any rest of a line, and must match something. */
export function operations(run: Run, expected: readonly string[]): void {
  succeeded(run);
  const steps = cloudSteps(run);
  const found = steps.map(line);
  const matches = (pattern: string, text: string): boolean =>
    pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
  const surplus = steps
    .filter((step) => expected.length === 0 || !copiesStackFile(step))
    .map(line)
    .filter((text) => !expected.some((pattern) => matches(pattern, text)));
  const lacking = expected.filter((pattern) => !found.some((text) => matches(pattern, text)));
  if (surplus.length + lacking.length > 0) {
    throw new Broken(
      [
        `pulumi ${run.command} did not do exactly what was asked`,
        ...surplus.map((text) => `  not asked for: ${text}`),
        ...lacking.map((text) => `  missing: ${text}`),
      ].join("\n"),
    );
  }
}

export function noChange(run: Run): void {
  operations(run, []);
}

/** Nothing that holds data is deleted or replaced. */
export function dataKept(model: Model, run: Run): void {
  const lost = run.steps.filter((step) => LOSING.has(step.op) && holdsData(model, step.type));
  if (lost.length > 0) {
    throw new Broken(
      `pulumi ${run.command} would lose data:\n${lost.map((step) => `  ${line(step)}`).join("\n")}`,
    );
  }
}

/** The same of what a cloud saw. */
export function dataKeptIn(
  model: Model,
  changes: readonly Pick<JournalEntry, "operation" | "type" | "name">[],
): void {
  const lost = changes.filter(({ operation, type }) => operation === "delete" && holdsData(model, type));
  if (lost.length > 0)
    throw new Broken(
      `data was lost:\n${lost.map(({ type, name }) => `  delete ${type} ${name}`).join("\n")}`,
    );
}

export function holdsData(model: Model, type: string): boolean {
  return !type.startsWith("pulumi:") && !type.startsWith("forma3d:") && model.resource(type).holdsData;
}

/** Fails with a message unless the condition holds. */
export function ensure(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}

/** `up: 3 create, 1 update`, `up: no change`, `preview: stopped`. */
export function summary(run: Run): string {
  const counts = new Map<string, number>();
  for (const { op } of cloudSteps(run)) counts.set(op, (counts.get(op) ?? 0) + 1);
  const changes = [...counts].map(([op, count]) => `${count} ${op}`).join(", ");
  const end = run.ok ? "" : changes ? ", stopped" : "stopped";
  return `${run.command}: ${changes || (run.ok ? "no change" : "")}${end}`;
}
