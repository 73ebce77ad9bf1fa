import type { Cursor } from "../read";
import type { StackView, Violation } from "../rule";
import { kubernetesObjects, nameOf, podSpecs, type KubernetesObject } from "../objects";
import { stackRule } from "./metadata";

/** Objects Kubernetes itself puts into every namespace. */
const BUILT_IN = new Set(["ConfigMap/kube-root-ca.crt"]);

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
    add("SecretProviderClass", volume.at("csi", "volumeAttributes", "secretProviderClass"));
    for (const source of volume.at("projected", "sources").items()) {
      add("Secret", source.at("secret", "name"));
      add("ConfigMap", source.at("configMap", "name"));
    }
  }
  return found;
}

/** Stores of secrets outside the cluster that an object fetches from, by name only. */
function stores({ object }: KubernetesObject): Reference[] {
  const places = [
    object.at("spec", "secretStoreRef"),
    ...object.at("spec", "secretStoreRefs").items(),
    ...object
      .at("spec", "dataFrom")
      .items()
      .map((entry) => entry.at("sourceRef", "storeRef")),
    ...object
      .at("spec", "data")
      .items()
      .map((entry) => entry.at("sourceRef", "storeRef")),
  ];
  return places
    .filter((place) => place.at("name").text !== undefined)
    .map((place) => ({ kind: place.at("kind").text ?? "SecretStore", name: place.at("name") }));
}

/** Names of the objects a stack makes, those that controllers make from its own objects included. */
function declared(objects: readonly KubernetesObject[]): Set<string> {
  const names = new Set(BUILT_IN);
  for (const found of objects) {
    const { name } = nameOf(found);
    if (name !== undefined) names.add(`${found.kind}/${name}`);
    const made = [
      ...found.object
        .at("spec", "secretObjects")
        .items()
        .map((entry) => entry.at("secretName")),
      found.object.at("spec", "secretName"),
      found.object.at("spec", "target", "name"),
    ];
    for (const secret of made) if (secret.text !== undefined) names.add(`Secret/${secret.text}`);
  }
  return names;
}

function strangers(stack: StackView): Violation[] {
  const all = stack.resources.flatMap((resource) =>
    kubernetesObjects(resource).map((found) => ({ found, urn: resource.urn })),
  );
  const names = declared(all.map(({ found }) => found));
  return all.flatMap(({ found, urn }) =>
    [...podSpecs(found).flatMap(references), ...stores(found)]
      .filter(({ kind, name }) => !names.has(`${kind}/${name.text ?? ""}`))
      .map(({ kind, name }): Violation => ({
        urn,
        path: name.path,
        message: `refers to a ${kind} this stack does not declare, so what it holds is not in the plan`,
      })),
  );
}

/** A pod reads only what its stack put there. */
export const unmanagedReferenceRule = stackRule({
  id: "ISO-056",
  name: "own-configuration-only",
  title: "Outside prod, pods read only what the stack declares",
  description:
    "Every Secret, ConfigMap and SecretProviderClass a pod refers to is declared by the stack, or made from one of its objects.",
  why: "An object someone put into the cluster by hand can hold production's connection string, and no plan shows it.",
  remediation: "Declare the object in the stack; mount secrets through its SecretProviderClass.",
  url: "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
  appliesTo: "nonProd",
  check: strangers,
});
