import { hash } from "../../model/cloud";
import { lastName } from "../../model/ids";
import { stringAt, textAt } from "../../model/paths";
import type { Stored, Tree } from "../../model/types";
import { ArmAnswer, ArmContext, ArmRequest } from "../context";
import { ArmError, notFound } from "../errors";
import { accepted, perform } from "../perform";
import type { ActionTable } from "./table";

const DOMAIN = "azure-native:cdn:AFDCustomDomain";

/** A new validation token for a custom domain. The answer has no body: the domain shows it. */
async function refreshToken(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const { route, scope } = request;
  const before = context.cloud.get(`arm:${route.target.toLowerCase()}`);
  if (!before) throw notFound("Microsoft.Cdn/profiles/customDomains", lastName(route.target), route.group);
  const name = lastName(before.id);
  const attempt = { operation: "update" as const, urn: "", type: DOMAIN, name, key: before.key };
  const started = await perform(context, attempt, undefined, async (done) => {
    const token = textAt(before.outputs, "validationProperties.validationToken");
    const stored: Stored = {
      ...before,
      outputs: {
        ...before.outputs,
        domainValidationState: "Pending",
        validationProperties: {
          ...(before.outputs["validationProperties"] as Tree | undefined),
          validationToken: hash(before.id, token).slice(0, 32),
          expirationDate: new Date(context.now().getTime() + 7 * 86_400_000).toISOString(),
        },
      },
    };
    context.cloud.put(stored);
    done(stored);
    await context.hooks.emit({ kind: "updated", stored, before });
  });
  void scope;
  return accepted(context, request, started, { result: () => undefined, bare: true });
}

/** A function of the provider front that ARM offers as an action of a resource. */
function invoked(token: string, args: (path: string) => Tree) {
  return (context: ArmContext, { route, scope }: ArmRequest): ArmAnswer => {
    const group = { resourceGroupName: route.group };
    const body = context.model.invoke(token, { ...group, ...args(route.path) }, scope, context.cloud);
    return { status: 200, body };
  };
}

function named(path: string, type: string): string {
  const found = new RegExp(`/${type}/([^/]+)`, "i").exec(path)?.[1];
  if (found === undefined) throw new ArmError(400, "InvalidRequestUri", `${path} names no ${type}.`);
  return found;
}

const cluster = (path: string): Tree => ({ resourceName: named(path, "managedClusters") });

export const OTHER_ACTIONS: ActionTable = {
  "POST Microsoft.Cdn/profiles/customDomains/refreshValidationToken": refreshToken,
  "POST Microsoft.Logic/workflows/triggers/listCallbackUrl": invoked(
    "azure-native:logic:listWorkflowTriggerCallbackUrl",
    (path) => ({ workflowName: named(path, "workflows"), triggerName: named(path, "triggers") }),
  ),
  "POST Microsoft.ContainerService/managedClusters/listClusterUserCredential": invoked(
    "azure-native:containerservice:listManagedClusterUserCredentials",
    cluster,
  ),
  "POST Microsoft.ContainerService/managedClusters/listClusterAdminCredential": invoked(
    "azure-native:containerservice:listManagedClusterAdminCredentials",
    cluster,
  ),
};

export { stringAt };
