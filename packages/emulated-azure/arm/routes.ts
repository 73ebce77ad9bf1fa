import wireFacts from "../facts/wire.json";
import type { Wire, WireOperation } from "../facts/wireTypes";
import { AZURE } from "../model/azure";
import { lastName } from "../model/ids";
import type { ResourceModel } from "../model/types";
import { ArmError } from "./errors";

export const WIRE = wireFacts as unknown as Wire;

/** Where a request goes, read from its path. */
export interface Route {
  /** Type the whole path leads to, an action's name included, e.g. `Microsoft.Insights/metrics`. */
  readonly type: string;
  /** ARM type in the model's spelling; of an action, the type it belongs to. */
  readonly armType: string;
  /** `one` resource, the `list` of a type below a scope, or an `action` on a resource, type or location. */
  readonly kind: "one" | "list" | "action";
  readonly model?: ResourceModel;
  /** Path without a trailing slash: the id of a resource, or what a list or action is about with its last part. */
  readonly path: string;
  /** Id of the resource an action is done to; the scope of a list. */
  readonly target: string;
  /** Last part of the path of an action. */
  readonly action: string;
  readonly subscription: string;
  readonly group: string;
  /** What Microsoft's clients know about the request. */
  readonly operation?: WireOperation;
}

const GROUPS = "Microsoft.Resources/subscriptions/resourceGroups";

const MODELS = new Map(AZURE.resources.map((model) => [(model.armType ?? "").toLowerCase(), model]));
const NAMESPACES = new Map(
  [...MODELS.values()].map(({ armType = "" }) => [namespaceOf(armType).toLowerCase(), namespaceOf(armType)]),
);

interface Described {
  readonly operation: WireOperation;
  readonly versions: Set<string>;
}

/** Requests the clients know by method, type and whether the path ends in a name. */
const OPERATIONS = new Map<string, Described>();
for (const operation of WIRE.operations) {
  const parsed = split(operation.path);
  const key = operationKey(operation.method, parsed.type, parsed.named);
  const there = OPERATIONS.get(key);
  if (!there)
    OPERATIONS.set(key, { operation, versions: new Set(operation.apiVersion ? [operation.apiVersion] : []) });
  else {
    if (operation.apiVersion) there.versions.add(operation.apiVersion);
    // The same list below a group and below a subscription heeds the same.
    const takes = [...new Set([...(there.operation.takes ?? []), ...(operation.takes ?? [])])];
    OPERATIONS.set(key, { ...there, operation: { ...there.operation, takes } });
  }
}

function operationKey(method: string, type: string, named: boolean): string {
  return `${method} ${type.toLowerCase()} ${named ? "one" : "many"}`;
}

function namespaceOf(armType: string): string {
  return armType.slice(0, armType.indexOf("/"));
}

/** The type a path leads to, whether it ends in a name, and what it is below. */
function split(path: string): { type: string; named: boolean; scope: string } {
  const at = path.toLowerCase().lastIndexOf("/providers/");
  if (at < 0) {
    const parts = path.split("/").filter((part) => part !== "");
    const named = parts.length % 2 === 0;
    const types = parts.filter((_, i) => i % 2 === 0);
    return { type: ["Microsoft.Resources", ...types].join("/"), named, scope: "" };
  }
  const [namespace = "", ...rest] = path.slice(at + "/providers/".length).split("/");
  return {
    type: [namespace, ...rest.filter((_, i) => i % 2 === 0)].join("/"),
    named: rest.length % 2 === 0,
    scope: path.slice(0, at),
  };
}

/**
 * Where a request goes.
 * @param path Decoded, as sent.
 * @throws ArmError for a namespace, type or action that ARM does not know either, and for an API version it lacks.
 */
export function route(method: string, path: string, apiVersion: string | undefined): Route {
  const clean = path.replace(/\/+$/, "");
  const { type, named, scope } = split(clean);
  const model = MODELS.get(type.toLowerCase());
  const described = OPERATIONS.get(operationKey(method === "HEAD" ? "GET" : method, type, named));
  if (scope === "" && !clean.toLowerCase().startsWith("/providers/")) requirePlainVersion(apiVersion);
  else requireVersion(type, apiVersion, described?.versions);
  const common = {
    type,
    path: clean,
    subscription: /^\/subscriptions\/([^/]+)/i.exec(clean)?.[1] ?? "",
    group: /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)/i.exec(clean)?.[1] ?? "",
    operation: described?.operation,
  };
  const above = clean.slice(0, clean.lastIndexOf("/"));
  if (!model || !(named || method === "GET")) return { ...common, ...actionAt(common, scope, above) };
  const resource = { ...common, armType: model.armType ?? type, model, action: "" };
  if (named) return { ...resource, kind: "one", target: clean };
  // What hangs on a resource is listed below that one, not below its group.
  return { ...resource, kind: "list", target: type.split("/").length > 2 ? above : scope };
}

/** An action on a resource of the model, on one it does not have, on a type or a location. */
function actionAt(
  { type, path }: Pick<Route, "type" | "path">,
  scope: string,
  above: string,
): Pick<Route, "armType" | "kind" | "target" | "action" | "model"> {
  const ownerType = type.slice(0, type.lastIndexOf("/"));
  const owner = MODELS.get(ownerType.toLowerCase());
  const about = { kind: "action", action: lastName(path) } as const;
  if (owner) return { ...about, armType: owner.armType ?? ownerType, model: owner, target: above };
  return { ...about, armType: ownerType, target: scope || above };
}

