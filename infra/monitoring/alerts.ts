import { AlertProcessingRuleByName } from "@pulumi/azure-native/alertsmanagement/alertProcessingRuleByName";
import { PrometheusRuleGroup } from "@pulumi/azure-native/alertsmanagement/prometheusRuleGroup";
import { ActionGroup } from "@pulumi/azure-native/monitor/actionGroup";
import { ActivityLogAlert } from "@pulumi/azure-native/monitor/activityLogAlert";
import { MetricAlert } from "@pulumi/azure-native/monitor/metricAlert";
import * as pulumi from "@pulumi/pulumi";
import { HEARTBEAT } from "../../packages/alerting/alerts/monitoring";
import { alertCatalogue } from "../../packages/alerting/catalogue";
import { Maintenance } from "../../packages/alerting/maintenance";
import { PRIORITY_POLICY } from "../../packages/alerting/priorities";
import { pagerDutyAzureUrl, Receivers } from "../../packages/alerting/receivers";
import {
  activityCondition,
  announcedSuppression,
  azureDescription,
  azureRuleGroups,
  metricCriteria,
  weeklySuppression,
} from "../../packages/alerting/render/azure";
import { AlertSettings } from "../../packages/alerting/settings";
import { AlertText, Catalogue, MetricScope, PRIORITIES, Priority } from "../../packages/alerting/types";
import { CatalogueError } from "../../packages/alerting/validate";
import { MonitoredCluster } from "./monitorWorkspace";
import { Region } from "../regions";
import { SlackRelay } from "./slackRelay";
import { Tags } from "../tags";

/** A resource metric alerts watch. */
export interface WatchedResource {
  scope: MetricScope;
  /** Tells resources of one scope apart, part of names: `primary`, `secondary`; empty where there is only one. */
  place: string;
  id: pulumi.Input<string>;
}

export interface AlertsArgs {
  /** Prefix of Azure names, e.g. `forma3d-prod`. */
  prefix: string;
  resourceGroupName: pulumi.Input<string>;
  /** Region of the workspace, where its rules are evaluated. */
  region: Region;
  subscriptionId: string;
  workspaceId: pulumi.Input<string>;
  /** Clusters whose pods the rules ask after: of regions that serve. */
  clusters: readonly MonitoredCluster[];
  watched: readonly WatchedResource[];
  settings: AlertSettings;
  receivers: Receivers;
  /** Whether `region` is lost: nobody there is asked for an address, and who is told stays as it is. */
  unreachable: boolean;
  maintenance: Maintenance;
  /** Values of the receivers' secrets. */
  secrets: {
    pagerDutyRoutingKey: pulumi.Input<string>;
    slackBotToken: pulumi.Input<string>;
    /** Called with every beat; the service behind it pages when no call comes for 15 minutes. */
    deadMansSwitchUrl: pulumi.Input<string>;
  };
  tags: Tags;
}

/** @throws pulumi.RunError with the problems alone: a stack trace helps nobody who edits the catalogue. */
export function checkedCatalogue(settings: AlertSettings): Catalogue {
  try {
    return alertCatalogue(settings);
  } catch (error) {
    throw error instanceof CatalogueError ? new pulumi.RunError(error.message) : error;
  }
}

const kebab = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();

/**
 * Every alert of the catalogue, and who hears of it: rules over each cluster's metrics, alerts on Azure's own metrics
 * and activity, action groups by priority, and the windows in which they are muted.
 *
 * Cost: per evaluated metric series and per million samples the rules read; notifications are cheap.
 */
export class Alerts extends pulumi.ComponentResource {
  private readonly catalogue: Catalogue;

  /** @throws pulumi.RunError that names each wrong entry of the catalogue. */
  constructor(
    private readonly name: string,
    private readonly args: AlertsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:monitoring:Alerts", name, {}, opts);
    this.catalogue = checkedCatalogue(args.settings);
    const relay = this.relay();
    const groups = this.actionGroups(relay);
    const heartbeat = this.heartbeatGroup();
    for (const cluster of args.clusters) this.ruleGroups(cluster, groups, heartbeat);
    this.metricAlerts(groups);
    this.activityAlerts(groups);
    this.mute();
    this.registerOutputs({});
  }

  private relay(): SlackRelay {
    const { prefix, resourceGroupName, region, receivers, secrets, unreachable, tags } = this.args;
    return new SlackRelay(
      `${this.name}-slack`,
      {
        workflowName: `logic-${prefix}-slack`,
        resourceGroupName,
        region,
        channels: receivers.slackChannels,
        botToken: secrets.slackBotToken,
        unreachable,
        tags,
      },
      { parent: this },
    );
  }

  private actionGroups(relay: SlackRelay): Record<Priority, pulumi.Output<string>> {
    const { prefix, receivers, secrets } = this.args;
    const useCommonAlertSchema = true;
    const group = (priority: Priority) => {
      const { channels, title } = PRIORITY_POLICY[priority];
      return this.actionGroup(`priority-${priority.toLowerCase()}`, `${title} ${priority}`, {
        actionGroupName: `ag-${prefix}-${priority.toLowerCase()}`,
        logicAppReceivers: channels.includes("slack")
          ? [{ name: "slack", resourceId: relay.id, callbackUrl: relay.callbackUrl, useCommonAlertSchema }]
          : [],
        webhookReceivers: channels.includes("pagerduty")
          ? [
              {
                name: "pagerduty",
                serviceUri: pulumi.secret(
                  pulumi.output(secrets.pagerDutyRoutingKey).apply(pagerDutyAzureUrl),
                ),
                useCommonAlertSchema,
              },
            ]
          : [],
        emailReceivers: channels.includes("email")
          ? receivers.emails.map((emailAddress, index) => ({
              name: `email-${index}`,
              emailAddress,
              useCommonAlertSchema,
            }))
          : [],
      });
    };
    return Object.fromEntries(PRIORITIES.map((priority) => [priority, group(priority).id])) as Record<
      Priority,
      pulumi.Output<string>
    >;
  }

