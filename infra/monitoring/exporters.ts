import yaml from "js-yaml";
import * as pulumi from "@pulumi/pulumi";
import {
  dependencyModule,
  dependencyPattern,
  DEPENDENCIES_ANSWERED,
  MONITORED_SERVICES,
} from "../../packages/alerting/services";
import { HEARTBEAT_QUERY } from "../data/heartbeat";
import { addresses, DNS, NamedTraffic, publicInternet, scraping, workloads } from "../kubernetes/traffic";
import { VaultSource } from "../kubernetes/vaultSecrets";
import { secretsOf } from "../secrets/secretCatalogue";
import { Workload } from "../workloads/workload";

interface ExporterArgs {
  product: string;
  namespace: pulumi.Input<string>;
  /** Image pinned by digest. */
  image: string;
  identityClientId: pulumi.Input<string>;
  /** True in a region that stands by. */
  standby: boolean;
}

export interface PostgresExporterArgs extends ExporterArgs {
  vault: VaultSource;
  /** Addresses of the database's private endpoints. */
  databaseCidr: string;
  databasePort: number;
  after?: pulumi.Resource[];
}

const SMALL = { cpuRequest: "50m", cpuLimit: "250m", memoryRequest: "64Mi", memoryLimit: "128Mi" } as const;
const ALONE = {
  minReplicas: 1,
  maxReplicas: 1,
  singleBecause:
    "It holds nothing, two would count everything twice, and an alert notices when it is silent.",
  targetCpuPercent: 70,
  targetMemoryPercent: 80,
} as const;

/** Names and ports, which the scrape configuration repeats. */
const POSTGRES_EXPORTER = { workload: "monitoring", port: 9187 } as const;
export const BLACKBOX_EXPORTER = { workload: "blackbox", port: 9115 } as const;

/** Folder and file of the exporter's own query. */
const QUERIES = { folder: "/etc/postgres-exporter", file: "queries.yml" } as const;

/**
 * Metrics of the database, asked with the monitoring role, which reads statistics and no table. Named after its
 * identity, whose service account it uses.
 */
export function postgresExporter(
  name: string,
  args: PostgresExporterArgs,
  opts?: pulumi.ComponentResourceOptions,
): Workload {
  const { workload, port } = POSTGRES_EXPORTER;
  const { product, namespace, image, identityClientId } = args;
  return new Workload(
    name,
    {
      workload,
      role: "monitoring",
      product,
      namespace,
      image,
      identityClientId,
      standby: args.standby,
      arguments: [`--web.listen-address=:${port}`, "--log.level=warn"],
      ports: [{ name: "metrics", port }],
      // An argument it does not know would keep it from starting; of a variable it is silent, and an alert tells.
      environment: { PG_EXPORTER_EXTEND_QUERY_PATH: `${QUERIES.folder}/${QUERIES.file}` },
      files: {
        folder: QUERIES.folder,
        contents: { [QUERIES.file]: yaml.dump(HEARTBEAT_QUERY, { lineWidth: -1 }) },
      },
      health: { port: "metrics", live: "/", ready: "/" },
      resources: SMALL,
      ...ALONE,
      secrets: {
        source: args.vault,
        entries: secretsOf("monitoring"),
      },
      ingress: [scraping(port)],
      egress: [DNS, addresses("database", args.databaseCidr, args.databasePort)],
      after: args.after,
    },
    opts,
  );
}

/** Probe modules: the timeout is the scrape's own, so that each service keeps its own. */
export function blackboxModules() {
  const http = (ssl: boolean, extra: object = {}) => ({
    prober: "http",
    http: {
      preferred_ip_protocol: "ip4",
      follow_redirects: false,
      valid_status_codes: [200],
      fail_if_not_ssl: ssl,
      ...extra,
    },
  });
  const dependency = (expected: { path: string; equals: string }) =>
    http(false, {
      valid_status_codes: [...DEPENDENCIES_ANSWERED],
      fail_if_body_not_matches_regexp: [dependencyPattern(expected)],
    });
  const dependencies = MONITORED_SERVICES.flatMap(({ job, check }) =>
    check.type === "http" && check.expect ? [[dependencyModule(job), dependency(check.expect)]] : [],
  );
  return {
    modules: {
      http: http(false),
      https: http(true),
      tcp: { prober: "tcp", tcp: { preferred_ip_protocol: "ip4" } },
      ...(Object.fromEntries(dependencies) as Record<string, object>),
    },
  };
}

export interface BlackboxExporterArgs extends ExporterArgs {
  /** Workloads that ask for probes themselves. */
  askedBy: readonly string[];
  /** Workloads and ports that are probed inside. */
  probed: readonly { workload: string; port: number }[];
  databaseCidr: string;
  databasePort: number;
}

/** Asks services from inside as a caller would, and the public addresses from outside. */
export function blackboxExporter(
  name: string,
  args: BlackboxExporterArgs,
  opts?: pulumi.ComponentResourceOptions,
): Workload {
  const { workload, port } = BLACKBOX_EXPORTER;
  const { product, namespace, image, identityClientId } = args;
  const inside: NamedTraffic[] = args.probed.map((target) =>
    workloads(`probe of ${target.workload}`, [target.workload], target.port),
  );
  return new Workload(
    name,
    {
      workload,
      role: "monitoring",
      product,
      namespace,
      image,
      identityClientId,
      standby: args.standby,
      arguments: [
        "--config.file=/etc/blackbox/blackbox.yml",
        `--web.listen-address=:${port}`,
        "--log.level=warn",
      ],
      ports: [{ name: "metrics", port }],
      health: { port: "metrics", live: "/-/healthy", ready: "/-/healthy" },
      resources: SMALL,
      ...ALONE,
      files: {
        folder: "/etc/blackbox",
        contents: { "blackbox.yml": yaml.dump(blackboxModules(), { lineWidth: -1, noRefs: true }) },
      },
      ingress: [
        scraping(port),
        ...(args.askedBy.length > 0 ? [workloads("status page", args.askedBy, port)] : []),
      ],
      egress: [
        DNS,
        ...inside,
        addresses("database", args.databaseCidr, args.databasePort),
        publicInternet("public addresses", 443),
      ],
    },
    opts,
  );
}