/**
 * Versions of what is not of its provider's usual ones (https://learn.microsoft.com/rest/api/authorization and
 * https://learn.microsoft.com/rest/api/compute), and what the Azure CLI 2.91.0 asks for beside them.
 */
const OWN_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  "microsoft.authorization/locks": ["2016-09-01", "2017-04-01", "2020-05-01"],
  "microsoft.authorization/roleeligibilityscheduleinstances": ["2020-10-01"],
  "microsoft.compute/locations/usages": [
    ...["2022-11-01", "2023-03-01", "2023-07-01", "2023-09-01", "2024-03-01", "2024-07-01", "2024-11-01"],
    ...["2025-04-01", "2025-11-01"],
  ],
  "microsoft.compute/skus": ["2017-09-01", "2019-04-01", "2021-07-01"],
};

/** API versions a type is answered for. */
export function apiVersions(type: string, more: Iterable<string> = []): string[] {
  const own = OWN_VERSIONS[type.toLowerCase()];
  if (own) return [...own];
  const parts = type.split("/");
  for (let length = parts.length; length > 1; length -= 1) {
    const model = MODELS.get(parts.slice(0, length).join("/").toLowerCase());
    if (model) return [...new Set([...(WIRE.types[model.type]?.apiVersions ?? []), ...more])].sort();
  }
  // What a provider offers beside the model's types is as old as its types are.
  const namespace = namespaceOf(type).toLowerCase();
  const related = [...MODELS.values()].filter(
    ({ armType = "" }) => namespaceOf(armType).toLowerCase() === namespace,
  );
  return [
    ...new Set([...related.flatMap((model) => WIRE.types[model.type]?.apiVersions ?? []), ...more]),
  ].sort();
}

/** Versions of subscriptions, groups and what is in them (https://github.com/Azure/azure-cli/issues/28038). */
const PLAIN_VERSIONS = [
  ...new Set([
    ...apiVersions("Microsoft.Resources/subscriptions/resourceGroups"),
    ...WIRE.operations.flatMap(({ path, apiVersion }) =>
      path.includes("/providers/") || !apiVersion ? [] : [apiVersion],
    ),
    ...["2014-04-01-preview", "2015-01-01", "2016-02-01", "2016-06-01", "2016-07-01", "2016-09-01"],
    ...["2017-03-01", "2017-05-10", "2018-01-01", "2018-02-01", "2018-05-01", "2019-03-01", "2019-05-01"],
    ...["2019-06-01", "2019-07-01", "2019-08-01", "2019-10-01", "2019-11-01", "2020-01-01", "2020-05-01"],
    ...["2020-06-01", "2020-07-01", "2020-08-01", "2020-09-01", "2022-06-01"],
  ]),
].sort();

/** @throws ArmError 400 for a version in which subscriptions and groups do not answer */
export function requirePlainVersion(asked: string | undefined): void {
  if (!asked) throw missingVersion();
  if (PLAIN_VERSIONS.includes(asked)) return;
  throw new ArmError(
    400,
    "InvalidApiVersionParameter",
    `The api-version '${asked}' is invalid. The supported versions are '${PLAIN_VERSIONS.join(",")}'.`,
  );
}

/** @throws ArmError 400 for a version the provider of a long-running operation lacks */
export function requirePollingVersion(path: string, asked: string | undefined): void {
  const { type } = split(path);
  const namespace = `${namespaceOf(type).toLowerCase()}/`;
  const asks = [...OPERATIONS].flatMap(([key, { versions }]) =>
    key.includes(` ${namespace}`) ? [...versions] : [],
  );
  requireVersion(type, asked, asks);
}

function missingVersion(): ArmError {
  return new ArmError(
    400,
    "MissingApiVersionParameter",
    "The api-version query parameter (?api-version=) is required for all requests.",
  );
}

function requireVersion(type: string, asked: string | undefined, more: Iterable<string> = []): void {
  if (!asked) throw missingVersion();
  const namespace = namespaceOf(type);
  const known = apiVersions(type, more);
  if (known.length === 0 || known.includes(asked)) return;
  throw new ArmError(
    400,
    "NoRegisteredProviderFound",
    `No registered resource provider found for API version '${asked}' for type '${type.slice(namespace.length + 1)}'. The supported api-versions are '${known.join(", ")}'.`,
  );
}

/** The refusal of a path that nothing answers. */
export function unknownPath({ armType, action, path }: Route): ArmError {
  const { type } = split(path);
  const namespace = namespaceOf(type);
  if (!NAMESPACES.has(namespace.toLowerCase())) {
    return new ArmError(404, "InvalidResourceNamespace", `The resource namespace '${namespace}' is invalid.`);
  }
  return new ArmError(
    404,
    "InvalidResourceType",
    `The resource type '${[armType.slice(armType.indexOf("/") + 1), action].filter((part) => part !== "").join("/")}' could not be found in the namespace '${namespace}'.`,
  );
}

export { GROUPS };
