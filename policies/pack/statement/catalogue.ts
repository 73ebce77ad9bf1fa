import { loadBalancerAddress } from "../../../infra/kubernetes/exposure";
import { regionSubnets } from "../../../infra/network/addressing";
import { RECOVERY_JOBS, type RecoveryJob } from "../../../infra/recovery/recoveryJobs";
import { alertCatalogue } from "../../../packages/alerting/catalogue";
import { PRIORITY_POLICY } from "../../../packages/alerting/priorities";
import { HEARTBEAT } from "../../../packages/alerting/alerts/monitoring";
import { channelBySeverity, SLACK_POST_URL } from "../../../packages/alerting/receivers";
import {
  activityCondition,
  announcedSuppression,
  azureRuleGroups,
  metricCriteria,
  weeklySuppression,
} from "../../../packages/alerting/render/azure";
import {
  PRIORITIES,
  type AzureMetricAlert,
  type Catalogue,
  type Priority,
  type PrometheusAlert,
} from "../../../packages/alerting/types";
import { stackPlatformNames } from "../../../stacks/files";
import { alertSettings, maintenanceOf } from "../../../stacks/monitoringSettings";
import { PLACES, roleOf, type Place } from "../../../stacks/roles";
import type { StackConfig } from "../../../stacks/schema";
import { type Site, SITE_HEALTH, SITES } from "../../../stacks/sites";
import { type Bound, endingWith, listOf, NONE, oneOf } from "../../rules/expected";
import type { Demand } from "../../rules/statement";
import { present, servers } from "./places";

const kebab = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
const CATALOGUE = "packages/alerting, alerts.thresholds";

/** Accounts of backups, each in a region of its own. They stay when that is lost: Azure keeps the name. */
const accounts = (config: StackConfig) => {
  const { backups } = stackPlatformNames(config);
  return PLACES.flatMap((place) => {
    const account = backups[place];
    return account ? [{ place, ...account }] : [];
  });
};

/** Id of one of the stack's action groups. */
const toGroup = (prefix: string, noun: string): Bound => endingWith(`/ag-${prefix}-${noun}`);

/** Things one metric alert is made for, as the ends of its names tell them apart. */
function scopesOf({ scope }: AzureMetricAlert, config: StackConfig): string[] {
  if (scope === "storageAccount") return accounts(config).map(({ place }) => `-${place}`);
  if (scope === "vault") return present(config).map((place) => `-${place}`);
  return scope === "standbyServer" && servers(config) < 2 ? [] : [""];
}

function alerts({ alerts: all }: Catalogue, config: StackConfig, prefix: string): Demand[] {
  return all.flatMap((alert): Demand[] => {
    const what = `the alert ${alert.name}`;
    switch (alert.kind) {
      case "metric":
        return scopesOf(alert, config).map((suffix) => ({
          // Regions differ in the suffix, and a waiver is of one.
          what: `${what}${suffix}`,
          key: CATALOGUE,
          type: "monitor:MetricAlert",
          where: { ruleName: `${prefix}-${kebab(alert.name)}${suffix}` },
          is: {
            enabled: true,
            severity: PRIORITY_POLICY[alert.priority].azureSeverity,
            evaluationFrequency: alert.evaluationFrequency,
            windowSize: alert.windowSize,
            autoMitigate: true,
            "criteria.allOf": metricCriteria(alert).allOf,
            scopes: listOf(1),
            actions: [{ actionGroupId: toGroup(prefix, alert.priority.toLowerCase()) }],
          },
        }));
      case "activity":
        return [
          {
            what,
            key: CATALOGUE,
            type: "monitor:ActivityLogAlert",
            where: { activityLogAlertName: `${prefix}-${kebab(alert.name)}` },
            is: {
              enabled: true,
              condition: activityCondition(alert),
              scopes: [`/subscriptions/${config.azure.subscriptionId}`],
              "actions.actionGroups": [{ actionGroupId: toGroup(prefix, alert.priority.toLowerCase()) }],
            },
          },
        ];
      case "prometheus":
        return [];
    }
  });
}

