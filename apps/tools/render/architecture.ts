import { nameOf, providerUrn, STACK_TYPE } from "../../../packages/wire/urn";
import type { JsonValue, PlanDocument, ResourceDocument } from "./plan";

/** Part of the picture a component of the program belongs to. */
export const PARTS = ["edge", "services", "database", "backups", "secrets", "network", "watching"] as const;
export type Part = (typeof PARTS)[number];

/**
 * Where each component type stands in the picture and the verdict. A type that is not here is drawn apart, and a test
 * asks for its place.
 */
export const PLACES: Readonly<Record<string, Part>> = {
  "forma3d:cluster:Cluster": "services",
  "forma3d:cluster:ContainerInsights": "watching",
  "forma3d:cluster:ImageAdmission": "services",
  "forma3d:cluster:ImageRegistry": "services",
  "forma3d:cluster:Namespace": "services",
  "forma3d:database:Database": "database",
  "forma3d:edge:Edge": "edge",
  "forma3d:governance:Governance": "watching",
  "forma3d:identity:Federation": "secrets",
  "forma3d:identity:Identities": "secrets",
  "forma3d:monitoring:Alerts": "watching",
  "forma3d:monitoring:Logs": "watching",
  "forma3d:monitoring:MonitorWorkspace": "watching",
  "forma3d:monitoring:ScrapeConfig": "watching",
  "forma3d:monitoring:SlackRelay": "watching",
  "forma3d:network:Network": "network",
  "forma3d:network:PrivateEndpoint": "network",
  "forma3d:recovery:BackupJobs": "backups",
  "forma3d:recovery:OperatorJob": "backups",
  "forma3d:recovery:ReadinessJob": "watching",
  "forma3d:serving:ServingRecord": "watching",
  "forma3d:statusPage:OutsideStatusPage": "watching",
  "forma3d:statusPage:StatusPage": "services",
  "forma3d:storage:BackupAccess": "backups",
  "forma3d:storage:BackupStorage": "backups",
  "forma3d:vault:SecretValues": "secrets",
  "forma3d:vault:Vault": "secrets",
  "forma3d:workload:OneShotJob": "services",
  "forma3d:workload:Workload": "services",
};

export interface DatabaseView {
  readonly server: string;
  readonly size: string;
  readonly diskGB: number;
  /** `ZoneRedundant`, `SameZone` or `Disabled`. */
  readonly standby: string;
  readonly replica: boolean;
  readonly version?: string;
  readonly restoreDays?: number;
  readonly geoBackup: boolean;
}

export interface RegionView {
  readonly name: string;
  readonly role: "serving" | "standby" | "lost" | "holding backups";
  readonly cluster?: { readonly name: string; readonly nodes: readonly string[]; readonly zones: number };
  readonly databases: readonly DatabaseView[];
  /** Deployments with the pods they may have, as `3-12`. */
  readonly services: readonly { readonly name: string; readonly pods: string }[];
  /** Accounts of backups, with how many of their containers nobody can change. */
  readonly accounts: readonly { readonly name: string; readonly redundancy: string; readonly held: number }[];
  readonly vaults: readonly string[];
}

export interface JobView {
  readonly name: string;
  readonly schedule: string;
}

/** A stack as a person pictures it. */
export interface Architecture {
  readonly regions: readonly RegionView[];
  readonly hosts: readonly string[];
  readonly edge?: { readonly name: string; readonly sku: string; readonly waf: string };
  readonly endpoint?: string;
  /** Containers of backups and evidence with the days their content cannot be changed; 0 is none. */
  readonly containers: readonly { readonly name: string; readonly immutableDays: number }[];
  readonly jobs: readonly JobView[];
  /** Accounts outside both regions that only record who serves. */
  readonly witnesses: readonly { readonly name: string; readonly region: string }[];
  readonly alertRules: number;
  readonly objectives?: { readonly rpoMinutes: number; readonly rtoMinutes: number };
  /** Components whose place nobody has said yet. */
  readonly unplaced: readonly string[];
}

function at(value: JsonValue | undefined, path: string): JsonValue | undefined {
  return path
    .split(".")
    .reduce<JsonValue | undefined>(
      (here, key) =>
        typeof here === "object" && here !== null ? (here as Record<string, JsonValue>)[key] : undefined,
      value,
    );
}

function text(resource: ResourceDocument, path: string): string | undefined {
  const value = at(resource.inputs, path);
  return typeof value === "string" ? value : undefined;
}

function number(resource: ResourceDocument, path: string): number | undefined {
  const value = at(resource.inputs, path);
  return typeof value === "number" ? value : undefined;
}

