import type { Rule } from "../../packages/isolation/rule";
import { typeOf } from "../../packages/wire/urn";
import type { PackFinding } from "./finding";

/** Where a finding leads a reader: to a key of the stack file, to what mends it, and to the rule's page. */
export interface Mend {
  /** Key of the stack file that decides about the place, e.g. `database.backupRetentionDays`; absent: none does. */
  readonly key?: string;
  /** What to do, with the command that shows whether it helped. */
  readonly fix: string;
  /** Page of the project's own documentation. */
  readonly page: string;
}

/** Types of resources, places in them, and the keys that decide about these. The first that fits counts. */
const KEYS: readonly (readonly [type: RegExp, place: RegExp, key: string])[] = [
  [/./, /^tags\b/, "tags"],
  [/dbforpostgresql[^:]*:Server$/, /^backup\.backupRetentionDays/, "database.backupRetentionDays"],
  [/dbforpostgresql[^:]*:Server$/, /^backup\.geoRedundantBackup/, "database.geoRedundantBackup"],
  [/dbforpostgresql[^:]*:Server$/, /^highAvailability/, "database.highAvailability"],
  [/dbforpostgresql[^:]*:Server$/, /^sku/, "database.skuName"],
  [/dbforpostgresql[^:]*:Server$/, /^storage/, "database.storageGB"],
  [/dbforpostgresql[^:]*:Server$/, /^version/, "database.version"],
  [/dbforpostgresql[^:]*:Server$/, /^maintenanceWindow/, "database.maintenanceWindow"],
  [/dbforpostgresql[^:]*:Configuration$/, /./, "database.parameters"],
  [/dbforpostgresql[^:]*:Administrator/, /./, "database.entraAdministrators"],
  [/dbforpostgresql/, /^/, "database"],
  [/storage[^:]*:StorageAccount$/, /^sku/, "storage.redundancy"],
  [/storage[^:]*:BlobServiceProperties$/, /etentionPolicy/, "storage.softDeleteDays"],
  [/storage[^:]*:(?:BlobContainer|ManagementPolicy)/, /^/, "storage.containers"],
  [/azure-native[^:]*:storage/, /^/, "storage"],
  [/keyvault/, /^/, "vault"],
  [/containerservice[^:]*:AgentPool$/, /^(?:minCount|maxCount|count|vmSize)/, "cluster.userPool"],
  [/containerservice[^:]*:\w+$/, /availabilityZones/, "cluster.zones"],
  [/containerservice[^:]*:ManagedCluster$/, /^agentPoolProfiles/, "cluster.systemPool"],
  [/containerservice[^:]*:ManagedCluster$/, /authorizedIPRanges/, "cluster.authorizedIpRanges"],
  [/containerservice[^:]*:ManagedCluster$/, /^aadProfile/, "cluster.adminGroupObjectIds"],
  [/containerservice[^:]*:ManagedCluster$/, /^sku/, "cluster.tier"],
  [/containerservice[^:]*:ManagedCluster$/, /ersion$/, "cluster.kubernetesVersion"],
  [/containerservice[^:]*:Maintenance/, /^/, "cluster.upgradeWindow"],
  [/containerservice/, /^/, "cluster"],
  [/frontdoor[^:]*:Policy$/, /^policySettings\.mode/, "edge.wafMode"],
  [/frontdoor[^:]*:Policy$/, /^customRules/, "edge.rateLimitPerMinute"],
  [/(?:cdn|frontdoor)[^:]*:\w+$/, /^/, "edge"],
  [/network[^:]*:(?:VirtualNetwork|Subnet)$/, /ddress/, "network"],
  [/(?:monitor|insights|alertsmanagement)[^:]*:\w*(?:Alert|RuleGroup|ActionGroup)/, /^/, "alerts"],
  [/operationalinsights[^:]*:Workspace$/, /^retentionInDays/, "logRetentionDays"],
  [/(?:operationalinsights|dashboard|monitor)[^:]*:\w+$/, /^/, "monitoring"],
  [/:app[^:]*:(?:ContainerApp|ManagedEnvironment)$/, /^/, "statusPage"],
  [/ManagementLock/, /^/, "protectData"],
  [/:CronJob$/, /^spec\.(?:schedule|suspend)/, "recovery.schedules"],
  [/:CronJob$/, /^/, "recovery"],
  [/:HorizontalPodAutoscaler$|:Deployment$/, /^/, "workloads"],
];

/** Rules about an option of all resources of some types: the key decides about the option, whatever the type. */
const KEY_OF_RULE: Readonly<Record<string, string>> = {
  "data-protected": "protectData",
  "data-locked": "protectData",
};

/** How a finding of a rule on a resource is mended. `path` is the place in the resource; empty for all of it. */
export function mendOf(
  rule: Pick<Rule, "id" | "name" | "remediation">,
  { urn, path }: { readonly urn: string; readonly path: string },
  stack: string,
): Mend {
  const type = typeOf(urn);
  const key = KEY_OF_RULE[rule.name] ?? KEYS.find(([of, place]) => of.test(type) && place.test(path))?.[2];
  const command = `npm run policy:explain -- ${rule.name}, then npm run plan -- ${stack}`;
  return {
    ...(key !== undefined && { key }),
    fix: `${rule.remediation} (${command})`,
    page: pageOf(rule),
  };
}

/** The same as the end of one line. */
export const mendLine = ({ key, fix, page }: Mend): string =>
  ` [${key === undefined ? "" : `key: forma3d:${key}; `}fix: ${fix}; page: ${page}]`;

/** The row of a rule in the reference. */
export const pageOf = ({ id }: Pick<Rule, "id">): string => `docs/policies.md#${id.toLowerCase()}`;

/** Place a finding's message begins with; empty when it names none. The pack writes `[id] place: …`. */
export const placeOf = (message: string): string => /^\[[A-Z]+-\w+\] ([^\s:]+): /.exec(message)?.[1] ?? "";

/** Findings as they arrive from the pack, each with what mends it. @throws Error for a rule the catalogue does not have */
export function explained<T extends PackFinding>(
  findings: readonly T[],
  rules: readonly Rule[],
  stack: string,
): (T & Mend)[] {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  return findings.map((finding) => {
    const rule = byName.get(finding.policy);
    if (!rule)
      throw new Error(`a finding names the rule ${finding.policy}, which the catalogue does not have`);
    return { ...finding, ...mendOf(rule, { urn: finding.urn, path: placeOf(finding.message) }, stack) };
  });
}

/** Every key the table names, for the test that each exists. */
export const mentionedKeys = (): string[] => [
  ...new Set([...KEYS.map(([, , key]) => key), ...Object.values(KEY_OF_RULE)]),
];
