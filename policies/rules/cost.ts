import { ofType } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import {
  ifPresent,
  isText,
  must,
  mustBeText,
  mustBeWithin,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { about, resourceRule, stackRule } from "./define";

const PRICES = "https://azure.microsoft.com/pricing/calculator/";
const {
  nonProdDatabaseGB,
  nonProdDatabaseSizes,
  nonProdLogDays,
  nonProdNodes,
  nonProdNodeSizes,
  nonProdPods,
  nonProdStorage,
} = THRESHOLDS;

const database = resourceRule(
  {
    id: "COST-001",
    name: "nonprod-database-size",
    title: "Databases outside production are small",
    description: `sku.name is one of ${nonProdDatabaseSizes.value.join(", ")}, the disk has at most ${nonProdDatabaseGB.value} GiB, the standby is not in another zone, and backups are not geo-redundant.`,
    why: "A copy of production's sizes doubles the bill for data nobody needs.",
    severity: "medium",
    levelCanBeLowered: true,
    framework: { waf: ["CO:08"], risks: [] },
    remediation:
      "Choose a smaller size. For a load test, lower the rule in the pack's configuration for its duration.",
    url: PRICES,
    appliesTo: "nonProd",
    types: [kinds.SERVER],
  },
  (server) => [
    ...ifPresent(server.at("sku", "name"), (size) => mustBeText(size, ...nonProdDatabaseSizes.value)),
    ...ifPresent(server.at("storage", "storageSizeGB"), (size) =>
      mustBeWithin(size, 0, nonProdDatabaseGB.value, "GiB"),
    ),
    ...must(
      server.at("highAvailability", "mode"),
      (value) => !isText("ZoneRedundant")(value),
      "not be ZoneRedundant",
    ),
    ...must(
      server.at("backup", "geoRedundantBackup"),
      (value) => !isText("Enabled")(value),
      "not be Enabled",
    ),
  ],
);

const servers = stackRule(
  {
    id: "COST-002",
    name: "nonprod-single-server",
    title: "An environment outside production has one database server",
    description: "There is at most one server, and so no replica.",
    why: "Every further server costs as much as the first.",
    severity: "medium",
    levelCanBeLowered: true,
    framework: { waf: ["CO:08"], risks: [] },
    remediation: "Remove the second server, or share the first.",
    url: PRICES,
    appliesTo: "nonProd",
  },
  (stack) =>
    ofType(stack, kinds.SERVER)
      .slice(1)
      .map((server) => about(server, "must not be a second database server")),
);

function pool(cursor: Cursor): Outcome[] {
  const most = cursor.at(cursor.at("enableAutoScaling").value === true ? "maxCount" : "count");
  return [
    ...mustBeText(cursor.at("vmSize"), ...nonProdNodeSizes.value),
    ...ifPresent(most, (count) => mustBeWithin(count, 0, nonProdNodes.value, "nodes")),
  ];
}

const nodes = resourceRule(
  {
    id: "COST-003",
    name: "nonprod-node-size",
    title: "Clusters outside production are small",
    description: `Pools have at most ${nonProdNodes.value} nodes of a size in ${nonProdNodeSizes.value.join(", ")}, and the control plane is not Premium.`,
    why: "Nodes are the largest line of the bill, and an autoscaler spends without asking.",
    severity: "medium",
    levelCanBeLowered: true,
    framework: { waf: ["CO:08"], risks: [] },
    remediation: "Lower maxCount or the VM size.",
    url: PRICES,
    appliesTo: "nonProd",
    types: [kinds.CLUSTER, kinds.AGENT_POOL],
  },
  (resource, { type }) =>
    kinds.AGENT_POOL.test(type)
      ? pool(resource)
      : [
          ...resource.at("agentPoolProfiles").items().flatMap(pool),
          ...must(resource.at("sku", "tier"), (value) => !isText("Premium")(value), "not be Premium"),
        ],
);

const storage = resourceRule(
  {
    id: "COST-004",
    name: "nonprod-storage-redundancy",
    title: "Storage outside production stays in its region",
    description: `sku.name of a storage account is ${nonProdStorage.value.join(" or ")}.`,
    why: "A second copy of made-up data is paid for twice.",
    severity: "low",
    levelCanBeLowered: true,
    framework: { waf: ["CO:08", "CO:10"], risks: [] },
    remediation: "Leave storage.redundancy at Standard_ZRS, or set it to Standard_LRS.",
    url: PRICES,
    appliesTo: "nonProd",
    types: [kinds.STORAGE_ACCOUNT],
  },
  (account) => mustBeText(account.at("sku", "name"), ...nonProdStorage.value),
);

const pods = resourceRule(
  {
    id: "COST-005",
    name: "nonprod-pod-count",
    title: "Services outside production run few pods",
    description: `Deployments have at most ${nonProdPods.value} replicas, and autoscalers go no higher.`,
    why: "A test that loops would scale the service, then the nodes, then the bill.",
    severity: "low",
    levelCanBeLowered: true,
    framework: { waf: ["CO:08"], risks: [] },
    remediation: "Lower maxReplicas of the workload.",
    url: PRICES,
    appliesTo: "nonProd",
    types: [kinds.kubernetes("Deployment", "StatefulSet", "HorizontalPodAutoscaler")],
  },
  (object) =>
    ["replicas", "maxReplicas"].flatMap((key) =>
      ifPresent(object.at("spec", key), (count) => mustBeWithin(count, 0, nonProdPods.value, "pods")),
    ),
);

const logs = resourceRule(
  {
    id: "COST-006",
    name: "nonprod-log-retention",
    title: "Logs outside production are kept a month",
    description: `retentionInDays of a workspace is at most ${nonProdLogDays.value}.`,
    why: "Logs are billed by the gigabyte and month beyond the first.",
    severity: "low",
    levelCanBeLowered: true,
    framework: { waf: ["CO:08", "CO:10"], risks: [] },
    remediation: "Set logRetentionDays to 31 or less.",
    url: PRICES,
    appliesTo: "nonProd",
    types: [kinds.azure("operationalinsights", "Workspace")],
  },
  (workspace) =>
    ifPresent(workspace.at("retentionInDays"), (days) => mustBeWithin(days, 0, nonProdLogDays.value, "days")),
);

export const COST_RULES: readonly Rule[] = [database, servers, nodes, storage, pods, logs];