/** Resources of a plan, by type and by where they are. */
class Plan {
  private readonly byUrn: ReadonlyMap<string, ResourceDocument>;

  constructor(private readonly document: PlanDocument) {
    this.byUrn = new Map(document.resources.map((resource) => [resource.urn, resource]));
  }

  of(...types: string[]): ResourceDocument[] {
    return this.document.resources.filter(({ type }) => types.includes(type));
  }

  /** Region of a resource; what runs in a cluster is where the cluster is that its provider waits for. */
  region(resource: ResourceDocument): string | undefined {
    const own = text(resource, "location")?.toLowerCase();
    if (own !== undefined) return own === "global" ? undefined : own;
    if (!resource.type.startsWith("kubernetes:")) return undefined;
    const provider = this.byUrn.get(providerUrn(resource.provider ?? ""));
    const near = new Set((provider?.dependencies ?? []).map((urn) => this.byUrn.get(urn)?.parent));
    const cluster = this.of(CLUSTER).find(({ parent }) => near.has(parent));
    return cluster && text(cluster, "location");
  }

  /** Storage accounts that hold backups, or those that only record who serves. */
  accounts(witnesses = false): ResourceDocument[] {
    return this.of(ACCOUNT).filter(
      ({ parent }) => (this.byUrn.get(parent ?? "")?.type === RECORD) === witnesses,
    );
  }

  siblings(resource: ResourceDocument, type: string): ResourceDocument[] {
    return this.of(type).filter(({ parent }) => parent !== undefined && parent === resource.parent);
  }

  outputs(path: string): JsonValue | undefined {
    const stack = this.document.resources.find(({ type }) => type === STACK_TYPE);
    return at(stack?.outputs, path);
  }
}

const CLUSTER = "azure-native:containerservice:ManagedCluster";
const POOL = "azure-native:containerservice:AgentPool";
const SERVER = "azure-native:dbforpostgresql:Server";
const ACCOUNT = "azure-native:storage:StorageAccount";
const RECORD = "forma3d:serving:ServingRecord";
const VAULT = "azure-native:keyvault:Vault";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler";

const range = (least: number | undefined, most: number | undefined): string =>
  least === most || most === undefined ? String(least ?? 1) : `${least ?? 1}-${most}`;

function clusterView(plan: Plan, cluster: ResourceDocument): RegionView["cluster"] {
  const inline = (at(cluster.inputs, "agentPoolProfiles") ?? []) as { count?: number; vmSize?: string }[];
  const nodes = inline.map((pool) => `${pool.count ?? 1} ${pool.vmSize ?? ""}`);
  const pools = plan.siblings(cluster, POOL);
  for (const pool of pools) {
    const [least, most] = [number(pool, "minCount"), number(pool, "maxCount")];
    nodes.push(`${range(least ?? number(pool, "count"), most)} ${text(pool, "vmSize") ?? ""}`);
  }
  const zones = at(inline[0] as JsonValue | undefined, "availabilityZones");
  return {
    name: text(cluster, "resourceName") ?? nameOf(cluster.urn),
    nodes,
    zones: Array.isArray(zones) ? zones.length : 0,
  };
}

function databaseView(server: ResourceDocument): DatabaseView {
  const version = text(server, "version");
  return {
    server: text(server, "serverName") ?? nameOf(server.urn),
    size: text(server, "sku.name") ?? "",
    diskGB: number(server, "storage.storageSizeGB") ?? 0,
    standby: text(server, "highAvailability.mode") ?? "Disabled",
    replica: at(server.inputs, "sourceServerResourceId") !== undefined,
    ...(version !== undefined && { version }),
    restoreDays: number(server, "backup.backupRetentionDays"),
    geoBackup: text(server, "backup.geoRedundantBackup") === "Enabled",
  };
}

function serviceView(plan: Plan, deployment: ResourceDocument): RegionView["services"][number] {
  const [scaler] = plan.siblings(deployment, AUTOSCALER);
  const replicas = number(deployment, "spec.replicas") ?? 1;
  return {
    name: text(deployment, "metadata.name") ?? nameOf(deployment.urn),
    pods: scaler
      ? range(number(scaler, "spec.minReplicas"), number(scaler, "spec.maxReplicas"))
      : String(replicas),
  };
}

function roleOf(plan: Plan, name: string, view: Omit<RegionView, "role" | "name">): RegionView["role"] {
  for (const place of ["primary", "secondary"]) {
    const role = plan.outputs(`regions.${place}.role`);
    const here = plan.outputs(`regions.${place}.region`) === name;
    if (here && (role === "serving" || role === "standby" || role === "lost")) return role;
  }
  if (view.databases.some(({ replica }) => !replica)) return "serving";
  return view.databases.length > 0 || view.cluster ? "standby" : "holding backups";
}

