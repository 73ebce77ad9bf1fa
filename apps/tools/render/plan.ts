import type { Plan } from "../../../packages/offline-engine/planner";
import type { PlannedResource } from "../../../packages/offline-engine/resource";
import { providerUrn, STACK_TYPE } from "../../../packages/wire/urn";
import { Tree, UNKNOWN, Value } from "../../../packages/emulated-azure/model/types";
import type { Path } from "../../../packages/wire/values";

/** Stands for a value that is known only after the update. */
export const UNKNOWN_TEXT = "[unknown]";
/** Stands for a secret value. */
export const SECRET_TEXT = "[secret]";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** One resource as a plan is written down; the shape is that of `pulumi stack export`, `options` is added. */
export interface ResourceDocument {
  urn: string;
  custom: boolean;
  type: string;
  /** Read rather than managed. */
  external?: true;
  inputs: { [key: string]: JsonValue };
  /** Of the stack only: its outputs. */
  outputs?: { [key: string]: JsonValue };
  parent?: string;
  provider?: string;
  protect: boolean;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
  options: { [key: string]: JsonValue };
}

/** A plan as it is written down, sorted so that equal plans are equal texts. */
export interface PlanDocument {
  resources: ResourceDocument[];
}

function render(value: Value, secrets: readonly Path[], depth: number): JsonValue {
  if (secrets.some((path) => path.length === depth)) return SECRET_TEXT;
  if (value === UNKNOWN) return UNKNOWN_TEXT;
  const below = (key: string | number): readonly Path[] =>
    secrets.length === 0 ? secrets : secrets.filter((path) => path[depth] === key);
  if (Array.isArray(value)) return value.map((item: Value, i) => render(item, below(i), depth + 1));
  if (typeof value !== "object" || value === null) return value as JsonValue;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .filter((key) => (value as Tree)[key] !== undefined)
      .map((key) => [key, render((value as Tree)[key] as Value, below(key), depth + 1)]),
  );
}

/** Plain JSON of a property map, with markers in place of what is unknown or secret. */
export function renderProperties(tree: Tree, secrets: readonly Path[]): { [key: string]: JsonValue } {
  return render(
    tree,
    secrets.filter((path) => path.length > 0),
    0,
  ) as { [key: string]: JsonValue };
}

function optionsOf({ options }: PlannedResource): { [key: string]: JsonValue } {
  const entries = Object.entries(options).filter(
    ([, value]) =>
      value !== undefined &&
      value !== false &&
      Object.keys(Object(value) as object).length + Number(!isObject(value)) > 0,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as { [key: string]: JsonValue };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function document(resource: PlannedResource): ResourceDocument {
  const { urn, custom, type, parent, provider, protect } = resource;
  return {
    urn,
    custom,
    type,
    ...(resource.external && { external: true as const }),
    inputs: renderProperties(resource.inputs, resource.inputSecrets),
    ...(type === STACK_TYPE && { outputs: renderProperties(resource.outputs, resource.outputSecrets) }),
    ...(parent && { parent }),
    ...(provider && { provider: `${providerUrn(provider)}::${UNKNOWN_TEXT}` }),
    protect,
    dependencies: [...resource.dependencies].sort(),
    propertyDependencies: Object.fromEntries(
      Object.entries(resource.propertyDependencies)
        .filter(([, urns]) => urns.length > 0)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, urns]) => [name, [...urns].sort()]),
    ),
    options: optionsOf(resource),
  };
}

/** The plan as a document, sorted by URN. */
export function planDocument({ deployment }: Plan): PlanDocument {
  const resources = [...deployment.resources.values()].map(document);
  return { resources: resources.sort((a, b) => (a.urn < b.urn ? -1 : 1)) };
}

/** The text of a plan file. */
export function formatDocument(plan: PlanDocument): string {
  return `${JSON.stringify(plan, null, 2)}\n`;
}
