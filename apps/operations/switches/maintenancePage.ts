import { DNS, addresses, trafficPolicy, workloads } from "../../../infra/kubernetes/traffic";
import { restrictedContainer, restrictedPod } from "../../../infra/kubernetes/pod";
import { labelsOf, selectorOf } from "../../../infra/kubernetes/labels";
import { SITE_HEALTH } from "../../../stacks/sites";
import type { ClusterObject } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";

export const PAGE = "maintenance";
const PORT = 8080;
/** Leads to the API's own pods, for its health checks. */
const DIRECT = "maintenance-api";
const FOLDER = "/etc/nginx/conf.d";

export const pageSelector = selectorOf(PAGE);

/**
 * Configuration of nginx: 503 with Retry-After for everything, webhooks included, so that partners deliver again.
 * Front Door's own probes are answered, or it would give up the region; the API's health paths lead to the API itself.
 */
function pageConfig({ hosts }: Pick<Platform, "hosts">, retryAfterSeconds: number): string {
  const text = "Forma 3D Connect is being maintained. Please try again in a few minutes.\\n";
  const common = `  listen ${PORT}XX;
  server_tokens off;
  absolute_redirect off;
  default_type text/plain;
  location = /-/healthy { return 200 "ok\\n"; }
  location / {
    # Front Door's probe, by the header it alone may set.
    if ($http_x_fd_healthprobe = "1") { return 200 "ok\\n"; }
    add_header Retry-After ${retryAfterSeconds} always;
    add_header Cache-Control no-store always;
    return 503 "${text}";
  }`;
  const health = `  location ~ ^/health(/|$) {
    proxy_pass http://${DIRECT};
    proxy_set_header Host $host;
    proxy_connect_timeout 2s;
    proxy_read_timeout 10s;
  }`;
  return [
    `server {\n${common.replace("XX", " default_server")}\n}`,
    `server {\n  server_name ${hosts.api} api;\n${common.replace("XX", "")}\n${health}\n}`,
    "",
  ].join("\n\n");
}

/** What `maintenance on` puts into the cluster, in this order, and `off` takes away. Nothing of it is Pulumi's. */
export function pageObjects(
  platform: Platform,
  region: RegionFacts,
  product: string,
  retryAfterSeconds: number,
): ClusterObject[] {
  const { namespace, frontImage: image } = platform;
  const labels = { ...labelsOf(PAGE, "application", product), "app.kubernetes.io/managed-by": "operations" };
  const metadata = (name = PAGE) => ({ name, namespace, labels });
  const api = SITE_HEALTH.api.port;
  const probe = { httpGet: { path: "/-/healthy", port: "http" }, periodSeconds: 5 };
  const pod = restrictedPod(
    {
      serviceAccountName: "default",
      containers: [
        restrictedContainer(
          {
            name: PAGE,
            image,
            resources: { cpuRequest: "50m", cpuLimit: "500m", memoryRequest: "32Mi", memoryLimit: "64Mi" },
            mounts: [{ name: "config", mountPath: FOLDER, readOnly: true }],
          },
          { ports: [{ name: "http", containerPort: PORT }], readinessProbe: probe, livenessProbe: probe },
        ),
      ],
      volumes: [{ name: "config", configMap: { name: PAGE } }],
    },
    {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "topology.kubernetes.io/zone",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selectorOf(PAGE) },
        },
      ],
    },
  );
  const traffic = (
    name: string,
    of: string,
    allowed: Parameters<typeof trafficPolicy>[1],
  ): ClusterObject => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(name),
    spec: trafficPolicy(of, allowed),
  });
  return [
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: metadata(),
      data: { "default.conf": pageConfig(platform, retryAfterSeconds) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata(DIRECT),
      spec: { selector: selectorOf("api"), ports: [{ name: "http", port: 80, targetPort: "http" }] },
    },
    traffic(PAGE, PAGE, {
      ingress: [
        addresses("edge", region.edgeCidr, PORT),
        workloads("status page and probes", ["status-page", "blackbox"], PORT),
      ],
      egress: [DNS, workloads("health checks", ["api"], api)],
    }),
    {
      ...traffic(DIRECT, "api", { ingress: [workloads("maintenance page", [PAGE], api)], egress: [] }),
      spec: {
        // Ingress alone: what the API may reach is declared with it.
        ...trafficPolicy("api", { ingress: [workloads("maintenance page", [PAGE], api)], egress: [] }),
        policyTypes: ["Ingress"],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: metadata(),
      spec: {
        replicas: 2,
        selector: { matchLabels: selectorOf(PAGE) },
        template: { metadata: { labels }, spec: pod },
      },
    },
  ];
}