/** Whom a rule tells; what is only recorded tells nobody. */
const told = (prefix: string, alert: PrometheusAlert | undefined): unknown => {
  if (!alert) return NONE;
  const noun = alert.name === HEARTBEAT ? "dead-mans-switch" : alert.priority.toLowerCase();
  return [{ actionGroupId: toGroup(prefix, noun) }];
};

/** Rule groups of every cluster that serves: their rules, and none that would shadow one of them. */
function ruleGroups(catalogue: Catalogue, clusters: readonly string[], prefix: string): Demand[] {
  return clusters.flatMap((cluster) =>
    azureRuleGroups(catalogue).map(({ name, interval, rules }): Demand => {
      const plain = rules.map(({ rule, alert }) => ({
        ...Object.fromEntries(Object.entries(rule).filter(([key]) => key !== "annotations")),
        actions: told(prefix, alert),
      }));
      return {
        what: `the rule group ${name}`,
        key: CATALOGUE,
        type: "alertsmanagement:PrometheusRuleGroup",
        where: { ruleGroupName: `${name}-${cluster}` },
        is: { enabled: true, interval, clusterName: cluster, rules: listOf(plain.length) },
        members: { list: "rules", by: ["alert", "record"], of: plain },
      };
    }),
  );
}

/** Windows in which alerts are muted: those of the stack file, and as long as it says. */
function muted(config: StackConfig, prefix: string): Demand[] {
  const { weekly, announced } = maintenanceOf(config);
  const windows = [
    ...weekly.map((window) => ({ name: window.name, ...weeklySuppression(window) })),
    ...announced.map((window) => ({ name: window.name, ...announcedSuppression(window) })),
  ];
  const key = "alerts.maintenance, cluster.upgradeWindow, database.maintenanceWindow";
  const type = "alertsmanagement:AlertProcessingRuleByName";
  const called = (name: string): string => `${prefix}-mute-${name}`;
  return [
    {
      what: "each window in which alerts are muted, of those the stack file has",
      key,
      type,
      each: { alertProcessingRuleName: oneOf(...windows.map(({ name }) => called(name))) },
    },
    ...windows.map(({ name, conditions, schedule }): Demand => ({
      what: `the window ${name}`,
      key,
      type,
      where: { alertProcessingRuleName: called(name) },
      is: {
        "properties.scopes": [`/subscriptions/${config.azure.subscriptionId}`],
        "properties.conditions": conditions,
        "properties.schedule": schedule,
      },
    })),
  ];
}

/** Who hears of an alert, by priority, and of silence. */
function receivers({ alerts: { emails, slackChannels } }: StackConfig, prefix: string): Demand[] {
  const group = (noun: string, is: Demand["is"]): Demand => ({
    what: `the action group ${noun}`,
    key: "alerts.emails, alerts.slackChannels",
    type: "monitor:ActionGroup",
    where: { actionGroupName: `ag-${prefix}-${noun}` },
    is: { enabled: true, ...is },
  });
  const of = (priority: Priority): Demand => {
    const { channels } = PRIORITY_POLICY[priority];
    return group(priority.toLowerCase(), {
      logicAppReceivers: channels.includes("slack") ? [{ name: "slack" }] : [],
      webhookReceivers: channels.includes("pagerduty") ? [{ name: "pagerduty" }] : [],
      emailReceivers: channels.includes("email") ? emails.map((emailAddress) => ({ emailAddress })) : [],
    });
  };
  const usesSlack = PRIORITIES.some((priority) => PRIORITY_POLICY[priority].channels.includes("slack"));
  return [
    ...PRIORITIES.map(of),
    group("dead-mans-switch", { webhookReceivers: [{ name: "heartbeat" }] }),
    ...(usesSlack
      ? [
          {
            what: "the workflow that tells Slack",
            key: "alerts.slackChannels",
            type: "logic:Workflow",
            where: { workflowName: `logic-${prefix}-slack` },
            is: {
              state: "Enabled",
              "definition.actions.post.inputs.uri": SLACK_POST_URL,
              "definition.actions.check.expression.equals": ["@body('post')?['ok']", true],
              "definition.parameters.channelBySeverity.defaultValue": channelBySeverity(slackChannels),
            },
          },
        ]
      : []),
  ];
}

