import { listWorkflowTriggerCallbackUrlOutput } from "@pulumi/azure-native/logic/listWorkflowTriggerCallbackUrl";
import { Workflow } from "@pulumi/azure-native/logic/workflow";
import * as pulumi from "@pulumi/pulumi";
import { channelBySeverity, SLACK_POST_URL, SlackChannels } from "../../packages/alerting/receivers";
import { Region } from "../regions";
import { Tags } from "../tags";

export interface SlackRelayArgs {
  workflowName: string;
  resourceGroupName: pulumi.Input<string>;
  region: Region;
  channels: SlackChannels;
  botToken: pulumi.Input<string>;
  /** Whether the region is lost: nobody there can be asked for the address. */
  unreachable: boolean;
  tags: Tags;
}

const TRIGGER = "manual";
const ESSENTIALS = "triggerBody()?['data']?['essentials']";

/** What the message says, in the workflow's expression language, from Azure's common alert schema. */
const MESSAGE = [
  `*[@{${ESSENTIALS}?['severity']} @{${ESSENTIALS}?['monitorCondition']}] @{${ESSENTIALS}?['alertRule']}*`,
  `@{coalesce(triggerBody()?['data']?['alertContext']?['annotations']?['summary'], ${ESSENTIALS}?['description'], '')}`,
  "@{coalesce(triggerBody()?['data']?['alertContext']?['annotations']?['description'], '')}",
  "@{coalesce(triggerBody()?['data']?['alertContext']?['annotations']?['runbook_url'], '')}",
].join("\n");

/** The workflow: takes an alert, picks the channel by severity, posts. Slack refuses Azure's own format. */
function slackWorkflow(channels: SlackChannels) {
  return {
    $schema:
      "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
    contentVersion: "1.0.0.0",
    parameters: {
      botToken: { type: "SecureString" },
      channelBySeverity: { type: "Object", defaultValue: channelBySeverity(channels) },
    },
    triggers: { [TRIGGER]: { type: "Request", kind: "Http", inputs: { schema: { type: "object" } } } },
    actions: {
      post: {
        type: "Http",
        runAfter: {},
        inputs: {
          method: "POST",
          uri: SLACK_POST_URL,
          headers: {
            authorization: "Bearer @{parameters('botToken')}",
            "content-type": "application/json; charset=utf-8",
          },
          body: {
            channel: `@{coalesce(parameters('channelBySeverity')?[${ESSENTIALS}?['severity']], '${channels.alerts}')}`,
            text: MESSAGE,
          },
          retryPolicy: { type: "exponential", count: 4, interval: "PT10S" },
        },
        // Keeps the token out of the run history.
        runtimeConfiguration: { secureData: { properties: ["inputs"] } },
      },
      // Slack answers 200 to a message it refuses, and says so in the body only.
      check: {
        type: "If",
        runAfter: { post: ["Succeeded"] },
        expression: { equals: ["@body('post')?['ok']", true] },
        actions: {},
        else: {
          actions: {
            refused: {
              type: "Terminate",
              inputs: {
                runStatus: "Failed",
                runError: { code: "SlackRefused", message: "@{body('post')?['error']}" },
              },
            },
          },
        },
      },
    },
    outputs: {},
  };
}

/** In place of an address nobody can be asked for; a name that leads nowhere, ever (RFC 2606). */
const NOT_ASKED = "https://not-asked.invalid";

/**
 * Hands Azure's alerts to Slack in a form it takes; action groups speak none of Slack's. Lives outside the cluster, so
 * that it works while the cluster does not.
 *
 * Cost: per action run; idle it costs nothing.
 */
export class SlackRelay extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  /**
   * Address an action group calls; secret, because whoever has it can post. While the region is lost nobody can say it: whoever
   * holds the real one must ignore changes then.
   */
  readonly callbackUrl: pulumi.Output<string>;

  constructor(name: string, args: SlackRelayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:monitoring:SlackRelay", name, {}, opts);
    const workflow = new Workflow(
      `${name}-workflow`,
      {
        workflowName: args.workflowName,
        resourceGroupName: args.resourceGroupName,
        location: args.region,
        state: "Enabled",
        definition: slackWorkflow(args.channels),
        parameters: { botToken: { type: "SecureString", value: pulumi.secret(args.botToken) } },
        tags: args.tags,
      },
      { parent: this },
    );
    this.id = workflow.id;
    this.callbackUrl = args.unreachable ? pulumi.secret(NOT_ASKED) : this.address(args, workflow);
    this.registerOutputs({});
  }

  private address({ resourceGroupName }: SlackRelayArgs, workflow: Workflow): pulumi.Output<string> {
    const trigger = listWorkflowTriggerCallbackUrlOutput(
      { resourceGroupName, workflowName: workflow.name, triggerName: TRIGGER },
      { parent: this },
    );
    return pulumi.secret(trigger.value);
  }
}
