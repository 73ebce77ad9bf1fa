import * as pulumi from "@pulumi/pulumi";
import { ImageAdmission } from "../infra/cluster/admission";
import { imageRepositories } from "./images";
import { BackupJobs } from "../infra/recovery/backupJobs";
import { Cluster } from "../infra/cluster/cluster";
import { DATABASE_PORTS } from "../infra/data/places";
import { LoginRegions } from "../infra/data/databaseLogins";
import { databaseRoles } from "../infra/data/databaseRoles";
import { integrationGateway } from "../infra/workloads/gateway";
import { GatewayPermission } from "../infra/workloads/gatewayPermission";
import { Federation } from "../infra/identity/identity";
import { VaultSource } from "../infra/kubernetes/vaultSecrets";
import { Logs } from "../infra/monitoring/logs";
import { migration, MIGRATION_SECRET } from "../infra/workloads/migration";
import { Namespace } from "../infra/cluster/namespace";
import { backupAccounts, IDENTITIES, logWorkspaceId, virtualEndpointHosts } from "../infra/naming";
import { OperatorJob } from "../infra/recovery/operatorJob";
import { clusterProvider } from "../infra/providers";
import { ReadinessJob } from "../infra/recovery/readinessJob";
import { recoveryExporter } from "../infra/recovery/recoveryExporter";
import { scratchVolumes } from "../infra/recovery/recoveryJobs";
import { BackupTarget, databaseGate, gateSettings, RecoveryTargets } from "../infra/recovery/recoveryTargets";
import { secretIssue } from "../infra/secrets/secretIssue";
import { CONTAINER_NAMES, ContainerPurpose } from "../infra/data/places";
import { Workload } from "../infra/workloads/workload";
import { api, dashboard, GATEWAY_REPLICAS } from "./applications";
import { Site, SITES } from "./sites";
import { loginRegions, secretIssues } from "./names";
import type { Context } from "./context";
import { stackFileOf } from "./stackFile";
import { RegionBase } from "./regional";
import { PLACES } from "./roles";
import { dnsServiceAddress, PRODUCT } from "./schema";

/** What a region that computes needs from the rest of the platform. */
export interface ComputeArgs {
  region: RegionBase;
  /** The platform's other regions. */
  peers: readonly RegionBase[];
  /** The accounts that hold the backups, the region's own first. */
  backups: readonly BackupTarget[];
  logs: Logs;
  /** Where nodes pull images from; absent where that asks for no right. */
  registryId: pulumi.Input<string> | undefined;
  /** Rights on the record of who serves: the gateway waits for them. */
  servingAccess: readonly pulumi.Resource[];
  /** Rights on the backups: what works with them waits for it. */
  backupAccess: pulumi.Resource;
  /** What pods need before they start: database, vault, their private endpoints. */
  after: pulumi.Resource[];
}

/** A region's cluster, whether or not anything runs in it. */
export interface RegionCluster {
  region: RegionBase;
  cluster: Cluster;
  federation: Federation;
}

/** What a region computes with, and what answers there. */
export interface RegionCompute extends RegionCluster {
  namespace: Namespace;
  /** Options of a component in the region's cluster. */
  opts: pulumi.ComponentResourceOptions;
  /** Where the region's pods take their secrets from. */
  vault: VaultSource;
  /** What a pod that uses the database waits for. */
  ready: pulumi.Resource[];
  /** Workload behind each public site. */
  sites: Record<Site, Workload>;
}

/** A region's cluster, ready for components. */
interface Place extends ComputeArgs {
  name: string;
  namespace: Namespace;
  opts: pulumi.ComponentResourceOptions;
  vault: VaultSource;
}

/** Cluster of one region and everything in it: running where the region serves, at zero where it stands by. */
export function regionCompute(context: Context, args: ComputeArgs): RegionCompute {
  const { cluster, federation } = regionCluster(context, args);
  const place = insideCluster(context, { ...args, after: [...args.after, federation] }, cluster);
  // The jobs that prepare the database have waited for everything else already.
  const ready = serves(place) ? prepareDatabase(context, place) : place.after;
  const sites = applications(context, { ...place, after: ready });
  recovery(context, place);
  const { region, namespace, opts, vault } = place;
  return { region, cluster, federation, namespace, opts, vault, ready, sites };
}

/** Whether a region serves: only there do workloads run, and are schema and backups taken care of. */
export function serves({ region }: Pick<ComputeArgs, "region">): boolean {
  return region.role === "serving";
}

/**
 * Cluster of a region, and the trust of its identities. Of a lost region it is all that stays declared: with nothing in
 * it, so that no update waits for an API server nobody can reach.
 */
