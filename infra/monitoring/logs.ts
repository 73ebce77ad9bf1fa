import * as operationalinsights from "@pulumi/azure-native/operationalinsights";
import * as pulumi from "@pulumi/pulumi";
import { dataOptions } from "../data/protection";
import { Region } from "../regions";
import { Tags } from "../tags";

export interface LogsArgs {
  workspaceName: string;
  resourceGroupName: pulumi.Input<string>;
  region: Region;
  /** Days logs are kept, 30-730. Lowering it drops the older ones. */
  retentionDays: number;
  /** Most GiB taken in a day; the rest of the day is lost. */
  dailyCapGiB: number;
  /** Protects the workspace: what happened before an incident is asked for after it. */
  protect: boolean;
  tags: Tags;
}

/** A workspace as its senders need it: some of what they declare must stand in its region. */
export interface LogDestination {
  readonly workspaceId: pulumi.Output<string>;
  readonly region: Region;
}

/** Log Analytics workspace all diagnostics go to. Cost: per gigabyte taken in, and per month beyond 31 days. */
export class Logs extends pulumi.ComponentResource implements LogDestination {
  readonly workspaceId: pulumi.Output<string>;
  readonly region: Region;

  constructor(name: string, args: LogsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:monitoring:Logs", name, {}, opts);
    const workspace = new operationalinsights.Workspace(
      `${name}-workspace`,
      {
        workspaceName: args.workspaceName,
        resourceGroupName: args.resourceGroupName,
        location: args.region,
        sku: { name: "PerGB2018" },
        retentionInDays: args.retentionDays,
        workspaceCapping: { dailyQuotaGb: args.dailyCapGiB },
        features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true },
        tags: args.tags,
      },
      dataOptions(args.protect, { parent: this }),
    );
    this.workspaceId = workspace.id;
    this.region = args.region;
    this.registerOutputs({ workspaceId: this.workspaceId });
  }
}
