import type { CloudEvent } from "../../hooks";
import { guid, liveOfType } from "../cloud";
import { lastName } from "../ids";
import { stringAt, treeAt } from "../paths";
import type { Cloud, Model, Scope, Stored, Tree } from "../types";
import { armKey } from "./arm";

const LINK_SERVICE = "azure-native:network:PrivateLinkService";
const CONNECTION = "azure-native:network:PrivateLinkServicePrivateEndpointConnection";
const CLUSTER = "azure-native:containerservice:ManagedCluster";
const ORIGIN = "azure-native:cdn:AFDOrigin";
const GROUP = "azure-native:resources:ResourceGroup";
/** Front Door's own endpoints stand in a subscription of Microsoft's. */
const MICROSOFT = "00000000-0000-0000-0000-000000000000";

/** What a Service says to the cluster's cloud provider (https://cloud-provider-azure.sigs.k8s.io/topics/pls-integration/). */
const ANNOTATION = "service.beta.kubernetes.io/azure-pls-";

/** A hook that makes what Azure makes by itself: see {@link settle}. */
export function settleAfter(cloud: Cloud, model: Model): (event: CloudEvent) => void {
  return (event) => {
    const { type } = event.kind === "deleted" ? event.before : event.stored;
    if ([CLUSTER, ORIGIN].includes(type) || /^kubernetes:(core\/)?v1:Service$/.test(type))
      settle(cloud, model);
  };
}

/**
 * Makes what Azure makes by itself from what was declared: the resource group of a cluster's nodes, the Private Link
 * Service of each Service that asks for one, in that group, and the connection by which Front Door asks such a service
 * to be let in, which stays Pending until its owner approves it
 * (https://learn.microsoft.com/azure/frontdoor/private-link). What is there already stays as it is.
 */
export function settle(cloud: Cloud, model: Model): void {
  for (const cluster of liveOfType(cloud, CLUSTER)) {
    const subscription = /^\/subscriptions\/([^/]+)/i.exec(cluster.id)?.[1] ?? "";
    const group = stringAt(cluster.outputs, "nodeResourceGroup");
    const location = stringAt(cluster.inputs, "location") ?? "";
    if (!group) continue;
    const scope: Scope = { package: "azure-native", config: { subscriptionId: subscription } };
    make(cloud, model, {
      type: GROUP,
      inputs: { resourceGroupName: group, location },
      scope,
      outputs: { managedBy: cluster.id },
    });
    for (const service of servicesOf(cloud, cluster)) {
      const annotations = treeAt(service.inputs, "metadata.annotations") ?? {};
      if (annotations[`${ANNOTATION}create`] !== "true") continue;
      const resourceGroupName = text(annotations, "resource-group") ?? group;
      const serviceName = text(annotations, "name") ?? `pls-${service.id.replace("/", "-")}`;
      make(cloud, model, { type: LINK_SERVICE, inputs: { resourceGroupName, serviceName, location }, scope });
    }
  }
  for (const origin of liveOfType(cloud, ORIGIN)) connect(cloud, model, origin);
}

/** The link service an origin asks to be let in by, and what its connection there is called. */
function asksFor(cloud: Cloud, origin: Stored): { service: Stored; name: string } | undefined {
  const target = stringAt(origin.inputs, "sharedPrivateLinkResource.privateLink.id");
  const service = target === undefined ? undefined : cloud.get(armKey(target));
  if (!service || service.type !== LINK_SERVICE) return undefined;
  return { service, name: guid(cloud.seed, origin.id, service.id) };
}

/** How the connection is by which an origin asks to be let in; undefined while there is none. */
export function linkStatus(cloud: Cloud, origin: Stored): string | undefined {
  const asked = asksFor(cloud, origin);
  if (!asked) return undefined;
  const connection = cloud.get(armKey(`${asked.service.id}/privateEndpointConnections/${asked.name}`));
  return connection && stringAt(connection.inputs, "privateLinkServiceConnectionState.status");
}

function connect(cloud: Cloud, model: Model, origin: Stored): void {
  const asked = asksFor(cloud, origin);
  if (!asked) return;
  const { service, name } = asked;
  const inputs: Tree = {
    resourceGroupName: stringAt(service.inputs, "resourceGroupName") ?? "",
    serviceName: stringAt(service.inputs, "serviceName") ?? "",
    peConnectionName: name,
    name,
    privateLinkServiceConnectionState: {
      status: "Pending",
      description: stringAt(origin.inputs, "sharedPrivateLinkResource.requestMessage") ?? "",
      actionsRequired: "None",
    },
  };
  const subscription = /^\/subscriptions\/([^/]+)/i.exec(service.id)?.[1] ?? "";
  const scope: Scope = { package: "azure-native", config: { subscriptionId: subscription } };
  const privateEndpoint = {
    id: `/subscriptions/${MICROSOFT}/resourceGroups/frontdoor/providers/Microsoft.Network/privateEndpoints/${name}`,
  };
  make(cloud, model, { type: CONNECTION, inputs, scope, outputs: { privateEndpoint } });
}

/** What Azure makes by itself; `outputs` are those no model derives from the inputs. */
interface Consequence {
  type: string;
  inputs: Tree;
  scope: Scope;
  outputs?: Tree;
}

function make(cloud: Cloud, model: Model, { type, inputs, scope, outputs }: Consequence): void {
  const resource = model.resource(type);
  const id = resource.id(inputs, scope);
  const key = resource.key(id, scope);
  if (cloud.get(key)) return;
  const outcome = model.create(type, "", inputs, scope, cloud);
  cloud.put({ key, type, id, inputs, outputs: { ...outcome.outputs, ...outputs } });
}

function servicesOf(cloud: Cloud, cluster: Stored): Stored[] {
  const name = lastName(cluster.id);
  return [...cloud.all()].filter(
    ({ key, type }) => /^kubernetes:(core\/)?v1:Service$/.test(type) && key.startsWith(`kubernetes:${name}:`),
  );
}

function text(annotations: Tree, name: string): string | undefined {
  const value = annotations[`${ANNOTATION}${name}`];
  return typeof value === "string" ? value : undefined;
}
