import { Cursor } from "../read";
import type { ResourceView, Value } from "../rule";
import { azureType } from "../declarations";
import { decodings } from "../decode";
import { groupOf, kubernetesObjects } from "../objects";
import { allPlaces, mayHold } from "../places";
import type { Hit } from "../scan";
import { judgeAzureType, judgeKind, judgeTemplateType, type Verdict } from "./listed";

/** A type a resource declares, itself or in what it carries, and what is wrong with it. */
export interface Declared extends Verdict {
  readonly path: string;
  /** The type as the list writes it: `azure-native:…`, `kubernetes:group:Kind` or `arm:…`. */
  readonly type: string;
}

/** Types that carry templates of Azure Resource Manager. */
export const TEMPLATE_CARRIER =
  /^(?:resources:(?:Deployment\w*|TemplateSpec\w*|Resource)|authorization:Policy\w+|blueprint:\w+|solutions:\w+)$/;
/** Types of the Kubernetes provider that carry manifests, as they are or in texts. */
const MANIFEST_CARRIER = /^kubernetes:(?:helm\.sh|yaml|kustomize)(?:\/v\d+\w*)?:/;
/** Objects whose texts are settings for programs: a manifest in them is no declaration. */
const SETTINGS = /^(?:ConfigMap|Secret)$/;
const MAX_TEXT_STEPS = 3;

const known = new WeakMap<ResourceView, readonly Declared[]>();

/** Everything about a resource's types that is not in order. */
export function misdeclared(
  resource: ResourceView,
  isProd: boolean,
  hits: readonly Hit[],
): readonly Declared[] {
  let found = known.get(resource);
  if (!found) known.set(resource, (found = [...judged(resource, isProd), ...written(resource, hits)]));
  return found;
}

function judged(resource: ResourceView, isProd: boolean): Declared[] {
  const { type } = resource;
  const azure = azureType(type);
  if (azure !== undefined) {
    const verdict = judgeAzureType(type, isProd);
    const own = verdict ? [{ ...verdict, path: "", type: `azure-native:${azure}` }] : [];
    return TEMPLATE_CARRIER.test(azure) ? [...own, ...templateTypes(resource)] : own;
  }
  const objects = kubernetesObjects(resource);
  if (objects.length === 0) return [];
  return objects.flatMap(({ kind, group: given, object }) => {
    const [, module = ""] = type.split(":");
    const group = given === "" && /^(?:yaml|kustomize)$/.test(module) ? module : given;
    const verdict = judgeKind(group, kind);
    const own = verdict
      ? [
          {
            ...verdict,
            path: object.at("kind").present ? object.at("kind").path : object.path,
            type: `kubernetes:${group === "" ? "core" : group}:${kind}`,
          },
        ]
      : [];
    const all = [...own, ...handsOut(kind, object), ...changedElsewhere(kind, object)];
    return SETTINGS.test(kind) ? all : [...all, ...inside(object)];
  });
}

const IMPERSONATED = /^(?:users|groups|serviceaccounts|userextras(?:\/.*)?|uids|\*)$/;

/** A webhook that changes objects on their way into the cluster, asked at an address instead of a Service of its own. */
function changedElsewhere(kind: string, object: Cursor): Declared[] {
  if (kind !== "MutatingWebhookConfiguration") return [];
  return object
    .at("webhooks")
    .items()
    .map((webhook) => webhook.at("clientConfig", "url"))
    .filter(({ text }) => text !== undefined)
    .map(({ path }) => ({
      danger: "manifests",
      why: "has objects changed by whoever answers at an address, so that what runs is not what the plan says; let a Service the stack declares answer",
      path,
      type: "kubernetes:admissionregistration.k8s.io:MutatingWebhookConfiguration by address",
    }));
}

