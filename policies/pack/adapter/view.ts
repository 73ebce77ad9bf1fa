import type { PolicyProviderResource, PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import {
  ASSETS,
  type ProviderView,
  type ResourceView,
  type StackView,
  type Tree,
  UNKNOWN,
  type Value,
} from "../../../packages/isolation/rule";
import { readFiles } from "./assetFiles";
import { isMarker } from "../../../packages/wire/values";

/** Gives the plain object behind the SDK's proxy, which throws when an unknown value is read. */
const PROXY_TARGET = "__getSpecialProxyTarget";

interface Conversion {
  readonly unknownPaths: string[];
  /** Contents of assets, which the SDK hands out as promises. */
  readonly pending: Promise<void>[];
}

type Key = string | number;

const formatPath = (keys: readonly Key[]): string =>
  keys.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`),
    "",
  );

function convertAsset(asset: Record<string, unknown>, keys: Key[], into: Conversion): Value {
  const content: Record<string, Value> = {};
  ASSETS.add(content);
  for (const key of ["text", "path", "uri", "assets"]) {
    if (!(key in asset)) continue;
    const at = [...keys, key];
    into.pending.push(
      Promise.resolve(asset[key]).then((value) => {
        content[key] = convert(value, at, into);
        if (key !== "path" || typeof value !== "string") return;
        const files = readFiles(value);
        if (files) content.content = files;
      }),
    );
  }
  return content;
}

function convert(value: unknown, keys: Key[], into: Conversion): Value {
  if (typeof value === "string") {
    if (value.length !== 36 || !isMarker(value)) return value;
    into.unknownPaths.push(formatPath(keys));
    return UNKNOWN;
  }
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) {
    const list = value as unknown[];
    const converted = list.map((inner, index) => convertAt(index, inner, keys, into));
    return converted.some((inner, index) => inner !== list[index]) ? converted : (list as Value[]);
  }
  if (typeof value !== "object") return null;
  const object = value as Record<string, unknown>;
  if ("__pulumiAsset" in object || "__pulumiArchive" in object) return convertAsset(object, keys, into);
  let changed: Record<string, Value> | undefined;
  for (const key of Object.keys(object)) {
    const converted = convertAt(key, object[key], keys, into);
    // Most trees hold nothing to convert, and a stack of them need not be copied.
    if (converted !== object[key]) (changed ??= { ...(object as Tree) })[key] = converted;
  }
  return changed ?? (object as Tree);
}

function convertAt(key: Key, value: unknown, keys: Key[], into: Conversion): Value {
  keys.push(key);
  const converted = convert(value, keys, into);
  keys.pop();
  return converted;
}

function behindProxy(props: Record<string, unknown>): Record<string, unknown> {
  return (props[PROXY_TARGET] as Record<string, unknown> | undefined) ?? props;
}

function convertProvider(provider: PolicyProviderResource, into: Conversion): ProviderView {
  const { urn, type, name } = provider;
  return { urn, type, name, props: convert(behindProxy(provider.props), ["provider"], into) as Tree };
}

const RELEASE = /^kubernetes:helm\.sh\/v3:Release$/;
/** A chart by its place on this machine; any other is a name in a repository. */
const IS_PLACE = /^(?:\.{1,2}\/|\/|~|file:)/;

/**
 * A release with the files of its chart beside it, where the chart is in the project: nothing else of the plan shows them.
 * As an archive; one that cannot be read has no content.
 */
function withChart(type: string, props: Tree): Tree {
  const { chart } = props;
  if (!RELEASE.test(type) || typeof chart !== "string") return props;
  const files = readFiles(chart.replace(/^file:\/*/, ""));
  if (!files && !IS_PLACE.test(chart)) return props;
  const chartFiles: Tree = { path: chart, ...(files && { content: files }) };
  ASSETS.add(chartFiles);
  return { ...props, chartFiles };
}

type Source = Pick<ResourceValidationArgs, "urn" | "type" | "name" | "opts" | "props" | "provider"> &
  Partial<Pick<PolicyResource, "dependencies" | "propertyDependencies">>;

function start(source: Source): { view: ResourceView; pending: Promise<void>[] } {
  const into: Conversion = { unknownPaths: [], pending: [] };
  const { urn, type, name, opts } = source;
  const view: ResourceView = {
    urn,
    type,
    name,
    props: withChart(type, convert(behindProxy(source.props), [], into) as Tree),
    unknownPaths: into.unknownPaths,
    opts: { ...opts },
    ...(source.provider && { provider: convertProvider(source.provider, into) }),
    dependencies: (source.dependencies ?? []).map((dependency) => dependency.urn),
    propertyDependencies: Object.fromEntries(
      Object.entries(source.propertyDependencies ?? {}).map(([key, list]) => [key, list.map((d) => d.urn)]),
    ),
  };
  return { view, pending: into.pending };
}

/** The view of a resource a rule judges; a promise only when the contents of assets have to be awaited. */
export function resourceView(source: Source): ResourceView | Promise<ResourceView> {
  const { view, pending } = start(source);
  return pending.length === 0 ? view : settle(pending).then(() => view);
}

/** Archives hold assets of their own, so waiting for some can bring more. */
async function settle(pending: Promise<void>[]): Promise<void> {
  for (let done = 0; done < pending.length; done++) await pending[done];
}

/** The view of a whole stack. */
export async function stackView(resources: readonly PolicyResource[]): Promise<StackView> {
  const views: ResourceView[] = [];
  for (const resource of resources) views.push(await resourceView(resource));
  return { resources: views, byUrn: new Map(views.map((view) => [view.urn, view])) };
}
