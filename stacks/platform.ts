import { ResourceGroup } from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { Database } from "../infra/data/database";
import { DnsRecord, Edge } from "../infra/edge/edge";
import { ImageRegistry } from "../infra/cluster/imageRegistry";
import { Logs } from "../infra/monitoring/logs";
import { PRIVATE_DNS_ZONES, virtualEndpointHosts } from "../infra/naming";
import type { PrivateZone } from "../infra/network/network";
import { cloudProviders } from "../infra/providers";
import { featuresOf } from "../infra/secrets/features";
import { SecretReader } from "../infra/secrets/secretCatalogue";
import { SecretValues } from "../infra/secrets/secretValues";
import { platformTags } from "../infra/tags";
import { Vault } from "../infra/secrets/vault";
import { accessToBackups, backupStorage, backupTargets, PlacedBackups, servingRecord } from "./backups";
import { regionCluster, regionCompute } from "./compute";
import { LoadedConfig } from "./config";
import { withPulledImages } from "./images";
import type { Context } from "./context";
import { publicEntry } from "./entry";
import { governance } from "./governance";
import { stackPlatformNames } from "./files";
import { Monitoring, monitoring } from "./monitoring";
import { loginRegions, secretIssues } from "./names";
import { outputNames } from "./outputNames";
import { privateEndpoints, PrivateService, RegionBase, regionBase } from "./regional";
import { servingPlace } from "./roles";
import { PRODUCT, StackConfig } from "./schema";

/** Declares the platform of one environment and returns its stack outputs. */
export function platform({ config, secretValues }: LoadedConfig): PlatformOutputs {
  const context = prepare(withPulledImages(config));
  const global = globalGroup(context);
  const logs = logWorkspace(context, global);
  const regions = allRegions(context);
  const registry = imageRegistry(context, global, regions, logs);
  governance(context, regions);
  const secrets = secretStore(context, secretValues);
  const backups = backupStorage(context, regions, logs);
  const backupAccess = accessToBackups(context, regions, backups);
  const serving = servingRecord(context, regions, backups, global, logs);
  const database = databaseServers(context, regions, secrets, logs);
  const vaults = regions.map((region) => regionVault(context, region, secrets, logs));
  const endpoints = connectPrivately(context, regions, {
    database,
    backups,
    vaults,
    witnessId: serving?.witnessId,
    registry,
  });
  const peersOf = (region: RegionBase) => regions.filter((other) => other !== region);
  const computing = regions.flatMap((region, index) => {
    if (region.role === "lost") return [];
    const after = [database.ready, ...vaults.slice(index, index + 1), ...endpoints];
    const targets = backupTargets(backups, region.place);
    return [
      regionCompute(context, {
        region,
        peers: peersOf(region),
        backups: targets,
        backupAccess,
        registryId: registry?.id,
        servingAccess: serving?.access ?? [],
        logs,
        after,
      }),
    ];
  });
  const lost = regions
    .filter(({ role }) => role === "lost")
    .map((region) =>
      regionCluster(context, { region, peers: peersOf(region), logs, registryId: registry?.id }),
    );
  const entry = publicEntry(context, { group: global, regions, computing, logs });
  const watching = monitoring(context, { computing, lost, secrets, database, backups, vaults, edge: entry });
  return outputs(context, entry, watching);
}

function prepare(config: StackConfig): Context {
  const names = stackPlatformNames(config);
  const providers = cloudProviders(names.prefix, config.azure);
  return {
    config,
    names,
    tags: platformTags(PRODUCT, config.environment, config.tags),
    providers,
    opts: { providers: [providers.azure, providers.random] },
  };
}

/**
 * What is global stands in the region of the witness, or with the monitoring where there is none: Azure changes nothing in a group whose
 * own region is lost, and the edge is needed whichever of the two regions that is. Azure moves no group, and another one would take the
 * edge, logs and images with it: one that stands elsewhere stays there, and `preflight` tells of it.
 */
function globalGroup({ config, names, tags, providers }: Context): ResourceGroup {
  const location = config.serving.witness ?? config.monitoring.region;
  return new ResourceGroup(
    `${names.prefix}-global-group`,
    { resourceGroupName: names.globalResourceGroup, location, tags },
    { provider: providers.azure, ignoreChanges: ["location"] },
  );
}