function regionView(plan: Plan, name: string): RegionView {
  const here = (type: string) => plan.of(type).filter((resource) => plan.region(resource) === name);
  const [cluster] = here(CLUSTER);
  const view = {
    ...(cluster && { cluster: clusterView(plan, cluster) }),
    databases: here(SERVER).map(databaseView),
    services: here(DEPLOYMENT).map((deployment) => serviceView(plan, deployment)),
    accounts: plan
      .accounts()
      .filter((account) => plan.region(account) === name)
      .map((account) => ({
        name: text(account, "accountName") ?? nameOf(account.urn),
        redundancy: text(account, "sku.name") ?? "",
        held: plan
          .of("azure-native:storage:BlobContainerImmutabilityPolicy")
          .filter(({ propertyDependencies }) => propertyDependencies["accountName"]?.includes(account.urn))
          .length,
      })),
    vaults: here(VAULT).map((vault) => text(vault, "vaultName") ?? nameOf(vault.urn)),
  };
  const role = roleOf(plan, name, view);
  // Whichever was made as a replica: after a failover the other one follows.
  const [version] = plan.of(SERVER).flatMap((server) => text(server, "version") ?? []);
  const databases = view.databases.map((database) => ({ version, ...database, replica: role !== "serving" }));
  return { name, role, ...view, databases };
}

const ROLES: readonly RegionView["role"][] = ["serving", "standby", "lost", "holding backups"];

/** What a plan amounts to: regions with their roles, what is in them, and what is in front of and behind them. */
export function architectureOf(document: PlanDocument): Architecture {
  const plan = new Plan(document);
  const names = new Set(
    [...plan.of(CLUSTER, SERVER, VAULT), ...plan.accounts()].flatMap(
      (resource) => plan.region(resource) ?? [],
    ),
  );
  const regions = [...names]
    .map((name) => regionView(plan, name))
    .sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role));
  const [profile] = plan.of("azure-native:cdn:Profile");
  const [waf] = plan.of("azure-native:frontdoor:Policy");
  const [endpoint] = plan.of("azure-native:dbforpostgresql:VirtualEndpoint");
  const policies = plan.of("azure-native:storage:BlobContainerImmutabilityPolicy");
  const rpoMinutes = plan.outputs("objectives.rpoMinutes");
  const rtoMinutes = plan.outputs("objectives.rtoMinutes");
  return {
    regions,
    witnesses: plan.accounts(true).map((account) => ({
      name: text(account, "accountName") ?? nameOf(account.urn),
      region: plan.region(account) ?? "",
    })),
    hosts: plan.of("azure-native:cdn:AFDCustomDomain").flatMap((domain) => text(domain, "hostName") ?? []),
    ...(profile && {
      edge: {
        name: text(profile, "profileName") ?? "",
        sku: text(profile, "sku.name") ?? "",
        waf: (waf && text(waf, "policySettings.mode")) ?? "none",
      },
    }),
    endpoint: endpoint && text(endpoint, "virtualEndpointName"),
    containers: plan.of("azure-native:storage:BlobContainer").map((container) => {
      const name = text(container, "containerName") ?? nameOf(container.urn);
      const own = policies.find(({ propertyDependencies }) =>
        propertyDependencies["containerName"]?.includes(container.urn),
      );
      return {
        name,
        immutableDays: (own && number(own, "immutabilityPeriodSinceCreationInDays")) ?? 0,
      };
    }),
    jobs: plan
      .of("kubernetes:batch/v1:CronJob")
      .filter((job) => at(job.inputs, "spec.suspend") !== true)
      .map((job) => ({
        name: text(job, "metadata.name") ?? nameOf(job.urn),
        schedule: text(job, "spec.schedule") ?? "",
      })),
    alertRules:
      plan.of("azure-native:monitor:MetricAlert", "azure-native:monitor:ActivityLogAlert").length +
      plan
        .of("azure-native:alertsmanagement:PrometheusRuleGroup")
        .flatMap((group) => at(group.inputs, "rules") as { alert?: string }[])
        .filter((rule) => rule.alert !== undefined).length,
    ...(typeof rpoMinutes === "number" &&
      typeof rtoMinutes === "number" && { objectives: { rpoMinutes, rtoMinutes } }),
    unplaced: [
      ...new Set(
        document.resources
          .filter(({ custom, type }) => !custom && type !== STACK_TYPE && !Object.hasOwn(PLACES, type))
          .map(({ type }) => type),
      ),
    ],
  };
}
