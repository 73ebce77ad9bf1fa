import { imageChecks, JUDGED_PODS } from "../../../infra/cluster/imageChecks";
import { SERVING_CONTAINER } from "../../../infra/data/places";
import { BUDGET_THRESHOLDS } from "../../../infra/governance/budgetThresholds";
import { DEFENDER_PLANS, type DefenderPlan } from "../../../infra/governance/defenderPlans";
import { EXCLUDED_NAMESPACES } from "../../../infra/governance/excludedNamespaces";
import { BUILT_IN_ROLES } from "../../../infra/identity/roles";
import { REGIONS } from "../../../infra/regions";
import { stackPlatformNames } from "../../../stacks/files";
import { imageRepositories } from "../../../stacks/images";
import { PRODUCT, type StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { either, GIVEN, holding, NONE, OFF, oneOf } from "../../rules/expected";

/** The API server of each cluster lets images of the stack file start, by digest, and no others. */
function admission(config: StackConfig, regions: number): Demand[] {
  const { images, holds } = imageChecks(imageRepositories(config));
  const name = `${PRODUCT}-images`;
  const demand = { key: "infra/cluster/admission.ts", where: { "metadata.name": name }, count: regions };
  return [
    {
      ...demand,
      what: "the check of images",
      type: "ValidatingAdmissionPolicy",
      is: {
        "spec.failurePolicy": "Fail",
        "spec.matchConditions": NONE,
        "spec.matchConstraints": { resourceRules: [JUDGED_PODS] },
        "spec.matchConstraints.excludeResourceRules": NONE,
        "spec.matchConstraints.namespaceSelector": NONE,
        "spec.matchConstraints.objectSelector": NONE,
        "spec.variables": holding({ name: "images", expression: images }),
        "spec.validations": holding({ expression: holds }),
      },
    },
    {
      ...demand,
      what: "where images are checked",
      type: "ValidatingAdmissionPolicyBinding",
      is: {
        "spec.policyName": name,
        "spec.validationActions": holding("Deny", "Audit"),
        "spec.matchResources.namespaceSelector": {
          matchLabels: { "kubernetes.io/metadata.name": stackPlatformNames(config).namespace },
        },
        "spec.matchResources.excludeResourceRules": NONE,
        "spec.matchResources.objectSelector": NONE,
      },
    },
  ];
}

/** The registry of every image, a copy of it in each other region, and the right of each cluster's nodes to pull. */
function registry(config: StackConfig, regions: number): Demand[] {
  if (!config.registry.enabled) return [];
  const key = "registry";
  const { registry: registryName } = stackPlatformNames(config).imageRegistry;
  const copies = [config.regions.primary, ...(config.regions.secondary ? [config.regions.secondary] : [])]
    .map(({ location }) => location)
    .filter((location) => location !== config.monitoring.region);
  return [
    {
      what: "the registry of the clusters' images, closed to who has not signed in",
      key,
      type: "containerregistry:Registry",
      where: { registryName },
      is: {
        "sku.name": "Premium",
        adminUserEnabled: OFF,
        anonymousPullEnabled: OFF,
        "networkRuleSet.defaultAction": "Deny",
        // From where operators and runners fill it, and from nowhere else.
        "networkRuleSet.ipRules": config.cluster.authorizedIpRanges.map((iPAddressOrRange) => ({
          iPAddressOrRange,
          action: "Allow",
        })),
        networkRuleBypassOptions: "AzureServices",
        publicNetworkAccess: "Enabled",
        dataEndpointEnabled: true,
        zoneRedundancy: REGIONS[config.monitoring.region].zones ? "Enabled" : "Disabled",
        // What is imported by digest has no tag, and would be deleted by age.
        "policies.retentionPolicy.status": either("disabled", NONE),
      },
      count: 1,
    },
    ...copies.map((location): Demand => ({
      what: `the registry's copy in ${location}`,
      key,
      type: "containerregistry:Replication",
      where: { location },
      is: {
        regionEndpointEnabled: true,
        zoneRedundancy: REGIONS[location].zones ? "Enabled" : "Disabled",
      },
      count: 1,
    })),
    {
      what: "the nodes' right to pull",
      key,
      type: "authorization:RoleAssignment",
      where: {
        roleDefinitionId: `/subscriptions/${config.azure.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${BUILT_IN_ROLES.acrPull}`,
      },
      count: regions,
    },
  ];
}

/** Rule of a lifecycle that ends earlier versions and snapshots of the records, and never the records. */
const earlierRecords = (...kinds: readonly string[]) => ({
  enabled: true,
  definition: {
    filters: { prefixMatch: [`${SERVING_CONTAINER}/`] },
    actions: {
      baseBlob: NONE,
      ...Object.fromEntries(kinds.map((kind) => [kind, { delete: GIVEN }])),
    },
  },
});

/** The accounts whose majority says who serves. */
function witness(config: StackConfig): Demand[] {
  const { servingWitness } = stackPlatformNames(config);
  if (!servingWitness) return [];
  return [
    {
      what: "the account that decides who serves",
      key: "serving.witness",
      type: "storage:StorageAccount",
      where: { accountName: servingWitness.storageAccount },
    },
    {
      what: "the records of who serves, in three accounts",
      key: "serving.witness",
      type: "storage:BlobContainer",
      where: { containerName: SERVING_CONTAINER },
      is: { publicAccess: oneOf("None") },
      count: 3,
    },
    {
      what: "how long each earlier record of who serves is kept, and no longer",
      key: "infra/serving/servingRecord.ts",
      type: "storage:ManagementPolicy",
      is: { "policy.rules": holding(earlierRecords("version", "snapshot")) },
    },
  ];
}

/** What watches over costs and configuration. */
export function governance(config: StackConfig, regions: number): Demand[] {
  const { alerts, budget, defender } = config;
  return [
    ...admission(config, regions),
    ...registry(config, regions),
    ...witness(config),
    ...Object.entries(DEFENDER_PLANS).map(([plan, { pricingName, ...details }]): Demand => {
      const on = defender[plan as DefenderPlan];
      return {
        what: `Defender's plan for ${pricingName}`,
        key: `defender.${plan}`,
        type: "security:Pricing",
        where: { pricingName },
        is: {
          pricingTier: on ? "Standard" : "Free",
          scopeId: `subscriptions/${config.azure.subscriptionId}`,
          ...(on && details),
        },
      };
    }),
    {
      what: "the budget",
      key: "budget",
      type: "consumption:Budget",
      is: {
        category: "Cost",
        timeGrain: "Monthly",
        amount: budget.monthlyAmount,
        "timePeriod.startDate": GIVEN,
        ...Object.fromEntries(
          BUDGET_THRESHOLDS.map(({ name, ...told }) => [
            `notifications["${name}"]`,
            { ...told, enabled: true, operator: "GreaterThan", contactEmails: alerts.emails },
          ]),
        ),
      },
    },
    {
      what: "the policies of the clusters",
      key: "infra/governance",
      type: "authorization:PolicyAssignment",
      each: {
        enforcementMode: "Default",
        "parameters.effect.value": oneOf("deny", "Deny"),
        "parameters.excludedNamespaces.value": EXCLUDED_NAMESPACES,
        notScopes: NONE,
        overrides: NONE,
        resourceSelectors: NONE,
      },
      count: regions,
    },
  ];
}
