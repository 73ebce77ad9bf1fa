import type { Cursor } from "../read";
import type { StackView, Violation } from "../rule";
import { kubernetesObjects, nameOf, podSpecs, type KubernetesObject } from "../objects";
import { madeFrom, type Made } from "../madeObjects";
import { namespaceOf, objectReferences } from "../secretReferences";
import { allPlaces, mayHold } from "../places";
import { stackRule } from "./metadata";

/** Objects Kubernetes itself, or a mesh, puts into every namespace. */
const BUILT_IN = new Set([
  "ConfigMap/kube-root-ca.crt",
  // Meshes put theirs beside it.
  "ConfigMap/istio-ca-root-cert",
  "ConfigMap/linkerd-identity-trust-roots",
]);

interface Reference {
  readonly kind: string;
  readonly name: Cursor;
}

/** What a pod refers to by name: settings, secrets and mounts. */
export function references(spec: Cursor): Reference[] {
  const found: Reference[] = [];
  const add = (kind: Reference["kind"], name: Cursor): void => {
    if (name.text !== undefined) found.push({ kind, name });
  };
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    for (const container of spec.at(list).items()) {
      for (const entry of container.at("envFrom").items()) {
        add("Secret", entry.at("secretRef", "name"));
        add("ConfigMap", entry.at("configMapRef", "name"));
      }
      for (const entry of container.at("env").items()) {
        add("Secret", entry.at("valueFrom", "secretKeyRef", "name"));
        add("ConfigMap", entry.at("valueFrom", "configMapKeyRef", "name"));
      }
    }
  }
  for (const volume of spec.at("volumes").items()) {
    add("Secret", volume.at("secret", "secretName"));
    add("ConfigMap", volume.at("configMap", "name"));
    add("PersistentVolumeClaim", volume.at("persistentVolumeClaim", "claimName"));
    add("SecretProviderClass", volume.at("csi", "volumeAttributes", "secretProviderClass"));
    for (const source of volume.at("projected", "sources").items()) {
      add("Secret", source.at("secret", "name"));
      add("ConfigMap", source.at("configMap", "name"));
    }
  }
  return found;
}

/** Properties that name a store, in whatever an operator makes of the object. */
const STORE = /^(?:secretStoreRefs?|storeRef)$/;

/** Stores of secrets outside the cluster, and what else holds credentials, that an object fetches from by name only. */
function stores({ object, group }: KubernetesObject): Reference[] {
  const spec = object.at("spec");
  const isStore = (key: string): boolean =>
    STORE.test(key) || (key === "authenticationRef" && /keda\.sh$/.test(group));
  if (!mayHold(spec.value, (_, key) => key !== undefined && isStore(key))) return [];
  const places = [...allPlaces(spec)].flatMap((place) =>
    place
      .entries()
      .filter(([key]) => isStore(key))
      .flatMap(([, inner]) => (Array.isArray(inner.value) ? inner.items() : [inner])),
  );
  return places
    .filter((place) => place.at("name").text !== undefined)
    .map((place) => ({
      kind:
        place.at("kind").text ??
        (/authenticationRef$/.test(place.path) ? "TriggerAuthentication" : "SecretStore"),
      name: place.at("name"),
    }));
}

/** What an object takes data from beside stores: a volume, a claim or snapshot it is made from, another namespace's Secrets. */
function origins({ kind, object }: KubernetesObject): Reference[] {
  const spec = object.at("spec");
  if (/SecretStore$/.test(kind))
    return [{ kind: "Namespace", name: spec.at("provider", "kubernetes", "remoteNamespace") }];
  if (kind !== "PersistentVolumeClaim") return [];
  const sources = [spec.at("dataSource"), spec.at("dataSourceRef")].filter(({ present }) => present);
  return [
    { kind: "PersistentVolume", name: spec.at("volumeName") },
    ...sources.map((place) => ({ kind: place.at("kind").text ?? "", name: place.at("name") })),
  ];
}

/** Classes of secrets that volumes name outside of a pod's specification, as in the values of a chart. */
function classes({ object }: KubernetesObject): Reference[] {
  if (!mayHold(object.value, (at, key) => typeof at === "string" && key === PROVIDER_CLASS)) return [];
  return [...allPlaces(object)].map((place) => ({
    kind: "SecretProviderClass",
    name: place.at(PROVIDER_CLASS),
  }));
}
const PROVIDER_CLASS = "secretProviderClass";