/** Words of a job's command that do not depend on the run. */
function commandOf(job: RecoveryJob): string[] {
  const [one, other] = [
    job.arguments({ deadlineMinutes: 60, database: "a" }),
    job.arguments({ deadlineMinutes: 600, database: "b" }),
  ];
  return one.filter((word, index) => word === other[index]);
}

/** Recovery jobs, each with its schedule, running in one region at least. */
function jobs({ recovery: { schedules } }: StackConfig): Demand[] {
  return RECOVERY_JOBS.map((job) => ({
    what: `the recovery job ${job.name}`,
    key: `recovery.schedules.${job.name}`,
    type: "CronJob",
    args: commandOf(job),
    is: { "spec.schedule": schedules[job.name], "spec.suspend": false },
  }));
}

/** What answers for a site in one region, lost or not: its own load balancer, behind its own private link. */
function origin(config: StackConfig, site: Site, originHostHeader: string, place: Place): Demand[] {
  const { location } = config.regions[place] ?? {};
  const network = config.network[place];
  const region = stackPlatformNames(config)[place];
  if (!location || !network || !region) return [];
  const service = region.privateLinkServices[site];
  return [
    {
      what: `the origin of ${site} in ${location}`,
      key: `regions.${place}`,
      type: "cdn:AFDOrigin",
      where: { originName: location, originHostHeader },
      is: {
        enabledState: "Enabled",
        priority: PLACES.indexOf(place) + 1,
        hostName: loadBalancerAddress(regionSubnets(network.addressSpace).nodes, SITES.indexOf(site)),
        "sharedPrivateLinkResource.privateLinkLocation": location,
        "sharedPrivateLinkResource.privateLink.id": endingWith(
          `/resourceGroups/${region.nodeResourceGroup}/providers/Microsoft.Network/privateLinkServices/${service}`,
        ),
      },
    },
  ];
}

/** Each public site, from its name to the origins in every region. */
function edge(config: StackConfig, prefix: string): Demand[] {
  const hosts = { api: config.edge.apiHostName, dashboard: config.edge.dashboardHostName };
  return [
    {
      what: "the endpoint of Front Door",
      key: "edge",
      type: "cdn:AFDEndpoint",
      where: { endpointName: `fde-${prefix}` },
      is: { enabledState: "Enabled" },
    },
    ...SITES.flatMap((site): Demand[] => [
      {
        what: `the public name of ${site}`,
        key: `edge.${site}HostName`,
        type: "cdn:AFDCustomDomain",
        where: { hostName: hosts[site] },
      },
      {
        what: `the route of ${site}`,
        key: "edge",
        type: "cdn:Route",
        where: { routeName: site },
        is: { enabledState: "Enabled", patternsToMatch: ["/*"], linkToDefaultDomain: "Disabled" },
      },
      {
        what: `the origins of ${site}`,
        key: "edge",
        type: "cdn:AFDOriginGroup",
        where: { originGroupName: site },
        is: { "healthProbeSettings.probePath": SITE_HEALTH[site].ready },
      },
      ...PLACES.flatMap((place) => origin(config, site, hosts[site], place)),
    ]),
  ];
}

/** What the catalogues of alerts, jobs and sites give a stack. */
export function catalogued(config: StackConfig): Demand[] {
  const names = stackPlatformNames(config);
  const { prefix } = names;
  const catalogue = alertCatalogue(alertSettings(config, names.namespace));
  const serving = PLACES.filter((place) => roleOf(config, place) === "serving");
  const clusters = serving.flatMap((place) => names[place]?.cluster ?? []);
  return [
    ...alerts(catalogue, config, prefix),
    ...ruleGroups(catalogue, clusters, prefix),
    ...muted(config, prefix),
    ...receivers(config, prefix),
    ...jobs(config),
    ...edge(config, prefix),
    ...accounts(config).map(({ place, storageAccount }) => ({
      what: `the account of backups ${storageAccount}`,
      key: `storage, regions.${place}`,
      type: "storage:StorageAccount",
      where: { accountName: storageAccount },
      is: { publicNetworkAccess: "Disabled", "networkRuleSet.defaultAction": "Deny" },
    })),
  ];
}