function logWorkspace({ config, names, tags, opts }: Context, group: ResourceGroup): Logs {
  return new Logs(
    `${names.prefix}-logs`,
    {
      workspaceName: names.logWorkspace,
      resourceGroupName: group.name,
      region: config.monitoring.region,
      retentionDays: config.logRetentionDays,
      dailyCapGiB: config.monitoring.logCapGiB,
      protect: config.protectData,
      tags,
    },
    opts,
  );
}

/** Stands with what is global, and so outlives the region that serves; a copy in every region that may have to start pods. */
function imageRegistry(
  { config, names, tags, opts }: Context,
  group: ResourceGroup,
  regions: readonly RegionBase[],
  logs: Logs,
): ImageRegistry | undefined {
  if (!config.registry.enabled) return undefined;
  const home = config.monitoring.region;
  const { primary, secondary } = config.regions;
  return new ImageRegistry(
    `${names.prefix}-registry`,
    {
      registryName: names.imageRegistry.registry,
      resourceGroupName: group.name,
      region: home,
      copies: [primary, ...(secondary ? [secondary] : [])]
        .map(({ location }) => location)
        .filter((location) => location !== home),
      allowedRanges: config.cluster.authorizedIpRanges,
      readers: Object.fromEntries(
        regions.map(({ place, identities }) => [
          `${place}-preflight`,
          identities.workloads.preflight.principalId,
        ]),
      ),
      subscriptionId: config.azure.subscriptionId,
      logWorkspaceId: logs.workspaceId,
      protect: config.protectData,
      tags,
    },
    opts,
  );
}

function allRegions({ config, names, tags, providers, opts }: Context): RegionBase[] {
  const { primary, secondary } = config.network;
  const privateZones = (Object.keys(PRIVATE_DNS_ZONES) as PrivateZone[]).filter(
    (zone) => zone !== "registry" || config.registry.enabled,
  );
  const common = { prefix: names.prefix, tags, privateZones, azure: providers.azure };
  return [
    regionBase(
      "primary",
      { ...common, role: config.regions.primary.role, names: names.primary, plan: primary },
      opts,
    ),
    ...(names.secondary && config.regions.secondary && secondary
      ? [
          regionBase(
            "secondary",
            { ...common, role: config.regions.secondary.role, names: names.secondary, plan: secondary },
            opts,
          ),
        ]
      : []),
  ];
}

function secretStore(
  { config, names, opts }: Context,
  configured: LoadedConfig["secretValues"],
): SecretValues {
  return new SecretValues(
    `${names.prefix}-secrets`,
    {
      issued: config.vault.secretsIssued,
      tokenEncryptionKeys: config.vault.tokenEncryptionKeys,
      protect: config.protectData,
      configured,
      administratorLogin: config.database.administratorLogin,
      regions: loginRegions(config),
      databaseHost: virtualEndpointHosts(names.virtualEndpoint).writer,
      databaseName: config.database.applicationDatabase,
      sslMode: config.database.sslMode,
    },
    opts,
  );
}

function databaseServers(
  { config, names, tags, opts }: Context,
  regions: RegionBase[],
  secrets: SecretValues,
  logs: Logs,
): Database {
  const { replica, restoredAt: _content, generation: _names, ...database } = config.database;
  const place = (region: RegionBase) => ({
    serverName: region.names.server,
    region: region.names.region,
    resourceGroupName: region.group.name,
  });
  const [primary, secondary] = [first(regions), regions[1]];
  return new Database(
    `${names.prefix}-database`,
    {
      ...database,
      primary: place(primary),
      replica: replica && secondary && { ...place(secondary), ...replica },
      writer: servingPlace(config) === "primary" ? "primary" : "replica",
      lost: regions.some(({ role }) => role === "lost"),
      virtualEndpoint: names.virtualEndpoint,
      administratorPassword: secrets.require("database-admin-password"),
      tenantId: config.azure.tenantId,
      protect: config.protectData,
      logWorkspaceId: logs.workspaceId,
      tags,
    },
    opts,
  );
}

