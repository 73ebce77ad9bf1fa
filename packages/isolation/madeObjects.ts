import { nameOf, type KubernetesObject } from "./objects";
import { allPlaces, mayHold } from "./places";
import type { Cursor } from "./read";
import { namespaceOf } from "./secretReferences";

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
  const owner = { ...found, name: nameOf(found).name, namespace: namespaceOf(found) };
  return MAKERS.flatMap((maker) => maker(owner));
}

interface Maker extends KubernetesObject {
  readonly name: string | undefined;
  /** Undefined when it is not known yet. */
  readonly namespace: string | undefined;
}

const secrets = (names: readonly Cursor[], namespace: string | undefined): Made[] =>
  names.flatMap(({ text }): Made[] =>
    text === undefined ? [] : [{ kind: "Secret", name: text, namespace }],
  );

/** Everything that bears a name, or begins with it. */
const family = (name: string, namespace: string | undefined): Made[] => [
  { kind: "both", name, namespace },
  { kind: "both", name: `${name}-`, namespace, isPrefix: true },
];

/** What makes Secrets and ConfigMaps, a controller each. */
const MAKERS: readonly ((owner: Maker) => Made[])[] = [
  secretsOfClass,
  certificates,
  externalSecrets,
  vaultSecrets,
  sealedSecrets,
  operated,
  charts,
  issued,
];

function secretsOfClass({ object, namespace }: Maker): Made[] {
  const entries = object.at("spec", "secretObjects").items();
  return secrets(
    entries.map((entry) => entry.at("secretName")),
    namespace,
  );
}

function certificates({ kind, group, object, name, namespace }: Maker): Made[] {
  if (!/cert-manager\.io$/.test(group)) return [];
  // The account key of an issuer; a cluster issuer keeps it where cert-manager runs.
  const where = kind === "ClusterIssuer" ? undefined : namespace;
  return [
    ...secrets([object.at("spec", "secretName")], namespace),
    ...secrets([object.at("spec", "acme", "privateKeySecretRef", "name")], where),
    ...(kind === "Bundle" && name !== undefined
      ? [{ kind: "both" as const, name, namespace: undefined }]
      : []),
  ];
}

function externalSecrets({ kind, group, object, name, namespace }: Maker): Made[] {
  if (!/external-secrets\.io$/.test(group) || !kind.endsWith("ExternalSecret") || name === undefined)
    return [];
  const target = [
    object.at("spec", "target", "name"),
    object.at("spec", "externalSecretSpec", "target", "name"),
  ];
  const made = target.map(({ text }) => text).find((text) => text !== undefined) ?? name;
  return [{ kind: "Secret", name: made, namespace: kind === "ExternalSecret" ? namespace : undefined }];
}

function vaultSecrets({ group, object, namespace }: Maker): Made[] {
  return /hashicorp\.com$/.test(group) ? secrets([object.at("spec", "destination", "name")], namespace) : [];
}

function sealedSecrets({ kind, name, namespace }: Maker): Made[] {
  return /^(?:SealedSecret|SecretSync)$/.test(kind) && name !== undefined
    ? [{ kind: "Secret", name, namespace }]
    : [];
}

function operated({ group, name, namespace }: Maker): Made[] {
  if (!OPERATED.test(group) || name === undefined) return [];
  const made = family(name, namespace);
  // The operator of Zalando puts the owner first: `owner.cluster.credentials…`.
  if (/zalan\.do$/.test(group))
    made.push({ kind: "Secret", name: `.${name}.credentials`, namespace, isPrefix: true });
  return made;
}

function charts({ kind, group, object, name, namespace }: Maker): Made[] {
  if (!CHARTS.test(kind) || !/helm\.sh$/.test(group)) return [];
  const release = object.at("name").text ?? name ?? object.at("resourcePrefix").text;
  const overrides = [...allPlaces(object.at("values"))].map((place) => place.at("fullnameOverride").text);
  return [release, ...overrides].flatMap((one) => (one ? family(one, namespace) : []));
}

/** What cert-manager makes for an Ingress or a Gateway that names an issuer, at any depth: charts carry them too. */
function issued({ object, namespace }: Maker): Made[] {
  if (!mayHold(object.value, (at, key) => typeof at === "object" && key === "annotations")) return [];
  return [...allPlaces(object)].filter(namesIssuer).flatMap((place) => {
    const tls = [...place.at("tls").items(), ...place.at("spec", "tls").items()];
    const listeners = place.at("spec", "listeners").items();
    const references = listeners.flatMap((listener) => listener.at("tls", "certificateRefs").items());
    return secrets(
      [
        ...tls.flatMap((entry) => [entry.at("secretName"), entry]),
        ...references.map((reference) => reference.at("name")),
      ],
      namespace,
    );
  });
}

const namesIssuer = (place: Cursor): boolean =>
  [place.at("annotations"), place.at("metadata", "annotations")].some((annotations) =>
    annotations.entries().some(([key]) => ISSUED.test(key)),
  );
