/** One kind of object an API server keeps. */
export interface Kind {
  /** API group; "" is the core group. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  shortNames?: readonly string[];
  /** Parts with an address of their own. */
  subresources?: readonly ("status" | "scale" | "log" | "eviction" | "exec")[];
  /** Made up for each request from what runs; nothing is kept. */
  computed?: boolean;
}

const core = (kind: string, plural: string, more: Partial<Kind> = {}): Kind => ({
  group: "",
  version: "v1",
  kind,
  plural,
  namespaced: true,
  ...more,
});
const grouped = (group: string, kind: string, plural: string, more: Partial<Kind> = {}): Kind => ({
  ...core(kind, plural, more),
  group,
  ...(more.version ? { version: more.version } : {}),
});

/** What operators' tools address, with plurals and short names as the API server of Kubernetes 1.35 announces them. */
export const KINDS: readonly Kind[] = [
  core("Namespace", "namespaces", { namespaced: false, shortNames: ["ns"], subresources: ["status"] }),
  core("Node", "nodes", { namespaced: false, shortNames: ["no"], subresources: ["status"] }),
  core("Pod", "pods", { shortNames: ["po"], subresources: ["status", "log", "eviction", "exec"] }),
  core("Service", "services", { shortNames: ["svc"], subresources: ["status"] }),
  core("Secret", "secrets"),
  core("ConfigMap", "configmaps", { shortNames: ["cm"] }),
  core("ServiceAccount", "serviceaccounts", { shortNames: ["sa"] }),
  core("Event", "events", { shortNames: ["ev"] }),
  core("PersistentVolumeClaim", "persistentvolumeclaims", { shortNames: ["pvc"], subresources: ["status"] }),
  core("ResourceQuota", "resourcequotas", { shortNames: ["quota"], subresources: ["status"] }),
  core("LimitRange", "limitranges", { shortNames: ["limits"] }),
  grouped("apps", "Deployment", "deployments", { shortNames: ["deploy"], subresources: ["status", "scale"] }),
  grouped("apps", "ReplicaSet", "replicasets", { shortNames: ["rs"], subresources: ["status", "scale"] }),
  grouped("batch", "Job", "jobs", { subresources: ["status"] }),
  grouped("batch", "CronJob", "cronjobs", { shortNames: ["cj"], subresources: ["status"] }),
  grouped("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", {
    version: "v2",
    shortNames: ["hpa"],
    subresources: ["status"],
  }),
  grouped("policy", "PodDisruptionBudget", "poddisruptionbudgets", {
    shortNames: ["pdb"],
    subresources: ["status"],
  }),
  grouped("networking.k8s.io", "NetworkPolicy", "networkpolicies", { shortNames: ["netpol"] }),
  grouped("coordination.k8s.io", "Lease", "leases"),
  grouped("scheduling.k8s.io", "PriorityClass", "priorityclasses", { namespaced: false, shortNames: ["pc"] }),
  grouped("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", {
    namespaced: false,
  }),
  grouped(
    "admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    { namespaced: false },
  ),
  grouped("rbac.authorization.k8s.io", "Role", "roles"),
  grouped("rbac.authorization.k8s.io", "RoleBinding", "rolebindings"),
  grouped("secrets-store.csi.x-k8s.io", "SecretProviderClass", "secretproviderclasses"),
  grouped("azmonitoring.coreos.com", "PodMonitor", "podmonitors"),
  grouped("metrics.k8s.io", "PodMetrics", "pods", { version: "v1beta1", computed: true }),
];

export const apiVersionOf = ({ group, version }: Kind): string =>
  group === "" ? version : `${group}/${version}`;

export function kindNamed(apiVersion: string, kind: string): Kind | undefined {
  return KINDS.find((known) => known.kind === kind && apiVersionOf(known) === apiVersion);
}
