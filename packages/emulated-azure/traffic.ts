import http, { IncomingMessage, ServerResponse } from "node:http";
import type { EmulatedCloud } from "./cloud";
import { healthy, originsIn, serviceOf } from "./edge";
import type { Clusters } from "./kubernetes";
import { armKey } from "./model/azure/arm";
import { liveOfType } from "./model/cloud";
import { numberAt, objectsAt, stringAt } from "./model/paths";
import type { Stored } from "./model/types";
import { ONE_EACH } from "./onward";

const DOMAIN = "azure-native:cdn:AFDCustomDomain";
const ENDPOINT = "azure-native:cdn:AFDEndpoint";
const ROUTE = "azure-native:cdn:Route";

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** The custom domain of a Front Door that has a host name; undefined when none has. */
export function domainOf(cloud: Pick<EmulatedCloud, "cloud">, host: string): Stored | undefined {
  return liveOfType(cloud.cloud, DOMAIN).find(({ inputs }) => same(stringAt(inputs, "hostName") ?? "", host));
}

/** The route a path of a domain takes, its endpoint switched on: the longest pattern that matches. */
function routeOf(cloud: EmulatedCloud, domain: Stored, path: string): Stored | undefined {
  const length = (route: Stored): number =>
    Math.max(
      -1,
      ...((route.inputs["patternsToMatch"] as string[] | undefined) ?? ["/*"]).map((pattern) =>
        pattern.endsWith("*")
          ? path.startsWith(pattern.slice(0, -1))
            ? pattern.length
            : -1
          : pattern === path
            ? pattern.length + 1
            : -1,
      ),
    );
  const [best] = liveOfType(cloud.cloud, ROUTE)
    .filter((route) => {
      const endpoint = cloud.cloud.get(armKey(route.id.replace(/\/routes\/[^/]+$/i, "")));
      return (
        endpoint?.type === ENDPOINT &&
        stringAt(endpoint.inputs, "enabledState") !== "Disabled" &&
        stringAt(route.inputs, "enabledState") !== "Disabled" &&
        objectsAt(route.inputs, "customDomains").some((one) => same(stringAt(one, "id") ?? "", domain.id)) &&
        length(route) >= 0
      );
    })
    .sort((one, other) => length(other) - length(one));
  return best;
}

/**
 * Answers a request to a public host name as a Front Door passes it on: by its route to the first healthy origin of the
 * lowest priority, and there to a ready pod something runs in. With nothing behind it says so with its own 503, without a
 * route with its own 404.
 */
export function answerTraffic(
  cloud: EmulatedCloud,
  clusters: Clusters,
  domain: Stored,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const refuse = (status: number, text: string): void => {
    response.writeHead(status, { "Content-Type": "text/plain", "x-azure-ref": "emulated" }).end(`${text}\n`);
  };
  const address = URL.parse(request.url ?? "/", "https://edge");
  if (!address) return refuse(400, "Bad request");
  const route = routeOf(cloud, domain, address.pathname);
  if (!route) return refuse(404, "Page not found");
  const place = originsIn(cloud, stringAt(route.inputs, "originGroup.id") ?? "")
    .sort((one, other) => (numberAt(one.inputs, "priority") ?? 1) - (numberAt(other.inputs, "priority") ?? 1))
    .filter((origin) => healthy(cloud, origin, (name, service) => clusters.answers(name, service)))
    .flatMap((origin) => {
      const found = serviceOf(cloud.cloud, origin);
      const at = found && clusters.reach(found.cluster, found.service);
      return at ? [at] : [];
    })[0];
  if (!place) return refuse(503, "Our services aren't available right now");
  const { method = "GET", url = "/", headers } = request;
  const onward = http.request(
    { ...place, agent: ONE_EACH, method, path: url, headers: { ...headers, "x-forwarded-proto": "https" } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  onward.on("error", () => (response.headersSent ? response.destroy() : refuse(502, "Bad gateway")));
  request.pipe(onward);
}
