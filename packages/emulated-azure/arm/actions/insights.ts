import { stringAt } from "../../model/paths";
import { ArmAnswer, ArmContext, ArmRequest, list } from "../context";
import { ArmError } from "../errors";
import { METRICS } from "../metrics";
import type { ActionTable } from "./table";

const AGGREGATIONS = ["Average", "Count", "Maximum", "Minimum", "Total"];

async function metrics(context: ArmContext, { route, url }: ArmRequest): Promise<ArmAnswer> {
  const resource = route.target;
  const stored = context.cloud.get(`arm:${resource.toLowerCase()}`);
  if (!stored) throw new ArmError(404, "ResourceNotFound", `The Resource '${resource}' was not found.`);
  const known = METRICS[stored.type] ?? {};
  const asked = (url.searchParams.get("metricnames") ?? "").split(",").filter((name) => name !== "");
  const names = asked.length > 0 ? asked : Object.keys(known);
  const interval = url.searchParams.get("interval") ?? "PT1M";
  const wanted = (url.searchParams.get("aggregation") ?? "Average").split(",");
  const wrong = wanted.find(
    (name) => !AGGREGATIONS.some((one) => one.toLowerCase() === name.trim().toLowerCase()),
  );
  if (wrong !== undefined)
    throw new ArmError(
      400,
      "BadRequest",
      `Invalid aggregation: ${wrong}. Valid values are ${AGGREGATIONS.join(", ")}.`,
    );
  const value = [];
  for (const name of names) {
    const found = await context.metrics(stored.id, name);
    if (!found) {
      throw new ArmError(
        400,
        "BadRequest",
        `Failed to find metric configuration for provider: ${stored.id.split("/providers/")[1]?.split("/")[0] ?? ""}, metric: ${name}. Valid metrics: ${Object.keys(known).join(",")}`,
      );
    }
    value.push({
      id: `${stored.id}/providers/Microsoft.Insights/metrics/${name}`,
      type: "Microsoft.Insights/metrics",
      name: { value: name, localizedValue: name },
      unit: found.unit,
      timeseries: [
        {
          metadatavalues: [],
          data: found.points.map(({ at, value: amount }) => ({
            timeStamp: at.toISOString(),
            ...Object.fromEntries(wanted.map((aggregation) => [aggregation.trim().toLowerCase(), amount])),
          })),
        },
      ],
      errorCode: "Success",
    });
  }
  const end = context.now();
  const timespan =
    url.searchParams.get("timespan") ??
    `${new Date(end.getTime() - 3_600_000).toISOString()}/${end.toISOString()}`;
  const namespace = stored.id.split("/providers/")[1]?.split("/").slice(0, 2).join("/") ?? "";
  return {
    status: 200,
    body: {
      cost: 0,
      timespan,
      interval,
      value,
      namespace,
      resourceregion: stringAt(stored.inputs, "location") ?? "global",
    },
  };
}

/** The activity log: what was written, deleted or done here, by whom (filtered by time and group as the CLI asks). */
function activity(context: ArmContext, { url, route }: ArmRequest): ArmAnswer {
  const filter = url.searchParams.get("$filter") ?? "";
  const from = /eventTimestamp ge '?([^'\s]+)'?/i.exec(filter)?.[1];
  const group = /resourceGroupName eq '([^']+)'/i.exec(filter)?.[1]?.toLowerCase();
  const resource = /resourceUri eq '([^']+)'/i.exec(filter)?.[1]?.toLowerCase();
  const entries = context.activity.filter(
    ({ at, resource: done }) =>
      (from === undefined || at >= new Date(from)) &&
      (group === undefined || done.toLowerCase().includes(`/resourcegroups/${group}`)) &&
      (resource === undefined || done.toLowerCase() === resource),
  );
  return list(
    [...entries]
      .reverse()
      .map(({ at, caller, operation, resource: resourceId, status, correlationId, error }) => ({
        id: `${resourceId}/events/${correlationId}/ticks/${at.getTime()}`,
        caller,
        correlationId,
        eventTimestamp: at.toISOString(),
        submissionTimestamp: at.toISOString(),
        operationName: { value: operation, localizedValue: operation },
        resourceId,
        resourceGroupName: /\/resourceGroups\/([^/]+)/i.exec(resourceId)?.[1] ?? "",
        status: { value: status, localizedValue: status },
        subscriptionId: route.subscription,
        level: status === "Failed" ? "Error" : "Informational",
        category: { value: "Administrative", localizedValue: "Administrative" },
        ...(error && { properties: { statusMessage: JSON.stringify(error) } }),
      })),
  );
}

function health(context: ArmContext, { route }: ArmRequest): ArmAnswer {
  const resource = route.path.slice(0, route.path.toLowerCase().lastIndexOf("/providers/"));
  const stored = context.cloud.get(`arm:${resource.toLowerCase()}`);
  if (!stored) throw new ArmError(404, "ResourceNotFound", `The Resource '${resource}' was not found.`);
  const lost = context.front.unreachable({ operation: "read", type: stored.type, name: "", key: stored.key });
  const at = context.now().toISOString();
  return {
    status: 200,
    body: {
      id: route.path,
      name: "current",
      type: "Microsoft.ResourceHealth/AvailabilityStatuses",
      location: stringAt(stored.inputs, "location") ?? "global",
      properties: {
        availabilityState: lost === undefined ? "Available" : "Unavailable",
        title: lost === undefined ? "Available" : "Unavailable",
        summary:
          lost === undefined
            ? "There aren't any known Azure platform problems affecting this resource."
            : lost,
        reasonType: lost === undefined ? "" : "Unplanned",
        occuredTime: at,
        reportedTime: at,
      },
    },
  };
}

export const INSIGHTS_ACTIONS: ActionTable = {
  "GET Microsoft.Insights/metrics": metrics,
  "GET Microsoft.Insights/eventtypes/values": activity,
  "GET Microsoft.ResourceHealth/availabilityStatuses": health,
};
