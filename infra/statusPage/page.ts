import yaml from "js-yaml";
import * as pulumi from "@pulumi/pulumi";
import { Maintenance } from "../../packages/alerting/maintenance";
import { addresses, DNS, scraping, workloads } from "../kubernetes/traffic";
import { VaultSource } from "../kubernetes/vaultSecrets";
import { secretsOf } from "../secrets/secretCatalogue";
import { Workload, WorkloadArgs } from "../workloads/workload";
import { frontConfig, Provider } from "./front";
import { gatusConfig } from "./gatus";
import { Incident } from "./incidents";
import { statpingCommand, statpingEnvironment, statpingServices } from "./statping";
import { pageServices, PageTargets } from "./targets";

export interface StatusPageArgs {
  product: string;
  namespace: pulumi.Input<string>;
  environment: string;
  provider: Provider;
  /** Images pinned by digest: of the page in question, and of nginx for unprivileged users. */
  images: { statping: string; gatus: string; front: string };
  clientIds: { page: pulumi.Input<string>; front: pulumi.Input<string> };
  vault: VaultSource;
  targets: PageTargets;
  /** Workloads and ports the page asks. */
  asked: readonly { workload: string; port: number }[];
  /** The blackbox exporter. */
  prober: { workload: string; port: number };
  databaseCidr: string;
  databasePort: number;
  maintenance: Maintenance;
  incidents: readonly Incident[];
  /** True in a region that stands by. */
  standby: boolean;
  after?: pulumi.Resource[];
}

export const STATUS_PAGE = { workload: "status-page", port: 8080 } as const;
export const STATUS_FRONT = { workload: "status-front", port: 8080 } as const;
const FOLDER = "/etc/status-page";

const COMMON = {
  role: "monitoring",
  targetCpuPercent: 70,
  targetMemoryPercent: 80,
} as const;

/**
 * Status page of a cluster: the page itself, reached by nobody but the front, the probes and the metrics agent; and the
 * front, which lets visitors look. The page keeps nothing: each change of its configuration is a new pod that starts
 * from it.
 */
export class StatusPage extends pulumi.ComponentResource {
  readonly front: Workload;

  constructor(name: string, args: StatusPageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:statusPage:StatusPage", name, {}, opts);
    const page = new Workload(`${name}-page`, pageWorkload(args), { parent: this });
    this.front = new Workload(
      `${name}-front`,
      { ...frontWorkload(args), after: [page.service] },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

function pageWorkload(args: StatusPageArgs): WorkloadArgs {
  const { workload, port } = STATUS_PAGE;
  return {
    ...COMMON,
    ...(args.provider === "statping" ? statping(args) : gatus(args)),
    workload,
    product: args.product,
    namespace: args.namespace,
    identityClientId: args.clientIds.page,
    standby: args.standby,
    ports: [{ name: "http", port }],
    resources: { cpuRequest: "50m", cpuLimit: "500m", memoryRequest: "96Mi", memoryLimit: "256Mi" },
    minReplicas: 1,
    maxReplicas: 1,
    singleBecause: "Two pages would disagree about history, and the page outside the cluster stands in.",
    ingress: [workloads("front", [STATUS_FRONT.workload], port), scraping(port)],
    egress: [
      DNS,
      ...args.asked.map((target) => workloads(`check of ${target.workload}`, [target.workload], target.port)),
      ...(args.provider === "statping"
        ? [workloads("probes of dependencies", [args.prober.workload], args.prober.port)]
        : []),
      addresses("database", args.databaseCidr, args.databasePort),
    ],
    after: args.after,
  };
}

function statping(args: StatusPageArgs) {
  const { port } = STATUS_PAGE;
  return {
    image: args.images.statping,
    command: statpingCommand(`${FOLDER}/services.yml`),
    environment: statpingEnvironment(args.environment, port, args.incidents),
    secrets: { source: args.vault, entries: secretsOf("status-page") },
    files: {
      folder: FOLDER,
      contents: {
        "services.yml": toYaml(
          statpingServices(pageServices(args.targets), `http://${args.prober.workload}`),
        ),
      },
    },
    health: { port: "http", live: "/health", ready: "/health" },
  };
}

function gatus(args: StatusPageArgs) {
  const { environment, maintenance, incidents } = args;
  const services = pageServices(args.targets);
  return {
    image: args.images.gatus,
    environment: { GATUS_CONFIG_PATH: `${FOLDER}/config.yaml` },
    files: {
      folder: FOLDER,
      contents: {
        "config.yaml": toYaml(
          gatusConfig({ services, environment, port: STATUS_PAGE.port, maintenance, incidents }),
        ),
      },
    },
    health: { port: "http", live: "/health", ready: "/health" },
  };
}

function frontWorkload(args: StatusPageArgs): WorkloadArgs {
  const { workload, port } = STATUS_FRONT;
  return {
    ...COMMON,
    workload,
    product: args.product,
    namespace: args.namespace,
    identityClientId: args.clientIds.front,
    standby: args.standby,
    image: args.images.front,
    files: {
      folder: "/etc/nginx/conf.d",
      contents: { "default.conf": frontConfig(args.provider, port, STATUS_PAGE.workload) },
    },
    ports: [{ name: "http", port }],
    health: { port: "http", live: "/-/healthy", ready: "/-/healthy" },
    resources: { cpuRequest: "50m", cpuLimit: "250m", memoryRequest: "32Mi", memoryLimit: "64Mi" },
    minReplicas: 1,
    maxReplicas: 1,
    singleBecause: "The page behind it is one pod, and the page outside the cluster stands in.",
    ingress: [workloads("probes", ["blackbox"], port)],
    egress: [DNS, workloads("page", [STATUS_PAGE.workload], STATUS_PAGE.port)],
  };
}

function toYaml(content: unknown): string {
  return yaml.dump(content, { lineWidth: -1, noRefs: true });
}