export function regionCluster(
  context: Context,
  { region, peers, logs, registryId }: Pick<ComputeArgs, "region" | "peers" | "logs" | "registryId">,
): RegionCluster {
  const { config, names, tags } = context;
  const { network, identities, plan } = region;
  const { standby, ...sizes } = config.cluster;
  const cluster = new Cluster(
    `${names.prefix}-${region.place}-cluster`,
    {
      ...sizes,
      // Nothing runs there but the cluster's own services; the autoscaler brings nodes as soon as pods wait for them.
      ...(region.role === "standby" && {
        userPool: { ...sizes.userPool, minCount: standby.userMinCount, tags: { regionRole: region.role } },
      }),
      lost: region.role === "lost",
      names: region.names,
      resourceGroupName: region.group.name,
      subscriptionId: config.azure.subscriptionId,
      tenantId: config.azure.tenantId,
      outboundAddress: network.outboundAddress,
      peerAddresses: peers.map((peer) => peer.network.outboundAddress),
      outboundAddressId: network.outboundAddressId,
      podCidr: plan.podCidr,
      serviceCidr: plan.serviceCidr,
      dnsServiceIp: dnsServiceAddress(plan.serviceCidr),
      subnetIds: network.subnetIds,
      identity: identities.cluster,
      kubeletIdentity: identities.kubelet,
      registryId,
      logs,
      sensorWorkspaceId: config.defender.containers
        ? logWorkspaceId(config.azure.subscriptionId, names)
        : undefined,
      tags,
    },
    region.opts,
  );
  return { region, cluster, federation: federation(context, region, cluster) };
}

/** Lets the service accounts of a region's cluster sign in as the region's identities. */
function federation({ names }: Context, region: RegionBase, cluster: Cluster): Federation {
  return new Federation(
    `${names.prefix}-${region.place}-federation`,
    {
      names: region.names,
      resourceGroupName: region.group.name,
      issuer: cluster.oidcIssuerUrl,
      namespace: names.namespace,
      identities: [...IDENTITIES],
    },
    region.opts,
  );
}

function insideCluster(context: Context, args: ComputeArgs, cluster: Cluster): Place {
  const { config, names } = context;
  const { region } = args;
  const name = `${names.prefix}-${region.place}`;
  const kubernetes = clusterProvider(
    `${name}-kubernetes`,
    { kubeconfig: cluster.kubeconfig(), clusterName: region.names.cluster },
    { dependsOn: [cluster.ready] },
  );
  const inCluster = { providers: [kubernetes] };
  const { workloads, recovery: runner } = config;
  const namespace = new Namespace(
    `${name}-namespace`,
    {
      namespace: names.namespace,
      product: PRODUCT,
      environment: config.environment,
      quota: {
        // A rollout adds one pod per workload; beside the workloads run jobs and the status page.
        pods: workloads.api.maxReplicas + workloads.dashboard.maxReplicas + GATEWAY_REPLICAS.maxReplicas + 25,
        storageGiB: scratchVolumes() * runner.scratchGiB,
        loadBalancers: SITES.length,
      },
    },
    inCluster,
  );
  new ImageAdmission(
    `${name}-admission`,
    { product: PRODUCT, namespace: names.namespace, repositories: imageRepositories(config) },
    inCluster,
  );
  return {
    ...args,
    name,
    namespace,
    opts: inCluster,
    vault: {
      vaultName: region.names.vault,
      tenantId: config.azure.tenantId,
      issue: secretIssue(secretIssues(config)),
    },
  };
}

/** What every job on the database itself has in common. */
function databaseJob({ region, namespace, vault, after }: Place) {
  return {
    product: PRODUCT,
    namespace: namespace.namespace,
    vault,
    databaseCidr: region.network.subnetCidrs.endpoints,
    databasePort: DATABASE_PORTS.direct,
    after,
  };
}

function guardOf({ config, names }: Context) {
  const { writer, reader } = virtualEndpointHosts(names.virtualEndpoint);
  return {
    image: config.recovery.image,
    environment: config.environment,
    hosts: [writer, reader],
    tls: config.database.sslMode,
  };
}

/** The logins the database gets, as the region sees them that makes them. */
function loginsFrom(config: Context["config"], serving: Place["region"]["place"]): LoginRegions {
  const regions = loginRegions(config);
  const own = regions[serving];
  if (!own) throw new Error(`the environment has no ${serving} region`);
  return { serving: own, standby: PLACES.filter((place) => place !== serving).map((p) => regions[p])[0] };
}

/** Roles first, then the schema; the applications wait for both. */
function prepareDatabase(context: Context, place: Place): pulumi.Resource[] {
  const { config } = context;
  const guard = guardOf(context);
  const { workloads: identities } = place.region.identities;
  const common = databaseJob(place);
  const roles = databaseRoles(
    `${place.name}-roles`,
    {
      ...common,
      identityClientId: identities.roles.clientId,
      image: config.recovery.image,
      regions: loginsFrom(config, place.region.place),
      mark: { arguments: ["guard", "--mark"], environment: gateSettings(guard) },
      checksCertificate: config.database.sslMode === "verify-full",
    },
    place.opts,
  );
  const schema = migration(
    `${place.name}-migration`,
    {
      ...common,
      after: [roles.done],
      identityClientId: identities.migration.clientId,
      image: config.workloads.api.image,
      gate: databaseGate({ ...guard, secret: MIGRATION_SECRET }),
    },
    place.opts,
  );
  return [schema.done];
}

