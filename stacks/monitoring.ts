import { ResourceGroup } from "@pulumi/azure-native/resources";
import * as pulumi from "@pulumi/pulumi";
import { seriesOfSource } from "../packages/alerting/metrics";
import { OF_WITNESS, SERVED_METRICS } from "../packages/alerting/scrape";
import { GRAFANA_ZONE_REGIONS } from "../packages/azure-facts";
import {
  EDGE_PROBES,
  insideProbe,
  MONITORED_SERVICES,
  STATUS_PAGE_PROBES,
} from "../packages/alerting/services";
import { Alerts, WatchedResource } from "../infra/monitoring/alerts";
import { Database } from "../infra/data/database";
import { DATABASE_PORTS } from "../infra/data/places";
import { Edge } from "../infra/edge/edge";
import { BLACKBOX_EXPORTER, blackboxExporter, postgresExporter } from "../infra/monitoring/exporters";
import { syncedSecretName } from "../infra/kubernetes/vaultSecrets";
import { MonitorWorkspace } from "../infra/monitoring/monitorWorkspace";
import { virtualEndpointHosts } from "../infra/naming";
import { ProbedTarget, ScrapeConfig, ScrapedWorkload } from "../infra/monitoring/scrapeConfig";
import { secretsOf } from "../infra/secrets/secretCatalogue";
import { secretIssue } from "../infra/secrets/secretIssue";
import { SecretValues } from "../infra/secrets/secretValues";
import { OutsideStatusPage } from "../infra/statusPage/outside";
import { STATUS_FRONT, STATUS_PAGE, StatusPage } from "../infra/statusPage/page";
import { Vault } from "../infra/secrets/vault";
import { SITE_HEALTH, SITES } from "./sites";
import { asPublished } from "./images";
import { RegionCluster, RegionCompute, serves } from "./compute";
import type { PlacedBackups } from "./backups";
import { secretIssues } from "./names";
import type { Context } from "./context";
import { alertSettings, maintenanceOf } from "./monitoringSettings";
import { monitoringIsLost, PLACES, roleOf, servingPlace } from "./roles";
import { PRODUCT } from "./schema";

/** What is watched. */
export interface MonitoringArgs {
  computing: readonly RegionCompute[];
  /** Clusters in which nothing runs while their region is lost; they stay attached to the workspace. */
  lost: readonly RegionCluster[];
  secrets: SecretValues;
  database: Database;
  backups: readonly PlacedBackups[];
  vaults: readonly Vault[];
  edge: Edge;
}

export interface Monitoring {
  workspace: MonitorWorkspace;
  outside: OutsideStatusPage;
}

/** Metrics, dashboards, alerts and status pages of an environment. */
export function monitoring(context: Context, args: MonitoringArgs): Monitoring {
  const { config, names, tags, providers } = context;
  const group = new ResourceGroup(
    `${names.prefix}-monitoring-group`,
    { resourceGroupName: names.monitoringResourceGroup, location: config.monitoring.region, tags },
    { provider: providers.azure },
  );
  const outside = outsidePage(context);
  for (const region of args.computing) insideRegion(context, region, outside);
  const workspace = monitorWorkspace(context, group, args);
  alerts(context, group, workspace, args);
  return { workspace, outside };
}

function outsidePage({ config, names, tags, opts, providers }: Context): OutsideStatusPage {
  const group = new ResourceGroup(
    `${names.prefix}-status-group`,
    { resourceGroupName: names.statusResourceGroup, location: config.statusPage.outsideRegion, tags },
    { provider: providers.azure },
  );
  return new OutsideStatusPage(
    `${names.prefix}-outside-status`,
    {
      names: { environment: names.statusAppEnvironment, app: names.statusApp },
      resourceGroupName: group.name,
      region: config.statusPage.outsideRegion,
      environment: config.environment,
      // From where it is published: it watches from outside, and must not need what it watches.
      image: asPublished(config, config.statusPage.gatusImage),
      targets: {
        api: `https://${config.edge.apiHostName}`,
        dashboard: `https://${config.edge.dashboardHostName}`,
      },
      maintenance: maintenanceOf(config),
      incidents: config.statusPage.incidents,
      tags,
    },
    opts,
  );
}