/** Where a listed kind hands out identities all the same: tokens without an end, and rights to act as others. */
function handsOut(kind: string, object: Cursor): Declared[] {
  const found = (place: Cursor, type: string, why: string): Declared => ({
    danger: "identities",
    why,
    path: place.path,
    type,
  });
  if (kind === "Secret" && object.at("type").text === "kubernetes.io/service-account-token") {
    const why = "hands out a token that never ends; mount a projected one";
    return [found(object.at("type"), "kubernetes:core:Secret of a service account", why)];
  }
  if (!/^(?:Cluster)?Role$/.test(kind)) return [];
  return object
    .at("rules")
    .items()
    .flatMap((rule) => {
      const [verbs, resources] = [rule.at("verbs").texts(), rule.at("resources").texts()];
      if (verbs.includes("impersonate") && resources.some((one) => IMPERSONATED.test(one)))
        return [found(rule.at("verbs"), `kubernetes:rbac:${kind}`, "lets its holder act as anybody")];
      return verbs.includes("create") && resources.includes("serviceaccounts/token")
        ? [found(rule.at("resources"), `kubernetes:rbac:${kind}`, "lets its holder make tokens of others")]
        : [];
    });
}

/** Kubernetes objects below the root, or the root too. */
function objectsIn(root: Cursor, isRoot: boolean): Cursor[] {
  const { value } = root;
  if (!mayHold(value, (at) => typeof at === "object" && (isRoot || at !== value) && "apiVersion" in at))
    return [];
  return [...allPlaces(root)].filter(
    (place) =>
      (place !== root || isRoot) &&
      place.at("apiVersion").text !== undefined &&
      place.at("kind").text !== undefined &&
      // What only points to an object has a name beside its kind, and nothing to be made of.
      (place.at("metadata").present || place.at("spec").present),
  );
}

function kindAt(path: string, apiVersion: string, kind: string): Declared[] {
  const group = groupOf(apiVersion);
  const bare = kind.replace(/(?:Patch|List)$/, "");
  const verdict = bare === "" ? undefined : judgeKind(group, bare);
  return verdict ? [{ ...verdict, path, type: `kubernetes:${group === "" ? "core" : group}:${bare}` }] : [];
}

function inside(object: Cursor): Declared[] {
  return objectsIn(object, false).flatMap((found) =>
    kindAt(found.at("kind").path, found.at("apiVersion").text ?? "", found.at("kind").text ?? ""),
  );
}

/** Manifests in texts, by what the scan found there. Only carriers of manifests apply kinds of every sort. */
function written(resource: ResourceView, hits: readonly Hit[]): Declared[] {
  const isCarrier = MANIFEST_CARRIER.test(resource.type);
  return hits.flatMap(({ manifest, path }) => {
    if (!manifest) return [];
    return kindAt(path, manifest.apiVersion, manifest.kind).filter(
      ({ danger }) => isCarrier || danger !== "unlisted",
    );
  });
}

interface TemplatePlace {
  readonly place: Cursor;
  /** Type of the resource it is part of, which a child's own type continues. */
  readonly parent: string;
  /** Whether it stands in a list or map of resources. */
  readonly isResource: boolean;
  /** Where it was written, when it was decoded from a text. */
  readonly text?: Cursor;
  readonly step: number;
}

/** A property of a template, which Azure knows in any case. */
function property(place: Cursor, name: string): Cursor {
  const [, found] = place.entries().find(([key]) => key.toLowerCase() === name) ?? [];
  return found ?? place.at(name);
}

/** A resource of a template. */
interface TemplateResource {
  readonly type: string;
  readonly place: Cursor;
  /** Where its type was written. */
  readonly at: Cursor;
}

