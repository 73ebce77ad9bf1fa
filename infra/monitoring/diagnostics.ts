import * as monitor from "@pulumi/azure-native/monitor";
import * as pulumi from "@pulumi/pulumi";

/** Sends logs and metrics of a resource to the Log Analytics workspace. */
export function diagnostics(
  name: string,
  args: {
    resourceId: pulumi.Input<string>;
    workspaceId: pulumi.Input<string>;
    /** Category groups (`allLogs`, `audit`) or single categories; default all logs. */
    categories?: string[];
    /** Category of metrics; none for resources whose platform metrics need no export. */
    metrics?: string;
  },
  opts: pulumi.CustomResourceOptions,
): monitor.DiagnosticSetting {
  const groups = ["allLogs", "audit"];
  return new monitor.DiagnosticSetting(
    name,
    {
      name: "platform",
      resourceUri: args.resourceId,
      workspaceId: args.workspaceId,
      logs: (args.categories ?? ["allLogs"]).map((category) =>
        groups.includes(category) ? { categoryGroup: category, enabled: true } : { category, enabled: true },
      ),
      metrics: args.metrics ? [{ category: args.metrics, enabled: true }] : [],
    },
    opts,
  );
}
