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
  (key !== undefined && (SECRET_TEXT.test(key) || CONFIG_TEXT.test(key) || CERTIFICATES.test(key))) ||
  (typeof at === "string"
    ? key === "kind" && (at === "Secret" || at === "ConfigMap")
    : (key !== undefined && (SECRET_OBJECT.test(key) || CONFIG_OBJECT.test(key))) ||
      ("name" in at && "key" in at));

/** Every Secret and ConfigMap an object refers to by name, whatever its kind and however deep. */
export function objectReferences(found: KubernetesObject): ObjectReference[] {
  const { kind, object } = found;
  const own = namespaceOf(found);
  const annotated = annotations(found, own);
  if (UNREAD.test(kind)) return annotated;
  const isForeignKind =
    !/^(?:|apps|batch|autoscaling|policy|networking\.k8s\.io|rbac\.authorization\.k8s\.io)$/.test(
      found.group,
    );
  const references: ObjectReference[] = [...annotated];
  const base = object.path === "" ? "" : `${object.path}.`;
  const add = (type: ObjectReference["kind"], name: Cursor, owner: Cursor): void => {
    const text = name.text;
    if (text === undefined || isMaker(found, name.path.slice(base.length))) return;
    const qualified = QUALIFIED.exec(text);
    if (!qualified && !DNS_NAME.test(text)) return;
    const namespace = qualified?.[1] ?? namespaceAt(owner, own);
    references.push({ kind: type, name, namespace, ...(qualified && { bare: qualified[2] }) });
  };
  if (!mayHold(object.value, mayRefer)) return references;
  for (const place of allPlaces(object)) {
    const { value } = place;
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    if (place.path.startsWith(`${base}metadata`) || place.path.startsWith(`${base}status`)) continue;
    for (const [key, inner] of place.entries()) {
      if (OTHERS.test(key)) continue;
      if (inner.text !== undefined && SECRET_TEXT.test(key)) add("Secret", inner, place);
      if (inner.text !== undefined && CONFIG_TEXT.test(key)) add("ConfigMap", inner, place);
      if (CERTIFICATES.test(key)) {
        for (const one of Array.isArray(inner.value) ? inner.items() : [inner]) {
          if ((one.at("kind").text ?? "Secret") === "Secret") add("Secret", one.at("name"), one);
        }
      }
      // Values of a chart say what it makes as well; only a reference there is one.
      if (place.path.startsWith(`${base}values`) && !/ref$/i.test(key)) continue;
      const type = SECRET_OBJECT.test(key) ? "Secret" : CONFIG_OBJECT.test(key) ? "ConfigMap" : undefined;
      if (type === undefined) continue;
      for (const one of Array.isArray(inner.value) ? inner.items() : [inner]) add(type, one.at("name"), one);
    }
    const kindHere = place.at("kind").text;
    if ((kindHere === "Secret" || kindHere === "ConfigMap") && !place.at("metadata").present) {
      add(kindHere, place.at("name"), place);
    } else if (isForeignKind && isSelector(place) && !hasNamedOwner(place)) {
      add("either", place.at("name"), place);
    }
  }
  return references;
}