function regionVault(
  { config, names, tags }: Context,
  region: RegionBase,
  secrets: SecretValues,
  logs: Logs,
): Vault {
  const { workloads } = region.identities;
  const readers: Record<SecretReader, pulumi.Input<string>> = {
    api: workloads.api.principalId,
    migration: workloads.migration.principalId,
    roles: workloads.roles.principalId,
    backup: workloads.backup.principalId,
    copy: workloads.copy.principalId,
    verify: workloads.verify.principalId,
    drill: workloads.drill.principalId,
    prune: workloads.prune.principalId,
    metrics: workloads.metrics.principalId,
    monitoring: workloads.monitoring.principalId,
    operator: workloads.operator.principalId,
    preflight: workloads.preflight.principalId,
    "status-page": workloads["status-page"].principalId,
  };
  return new Vault(
    `${names.prefix}-${region.place}-vault`,
    {
      vaultName: region.names.vault,
      region: region.names.region,
      resourceGroupName: region.group.name,
      subscriptionId: config.azure.subscriptionId,
      tenantId: config.azure.tenantId,
      softDeleteRetentionDays: config.vault.softDeleteRetentionDays,
      maxRotationDays: config.vault.secretRotationDays,
      issues: secretIssues(config),
      values: secrets.of(region.place),
      features: featuresOf({ s3: config.recovery.s3, recipients: config.recovery.encryption.recipients }),
      readers,
      protect: config.protectData,
      logWorkspaceId: logs.workspaceId,
      tags,
    },
    region.opts,
  );
}

function connectPrivately(
  { names, tags }: Context,
  regions: RegionBase[],
  data: {
    database: Database;
    backups: PlacedBackups[];
    vaults: Vault[];
    witnessId: pulumi.Input<string> | undefined;
    registry: ImageRegistry | undefined;
  },
): pulumi.Resource[] {
  const { database, backups, vaults, witnessId, registry } = data;
  const server = { group: "postgresqlServer", zone: "database" } as const;
  const services: PrivateService[] = [
    { noun: "primary-server", id: database.primaryId, ...server, dependsOn: [database.ready] },
    ...(database.replicaId
      ? [{ noun: "replica-server", id: database.replicaId, ...server, dependsOn: [database.ready] }]
      : []),
    ...backups.map(({ place, storage }) => ({
      noun: `${place}-backups`,
      id: storage.accountId,
      group: "blob" as const,
      zone: "blob" as const,
    })),
    ...vaults.map((vault, index) => ({
      noun: `${index === 0 ? "primary" : "secondary"}-vault`,
      id: vault.id,
      group: "vault" as const,
      zone: "vault" as const,
    })),
  ];
  if (witnessId) services.push({ noun: "witness", id: witnessId, group: "blob", zone: "blob" });
  if (registry) {
    const { id, ready: dependsOn } = registry;
    services.push({ noun: "registry", id, group: "registry", zone: "registry", dependsOn });
  }
  return privateEndpoints(names.prefix, regions, services, tags).map((endpoint) => endpoint.ready);
}

/** What the recovery tools and the runbooks need to find everything; no secret among them. */
export type PlatformOutputs = ReturnType<typeof outputNames> & {
  /** Host of the Front Door endpoint, and the records the owner of the public names must create. */
  edge: { host: pulumi.Output<string>; dnsRecords: DnsRecord[] };
  /** Address PromQL is asked at, Grafana's, and the host of the status page outside the cluster. */
  monitoring: {
    resourceGroup: string;
    metrics: pulumi.Output<string>;
    grafana: pulumi.Output<string>;
    statusPage: pulumi.Output<string>;
  };
};

function outputs({ config, names }: Context, entry: Edge, watching: Monitoring): PlatformOutputs {
  const { edge, ...outputs } = outputNames(config);
  return {
    ...outputs,
    edge: { ...edge, host: entry.endpointHost, dnsRecords: entry.dnsRecords },
    monitoring: {
      resourceGroup: names.monitoringResourceGroup,
      metrics: watching.workspace.queryEndpoint,
      grafana: watching.workspace.grafanaEndpoint,
      statusPage: watching.outside.host,
    },
  };
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("a platform has at least one region");
  return item;
}
