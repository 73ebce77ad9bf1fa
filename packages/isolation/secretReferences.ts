import type { Cursor } from "./read";
import { UNKNOWN } from "./rule";
import { nameOf, type KubernetesObject } from "./objects";
import { allPlaces, mayHold } from "./places";

/** A Secret or ConfigMap something refers to; the namespace is undefined where nobody can know it yet. */
export interface ObjectReference {
  readonly kind: "Secret" | "ConfigMap" | "either";
  readonly name: Cursor;
  readonly namespace: string | undefined;
  /** The name alone, where the text carries the namespace too. */
  readonly bare?: string;
}

/** A name with its namespace in one text. */
const QUALIFIED = /^([a-z0-9][a-z0-9-]{0,62})\/([a-z0-9][a-z0-9.-]{0,252})$/;
const DNS_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** Properties that name a Secret by text. */
const SECRET_TEXT =
  /(?:^|[a-z_-])secret[_-]?name$|^existingSecret(?:Name)?$|[a-z]ExistingSecret$|secretRef$|^credentialName$|^imagePullSecret$|^(?:extraEnvVars|extraEnvFrom|extraEnv|envFrom|envVars)Secret$/i;
/** The same in custom resources, in which no Secret is written itself. */
const SECRET_NAME = /^secrets?$|[sS]ecretNames$/;
/** The same for ConfigMaps, as charts call them. */
const CONFIG_TEXT =
  /^existingConfigMap(?:Name)?$|^configMapName$|^(?:extraEnvVars|extraEnvFrom|extraEnv|envFrom|envVars)(?:CM|ConfigMap)$/i;
/** Annotations that name a Secret or ConfigMap, of the object's namespace or as `namespace/name`. */
const ANNOTATION =
  /(?:^|[./-])(?:auth-secret|auth-tls-secret|proxy-ssl-secret|tls-secret|ca-secret|server-ca|client-ca|secret-name|replicate-from|reflects|copy-from|inject-ca-from-secret)$/;
/** Lists of the Gateway API, whose members are Secrets unless they say otherwise. */
const CERTIFICATES = /^(?:certificateRefs|clientCertificateRef)$/;
/** Properties below which an object with a name is a Secret. */
const SECRET_OBJECT = /secret/i;
const CONFIG_OBJECT = /configMap/i;
/** Properties about Secrets that name something else: stores, classes, what is made, what a vault holds. */
const OTHERS =
  /secretStoreRefs?$|secretProviderClass|secretObjects$|secretTemplate$|secretProvider$|^secretSync|secretType$|^clientSecret$|vaultSecret|^secretKey$/i;
/** Kinds whose own contents are settings or schemas, and those that only make Secrets. */
const UNREAD = /^(?:Secret|ConfigMap|CustomResourceDefinition|SealedSecret|SecretProviderClass|SecretSync)$/;
const SELECTOR_KEYS = new Set(["name", "key", "namespace", "optional"]);

const sibling = (owner: Cursor, ...keys: string[]): Cursor | undefined =>
  keys.map((key) => owner.at(key)).find(({ present }) => present);

/** Namespace a reference leads to: what stands beside it, or that of the object; undefined when unknown. */
function namespaceAt(owner: Cursor, own: string | undefined): string | undefined {
  const given = sibling(
    owner,
    "namespace",
    "secretNamespace",
    "secretnamespace",
    "sourceNamespace",
    ...owner.entries().flatMap(([key]) => (/secret-namespace$/.test(key) ? [key] : [])),
  );
  if (!given) return own;
  return given.unknown ? undefined : (given.text ?? own);
}

/** Whether a property only says what a controller is to make, in `made` below. */
function isMaker({ kind, group }: KubernetesObject, path: string): boolean {
  if (/cert-manager\.io$/.test(group)) return /^spec\.secretName$|privateKeySecretRef/.test(path);
  if (kind === "ServiceAccount") return false;
  return /^spec\.(?:target|destination|secretObjects)\b/.test(path);
}

/** Whether something is what a reference stands under, or in. */
const mayRefer = (at: object | string, key: string | undefined): boolean =>
  (key !== undefined &&
    (SECRET_OBJECT.test(key) || CONFIG_TEXT.test(key) || SECRET_TEXT.test(key) || CERTIFICATES.test(key))) ||
  (typeof at === "string"
    ? key === "kind" && (at === "Secret" || at === "ConfigMap")
    : (key !== undefined && CONFIG_OBJECT.test(key)) || ("name" in at && "key" in at));

/** API groups whose kinds are Kubernetes's own: what they point at by `{ name, key }` is known by the property. */
const OWN_GROUPS = /^(?:|apps|batch|autoscaling|policy|networking\.k8s\.io|rbac\.authorization\.k8s\.io)$/;

/** What a property or an object names, and where its namespace stands. */
interface Named {
  readonly kind: ObjectReference["kind"];
  readonly name: Cursor;
  readonly owner: Cursor;
}