function insideRegion(context: Context, compute: RegionCompute, outside: OutsideStatusPage): void {
  const { config, names } = context;
  const { region, namespace, opts, vault, ready } = compute;
  const { workloads: identities } = region.identities;
  const name = `${names.prefix}-${region.place}`;
  const asked = SITES.map((site) => ({ workload: site, port: SITE_HEALTH[site].port }));
  const common = {
    product: PRODUCT,
    namespace: namespace.namespace,
    databaseCidr: region.network.subnetCidrs.endpoints,
    databasePort: DATABASE_PORTS.direct,
    standby: !serves(compute),
  };
  postgresExporter(
    `${name}-postgres-exporter`,
    {
      ...common,
      image: config.monitoring.postgresExporterImage,
      identityClientId: identities.monitoring.clientId,
      vault,
      after: ready,
    },
    opts,
  );
  blackboxExporter(
    `${name}-blackbox`,
    {
      ...common,
      image: config.monitoring.blackboxExporterImage,
      identityClientId: identities.blackbox.clientId,
      probed: [...asked, STATUS_FRONT],
      askedBy: config.statusPage.provider === "statping" ? [STATUS_PAGE.workload] : [],
    },
    opts,
  );
  new StatusPage(
    `${name}-status`,
    {
      ...common,
      environment: config.environment,
      provider: config.statusPage.provider,
      images: {
        statping: config.statusPage.statpingImage,
        gatus: config.statusPage.gatusImage,
        front: config.statusPage.frontImage,
      },
      clientIds: { page: identities["status-page"].clientId, front: identities["status-front"].clientId },
      vault,
      prober: BLACKBOX_EXPORTER,
      targets: {
        api: "http://api",
        dashboard: "http://dashboard",
        database: virtualEndpointHosts(names.virtualEndpoint).writer,
      },
      asked,
      maintenance: maintenanceOf(config),
      incidents: config.statusPage.incidents,
      after: ready,
    },
    opts,
  );
  new ScrapeConfig(
    `${name}-scrape`,
    {
      product: PRODUCT,
      namespace: namespace.namespace,
      namespaceName: names.namespace,
      workloads: scraped(context),
      probes: {
        exporter: BLACKBOX_EXPORTER.workload,
        port: "metrics",
        targets: probes(context, outside),
      },
    },
    { ...opts, dependsOn: [compute.cluster] },
  );
}

function scraped({ config, names }: Context): ScrapedWorkload[] {
  const bearer = {
    secret: syncedSecretName(
      STATUS_PAGE.workload,
      { issue: secretIssue(secretIssues(config)) },
      secretsOf("status-page"),
    ),
    key: "API_SECRET",
  };
  const asks = (workload: string): boolean =>
    workload === STATUS_PAGE.workload && config.statusPage.provider === "statping";
  return SERVED_METRICS.filter(({ job }) => job !== OF_WITNESS || names.servingWitness).map(
    ({ keeps, ...served }) => ({
      ...served,
      ...(keeps && { keep: seriesOfSource(keeps) }),
      ...(asks(served.workload) && { bearer }),
    }),
  );
}