/** Objects a stack declares, and those that controllers make from them. */
class Declared {
  private readonly names = new Set<string>();
  private readonly beginnings: Made[] = [];
  /** Beginnings of the claims StatefulSets make, one for each pod. */
  private readonly claims: string[] = [];

  constructor(objects: readonly KubernetesObject[]) {
    for (const found of objects) {
      const { name } = nameOf(found);
      if (name !== undefined) this.add(found.kind, namespaceOf(found), name);
      for (const claim of found.object.at("spec", "volumeClaimTemplates").items()) {
        this.claims.push(`${claim.at("metadata", "name").text ?? ""}-${name ?? ""}-`);
      }
      for (const made of madeFrom(found)) {
        if (made.isPrefix) this.beginnings.push(made);
        else for (const kind of kindsOf(made.kind)) this.add(kind, made.namespace, made.name);
      }
    }
  }

  private add(kind: string, namespace: string | undefined, name: string): void {
    this.names.add(`${kind}/${namespace ?? ANY}/${name}`).add(`${kind}//${name}`);
  }

  has(kind: string, namespace: string | undefined, name: string): boolean {
    if (BUILT_IN.has(`${kind}/${name}`)) return true;
    // Charts and operators put their name in the middle of a claim's: `data-release-0`.
    if (kind === "PersistentVolumeClaim") {
      const isMade =
        this.claims.some((claim) => name.startsWith(claim)) ||
        this.beginnings.some((made) => `${name}-`.includes(made.name));
      if (isMade) return true;
    }
    return (
      this.names.has(`${kind}/${namespace ?? ""}/${name}`) ||
      this.names.has(`${kind}/${ANY}/${name}`) ||
      this.beginnings.some(
        (made) =>
          kindsOf(made.kind).includes(kind) &&
          (made.namespace === undefined || namespace === undefined || made.namespace === namespace) &&
          (made.name.startsWith(".") ? name.includes(made.name) : name.startsWith(made.name)),
      )
    );
  }
}

/** Stands for a namespace nobody knows yet. */
const ANY = "*";

const kindsOf = (kind: Made["kind"] | "either"): readonly string[] =>
  kind === "both" || kind === "either" ? ["Secret", "ConfigMap"] : [kind];

function strangers(stack: StackView): Violation[] {
  const all = stack.resources.flatMap((resource) =>
    kubernetesObjects({ ...resource, props: resource.inputs ?? resource.props }).map((found) => ({
      found,
      urn: resource.urn,
    })),
  );
  const declared = new Declared(all.map(({ found }) => found));
  return all.flatMap(({ found, urn }) => {
    const namespace = namespaceOf(found);
    const others = [
      ...podSpecs(found).flatMap(references),
      ...stores(found),
      ...origins(found),
      ...classes(found),
    ].filter(({ kind, name }) => kind !== "Secret" && kind !== "ConfigMap" && name.text !== undefined);
    const missing = [
      ...others
        .filter(({ kind, name }) => {
          const isEverywhere = /^(?:Cluster|Namespace$|PersistentVolume$)/.test(kind);
          return !declared.has(kind, isEverywhere ? undefined : namespace, name.text ?? "");
        })
        .map(({ kind, name }) => ({ what: kind, name })),
      ...objectReferences(found)
        .filter(({ kind, name, namespace: where, bare }) =>
          kindsOf(kind).every((one) => !declared.has(one, where, bare ?? name.text ?? "")),
        )
        .map(({ kind, name }) => ({ what: kind === "either" ? "Secret or ConfigMap" : kind, name })),
    ];
    const seen = new Set<string>();
    return missing.flatMap(({ what, name }): Violation[] => {
      if (seen.has(name.path)) return [];
      seen.add(name.path);
      return [
        {
          urn,
          path: name.path,
          message: `refers to a ${what} this stack does not declare in that namespace, so what it holds is not in the plan`,
        },
      ];
    });
  });
}

/** A pod reads only what its stack put there. */
export const unmanagedReferenceRule = stackRule({
  id: "ISO-056",
  name: "own-configuration-only",
  title: "Outside prod, objects refer only to what the stack declares",
  description:
    "Every Secret, ConfigMap, SecretProviderClass, secret store, volume, claim and snapshot an object refers to by name, under whatever property or annotation, is declared by the stack in that namespace, or made by a controller from one of its objects.",
  why: "An object someone put into the cluster by hand can hold production's connection string, and no plan shows it.",
  remediation: "Declare the object in the stack; mount secrets through its SecretProviderClass.",
  url: "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
  appliesTo: "nonProd",
  check: strangers,
});
