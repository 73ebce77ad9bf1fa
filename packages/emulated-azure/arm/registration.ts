import { AZURE } from "../model/azure";
import { REGIONS } from "../model/azure/regionPairs";
import type { Tree } from "../model/types";
import { ArmAnswer, list } from "./context";
import { ArmError } from "./errors";
import { apiVersions } from "./routes";

/** Providers of the plan's neighbourhood that this cloud has no resources of: they can be registered all the same. */
const BESIDE = [
  "Microsoft.Compute",
  "Microsoft.Monitor",
  "Microsoft.OperationsManagement",
  "Microsoft.PolicyInsights",
];

const TYPES = AZURE.resources.map(({ armType = "" }) => armType).filter((type) => type.includes("/"));
const NAMESPACES = [...new Set([...TYPES.map((type) => type.split("/")[0] as string), ...BESIDE])].sort();

function view(scope: string, namespace: string): Tree {
  return {
    id: `${scope}/providers/${namespace}`,
    namespace,
    registrationState: "Registered",
    registrationPolicy: "RegistrationRequired",
    resourceTypes: TYPES.filter((type) => type.startsWith(`${namespace}/`)).map((type) => ({
      resourceType: type.slice(namespace.length + 1),
      locations: [...REGIONS],
      apiVersions: apiVersions(type).reverse(),
    })),
  };
}

function known(wanted: string): string {
  const found = NAMESPACES.find((one) => one.toLowerCase() === wanted.toLowerCase());
  if (found === undefined)
    throw new ArmError(404, "InvalidResourceNamespace", `The resource namespace '${wanted}' is invalid.`);
  return found;
}

/**
 * The providers of a subscription, each registered; registering one is the provider's own right
 * (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types).
 * @param rest Path below the subscription.
 * @param demand Refuses unless the caller may.
 * @returns undefined for a path that is something else.
 */
export function providers(
  method: string,
  scope: string,
  rest: string,
  demand: (wish: { action: string; scope: string }) => void,
): ArmAnswer | undefined {
  const [, namespace, register] = /^\/providers(?:\/([^/]+)(\/register)?)?$/i.exec(rest) ?? [];
  if (method === "POST" && namespace !== undefined && register !== undefined) {
    const name = known(namespace);
    demand({ action: `${name}/register/action`, scope });
    return { status: 200, body: view(scope, name) };
  }
  if (method !== "GET" || register !== undefined) return undefined;
  if (namespace !== undefined) return { status: 200, body: view(scope, known(namespace)) };
  return /^\/providers$/i.test(rest) ? list(NAMESPACES.map((one) => view(scope, one))) : undefined;
}
