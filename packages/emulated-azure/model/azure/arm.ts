import azureFacts from "../../facts/azure.json";
import type { FactResource, Facts } from "../../facts/types";
import { guid, hash } from "../cloud";
import { isTree, parsePath, stringAt, withoutKey, withValue } from "../paths";
import { carriedOver, withoutEmpty } from "../refresh";
import { refuseSecond } from "./onlyOne";
import { regionName, REGIONS } from "./regionPairs";
import { Shapes } from "../shapes";
import { CloudError, Failure, Made, ResourceModel, Scope, Stored, Tree, Value } from "../types";

export const FACTS = azureFacts as unknown as Facts;
export const SHAPES = new Shapes(FACTS);

/** What a table of this folder says about one type beyond the vendor's facts. */
export interface ArmDefinition {
  /**
   * ARM id with the names of inputs in braces, e.g. `…/storageAccounts/{accountName}`. Ids of resources in a resource
   * group are written from the provider namespace on; ids that extend another resource start with its input.
   */
  readonly id: string;
  /** Inputs besides those of the id whose change replaces the resource. `location` is always one. */
  readonly immutable?: readonly string[];
  /** Inputs the service requires though the SDK does not. */
  readonly required?: readonly string[];
  readonly holdsData?: boolean;
  /** How a name is made up when none is given; `suffix` unless said otherwise. */
  readonly auto?: "suffix" | "guid" | "never";
  readonly secretOutputs?: readonly string[];
  readonly writeOnly?: readonly string[];
  readonly globalName?: string;
  readonly softDelete?: boolean;
  readonly mayComeLater?: boolean;
  /** Where it may stand, of what has a location: in no region, or in one or none; in a region unless said otherwise. */
  readonly stands?: "globally" | "anywhere";
  /** The resource itself or an ancestor, by its id up to the parameter named, does one thing at a time. */
  readonly serialisedUpTo?: string;
  readonly check?: (inputs: Tree) => readonly Failure[];
  readonly keptOnUpdate?: readonly string[];
  readonly refusedUpdate?: ResourceModel["refusedUpdate"];
  readonly keptOutputs?: readonly string[];
  readonly linkedAtBirth?: readonly string[];
  /** Properties the service adds; one that is undefined is not shown, though it was sent. */
  readonly computed?: (made: Made) => Readonly<Record<string, Value | undefined>>;
  readonly moves?: Readonly<Record<string, (stored: Stored) => Tree>>;
}

/** Definitions by type token without its package, e.g. `storage:StorageAccount`. */
export type ArmTable = Readonly<Record<string, ArmDefinition>>;

const GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";

/** ARM compares ids without regard to case. */
export function armKey(id: string): string {
  return `arm:${id.toLowerCase()}`;
}

function fill(template: string, inputs: Tree, scope: Scope): string {
  const text = template.replace(/\{(\w+)\}/g, (_, name: string) =>
    name === "subscriptionId"
      ? (stringAt(scope.config, "subscriptionId") ?? "00000000-0000-0000-0000-000000000000")
      : (stringAt(inputs, name) ?? ""),
  );
  return text.startsWith("/") ? text : `/${text}`;
}

/** Values of a template's placeholders in an id, but its subscription's. */
function namesOf(template: string, id: string): Tree {
  const wanted = template.split("/").filter((part) => part !== "");
  const given = id.split("/").filter((part) => part !== "");
  const offset = given.length - wanted.length;
  const names = Object.fromEntries(
    wanted.flatMap((part, i): [string, string][] => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      return name ? [[name, given[i + offset] ?? ""]] : [];
    }),
  );
  const extended = /^\{(\w+)\}/.exec(template)?.[1];
  // Whatever is extended has an id of any length.
  if (extended) names[extended] = `/${given.slice(0, offset + 1).join("/")}`;
  return withoutKey(names, "subscriptionId");
}

function placeholders(template: string): string[] {
  return [...template.matchAll(/\{(\w+)\}/g)]
    .map(([, name]) => name as string)
    .filter((name) => name !== "subscriptionId");
}