  private heartbeatGroup(): pulumi.Output<string> {
    return this.actionGroup("dead-mans-switch", "heartbeat", {
      actionGroupName: `ag-${this.args.prefix}-dead-mans-switch`,
      webhookReceivers: [
        {
          name: "heartbeat",
          serviceUri: pulumi.secret(this.args.secrets.deadMansSwitchUrl),
          useCommonAlertSchema: true,
        },
      ],
    }).id;
  }

  /** @param shortName stands in e-mails and text messages, at most 12 characters. */
  private actionGroup(
    noun: string,
    shortName: string,
    receivers: Partial<ConstructorParameters<typeof ActionGroup>[1]>,
  ): ActionGroup {
    return new ActionGroup(
      `${this.name}-${noun}`,
      {
        resourceGroupName: this.args.resourceGroupName,
        // Global: a regional one is gone with its region.
        location: "Global",
        groupShortName: shortName,
        enabled: true,
        ...receivers,
        tags: this.args.tags,
      },
      // The relay's address is in the state, and nobody answers who could say it again; nor does Azure change anything in a group
      // whose own region is lost.
      { parent: this, ignoreChanges: this.args.unreachable ? ["*"] : [] },
    );
  }

  private ruleGroups(
    cluster: MonitoredCluster,
    groups: Record<Priority, pulumi.Output<string>>,
    heartbeat: pulumi.Output<string>,
  ) {
    const { workspaceId, resourceGroupName, region, tags } = this.args;
    for (const group of azureRuleGroups(this.catalogue)) {
      new PrometheusRuleGroup(
        `${this.name}-${cluster.place}-${group.name}`,
        {
          ruleGroupName: `${group.name}-${cluster.clusterName}`,
          resourceGroupName,
          location: region,
          description: `${group.name} of ${cluster.clusterName}`,
          scopes: [workspaceId, cluster.id],
          clusterName: cluster.clusterName,
          interval: group.interval,
          enabled: true,
          rules: group.rules.map(({ rule, alert }) => ({
            ...rule,
            ...(alert && {
              actions: [{ actionGroupId: alert.name === HEARTBEAT ? heartbeat : groups[alert.priority] }],
            }),
          })),
          tags,
        },
        { parent: this },
      );
    }
  }

  private metricAlerts(groups: Record<Priority, pulumi.Output<string>>) {
    for (const alert of this.catalogue.alerts) {
      if (alert.kind !== "metric") continue;
      for (const { place, id } of this.args.watched.filter(({ scope }) => scope === alert.scope)) {
        const suffix = place ? `-${place}` : "";
        new MetricAlert(
          `${this.name}-${kebab(alert.name)}${suffix}`,
          {
            ...this.text(alert, suffix),
            severity: PRIORITY_POLICY[alert.priority].azureSeverity,
            scopes: [id],
            evaluationFrequency: alert.evaluationFrequency,
            windowSize: alert.windowSize,
            criteria: metricCriteria(alert),
            autoMitigate: true,
            actions: [{ actionGroupId: groups[alert.priority] }],
          },
          { parent: this },
        );
      }
    }
  }

  private text(alert: AlertText, suffix: string) {
    return {
      ruleName: `${this.args.prefix}-${kebab(alert.name)}${suffix}`,
      resourceGroupName: this.args.resourceGroupName,
      location: "global",
      description: azureDescription(alert, this.catalogue.runbookBaseUrl),
      enabled: true,
      tags: this.args.tags,
    };
  }

  private activityAlerts(groups: Record<Priority, pulumi.Output<string>>) {
    for (const alert of this.catalogue.alerts) {
      if (alert.kind !== "activity") continue;
      const { ruleName: activityLogAlertName, ...text } = this.text(alert, "");
      new ActivityLogAlert(
        `${this.name}-${kebab(alert.name)}`,
        {
          activityLogAlertName,
          ...text,
          scopes: [`/subscriptions/${this.args.subscriptionId}`],
          condition: activityCondition(alert),
          actions: { actionGroups: [{ actionGroupId: groups[alert.priority] }] },
        },
        { parent: this },
      );
    }
  }

  private mute() {
    const { maintenance } = this.args;
    const rules = [
      ...maintenance.weekly.map((window) => ({
        name: window.name,
        description: "Weekly maintenance: mutes all but P1",
        ...weeklySuppression(window),
      })),
      ...maintenance.announced.map((window) => ({
        name: window.name,
        description: `Announced maintenance: ${window.reason}`,
        ...announcedSuppression(window),
      })),
    ];
    for (const { name, description, conditions, schedule } of rules) {
      new AlertProcessingRuleByName(
        `${this.name}-mute-${name}`,
        {
          alertProcessingRuleName: `${this.args.prefix}-mute-${name}`,
          resourceGroupName: this.args.resourceGroupName,
          location: "Global",
          properties: {
            description,
            enabled: true,
            scopes: [`/subscriptions/${this.args.subscriptionId}`],
            conditions,
            schedule,
            actions: [{ actionType: "RemoveAllActionGroups" }],
          },
          tags: this.args.tags,
        },
        { parent: this },
      );
    }
  }
}
