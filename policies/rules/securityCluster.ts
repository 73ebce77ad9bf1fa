import { parseCidr } from "../../infra/network/addressing";
import * as kinds from "../../packages/isolation/kinds";
import {
  given,
  must,
  mustBe,
  mustBeText,
  mustBeWithin,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { resourceRule } from "./define";
import { poolStandsBy } from "./standby";

const DOCS = "https://learn.microsoft.com/azure";
const { apiServerPrefix, clusterNodes, clusterZones } = THRESHOLDS;

const localAccounts = resourceRule(
  {
    id: "SEC-040",
    name: "aks-no-local-accounts",
    title: "Everybody enters the cluster as themselves",
    description: "disableLocalAccounts is true, with Entra login and Azure RBAC.",
    why: "The local administrator's certificate cannot be taken back and shows no name.",
    severity: "critical",
    framework: { cis: ["AKS 5.5.1"], mcsb: ["IM-1", "PA-7"], waf: ["SE:05"], risks: ["R07", "R08"] },
    remediation: "Set disableLocalAccounts, aadProfile.managed and aadProfile.enableAzureRBAC to true.",
    url: `${DOCS}/aks/manage-local-accounts-managed-azure-ad`,
    appliesTo: "any",
    types: [kinds.CLUSTER],
  },
  (cluster) => [
    ...mustBe(cluster.at("disableLocalAccounts"), true),
    ...mustBe(cluster.at("aadProfile", "managed"), true),
    ...mustBe(cluster.at("aadProfile", "enableAzureRBAC"), true),
    ...must(cluster.at("enableRBAC"), (value) => value !== false, "not be false"),
  ],
);

function isNarrow(value: unknown): boolean {
  const text = String(value);
  const block = parseCidr(text.includes("/") ? text : `${text}/32`);
  return block !== undefined && block.prefix >= apiServerPrefix.value;
}

const apiServer = resourceRule(
  {
    id: "SEC-041",
    name: "aks-api-server-restricted",
    title: "Only runners and operators reach the cluster's API server",
    description: `The cluster is private, or authorizedIPRanges has ranges of /${apiServerPrefix.value} or smaller.`,
    why: "An API server open to the internet is one stolen token away from everything in the cluster.",
    severity: "critical",
    framework: { cis: ["AKS 5.4.1"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07"] },
    remediation: "Set cluster.authorizedIpRanges to the addresses of runners and VPN.",
    url: `${DOCS}/aks/api-server-authorized-ip-ranges`,
    appliesTo: "any",
    types: [kinds.CLUSTER],
  },
  (cluster, _, { isDryRun }) => {
    const access = cluster.at("apiServerAccessProfile");
    if (access.at("enablePrivateCluster").value === true) return [];
    const ranges = access.at("authorizedIPRanges");
    return [
      ...mustExist(ranges, "name the ranges that may reach it"),
      ...ranges
        .items()
        // The address the stack's own traffic leaves from is known once it exists, and judged then.
        .filter((range) => !(range.unknown && isDryRun))
        .flatMap((range) =>
          must(range, isNarrow, `be an IPv4 block of /${apiServerPrefix.value} or smaller`),
        ),
    ];
  },
);

const clusterNetwork = resourceRule(
  {
    id: "SEC-042",
    name: "aks-network-policy",
    title: "The cluster enforces network policies",
    description: "networkProfile.networkPolicy is cilium, azure or calico; left out, it enforces none.",
    why: "Policies are accepted and ignored without an engine, and turning one on replaces the cluster.",
    severity: "critical",
    framework: { cis: ["AKS 5.4.4"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07", "R09"] },
    remediation: "Set networkPolicy and networkDataplane to cilium.",
    url: `${DOCS}/aks/use-network-policies`,
    appliesTo: "any",
    types: [kinds.CLUSTER],
  },
  (cluster) => mustBeText(cluster.at("networkProfile", "networkPolicy"), "cilium", "azure", "calico"),
);

const workloadIdentity = resourceRule(
  {
    id: "SEC-043",
    name: "aks-workload-identity",
    title: "Workloads use identities of their own and rotated secrets",
    description:
      "The OIDC issuer and workload identity are on, and the Key Vault add-on is on with rotation.",
    why: "Otherwise pods share the node's identity, and a rotated secret never reaches them.",
    severity: "high",
    framework: { cis: ["AKS 5.2.1"], mcsb: ["IM-3", "IM-8"], waf: ["SE:09"], risks: ["R08"] },
    remediation: 'Set oidcIssuerProfile, securityProfile.workloadIdentity and enableSecretRotation "true".',
    url: `${DOCS}/aks/workload-identity-overview`,
    appliesTo: "any",
    types: [kinds.CLUSTER],
  },
  (cluster) => {
    const addon = cluster.at("addonProfiles", "azureKeyvaultSecretsProvider");
    return [
      ...mustBe(cluster.at("oidcIssuerProfile", "enabled"), true),
      ...mustBe(cluster.at("securityProfile", "workloadIdentity", "enabled"), true),
      ...mustBe(addon.at("enabled"), true),
      ...mustBe(addon.at("config", "enableSecretRotation"), "true"),
    ];
  },
);

const upgrades = resourceRule(
  {
    id: "SEC-044",
    name: "aks-upgraded",
    title: "Clusters get their fixes by themselves",
    description: "autoUpgradeProfile has an upgrade channel for Kubernetes and one for node images.",
    why: "A version leaves support after a year; the fixes of the last flaw are only in the next image.",
    severity: "high",
    framework: { mcsb: ["PV-6"], waf: ["OE:11"], risks: ["R07", "R09"] },
    remediation: "Set upgradeChannel to patch and nodeOSUpgradeChannel to NodeImage.",
    url: `${DOCS}/aks/auto-upgrade-cluster`,
    appliesTo: "any",
    types: [kinds.CLUSTER],
  },
  (cluster) => [
    ...mustBeText(cluster.at("autoUpgradeProfile", "upgradeChannel"), "patch", "stable", "rapid"),
    ...mustBeText(cluster.at("autoUpgradeProfile", "nodeOSUpgradeChannel"), "NodeImage", "SecurityPatch"),
  ],
);

function pools(cluster: Cursor): Cursor[] {
  return cluster.at("agentPoolProfiles").items();
}

function survives(pool: Cursor): Outcome[] {
  return [
    ...must(
      pool.at("availabilityZones"),
      (value) => Array.isArray(value) && new Set(value).size >= clusterZones.value,
      `name ${clusterZones.value} zones`,
    ),
    ...given(() =>
      mustBeWithin(
        pool.at(pool.at("enableAutoScaling").value === true ? "minCount" : "count"),
        poolStandsBy(pool) ? 0 : clusterNodes.value,
        Infinity,
        "nodes",
      ),
    ),
  ];
}

const zones = resourceRule(
  {
    id: "SEC-045",
    name: "aks-survives-zone-loss",
    title: "A production cluster survives the loss of a zone",
    description: `Every pool has ${clusterZones.value} zones and ${clusterNodes.value} nodes or more, and the control plane has an SLA. A pool for applications may be empty where the region stands by.`,
    why: "Three replicas are no use on nodes that are all in the zone that is lost.",
    severity: "high",
    framework: { waf: ["RE:05"], risks: ["R03", "R11"] },
    remediation: "Set cluster.zones to three zones, the counts to 3 and the tier to Standard.",
    url: `${DOCS}/reliability/reliability-aks`,
    appliesTo: "prod",
    types: [kinds.CLUSTER, kinds.AGENT_POOL],
  },
  (resource, { type }) =>
    kinds.CLUSTER.test(type)
      ? [
          ...mustBeText(resource.at("sku", "tier"), "Standard", "Premium"),
          ...pools(resource).flatMap(survives),
        ]
      : survives(resource),
);

const nodeAddress = resourceRule(
  {
    id: "SEC-046",
    name: "aks-nodes-private",
    title: "Nodes have no address on the internet",
    description: "No pool has enableNodePublicIP.",
    why: "Every node would be a door of its own, past the edge and its firewall.",
    severity: "high",
    framework: { cis: ["AKS 5.4.3"], mcsb: ["NS-2"], waf: ["SE:06"], risks: ["R07"] },
    remediation: "Leave enableNodePublicIP out.",
    url: `${DOCS}/aks/use-node-public-ips`,
    appliesTo: "any",
    types: [kinds.CLUSTER, kinds.AGENT_POOL],
  },
  (resource) =>
    [resource, ...pools(resource)].flatMap((pool) =>
      must(pool.at("enableNodePublicIP"), (value) => value !== true, "not be true"),
    ),
);

export const CLUSTER_SECURITY_RULES: readonly Rule[] = [
  localAccounts,
  apiServer,
  clusterNetwork,
  workloadIdentity,
  upgrades,
  zones,
  nodeAddress,
];