/** `Microsoft.Storage/storageAccounts/blobServices/containers` from an id template. */
function armType(template: string): string {
  if (!template.includes("/providers/")) return "Microsoft.Resources/subscriptions/resourceGroups";
  const [namespace, ...rest] = template.slice(template.lastIndexOf("/providers/") + 11).split("/");
  return [namespace, ...rest.filter((_, i) => i % 2 === 0)].join("/");
}

/** The whole template of a definition's ids. */
function templateOf({ id }: ArmDefinition): string {
  return id.startsWith("{") || id.startsWith("/") ? id : `${GROUP}/providers/${id}`;
}

/** What follows from a type's id alone: its name in ARM, and the inputs its id is made of. */
export function armIdentity(definition: ArmDefinition): { armType: string; idInputs: string[] } {
  const template = templateOf(definition);
  return { armType: armType(template), idInputs: placeholders(template) };
}

/** Builds the models of a table; a type the vendors' facts lack is known to nobody until they are extracted (`npm run facts`). */
export function armModels(table: ArmTable): ResourceModel[] {
  return Object.entries(table).flatMap(([token, definition]) => {
    const type = `azure-native:${token}`;
    const facts = FACTS.resources[type];
    return facts ? [armModel(type, definition, facts)] : [];
  });
}

function armModel(type: string, definition: ArmDefinition, facts: FactResource): ResourceModel {
  const extension = definition.id.startsWith("{");
  const template = templateOf(definition);
  const names = placeholders(template);
  const name = names[names.length - 1] as string;
  const { shapes } = FACTS;
  const required = Object.entries(shapes[facts.inputs] ?? {})
    .filter(([, property]) => property.required)
    .map(([input]) => input);
  const upTo = definition.serialisedUpTo;
  const sendable = (outputs: Tree): Tree =>
    [...names, "id", ...(definition.writeOnly ?? [])].reduce(
      (tree, path) => withValue(tree, parsePath(path), undefined),
      SHAPES.sendable(facts.inputs, outputs) ?? {},
    );
  const namesIn = (id: string): Tree => namesOf(template, id);
  const serialised = upTo && template.slice(0, template.indexOf(`{${upTo}}`) + upTo.length + 2);
  return {
    type,
    armType: armType(template),
    required: [...required, ...(definition.required ?? [])],
    name: { property: name, auto: definition.auto ?? "suffix" },
    immutable: [...new Set([...names, "location", ...(definition.immutable ?? [])])],
    holdsData: definition.holdsData ?? false,
    located: "location" in (shapes[facts.inputs] ?? {}),
    kept: oneOfEachTag,
    refuseSecond: (cloud, resource) => refuseSecond(cloud, type, resource),
    requirePlace: ({ location }) => {
      if (typeof location === "string") requirePlace(armType(template), location, definition.stands);
    },
    writeOnly: definition.writeOnly,
    preview: (inputs) => SHAPES.preview(facts.outputs, inputs),
    secretOutputs: definition.secretOutputs ?? [],
    idInputs: names,
    id: (inputs, scope) => fill(template, inputs, scope),
    namesIn,
    refreshed: (found, state) =>
      state
        ? carriedOver(state.inputs, sendable(state.outputs), sendable(found.outputs))
        : { ...namesIn(found.id), ...withoutEmpty(sendable(found.outputs)) },
    key: (id) => armKey(id),
    parents: (inputs, id, scope) =>
      ancestors(id, extension ? fill(`{${names[0] ?? ""}}`, inputs, scope) : undefined),
    check: (inputs) => [...SHAPES.check(facts.inputs, inputs), ...(definition.check?.(inputs) ?? [])],
    keptOnUpdate: definition.keptOnUpdate,
    refusedUpdate: definition.refusedUpdate,
    keptOutputs: definition.keptOutputs,
    linkedAtBirth: definition.linkedAtBirth,
    computed: (made) =>
      given({
        ...only(facts.outputs, SHAPES.defaults(facts.inputs, made.inputs)),
        name: stringAt(made.inputs, name) ?? "",
        type: armType(template),
        ...("azureApiVersion" in facts.outputs && facts.apiVersion && { azureApiVersion: facts.apiVersion }),
        ...("provisioningState" in facts.outputs && { provisioningState: "Succeeded" }),
        ...definition.computed?.(made),
      }),
    globalName: definition.globalName
      ? (inputs) =>
          `${String(definition.globalName)}:${stringAt(inputs, name)?.toLowerCase() ?? hash(JSON.stringify(inputs))}`
      : undefined,
    softDelete: definition.softDelete,
    mayComeLater: definition.mayComeLater,
    serialisedBy: serialised ? (inputs, _id, scope) => armKey(fill(serialised, inputs, scope)) : undefined,
    moves: definition.moves,
  };
}

