import kubernetesFacts from "../facts/kubernetes.json";
import type { Facts } from "../facts/types";
import { hash } from "./cloud";
import { isTree, objectsAt, stringAt, valueAt } from "./paths";
import { asFarAsAsked } from "./refresh";
import { Shapes } from "./shapes";
import { Failure, Made, PackageModel, ResourceModel, Scope, Tree, UNKNOWN, Value } from "./types";

const FACTS = kubernetesFacts as unknown as Facts;
const SHAPES = new Shapes(FACTS);
const WHERE = "packages/emulated-azure/facts/sources.ts";

const CLUSTER_SCOPED = new Set([
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "Namespace",
  "PriorityClass",
  "StorageClass",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
]);
/** Namespaces every cluster has. */
const BUILT_IN = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);

/** What cannot be changed on an existing object, by kind. */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  DaemonSet: ["spec.selector"],
  Deployment: ["spec.selector"],
  StatefulSet: ["spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"],
  Job: ["spec.template", "spec.selector", "spec.completionMode", "spec.completions"],
  PersistentVolumeClaim: ["spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.selector"],
  Secret: ["type"],
  Service: ["spec.clusterIP"],
  StorageClass: ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
  RoleBinding: ["roleRef"],
  ClusterRoleBinding: ["roleRef"],
  PriorityClass: ["value"],
};
const HOLDS_DATA = new Set(["PersistentVolumeClaim", "StatefulSet"]);

/** Kinds the API server knows by definition only once their operator or driver is installed. */
const CUSTOM_KINDS: Readonly<Record<string, readonly string[]>> = {
  "secrets-store.csi.x-k8s.io/v1": ["SecretProviderClass"],
  "azmonitoring.coreos.com/v1": ["PodMonitor", "ServiceMonitor"],
  "monitoring.coreos.com/v1": ["PodMonitor", "ServiceMonitor", "PrometheusRule"],
  "cilium.io/v2": ["CiliumNetworkPolicy"],
  "admissionregistration.k8s.io/v1": ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
};

function clusterOf(scope: Scope): string {
  const { config } = scope;
  return (
    stringAt(config, "clusterIdentifier") ??
    stringAt(config, "context") ??
    hash(JSON.stringify(config["kubeconfig"] ?? "")).slice(0, 12)
  );
}

/** DNS-1123 names; RBAC objects allow more. */
function checkName(kind: string, inputs: Tree): Failure[] {
  const name = stringAt(inputs, "metadata.name");
  if (name === undefined || /^(Cluster)?Role(Binding)?$/.test(kind)) return [];
  const label = ["Service", "Namespace"].includes(kind);
  const pattern = label
    ? /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
    : /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const limit = label ? 63 : 253;
  return pattern.test(name) && name.length <= limit
    ? []
    : [
        {
          property: "metadata.name",
          reason: `must be lower-case letters, digits, '-'${label ? "" : " and '.'"}, at most ${limit} characters, unlike ${name}`,
        },
      ];
}

function checkSelector(inputs: Tree): Failure[] {
  const selector = valueAt(inputs, "spec.selector.matchLabels");
  const labels = valueAt(inputs, "spec.template.metadata.labels");
  if (!isTree(selector) || labels === UNKNOWN) return [];
  const missing = Object.entries(selector).filter(
    ([key, value]) => value !== UNKNOWN && (!isTree(labels) || labels[key] !== value),
  );
  return missing.map(([key]) => ({
    property: "spec.selector.matchLabels",
    reason: `${key} is not among the labels of spec.template, so the selector matches no pod`,
  }));
}

/** What the API server says about containers that share a name, and about mounts of volumes that do not exist. */
function checkPod(pod: Value | undefined, at: string): Failure[] {
  if (!isTree(pod)) return [];
  const volumes = valueAt(pod, "volumes");
  const known = new Set(objectsAt(pod, "volumes").map((v) => stringAt(v, "name")));
  const seen = new Set<string>();
  return ["initContainers", "containers"].flatMap((list) =>
    objectsAt(pod, list).flatMap((container, i) => {
      const failures: Failure[] = [];
      const name = stringAt(container, "name");
      if (name !== undefined && seen.has(name)) {
        failures.push({ property: `${at}.${list}[${i}].name`, reason: `duplicate value ${name}` });
      }
      if (name !== undefined) seen.add(name);
      objectsAt(container, "volumeMounts").forEach((mount, m) => {
        const volume = stringAt(mount, "name");
        if (volume !== undefined && volumes !== UNKNOWN && !known.has(volume)) {
          failures.push({
            property: `${at}.${list}[${i}].volumeMounts[${m}].name`,
            reason: `no volume is named ${volume}`,
          });
        }
      });
      return failures;
    }),
  );
}

