import type { Sketch } from "./stack";

/** A proxy's configuration with one partner, changed as asked, beside the proxy's own administration. */
export function proxyConfiguration(changes: object): string {
  const endpoint = (address: string) => ({
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: 443 } } } }] },
    ],
  });
  const partner = {
    name: "printing",
    outlier_detection: { consecutive_5xx: 5, base_ejection_time: "60s" },
    circuit_breakers: { thresholds: [{ max_connections: 128 }] },
    load_assignment: endpoint("api.printing.example"),
    ...changes,
  };
  return JSON.stringify({
    static_resources: { clusters: [partner, { name: "admin", load_assignment: endpoint("127.0.0.1") }] },
  });
}

const IMAGE = `ghcr.io/forma3d/api@sha256:${"a1".repeat(32)}`;

const labels = { "app.kubernetes.io/name": "api" };

const container = {
  name: "api",
  image: IMAGE,
  env: [
    { name: "PORT", value: "3000" },
    { name: "DATABASE_PASSWORD_FILE", value: "/mnt/secrets/password" },
    { name: "SESSION_SECRET", valueFrom: { secretKeyRef: { name: "api", key: "session-secret" } } },
  ],
  args: ["serve", "--port=3000"],
  ports: [{ name: "http", containerPort: 3000 }],
  resources: {
    requests: { cpu: "250m", memory: "512Mi" },
    limits: { cpu: "1000m", memory: "1Gi" },
  },
  securityContext: {
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
  livenessProbe: { httpGet: { path: "/health/live", port: "http" } },
  readinessProbe: { httpGet: { path: "/health/ready", port: "http" } },
  lifecycle: { preStop: { sleep: { seconds: 10 } } },
};

const pod = {
  serviceAccountName: "api",
  automountServiceAccountToken: false,
  terminationGracePeriodSeconds: 45,
  securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: "RuntimeDefault" } },
  containers: [container],
  topologySpreadConstraints: [
    {
      topologyKey: "topology.kubernetes.io/zone",
      maxSkew: 1,
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: labels },
    },
  ],
};

const metadata = (name: string) => ({ name, namespace: "shop", labels });

const job = {
  ...pod,
  containers: [
    {
      ...container,
      name: "backup",
      args: ["recovery backup --all && recovery verify && recovery drill && operations preflight prod"],
      ports: [],
      livenessProbe: null,
      readinessProbe: null,
    },
  ],
};

/** Objects of a cluster with nothing to object to. */
export const KUBERNETES: readonly Sketch[] = [
  {
    name: "namespace",
    type: "kubernetes:core/v1:Namespace",
    props: {
      metadata: { name: "shop", labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    },
  },
  {
    name: "api",
    type: "kubernetes:apps/v1:Deployment",
    props: {
      metadata: metadata("api"),
      spec: {
        replicas: 3,
        strategy: { type: "RollingUpdate" },
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: pod },
      },
    },
  },
  {
    name: "scaler",
    type: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    props: {
      metadata: metadata("api"),
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "api" },
        minReplicas: 3,
        maxReplicas: 6,
        metrics: [{ type: "Resource", resource: { name: "cpu" } }],
      },
    },
  },
  {
    name: "budget",
    type: "kubernetes:policy/v1:PodDisruptionBudget",
    props: {
      metadata: metadata("api"),
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    },
  },
  {
    name: "status",
    type: "kubernetes:apps/v1:Deployment",
    props: {
      metadata: {
        ...metadata("status"),
        annotations: { "forma3d.com/single-replica-because": "its database takes one writer" },
      },
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" },
        selector: { matchLabels: { "app.kubernetes.io/name": "status" } },
        template: { metadata: { labels: { "app.kubernetes.io/name": "status" } }, spec: pod },
      },
    },
  },
  {
    name: "traffic",
    type: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    props: {
      metadata: metadata("default-deny"),
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    },
  },
  {
    name: "service",
    type: "kubernetes:core/v1:Service",
    props: {
      metadata: {
        ...metadata("api"),
        annotations: {
          "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
          "service.beta.kubernetes.io/azure-pls-create": "true",
          "service.beta.kubernetes.io/azure-pls-ip-configuration-subnet": "endpoints",
        },
      },
      spec: { type: "LoadBalancer", selector: labels },
    },
  },
  {
    name: "backup",
    type: "kubernetes:batch/v1:CronJob",
    props: {
      metadata: metadata("backup"),
      spec: {
        schedule: "0 3 * * *",
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          spec: { activeDeadlineSeconds: 7200, template: { metadata: { labels }, spec: job } },
        },
      },
    },
  },
  {
    name: "settings",
    type: "kubernetes:core/v1:ConfigMap",
    props: {
      metadata: metadata("settings"),
      data: { "app.yaml": "port: 3000\nlogLevel: info\n", LOG_LEVEL: "info", TOKEN_TTL_SECONDS: "900" },
    },
  },
  {
    name: "gateway-files",
    type: "kubernetes:core/v1:ConfigMap",
    props: {
      metadata: metadata("gateway-files"),
      data: { "envoy.json": proxyConfiguration({}) },
    },
  },
  {
    name: "reader",
    type: "kubernetes:rbac.authorization.k8s.io/v1:Role",
    props: {
      metadata: metadata("reader"),
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }],
    },
  },
  {
    name: "binding",
    type: "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    props: { metadata: metadata("reader"), roleRef: { kind: "ClusterRole", name: "view" } },
  },
];

export { container };
