import * as pulumi from "@pulumi/pulumi";
import { DATABASE_PORTS } from "../infra/data/places";
import { gatewayPorts, gatewayVariables } from "../infra/workloads/gateway";
import { Exposure, loadBalancerAddress } from "../infra/kubernetes/exposure";
import { addresses, DNS, publicInternet, scraping, workloads } from "../infra/kubernetes/traffic";
import { VaultSource } from "../infra/kubernetes/vaultSecrets";
import { DatabaseGate } from "../infra/recovery/recoveryTargets";
import { secretsOf } from "../infra/secrets/secretCatalogue";
import { WorkloadArgs } from "../infra/workloads/workload";
import { RegionBase } from "./regional";
import { PRODUCT, StackConfig } from "./schema";
import { CONNECTIONS_PER_POD, Site, SITE_HEALTH, SITES } from "./sites";

/** How a site of a region is reached from outside its cluster. */
export function exposureOf({ network, names }: Pick<RegionBase, "network" | "names">, name: Site): Exposure {
  return {
    privateLinkService: names.privateLinkServices[name],
    address: loadBalancerAddress(network.subnetCidrs.nodes, SITES.indexOf(name)),
    subnet: "nodes",
    privateLinkSubnet: "private-link",
  };
}

/** Pods of the integration gateway. */
export const GATEWAY_REPLICAS = { minReplicas: 3, maxReplicas: 6 } as const;

/** What a site needs beside its own configuration. */
export interface SiteArgs {
  config: StackConfig;
  namespace: pulumi.Input<string>;
  clientId: pulumi.Input<string>;
  region: Pick<RegionBase, "network" | "names">;
  after: pulumi.Resource[];
  /** Whether the region stands by, with no pod running. */
  standby: boolean;
}

function site(name: Site, { config, ...args }: SiteArgs) {
  const { port, live, ready } = SITE_HEALTH[name];
  return {
    ...config.workloads[name],
    workload: name,
    role: "application" as const,
    product: PRODUCT,
    namespace: args.namespace,
    identityClientId: args.clientId,
    ports: [{ name: "http", port }],
    health: { port: "http", live, ready },
    exposure: exposureOf(args.region, name),
    after: args.after,
    standby: args.standby,
    ingress: [
      addresses("edge", args.region.network.subnetCidrs["private-link"], port),
      workloads("status page and probes", ["status-page", "blackbox"], port),
    ],
  };
}

/** The NestJS API: its database through the pooler, partners and error reports through the gateway, mail directly. */
export function api(args: SiteArgs & { vault: VaultSource; gate: DatabaseGate }): WorkloadArgs {
  const { config, region, vault, gate } = args;
  const base = site("api", args);
  const { port } = SITE_HEALTH.api;
  return {
    ...base,
    environment: {
      NODE_ENV: "production",
      ENVIRONMENT: config.environment,
      PORT: String(port),
      PUBLIC_URL: `https://${config.edge.apiHostName}`,
      DASHBOARD_URL: `https://${config.edge.dashboardHostName}`,
      DATABASE_POOL_SIZE: String(CONNECTIONS_PER_POD),
      ...gatewayVariables(),
    },
    secrets: { source: vault, entries: secretsOf("api") },
    gate,
    ingress: [...base.ingress, scraping(port)],
    egress: [
      DNS,
      addresses("database", region.network.subnetCidrs.endpoints, DATABASE_PORTS.pooled),
      workloads("partners", ["gateway"], ...gatewayPorts(config.gateway.errorReports)),
      publicInternet("mail", 465, 587),
    ],
  };
}

/** The web dashboard: static files; browsers talk to the API themselves. */
export function dashboard(args: SiteArgs): WorkloadArgs {
  return {
    ...site("dashboard", args),
    environment: {
      ENVIRONMENT: args.config.environment,
      PORT: String(SITE_HEALTH.dashboard.port),
      API_URL: `https://${args.config.edge.apiHostName}`,
    },
    egress: [DNS],
  };
}
