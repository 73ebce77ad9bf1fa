import { contains, hostAt, overlaps, parseCidr } from "../../infra/network/addressing";
import { AGENT_POOL, azure, CLUSTER } from "../../packages/isolation/kinds";
import {
  fault,
  ifPresent,
  isText,
  must,
  mustBe,
  mustBeText,
  mustBeWithin,
  mustExist,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const DOCS = "https://learn.microsoft.com/azure/aks";

function addresses(network: Cursor): Outcome[] {
  const [services, dns, pods] = ["serviceCidr", "dnsServiceIP", "podCidr"].map((key) => network.at(key)) as [
    Cursor,
    Cursor,
    Cursor,
  ];
  const block = services.text;
  return [
    ...[services, pods].flatMap((cursor) =>
      ifPresent(cursor, () =>
        must(
          cursor,
          (value) => typeof value === "string" && parseCidr(value) !== undefined,
          "be an IPv4 block without host bits",
        ),
      ),
    ),
    ...(dns.text !== undefined && block !== undefined && parseCidr(block)
      ? must(
          dns,
          () =>
            contains(block, `${dns.text ?? ""}/32`) &&
            dns.text !== hostAt(block, 1) &&
            dns.text !== hostAt(block, 0),
          `be an address of serviceCidr ${block} other than its first two`,
        )
      : []),
    ...(block !== undefined && pods.text !== undefined && overlaps(block, pods.text)
      ? fault(pods, `must not overlap serviceCidr ${block}, but is ${pods.text}`)
      : []),
  ];
}

const network: ArmLimit = {
  id: "ARM-040",
  name: "aks-network-profile",
  title: "Plugin, dataplane, policy and addresses of a cluster fit together",
  description:
    "Overlay needs the azure plugin, the cilium dataplane its own policy, and the DNS address lies in the service block.",
  why: "Azure rejects the cluster, and changing any of these replaces it.",
  remediation:
    "Use networkPlugin azure, networkPluginMode overlay, networkDataplane and networkPolicy cilium.",
  url: `${DOCS}/azure-cni-powered-by-cilium`,
  risks: ["R09", "R11"],
  types: [CLUSTER],
  check: (cluster) => {
    const profile = cluster.at("networkProfile");
    return [
      ...(isText("overlay")(profile.at("networkPluginMode").value)
        ? mustBeText(profile.at("networkPlugin"), "azure")
        : []),
      ...(isText("cilium")(profile.at("networkDataplane").value)
        ? mustBeText(profile.at("networkPolicy"), "cilium")
        : []),
      ...(isText("cilium")(profile.at("networkPolicy").value)
        ? mustBeText(profile.at("networkDataplane"), "cilium")
        : []),
      ...addresses(profile),
    ];
  },
};

function pool(cursor: Cursor, name: Cursor): Outcome[] {
  const system = isText("System")(cursor.at("mode").value);
  const windows = isText("Windows")(cursor.at("osType").value);
  const scaled = cursor.at("enableAutoScaling").value === true;
  const [least, most] = [cursor.at("minCount"), cursor.at("maxCount")];
  return [
    ...ifPresent(name, () =>
      must(
        name,
        (value) =>
          typeof value === "string" &&
          (windows ? /^[a-z][a-z0-9]{0,5}$/ : /^[a-z][a-z0-9]{0,11}$/).test(value),
        `be 1 to ${windows ? 6 : 12} lower-case letters and digits, starting with a letter`,
      ),
    ),
    ...(system && windows ? fault(cursor.at("osType"), 'must be "Linux" in a system pool') : []),
    ...(system ? ifPresent(cursor.at("maxPods"), (pods) => mustBeWithin(pods, 30, 250)) : []),
    ...(system ? [] : ifPresent(cursor.at("maxPods"), (pods) => mustBeWithin(pods, 10, 250))),
    ...(system && cursor.at("count").value === 0
      ? fault(cursor.at("count"), "must be at least 1 in a system pool")
      : []),
    ...(scaled ? [least, most].flatMap((bound) => mustBeWithin(bound, system ? 1 : 0, 1000, "nodes")) : []),
    ...(scaled && least.number !== undefined && most.number !== undefined && least.number > most.number
      ? fault(least, `must be at most maxCount ${most.number}, but is ${least.number}`)
      : []),
    ...(!scaled && (least.present || most.present)
      ? fault(cursor.at("enableAutoScaling"), "must be true for minCount and maxCount")
      : []),
    ...(isText("Spot")(cursor.at("scaleSetPriority").value) && system
      ? fault(cursor.at("scaleSetPriority"), "must not be Spot in a system pool")
      : []),
  ];
}

const pools: ArmLimit = {
  id: "ARM-041",
  name: "aks-pool-shape",
  title: "Node pools have legal names, counts and modes",
  description:
    "Names are 1 to 12 lower-case letters and digits; system pools run Linux with 30 or more pods per node; autoscaling has both bounds.",
  why: "Azure rejects the pool.",
  remediation:
    "Name pools like system or apps, and set minCount and maxCount together with enableAutoScaling.",
  url: `${DOCS}/use-system-pools`,
  risks: ["R03", "R09"],
  types: [CLUSTER, AGENT_POOL],
  check: (resource, { type }) => {
    if (AGENT_POOL.test(type)) return pool(resource, resource.at("agentPoolName"));
    const inline = resource.at("agentPoolProfiles");
    return [
      ...inline.items().flatMap((profile) => pool(profile, profile.at("name"))),
      ...(inline.unknown || inline.items().some((profile) => isText("System")(profile.at("mode").value))
        ? []
        : fault(inline, "must have a pool of mode System")),
    ];
  },
};

const ADDON_BOOLEANS = ["enableSecretRotation", "useAADAuth"];

const profile: ArmLimit = {
  id: "ARM-042",
  name: "aks-cluster-profile",
  title: "Settings of a cluster are those of the generally available API",
  description:
    "Premium comes with long-term support, add-on settings are strings, local accounts are off only with Entra, address ranges are set only on a public API server, and no preview property is sent.",
  why: "Azure rejects the cluster or ignores the setting.",
  remediation: "Follow the message; the generally available API is 2025-09-01 or newer.",
  url: `${DOCS}/free-standard-pricing-tiers`,
  risks: ["R03", "R09"],
  types: [CLUSTER],
  check: (cluster) => [
    ...ifPresent(cluster.at("kubernetesVersion"), (version) =>
      must(
        version,
        (value) => typeof value === "string" && /^1\.\d{2}(\.\d+)?$/.test(value),
        "be a version such as 1.35",
      ),
    ),
    ...(isText("Premium")(cluster.at("sku", "tier").value)
      ? mustBeText(cluster.at("supportPlan"), "AKSLongTermSupport")
      : ifPresent(cluster.at("supportPlan"), (plan) => mustBeText(plan, "KubernetesOfficial"))),
    ...(cluster.at("disableLocalAccounts").value === true
      ? mustExist(cluster.at("aadProfile"), "be set while local accounts are off, or nobody could log in")
      : []),
    ...(cluster.at("apiServerAccessProfile", "enablePrivateCluster").value === true &&
    cluster.at("apiServerAccessProfile", "authorizedIPRanges").items().length > 0
      ? fault(
          cluster.at("apiServerAccessProfile", "authorizedIPRanges"),
          "must be left out on a private cluster, whose API server has no public address",
        )
      : []),
    ...(cluster.at("securityProfile", "nodeRestriction").present
      ? fault(
          cluster.at("securityProfile", "nodeRestriction"),
          "must be left out: the property exists in preview versions only",
        )
      : []),
    ...(cluster.at("enablePodSecurityPolicy").value === true
      ? fault(
          cluster.at("enablePodSecurityPolicy"),
          "must be left out: Kubernetes has removed pod security policies",
        )
      : []),
    ...cluster
      .at("addonProfiles")
      .entries()
      .flatMap(([, addon]) =>
        ADDON_BOOLEANS.flatMap((key) =>
          ifPresent(addon.at("config", key), (setting) => mustBe(setting, "true", "false")),
        ),
      ),
  ],
};

const WINDOWS = ["default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"];
const SCHEDULES = ["daily", "weekly", "absoluteMonthly", "relativeMonthly"];

const maintenance: ArmLimit = {
  id: "ARM-043",
  name: "aks-maintenance-window",
  title: "Maintenance windows of a cluster have one of three names and last four hours",
  description:
    "configName is one Azure knows; a planned window lasts 4 to 24 hours and has exactly one schedule with an offset from UTC.",
  why: "Azure rejects the window, and upgrades come at any time.",
  remediation: `Use ${WINDOWS.slice(1).join(" and ")} with a weekly schedule.`,
  url: `${DOCS}/planned-maintenance`,
  risks: ["R03", "R09"],
  types: [azure("containerservice", "MaintenanceConfiguration")],
  check: (configuration) => {
    const name = configuration.at("configName");
    const window = configuration.at("maintenanceWindow");
    const schedules = SCHEDULES.filter((kind) => window.at("schedule", kind).present);
    return [
      ...mustBeText(name, ...WINDOWS),
      ...(isText(...WINDOWS.slice(1))(name.value)
        ? [
            ...mustBeWithin(window.at("durationHours"), 4, 24, "hours"),
            ...must(
              window.at("startTime"),
              (value) => typeof value === "string" && /^([01]\d|2[0-3]):[0-5]\d$/.test(value),
              "be a time such as 02:00",
            ),
            ...ifPresent(window.at("utcOffset"), (offset) =>
              must(
                offset,
                (value) => typeof value === "string" && /^[+-]\d\d:\d\d$/.test(value),
                "be an offset such as +00:00",
              ),
            ),
            ...(schedules.length === 1 || window.at("schedule").unknown
              ? []
              : fault(
                  window.at("schedule"),
                  `must have exactly one of ${SCHEDULES.join(", ")}, but has ${schedules.length}`,
                )),
          ]
        : []),
    ];
  },
};

export const CLUSTER_LIMITS: readonly ArmLimit[] = [network, pools, profile, maintenance];
