/** The program whose resources the policies are measured with: of a stack that passes, many applications of it. */
import { createHash } from "node:crypto";
import { plainVariables, restrictedContainer, restrictedPod } from "../../../../infra/kubernetes/pod";
import { LEAVE_SILENT_NODES, zoneSpread } from "../../../../infra/kubernetes/placement";
import { probes } from "../../../../infra/kubernetes/probes";
import { graceSeconds, SHUTDOWN } from "../../../../infra/kubernetes/shutdown";
import { platformTags } from "../../../../infra/tags";
import { readStacks, stackPlatformNames } from "../../../../stacks/files";
import { PRODUCT } from "../../../../stacks/schema";

/** Stack whose names, subscription and tags the resources have. */
export const STACK = "staging";

export interface Generated {
  readonly type: string;
  readonly name: string;
  readonly props: Record<string, unknown>;
}

/** Names of the stack, and what its resources have in common. */
type Ground = ReturnType<typeof groundOf>;

/** @throws Error when the project has no such stack */
function groundOf(root: string) {
  const config = readStacks(root)[STACK];
  if (!config) throw new Error(`the project has no stack ${STACK}`);
  const names = stackPlatformNames(config);
  const { subscriptionId } = config.azure;
  return {
    names,
    tags: platformTags(PRODUCT, STACK, config.tags),
    subscription: `/subscriptions/${subscriptionId}`,
    group: `/subscriptions/${subscriptionId}/resourceGroups/${names.primary.resourceGroup}`,
  };
}

/**
 * So many resources of a program in which no rule finds anything: a network policy, and of each application its pods, their account,
 * address and budget, settings, a secret, an identity and a right of it. Names, images, variables and settings differ from one to the next. They have
 * 17 values each on average; those of the real plans have 16 to 19.
 */
export function* program(size: number, root: string): Generator<Generated> {
  const ground = groundOf(root);
  yield networkPolicy(ground);
  for (let made = 1, i = 0; ; i++) {
    for (const resource of application(ground, i)) {
      if (made++ >= size) return;
      yield resource;
    }
  }
}

/** Digests, ids and passwords as random ones are, and the same in each run. */
const digestOf = (name: string): string => createHash("sha256").update(name).digest("hex");
const idOf = (name: string): string =>
  digestOf(name).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");
const passwordOf = (name: string): string =>
  createHash("sha256").update(name).digest("base64url").slice(0, 32);

const metadataOf = ({ names }: Ground, name: string, app = name): Record<string, unknown> => ({
  name,
  namespace: names.namespace,
  labels: { "app.kubernetes.io/name": app },
});

const networkPolicy = (ground: Ground): Generated => ({
  type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
  name: "closed",
  props: {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadataOf(ground, "closed"),
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  },
});

function application(ground: Ground, i: number): Generated[] {
  const { names, subscription, group, tags } = ground;
  const app = `app-${i}`;
  const selector = { matchLabels: { "app.kubernetes.io/name": app } };
  return [
    {
      type: "kubernetes:core/v1:ServiceAccount",
      name: `${app}-account`,
      props: {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: metadataOf(ground, app),
        automountServiceAccountToken: false,
      },
    },
    {
      type: "kubernetes:core/v1:Service",
      name: `${app}-service`,
      props: {
        apiVersion: "v1",
        kind: "Service",
        metadata: metadataOf(ground, app),
        spec: {
          type: "ClusterIP",
          selector: selector.matchLabels,
          ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }],
        },
      },
    },
    {
      type: "kubernetes:policy/v1:PodDisruptionBudget",
      name: `${app}-budget`,
      props: {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: metadataOf(ground, app),
        spec: { selector, maxUnavailable: 1 },
      },
    },
    {
      type: "kubernetes:apps/v1:Deployment",
      name: app,
      props: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: metadataOf(ground, app),
        spec: { replicas: 2, selector, template: podTemplate(app, i, names.virtualEndpoint) },
      },
    },
    {
      type: "kubernetes:core/v1:ConfigMap",
      name: `${app}-settings`,
      props: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: metadataOf(ground, `${app}-settings`, app),
        data: settings(i),
      },
    },
    {
      type: "kubernetes:core/v1:Secret",
      name: `${app}-secret`,
      props: {
        apiVersion: "v1",
        kind: "Secret",
        metadata: metadataOf(ground, `${app}-secret`, app),
        data: { key: Buffer.from(passwordOf(app)).toString("base64") },
      },
    },
    {
      type: "azure-native:authorization:RoleAssignment",
      name: `${app}-reads-secrets`,
      props: {
        scope: `${group}/providers/Microsoft.KeyVault/vaults/${names.primary.vault}`,
        principalId: idOf(`${app}-identity`),
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6`,
        description: `lets workload ${i} read its own secret`,
      },
    },
    {
      type: "azure-native:managedidentity:UserAssignedIdentity",
      name: `${app}-identity`,
      props: {
        resourceName: `id-${i}`,
        resourceGroupName: names.primary.resourceGroup,
        location: names.primary.region,
        tags,
      },
    },
  ];
}

function podTemplate(app: string, i: number, endpoint: string): Record<string, unknown> {
  const variables = Object.fromEntries(
    Array.from({ length: 6 }, (_, n) => [`SETTING_${n}`, `value ${n} of ${i}`]),
  );
  const container = restrictedContainer(
    {
      name: "app",
      image: `ghcr.io/forma3d/app@sha256:${digestOf(app)}`,
      resources: { cpuRequest: "250m", cpuLimit: "1", memoryRequest: "512Mi", memoryLimit: "1Gi" },
      env: plainVariables({ ...variables, PGHOST: `${endpoint}.writer.postgres.database.azure.com` }),
    },
    {
      ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
      ...probes({ port: "http", live: "/health/live", ready: "/health/ready" }),
      lifecycle: { preStop: { sleep: { seconds: SHUTDOWN.preStopSeconds } } },
    },
  );
  const extra = {
    terminationGracePeriodSeconds: graceSeconds(SHUTDOWN.preStopSeconds),
    topologySpreadConstraints: zoneSpread(app),
    tolerations: LEAVE_SILENT_NODES,
  };
  return {
    metadata: { labels: { "app.kubernetes.io/name": app } },
    spec: restrictedPod({ serviceAccountName: app, containers: [container] }, extra),
  };
}

const settings = (i: number): Record<string, string> => ({
  "app.yaml": `server:\n  port: 8080\n  name: app-${i}\nfeatures:\n  - orders\n  - shipping\nlimits:\n  rate: ${i % 100}\n`,
  LOG_LEVEL: "info",
  API_URL: "https://api.shopify.com/admin",
});