/** Every Secret and ConfigMap an object refers to by name, whatever its kind and however deep. */
export function objectReferences(found: KubernetesObject): ObjectReference[] {
  const { kind, group, object } = found;
  const own = namespaceOf(found);
  const references = annotations(found, own);
  if (UNREAD.test(kind) || !mayHold(object.value, mayRefer)) return references;
  const base = object.path === "" ? "" : `${object.path}.`;
  const isSkipped = ({ path, value }: Cursor): boolean =>
    typeof value !== "object" ||
    value === null ||
    Array.isArray(value) ||
    path.startsWith(`${base}metadata`) ||
    path.startsWith(`${base}status`);
  for (const place of allPlaces(object)) {
    if (isSkipped(place)) continue;
    const isOfChart = place.path.startsWith(`${base}values`);
    const isOther = !OWN_GROUPS.test(group);
    const named = [
      ...place.entries().flatMap(([key, inner]) => namedBy(key, inner, place, isOfChart)),
      ...namedHere(place, isOther),
      ...(isOther && !isOfChart ? namedBare(place) : []),
    ];
    for (const { name, owner, kind: type } of named) {
      if (isMaker(found, name.path.slice(base.length))) continue;
      const reference = referenceTo(type, name, () => namespaceAt(owner, own));
      if (reference) references.push(reference);
    }
  }
  return references;
}

const listed = (place: Cursor): Cursor[] => (Array.isArray(place.value) ? place.items() : [place]);

/**
 * What a property names, by its own name.
 * @param isOfChart among the values of a chart, which say what it makes as well: only a reference there is one
 */
function namedBy(key: string, inner: Cursor, owner: Cursor, isOfChart: boolean): Named[] {
  if (OTHERS.test(key)) return [];
  const named: Named[] = [];
  const isName = SECRET_TEXT.test(key) || (/Secret$/.test(key) && owner.at(`${key}Key`).present);
  if (isName) named.push({ kind: "Secret", name: inner, owner });
  if (CONFIG_TEXT.test(key)) named.push({ kind: "ConfigMap", name: inner, owner });
  const members = (kind: Named["kind"], of: readonly Cursor[]): void =>
    of.forEach((one) => named.push({ kind, name: one.at("name"), owner: one }));
  if (CERTIFICATES.test(key)) {
    members(
      "Secret",
      listed(inner).filter((one) => (one.at("kind").text ?? "Secret") === "Secret"),
    );
  }
  if (isOfChart && !/ref$/i.test(key)) return named;
  if (SECRET_OBJECT.test(key)) members("Secret", listed(inner));
  else if (CONFIG_OBJECT.test(key)) members("ConfigMap", listed(inner));
  return named;
}

/** Secrets a custom resource names under a bare property: `secret: users`, `secretNames: [ca]`. */
const namedBare = (owner: Cursor): Named[] =>
  owner
    .entries()
    .filter(([key]) => SECRET_NAME.test(key))
    .flatMap(([, inner]) => listed(inner))
    .map((name) => ({ kind: "Secret", name, owner }));

/** What an object itself is a reference to, by its kind or its shape. */
function namedHere(place: Cursor, isOfOtherKind: boolean): Named[] {
  const kind = place.at("kind").text;
  const [name, owner] = [place.at("name"), place];
  if ((kind === "Secret" || kind === "ConfigMap") && !place.at("metadata").present)
    return [{ kind, name, owner }];
  return isOfOtherKind && isSelector(place) && !hasNamedOwner(place) ? [{ kind: "either", name, owner }] : [];
}

/** @param beside the namespace where the text does not carry it */
function referenceTo(
  kind: ObjectReference["kind"],
  name: Cursor,
  beside: () => string | undefined,
): ObjectReference | undefined {
  const { text } = name;
  if (text === undefined) return undefined;
  const [, namespace, bare] = QUALIFIED.exec(text) ?? [];
  if (bare !== undefined) return { kind, name, namespace, bare };
  return DNS_NAME.test(text) ? { kind, name, namespace: beside() } : undefined;
}

function annotations({ object }: KubernetesObject, own: string | undefined): ObjectReference[] {
  return object
    .at("metadata", "annotations")
    .entries()
    .filter(([key]) => ANNOTATION.test(key))
    .flatMap(([, name]) => referenceTo("either", name, () => own) ?? []);
}

/** `{ name, key }`: how custom resources point into a Secret or ConfigMap. */
function isSelector(place: Cursor): boolean {
  const keys = place.entries().map(([key]) => key);
  return keys.includes("name") && keys.includes("key") && keys.every((key) => SELECTOR_KEYS.has(key));
}

/** Whether the property a selector stands under was read as a reference already. */
const hasNamedOwner = ({ path }: Cursor): boolean => {
  const owner = /([\w-]+)(?:\[\d+\])?$/.exec(path)?.[1] ?? "";
  return SECRET_OBJECT.test(owner) || CONFIG_OBJECT.test(owner);
};

/** Namespace of an object; undefined when it is not known yet. */
export function namespaceOf(found: KubernetesObject): string | undefined {
  const given = found.object.at("metadata", "namespace");
  const release = found.object.at("namespace");
  if (given.value === UNKNOWN || release.value === UNKNOWN) return undefined;
  return given.text ?? release.text ?? nameOf(found).namespace;
}