const POD_AT: Readonly<Record<string, string>> = {
  DaemonSet: "spec.template.spec",
  Deployment: "spec.template.spec",
  StatefulSet: "spec.template.spec",
  Job: "spec.template.spec",
  CronJob: "spec.jobTemplate.spec.template.spec",
};

function checkKind(kind: string, inputs: Tree): Failure[] {
  const pod = POD_AT[kind];
  return [
    ...checkName(kind, inputs),
    ...(["DaemonSet", "Deployment", "StatefulSet"].includes(kind) ? checkSelector(inputs) : []),
    ...(pod ? checkPod(valueAt(inputs, pod), pod) : []),
  ];
}

function liveObject(made: Made): Tree {
  const { inputs, id, random, guid } = made;
  const metadata = (inputs["metadata"] as Tree | undefined) ?? {};
  const kind = stringAt(inputs, "kind");
  return {
    ...inputs,
    metadata: {
      ...metadata,
      ...(id.includes("/") && { namespace: id.split("/")[0] as string }),
      uid: guid("uid"),
      resourceVersion: String(parseInt(random("version", 6), 16)),
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    ...(kind === "Service" && {
      spec: {
        type: "ClusterIP",
        clusterIP: `10.0.${parseInt(random("ip", 2), 16)}.10`,
        ...(inputs["spec"] as Tree | undefined),
      },
    }),
  };
}

function model(type: string, kind: string): ResourceModel {
  const facts = FACTS.resources[type];
  const namespaced = !CLUSTER_SCOPED.has(kind);
  const namespaceOf = (inputs: Tree, scope: Scope): string =>
    stringAt(inputs, "metadata.namespace") ?? stringAt(scope.config, "namespace") ?? "default";
  return {
    type,
    required: [],
    name: { property: "metadata.name", auto: "suffix" },
    applied: true,
    immutable: ["apiVersion", "kind", "metadata.name", "metadata.namespace", ...(IMMUTABLE[kind] ?? [])],
    holdsData: HOLDS_DATA.has(kind),
    preview: (inputs) => (facts ? SHAPES.preview(facts.outputs, inputs) : inputs),
    secretOutputs: kind === "Secret" ? ["data", "stringData"] : [],
    defaults: { apiVersion: apiVersionOf(type), kind },
    idInputs: namespaced ? ["metadata.name", "metadata.namespace"] : ["metadata.name"],
    id: (inputs, scope) => {
      const name = stringAt(inputs, "metadata.name") ?? "";
      return namespaced ? `${namespaceOf(inputs, scope)}/${name}` : name;
    },
    key: (id, scope) => `kubernetes:${clusterOf(scope)}:${apiVersionOf(type)}/${kind}:${id}`,
    parents: (inputs, _id, scope) => {
      const namespace = namespaceOf(inputs, scope);
      return namespaced && !BUILT_IN.has(namespace)
        ? [
            {
              key: `kubernetes:${clusterOf(scope)}:v1/Namespace:${namespace}`,
              what: `namespaces "${namespace}"`,
            },
          ]
        : [];
    },
    check: (inputs) => [...(facts ? SHAPES.check(facts.inputs, inputs) : []), ...checkKind(kind, inputs)],
    refusedUpdate: (old, next) =>
      old["immutable"] === true && JSON.stringify(old["data"]) !== JSON.stringify(next["data"])
        ? [{ property: "data", reason: "cannot be changed while immutable is true" }]
        : [],
    refreshed: ({ inputs }, state) => (state ? (asFarAsAsked(inputs, state.inputs) as Tree) : inputs),
    computed: liveObject,
  };
}

/** `v1` for the core group, whose tokens spell it out. */
function apiVersionOf(type: string): string {
  return (type.split(":")[1] ?? "").replace(/^core\//, "");
}

const BUILT_IN_MODELS = Object.keys(FACTS.resources).map((type) => model(type, type.split(":")[2] as string));
const CUSTOM_MODELS = Object.entries(CUSTOM_KINDS).flatMap(([apiVersion, kinds]) =>
  kinds.map((kind) => model(`kubernetes:${apiVersion}:${kind}`, kind)),
);

export const KUBERNETES: PackageModel = {
  name: "kubernetes",
  version: FACTS.sources["@pulumi/kubernetes"] as string,
  resources: [...BUILT_IN_MODELS, ...CUSTOM_MODELS],
  functions: [],
  checkConfig: () => [],
};

export { WHERE as KUBERNETES_TYPES_FILE };
