import type { ResourceDocument } from "../render/plan";
import { vmSize } from "../../../packages/azure-facts";
import { nameOf, STACK_TYPE } from "../../../packages/wire/urn";
import { monthly, PriceTable, UnknownPrice } from "./table";

/** One line of the estimate. */
export interface CostLine {
  /** Component of the program the resource belongs to: its outermost parent below the stack. */
  component: string;
  resource: string;
  /** What is paid for, e.g. `postgres.Standard_D4ds_v5`. */
  item: string;
  quantity: number;
  /** Per month. */
  cost: number;
}

export interface Estimate {
  date: string;
  currency: string;
  lines: CostLine[];
  byComponent: Record<string, number>;
  total: number;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- inputs of dozens of types, as loose as the JSON they come from
type Inputs = Record<string, any>;
type Item = [item: string, quantity: number];

const HOURS_PER_DAY = 24;
const DAYS_PER_MONTH = 30;

/** Backups a tier makes in a day, by the tier's word in the jobs' settings. */
const PER_DAY = { HOURLY: HOURS_PER_DAY, DAILY: 1, WEEKLY: 1 / 7, MONTHLY: 1 / 30 } as const;

/**
 * Days a tier's backups are kept, as the job that deletes them is told.
 * @throws UnknownPrice when no job says so: backups nobody ever deletes have no price per month.
 */
function daysKept(tier: keyof typeof PER_DAY, resources: readonly ResourceDocument[]): number {
  const variables = resources
    .filter(({ type }) => type.endsWith(":CronJob"))
    .flatMap(({ inputs }) => (inputs as Inputs).spec.jobTemplate.spec.template.spec.containers as Inputs[])
    .flatMap(({ env }) => (env ?? []) as { name: string; value?: string }[]);
  const days = Number(variables.find(({ name }) => name === `RETENTION_${tier}_DAYS`)?.value);
  if (!(days > 0))
    throw new UnknownPrice(`no job of the plan says how long ${tier.toLowerCase()} backups are kept`);
  return days;
}

/** Days in which what was deleted is still there, and paid for. */
function softDeleteDays(resources: readonly ResourceDocument[]): number {
  const days = resources
    .filter(({ type }) => type === "azure-native:storage:BlobServiceProperties")
    .map(({ inputs }) => ((inputs as Inputs).deleteRetentionPolicy?.days ?? 0) as number);
  return Math.max(0, ...days);
}

/** Whether a component keeps backups in its account. */
function holdsBackups(component: string | undefined, resources: readonly ResourceDocument[]): boolean {
  return resources.some(
    ({ type, parent, inputs }) =>
      type === "azure-native:storage:BlobContainer" &&
      parent === component &&
      /^backups-/.test(String((inputs as Inputs).containerName)),
  );
}

/** What one account holds at a time: every tier's backups for as long as they are kept and then can be brought back. */
function storedGiB(resources: readonly ResourceDocument[], { usage }: PriceTable): number {
  const after = softDeleteDays(resources);
  const backups = (Object.keys(PER_DAY) as (keyof typeof PER_DAY)[]).map((tier) =>
    Math.ceil((daysKept(tier, resources) + after) * PER_DAY[tier]),
  );
  return backups.reduce((sum, count) => sum + count, 0) * usage.backupGiB;
}

/** Virtual CPUs of the nodes that are always there, of all clusters. */
function nodeCpus(resources: readonly ResourceDocument[]): number {
  const pools = resources.flatMap(({ type, inputs }): Inputs[] => {
    if (type === "azure-native:containerservice:AgentPool") return [inputs];
    return type === "azure-native:containerservice:ManagedCluster"
      ? ((inputs as Inputs).agentPoolProfiles as Inputs[])
      : [];
  });
  return pools.reduce(
    (sum, pool) =>
      sum + (vmSize(pool.vmSize as string)?.vCpus ?? 0) * ((pool.minCount ?? pool.count) as number),
    0,
  );
}

/** What a plan of Defender is paid for by, and how much of it there is. */
const DEFENDED: Record<string, (resources: readonly ResourceDocument[]) => number> = {
  Containers: nodeCpus,
  StorageAccounts: ofType("azure-native:storage:StorageAccount"),
  KeyVaults: ofType("azure-native:keyvault:Vault"),
  OpenSourceRelationalDatabases: ofType("azure-native:dbforpostgresql:Server"),
  Arm: () => 1,
};

function ofType(wanted: string): (resources: readonly ResourceDocument[]) => number {
  return (resources) => resources.filter(({ type }) => type === wanted).length;
}

/** How each type is paid for; the region is the resource's own. */
const PRICED: Record<
  string,
  (inputs: Inputs, prices: PriceTable, all: readonly ResourceDocument[], resource: ResourceDocument) => Item[]
> = {
  "azure-native:dbforpostgresql:Server": ({ sku, storage, highAvailability, backup }) => {
    const servers = highAvailability && highAvailability.mode !== "Disabled" ? 2 : 1;
    return [
      [`postgres.${sku.name}`, servers],
      ["postgres.storage", servers * (storage.storageSizeGB as number)],
      // Backups up to the size of the disk are free; their copy in the paired region is not.
      ...(backup?.geoRedundantBackup === "Enabled"
        ? [["postgres.geoBackup", storage.storageSizeGB as number] as Item]
        : []),
    ];
  },
  "azure-native:containerservice:ManagedCluster": ({ sku, agentPoolProfiles }) => [
    [`aks.${sku.tier}`, 1],
    ["loadBalancer.Standard", 1],
    ...(agentPoolProfiles as Inputs[]).flatMap((pool) => nodes(pool, pool.count as number)),
  ],
  // The fewest nodes: what the autoscaler adds is paid for while it is there.
  "azure-native:containerservice:AgentPool": (pool) => nodes(pool, (pool.minCount ?? pool.count) as number),
  "azure-native:network:NatGateway": (_, { usage }) => [
    ["natGateway", 1],
    ["natGateway.data", usage.natGiBPerMonth],
  ],
  "azure-native:network:PublicIPAddress": ({ sku }) => [[`publicIp.${sku.name}`, 1]],
  "azure-native:network:PrivateEndpoint": () => [["privateEndpoint", 1]],
  "azure-native:containerregistry:Registry": ({ sku }) => [[`registry.${sku.name}`, 1]],
  "azure-native:containerregistry:Replication": () => [["registry.replication", 1]],
  "azure-native:privatedns:PrivateZone": () => [["privateDnsZone", 1]],
  "azure-native:cdn:Profile": ({ sku }, { usage }) => [
    [`frontDoor.${sku.name}`, 1],
    ["frontDoor.requests", usage.requestsMillionsPerMonth],
    ["frontDoor.outbound", usage.outboundGiBPerMonth],
  ],
  "azure-native:operationalinsights:Workspace": ({ sku, workspaceCapping }, { usage }) => [
    [
      `logs.${sku.name}`,
      Math.min(
        usage.logGiBPerMonth,
        DAYS_PER_MONTH * ((workspaceCapping?.dailyQuotaGb as number | undefined) ?? Infinity),
      ),
    ],
  ],
  "azure-native:monitor:AzureMonitorWorkspace": (_, { usage }) => [
    ["prometheus.samples", usage.metricSamplesMillionsPerMonth / 10],
  ],
  "azure-native:monitor:MetricAlert": () => [["metricAlert", 1]],
  "azure-native:dashboard:Grafana": ({ sku }) => [[`grafana.${sku.name}`, 1]],
  "azure-native:keyvault:Vault": (_, { usage }) => [
    ["vault.operations", usage.secretOperationsTenThousandsPerMonth],
  ],
  // What is no account of backups holds some kilobytes.
  "azure-native:storage:StorageAccount": ({ sku }, prices, all, { parent }) => [
    [`blob.${sku.name}`, holdsBackups(parent, all) ? storedGiB(all, prices) : 0],
  ],
  "azure-native:app:ContainerApp": ({ template }) =>
    running(template as Inputs, (template.scale?.minReplicas ?? 1) as number),
  "azure-native:app:Job": ({ template }, { hoursPerMonth, usage }) =>
    running(template as Inputs, usage.runnerHoursPerMonth / hoursPerMonth),
  // In a network of one's own Azure makes a balancer and an address for it.
  "azure-native:app:ManagedEnvironment": ({ vnetConfiguration }) =>
    vnetConfiguration
      ? [
          ["loadBalancer.Standard", 1],
          ["publicIp.Standard", 1],
        ]
      : [],
  "azure-native:security:Pricing": ({ pricingName, pricingTier }, _, all) => {
    if (pricingTier !== "Standard") return [];
    return [[`defender.${pricingName}`, DEFENDED[pricingName as string]?.(all) ?? 1]];
  },
  "azure-native:logic:Workflow": () => [["logicApp.action", 1]],
};

/** Containers of a template, so many of each at any time. */
const running = ({ containers }: Inputs, replicas: number): Item[] =>
  (containers as Inputs[]).flatMap(({ resources }): Item[] => [
    ["containerApp.vCpu", replicas * (resources.cpu as number)],
    ["containerApp.memoryGiB", replicas * parseFloat(resources.memory as string)],
  ]);

function nodes(pool: Inputs, count: number): Item[] {
  const disk = pool.osDiskType === "Ephemeral" ? 0 : ((pool.osDiskSizeGB as number | undefined) ?? 128);
  return [
    [`vm.${pool.vmSize}`, count],
    ["disk.premiumGiB", count * disk],
  ];
}

/** Types that cost nothing of themselves, or whose cost another type carries. */
const FREE = new RegExp(
  "^(?:pulumi:|forma3d:|random:|kubernetes:|azure-native:(?:" +
    [
      "resources:ResourceGroup",
      "authorization:",
      "consumption:",
      "managedidentity:",
      "privatedns:VirtualNetworkLink",
      "network:(?:VirtualNetwork|Subnet|NetworkSecurityGroup|PrivateDnsZoneGroup)$",
      "dbforpostgresql:(?!Server$)",
      "storage:(?!StorageAccount$)",
      "keyvault:(?:Secret|Key)$",
      "containerservice:MaintenanceConfiguration",
      "cdn:(?!Profile$)",
      // Included in Front Door Premium.
      "frontdoor:Policy",
      "monitor:(?:DiagnosticSetting|ActionGroup|ActivityLogAlert|DataCollection)",
      "alertsmanagement:",
      "dashboard:Dashboard",
    ].join("|") +
    "))",
);

/** The resource's outermost parent below the stack, or itself. */
function componentOf(resource: ResourceDocument, byUrn: ReadonlyMap<string, ResourceDocument>): string {
  let here = resource;
  for (;;) {
    const parent = here.parent === undefined ? undefined : byUrn.get(here.parent);
    if (!parent || parent.type === STACK_TYPE)
      return here.type.startsWith("forma3d:") ? nameOf(here.urn) : "resource groups";
    here = parent;
  }
}

const regionOf = ({ inputs }: ResourceDocument): string | undefined => {
  const { location } = inputs as Inputs;
  return typeof location === "string" && location.toLowerCase() !== "global"
    ? location.toLowerCase()
    : undefined;
};

/**
 * Region each resource is billed in: its own, or that of the component it is part of, as a node pool is billed with its
 * cluster; what is global is billed as in the table's first region.
 */
function regions(
  resources: readonly ResourceDocument[],
  byUrn: ReadonlyMap<string, ResourceDocument>,
  fallback: string,
): (resource: ResourceDocument) => string {
  const ofComponent = new Map<string, string>();
  for (const resource of resources) {
    const region = regionOf(resource);
    const parent = byUrn.get(resource.parent ?? "");
    // What lies in the stack itself is in no component: no part of it tells where the others are billed.
    if (region && parent && parent.type !== STACK_TYPE && !ofComponent.has(parent.urn))
      ofComponent.set(parent.urn, region);
  }
  return (resource) => {
    let region = regionOf(resource);
    const isGlobal = (resource.inputs as Inputs).location !== undefined;
    for (let at = isGlobal ? undefined : resource.parent; !region && at; at = byUrn.get(at)?.parent)
      region = ofComponent.get(at);
    return region ?? fallback;
  };
}

/**
 * Prices a plan.
 * @throws UnknownPrice for a type, size or region that is in neither the table nor the list of free types.
 */
export function estimate(resources: readonly ResourceDocument[], prices: PriceTable): Estimate {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const billedIn = regions(resources, byUrn, prices.regions[0] ?? "");
  const lines = resources.flatMap((resource): CostLine[] => {
    const items = PRICED[resource.type];
    if (!items) {
      if (FREE.test(resource.type)) return [];
      throw new UnknownPrice(
        `${resource.type} (${nameOf(resource.urn)}) has no price: add it to apps/tools/cost/price.ts, or to its free types`,
      );
    }
    const inputs = resource.inputs as Inputs;
    const region = billedIn(resource);
    return items(inputs, prices, resources, resource)
      .filter(([, quantity]) => quantity > 0)
      .map(([item, quantity]) => ({
        component: componentOf(resource, byUrn),
        resource: nameOf(resource.urn),
        item,
        quantity,
        cost: quantity * monthly(prices, item, region),
      }));
  });
  const byComponent: Record<string, number> = {};
  for (const { component, cost } of lines) byComponent[component] = (byComponent[component] ?? 0) + cost;
  return {
    date: prices.date,
    currency: prices.currency,
    lines,
    byComponent,
    total: lines.reduce((sum, { cost }) => sum + cost, 0),
  };
}

/** What each component costs more (or less) in one plan than in another. */
export function difference(
  before: Estimate,
  after: Estimate,
): { component: string; before: number; after: number }[] {
  const components = [
    ...new Set([...Object.keys(before.byComponent), ...Object.keys(after.byComponent)]),
  ].sort();
  return components
    .map((component) => ({
      component,
      before: before.byComponent[component] ?? 0,
      after: after.byComponent[component] ?? 0,
    }))
    .filter((row) => Math.abs(row.after - row.before) >= 0.005);
}