function probes({ config, names }: Context, outside: OutsideStatusPage): ProbedTarget[] {
  const database = `${virtualEndpointHosts(names.virtualEndpoint).writer}:${DATABASE_PORTS.direct}`;
  const outer = { module: "https", intervalSeconds: 60, timeoutSeconds: 10 };
  const [apiEdge, dashboardEdge] = EDGE_PROBES;
  const [outsidePage, insidePage] = STATUS_PAGE_PROBES;
  return [
    ...MONITORED_SERVICES.map((service) => ({
      job: service.job,
      intervalSeconds: service.intervalSeconds,
      timeoutSeconds: service.timeoutSeconds,
      ...insideProbe(service, database),
    })),
    { ...outer, job: apiEdge, target: `https://${config.edge.apiHostName}${SITE_HEALTH.api.edge}` },
    {
      ...outer,
      job: dashboardEdge,
      target: `https://${config.edge.dashboardHostName}${SITE_HEALTH.dashboard.edge}`,
    },
    { ...outer, job: outsidePage, target: pulumi.interpolate`https://${outside.host}/` },
    {
      job: insidePage,
      module: "http",
      target: `http://${STATUS_FRONT.workload}/`,
      intervalSeconds: 60,
      timeoutSeconds: 10,
    },
  ];
}

function monitored(computing: readonly RegionCluster[]) {
  return computing.map(({ region, cluster }) => ({
    place: region.place,
    id: cluster.id,
    clusterName: region.names.cluster,
  }));
}

function monitorWorkspace(
  { config, names, tags, opts }: Context,
  group: ResourceGroup,
  { computing, lost }: MonitoringArgs,
): MonitorWorkspace {
  return new MonitorWorkspace(
    `${names.prefix}-monitor`,
    {
      names,
      resourceGroupName: group.name,
      region: config.monitoring.region,
      subscriptionId: config.azure.subscriptionId,
      clusters: monitored([...lost, ...computing]),
      adminGroupObjectIds: config.cluster.adminGroupObjectIds,
      runbookBaseUrl: config.alerts.runbookBaseUrl,
      zoneRedundant:
        GRAFANA_ZONE_REGIONS.includes(config.monitoring.region) && config.cluster.zones.length > 0,
      protect: config.protectData,
      tags,
    },
    opts,
  );
}

/**
 * Servers by what they are for now. One in a lost region is not watched: its silence is known. Where what watches is lost with
 * it, nothing can be taken away there either.
 */
function watchedServers(config: Context["config"], { primaryId, replicaId }: Database): WatchedResource[] {
  const ids = { primary: primaryId, secondary: replicaId };
  const serving = servingPlace(config);
  return PLACES.flatMap((place): WatchedResource[] => {
    const id = ids[place];
    if (!id || (roleOf(config, place) === "lost" && !monitoringIsLost(config))) return [];
    return [{ scope: place === serving ? "servingServer" : "standbyServer", place: "", id }];
  });
}

function alerts(
  { config, names, tags, opts }: Context,
  group: ResourceGroup,
  workspace: MonitorWorkspace,
  args: MonitoringArgs,
): Alerts {
  const { computing, secrets, database, backups, vaults, edge } = args;
  const watched: WatchedResource[] = [
    ...watchedServers(config, database),
    { scope: "frontDoor", place: "", id: edge.profileId },
    ...backups.map(({ place, storage }) => ({
      scope: "storageAccount" as const,
      place,
      id: storage.accountId,
    })),
    ...vaults.map(({ id }, index) => ({
      scope: "vault" as const,
      place: index === 0 ? "primary" : "secondary",
      id,
    })),
  ];
  return new Alerts(
    `${names.prefix}-alerts`,
    {
      prefix: names.prefix,
      resourceGroupName: group.name,
      region: config.monitoring.region,
      subscriptionId: config.azure.subscriptionId,
      workspaceId: workspace.workspaceId,
      clusters: monitored(computing.filter(serves)),
      watched,
      settings: alertSettings(config, names.namespace),
      unreachable: monitoringIsLost(config),
      receivers: { emails: config.alerts.emails, slackChannels: config.alerts.slackChannels },
      maintenance: maintenanceOf(config),
      secrets: {
        pagerDutyRoutingKey: secrets.require("pagerduty-routing-key"),
        slackBotToken: secrets.require("slack-bot-token"),
        deadMansSwitchUrl: secrets.require("dead-mans-switch-url"),
      },
      tags,
    },
    opts,
  );
}