/** How a region's gateway finds out whether it serves; nothing where there is one region. */
function permissionOf({ config, names }: Context, { region }: Place): GatewayPermission | undefined {
  if (!names.servingWitness) return undefined;
  const places = [...backupAccounts(names), names.servingWitness];
  return {
    image: config.recovery.image,
    region: region.names.region,
    places: places.map(({ region: name, storageAccount }) => ({ name, account: storageAccount })),
    endpointsCidr: region.network.subnetCidrs.endpoints,
  };
}

function applications(context: Context, place: Place): Record<Site, Workload> {
  const { config } = context;
  const { region, name, namespace, opts, vault, after } = place;
  const { workloads: identities } = region.identities;
  const gateway = integrationGateway(
    `${name}-gateway`,
    {
      ...config.gateway,
      ...GATEWAY_REPLICAS,
      product: PRODUCT,
      namespace: namespace.namespace,
      identityClientId: identities.gateway.clientId,
      callers: ["api"],
      errorReports: config.gateway.errorReports,
      standby: !serves(place),
      permission: permissionOf(context, place),
    },
    { ...opts, dependsOn: [...place.servingAccess] },
  );
  const common = {
    config,
    region,
    namespace: namespace.namespace,
    after: [...after, gateway.service],
    standby: !serves(place),
  };
  const gate = databaseGate({ ...guardOf(context), secret: "database-api-url" });
  return {
    api: new Workload(
      `${name}-api`,
      api({ ...common, clientId: identities.api.clientId, vault, gate }),
      opts,
    ),
    dashboard: new Workload(
      `${name}-dashboard`,
      dashboard({ ...common, clientId: identities.dashboard.clientId }),
      opts,
    ),
  };
}

function recovery(context: Context, place: Place): void {
  const { config } = context;
  const { region, name, namespace, vault, backups } = place;
  const opts = { ...place.opts, dependsOn: [place.backupAccess] };
  const { workloads: identities } = region.identities;
  const retention = (purpose: ContainerPurpose) =>
    config.storage.containers.find((container) => container.purpose === purpose)?.retentionDays ?? 0;
  const targets: RecoveryTargets = {
    environment: config.environment,
    accounts: backups,
    s3: config.recovery.s3,
    recipients: config.recovery.encryption.recipients,
    containers: CONTAINER_NAMES,
    retention: {
      hourly: retention("hourly"),
      daily: retention("daily"),
      weekly: retention("weekly"),
      monthly: retention("monthly"),
      keepLast: config.recovery.keepLast,
    },
    objectives: { rpoMinutes: config.recovery.rpoMinutes, rtoMinutes: config.recovery.rtoMinutes },
  };
  const common = {
    product: PRODUCT,
    namespace: namespace.namespace,
    image: config.recovery.image,
    targets,
    endpointsCidr: region.network.subnetCidrs.endpoints,
  };
  new BackupJobs(
    `${name}-recovery`,
    {
      ...common,
      vault,
      clientIds: {
        backup: identities.backup.clientId,
        copy: identities.copy.clientId,
        verify: identities.verify.clientId,
        drill: identities.drill.clientId,
        prune: identities.prune.clientId,
      },
      database: config.database.applicationDatabase,
      schedules: config.recovery.schedules,
      deadlineMinutes: config.recovery.deadlineMinutes,
      scratchGiB: config.recovery.scratchGiB,
      databasePort: DATABASE_PORTS.direct,
      suspended: !serves(place),
    },
    opts,
  );
  new OperatorJob(
    `${name}-operator`,
    {
      ...common,
      vault,
      gate: guardOf(context),
      incidents: CONTAINER_NAMES.incidents,
      identityClientId: identities.operator.clientId,
      scratchGiB: config.recovery.scratchGiB,
      databasePorts: [DATABASE_PORTS.direct, DATABASE_PORTS.pooled],
    },
    opts,
  );
  recoveryExporter(
    `${name}-metrics`,
    { ...common, vault, identityClientId: identities.metrics.clientId, standby: !serves(place) },
    opts,
  );
  new ReadinessJob(
    `${name}-readiness`,
    {
      product: PRODUCT,
      namespace: namespace.namespace,
      stack: config.environment,
      stackFile: stackFileOf(config),
      ...config.readiness,
      vault,
      identityClientId: identities.preflight.clientId,
      endpointsCidr: region.network.subnetCidrs.endpoints,
      databasePort: DATABASE_PORTS.direct,
      suspended: !serves(place),
    },
    opts,
  );
}