/**
 * Names of tags are the same whatever their case: of two that differ in it one is kept
 * (https://github.com/MicrosoftDocs/azure-docs/issues/57888).
 */
function oneOfEachTag(inputs: Tree): Tree {
  const { tags } = inputs;
  if (!isTree(tags)) return inputs;
  const kept = new Map<string, [string, Value]>();
  for (const [name, value] of Object.entries(tags)) {
    const known = kept.get(name.toLowerCase());
    kept.set(name.toLowerCase(), [known?.[0] ?? name, value]);
  }
  return kept.size === Object.keys(tags).length
    ? inputs
    : { ...inputs, tags: Object.fromEntries(kept.values()) };
}

const GLOBAL = "global";

/**
 * Refuses a location where Azure has none of a type
 * (https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-sku-not-available, and as
 * https://github.com/Azure/azure-rest-api-specs/pull/8577 shows the answer).
 * @throws CloudError 400
 */
function requirePlace(type: string, location: string, stands: ArmDefinition["stands"]): void {
  const places = [...(stands === undefined ? [] : [GLOBAL]), ...(stands === "globally" ? [] : REGIONS)];
  if (places.includes(regionName(location))) return;
  throw new CloudError(
    400,
    "LocationNotAvailableForResourceType",
    `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${places.join(",")}'.`,
  );
}

function given(properties: Readonly<Record<string, Value | undefined>>): Tree {
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}

function only(outputs: Readonly<Record<string, string>>, inputs: Tree): Tree {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => key in outputs));
}

/**
 * Ids above an id: the resource group and every resource it is nested in. Those Azure makes by itself, such as
 * `blobServices/default`, are left out; so are subscriptions and tenants.
 */
function ancestors(id: string, extended: string | undefined): { key: string; what: string }[] {
  if (extended !== undefined) {
    const tracked = trackedResource(extended);
    return tracked ? [{ key: armKey(tracked), what: tracked }] : [];
  }
  const at = id.lastIndexOf("/providers/");
  if (at < 0) return [];
  const group = id.slice(0, at);
  const [namespace = "", ...rest] = id.slice(at + 11).split("/");
  const found = [{ key: armKey(group), what: group }];
  for (let i = 2; i < rest.length; i += 2) {
    if (rest[i - 1] === "default") continue;
    const above = `${group}/providers/${namespace}/${rest.slice(0, i).join("/")}`;
    found.push({ key: armKey(above), what: above });
  }
  return found;
}

/**
 * The top-level resource or resource group of an id, which is all ARM looks for when something is attached to a part
 * of it: a role assignment may come before the secret it is for, and `blobServices/default` is always there.
 */
function trackedResource(id: string): string | undefined {
  return /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+(\/providers\/[^/]+\/[^/]+\/[^/]+)?/i.exec(id)?.[0];
}

/** A principal as Entra would number it. */
export function principal(made: Made): { principalId: string; tenantId: string } {
  return {
    principalId: guid(made.cloud.seed, made.id, "principal"),
    tenantId: stringAt(made.scope.config, "tenantId") ?? guid(made.cloud.seed, "tenant"),
  };
}