/** The resource a place is, if it is one: a member of resources with a type, or anything with a type of Azure's. */
function resourceAt({ place, parent, isResource, text }: TemplatePlace): TemplateResource | undefined {
  const at = property(place, "type");
  const given = at.text;
  if (given === undefined) return undefined;
  const isQualified = /^\[|[.\w]\/\w/.test(given);
  if (!isResource && !isQualified) return undefined;
  return { type: isQualified || parent === "" ? given : `${parent}/${given}`, place, at: text ?? at };
}

/** Places in one. */
function placesIn({ place, parent, text, step }: TemplatePlace, type: string | undefined): TemplatePlace[] {
  const below = (inner: Cursor, of: string, isResource = false): TemplatePlace => ({
    place: inner,
    parent: of,
    isResource,
    step,
    ...(text && { text }),
  });
  const properties = place.entries().flatMap(([key, inner]) => {
    if (!/^resources$/i.test(key)) return [below(inner, type === undefined ? parent : "")];
    // A list, or a map by symbolic name.
    const members = Array.isArray(inner.value) ? inner.items() : inner.entries().map(([, one]) => one);
    return members.map((member) => below(member, type ?? parent, true));
  });
  return [...properties, ...place.items().map((inner) => below(inner, parent))];
}

/** Resources of templates: those in a list or map of resources, and whatever else has a type of Azure's. */
function templateResources(root: Cursor): TemplateResource[] {
  const found: TemplateResource[] = [];
  const seen = new Set<unknown>();
  const pending: TemplatePlace[] = [{ place: root, parent: "", isResource: false, step: 0 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value } = next.place;
    if (typeof value === "string") {
      if (next.step < MAX_TEXT_STEPS && value.length > 20) pending.push(...decodedPlaces(next, value));
    } else if (typeof value === "object" && value !== null && !seen.has(value)) {
      seen.add(value);
      const resource = resourceAt(next);
      if (resource) found.push(resource);
      pending.push(...placesIn(next, resource?.type));
    }
  }
  return found;
}

function decodedPlaces(
  { place, parent, isResource, text, step }: TemplatePlace,
  raw: string,
): TemplatePlace[] {
  return decodings(raw).flatMap((next) => {
    const content =
      "tree" in next
        ? next.tree
        : "text" in next && next.final !== true && next.text !== raw
          ? next.text
          : undefined;
    if (content === undefined) return [];
    return [
      {
        place: new Cursor(content as Value, place.path),
        parent,
        isResource,
        text: text ?? place,
        step: step + 1,
      },
    ];
  });
}

const ABOVE = /tenant|managementgroup/i;
/**
 * Scopes that are seen to stay inside: an id of a subscription, whose it is being judged elsewhere, a resource of the
 * template's own group, and expressions that begin with one of those. A parameter alone may be anything.
 */
const INSIDE =
  /^\/subscriptions\/|^[\w.-]+\/[\w./-]+$|^\[\s*(?:resourceId|subscriptionResourceId|extensionResourceId)\s*\(|^\[\s*(?:resourceGroup|subscription)\s*\(\s*\)\.id\s*\]$|^\[\s*(?:format|concat)\s*\(\s*(?:'(?:Microsoft\.\w+\/|\/subscriptions\/)|(?:resourceId|resourceGroup|subscription)\s*\()/i;

function templateTypes(resource: ResourceView): Declared[] {
  const root = new Cursor(resource.props);
  const findings: Declared[] = [];
  const namespace = root.at("resourceProviderNamespace").text;
  if (namespace !== undefined) {
    const parents = root.at("parentResourcePath").text ?? "";
    const names = parents.split("/").filter((_, index) => index % 2 === 0 && parents !== "");
    const type = [namespace, ...names, root.at("resourceType").text ?? ""].filter(Boolean).join("/");
    const verdict = judgeTemplateType(type);
    if (verdict) findings.push({ ...verdict, path: "resourceProviderNamespace", type: `arm:${type}` });
  }
  for (const { type, place, at } of templateResources(root)) {
    const verdict = judgeTemplateType(type);
    const { path } = at;
    if (verdict) findings.push({ ...verdict, path, type: `arm:${type.startsWith("[") ? "?" : type}` });
    const scope = property(place, "scope").text;
    if (scope !== undefined && (ABOVE.test(scope) || !INSIDE.test(scope.trim()))) {
      findings.push({
        danger: "above",
        why: "acts above the subscription, on every environment below",
        path: property(place, "scope").path,
        type: `arm:${type}`,
      });
    }
  }
  return findings;
}