function annotations({ object }: KubernetesObject, own: string | undefined): ObjectReference[] {
  return object
    .at("metadata", "annotations")
    .entries()
    .filter(([key]) => ANNOTATION.test(key))
    .flatMap(([, name]): ObjectReference[] => {
      const qualified = QUALIFIED.exec(name.text ?? "");
      if (!qualified && !DNS_NAME.test(name.text ?? "")) return [];
      return [
        { kind: "either", name, namespace: qualified?.[1] ?? own, ...(qualified && { bare: qualified[2] }) },
      ];
    });
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

/** Kinds that run a data store or the like and keep its credentials in Secrets that begin with their name. */
const OPERATED =
  /(?:^|\.)(?:cnpg\.io|zalan\.do|crunchydata\.com|strimzi\.io|rabbitmq\.com|elastic\.co|mongodb\.com|opstreelabs\.in|spotahome\.com|min\.io|mariadb\.com|oracle\.com|keycloak\.org|integreatly\.org|opentelemetry\.io|coreos\.com|grafana\.com|temporal\.io|valkey\.io)$/;
const CHARTS = /^(?:Release|Chart)$/;
const ISSUED = /cert-manager\.io\/(?:cluster-)?issuer$|^kubernetes\.io\/tls-acme$/;

/** A name, or the beginning of names, of objects that come into being without being declared. */
export interface Made {
  readonly kind: "Secret" | "ConfigMap" | "both";
  readonly name: string;
  /** Undefined: in any namespace. */
  readonly namespace: string | undefined;
  readonly isPrefix?: boolean;
}

/** Secrets and ConfigMaps that controllers make from an object. */
export function madeFrom(found: KubernetesObject): Made[] {
  const { kind, group, object } = found;
  const { name } = nameOf(found);
  const namespace = namespaceOf(found);
  const made: Made[] = [];
  const add = (cursor: Cursor, where = namespace): void => {
    if (cursor.text !== undefined) made.push({ kind: "Secret", name: cursor.text, namespace: where });
  };
  for (const entry of object.at("spec", "secretObjects").items()) add(entry.at("secretName"));
  if (/cert-manager\.io$/.test(group)) {
    add(object.at("spec", "secretName"));
    // The account key of an issuer; a cluster issuer keeps it where cert-manager runs.
    const where = kind === "ClusterIssuer" ? undefined : namespace;
    add(object.at("spec", "acme", "privateKeySecretRef", "name"), where);
    if (kind === "Bundle" && name !== undefined) made.push({ kind: "both", name, namespace: undefined });
  }
  if (/external-secrets\.io$/.test(group) && kind.endsWith("ExternalSecret") && name !== undefined) {
    const target =
      object.at("spec", "target", "name").text ??
      object.at("spec", "externalSecretSpec", "target", "name").text;
    made.push({
      kind: "Secret",
      name: target ?? name,
      namespace: kind === "ExternalSecret" ? namespace : undefined,
    });
  }
  if (/hashicorp\.com$/.test(group)) add(object.at("spec", "destination", "name"));
  if (/^(?:SealedSecret|SecretSync)$/.test(kind) && name !== undefined) {
    made.push({ kind: "Secret", name, namespace });
  }
  if (OPERATED.test(group) && name !== undefined) {
    made.push(
      { kind: "both", name, namespace },
      { kind: "both", name: `${name}-`, namespace, isPrefix: true },
    );
    // The operator of Zalando puts the owner first: `owner.cluster.credentials…`.
    if (/zalan\.do$/.test(group))
      made.push({ kind: "Secret", name: `.${name}.credentials`, namespace, isPrefix: true });
  }
  if (CHARTS.test(kind) && /helm\.sh$/.test(group)) {
    const release = object.at("name").text ?? name ?? object.at("resourcePrefix").text;
    if (release !== undefined) {
      made.push(
        { kind: "both", name: release, namespace },
        { kind: "both", name: `${release}-`, namespace, isPrefix: true },
      );
    }
    for (const place of allPlaces(object.at("values"))) {
      const override = place.at("fullnameOverride").text;
      if (override)
        made.push(
          { kind: "both", name: override, namespace },
          { kind: "both", name: `${override}-`, namespace, isPrefix: true },
        );
    }
  }
  if (!mayHold(object.value, (at, key) => typeof at === "object" && key === "annotations")) return made;
  for (const place of allPlaces(object)) {
    const isIssued = [place.at("annotations"), place.at("metadata", "annotations")].some((annotations) =>
      annotations.entries().some(([key]) => ISSUED.test(key)),
    );
    if (!isIssued) continue;
    for (const tls of [...place.at("tls").items(), ...place.at("spec", "tls").items()]) {
      add(tls.at("secretName"));
      add(tls);
    }
    for (const listener of place.at("spec", "listeners").items()) {
      for (const reference of listener.at("tls", "certificateRefs").items()) add(reference.at("name"));
    }
  }
  return made;
}
