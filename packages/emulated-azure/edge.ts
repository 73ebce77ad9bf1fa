import type { MetricSource } from "./arm/context";
import type { EmulatedCloud } from "./cloud";
import { armKey } from "./model/azure/arm";
import { liveOfType } from "./model/cloud";
import { lastName } from "./model/ids";
import { stringAt, treeAt } from "./model/paths";
import type { Cloud, Stored } from "./model/types";

const PROFILE = "azure-native:cdn:Profile";
const ORIGIN = "azure-native:cdn:AFDOrigin";
const CLUSTER = "azure-native:containerservice:ManagedCluster";
const CONNECTION = "azure-native:network:PrivateLinkServicePrivateEndpointConnection";
const LINK_NAME = "service.beta.kubernetes.io/azure-pls-name";

/** Whether any pod behind a Service of a cluster is ready. */
export type Answers = (cluster: string, service: Stored) => boolean;

/** The link service an origin is reached by, and the Service of a cluster that asked for it. */
export function behind(
  cloud: Cloud,
  origin: Stored,
): { link: Stored; cluster: Stored; service: Stored } | undefined {
  const id = stringAt(origin.inputs, "sharedPrivateLinkResource.privateLink.id") ?? "";
  const link = cloud.get(armKey(id));
  const [, group = "", name = ""] = /\/resourceGroups\/([^/]+)\/.*\/([^/]+)$/i.exec(id) ?? [];
  const cluster = liveOfType(cloud, CLUSTER).find(
    ({ outputs }) => stringAt(outputs, "nodeResourceGroup")?.toLowerCase() === group.toLowerCase(),
  );
  if (!link || !cluster) return undefined;
  const prefix = `kubernetes:${lastName(cluster.id)}:`;
  const service = [...cloud.all()].find(
    ({ key, type, inputs }) =>
      key.startsWith(prefix) &&
      type.endsWith(":Service") &&
      treeAt(inputs, "metadata.annotations")?.[LINK_NAME] === name,
  );
  return service && { link, cluster, service };
}

/**
 * Whether Front Door reaches an origin: its region answers, its connection was approved, and a pod behind it is ready.
 * Origins that are reached otherwise than by a link to a cluster are not known here: undefined.
 */
export function healthy(
  { cloud, front }: Pick<EmulatedCloud, "cloud" | "front">,
  origin: Stored,
  answers: Answers,
): boolean | undefined {
  const found = behind(cloud, origin);
  if (!found) return undefined;
  const { link, cluster, service } = found;
  const approved = liveOfType(cloud, CONNECTION).some(
    ({ id, inputs }) =>
      id.toLowerCase().startsWith(`${link.id.toLowerCase()}/`) &&
      stringAt(inputs, "privateLinkServiceConnectionState.status") === "Approved",
  );
  const lost = front.unreachable({
    operation: "read",
    type: cluster.type,
    name: "",
    key: cluster.key,
    itself: true,
  });
  const name = lastName(cluster.id);
  return approved && lost === undefined && answers(name, service);
}

/** The Service of a cluster an origin leads to, and that cluster's name. */
export function serviceOf(cloud: Cloud, origin: Stored): { cluster: string; service: Stored } | undefined {
  const found = behind(cloud, origin);
  return (
    found && {
      cluster: lastName(found.cluster.id),
      service: found.service,
    }
  );
}

/** Origins below a Front Door profile, or a group of it, that are switched on. */
export function originsIn({ cloud }: Pick<EmulatedCloud, "cloud">, id: string): Stored[] {
  const prefix = `${id.toLowerCase()}/`;
  return liveOfType(cloud, ORIGIN).filter(
    ({ id, inputs }) =>
      id.toLowerCase().startsWith(prefix) && stringAt(inputs, "enabledState") !== "Disabled",
  );
}

/** Origins of a Front Door profile that are switched on. */
export function originsOf(cloud: Pick<EmulatedCloud, "cloud">, profile: Stored): Stored[] {
  return originsIn(cloud, profile.id);
}

/** Answers `OriginHealthPercentage` of a Front Door profile from what answers behind its origins. */
export function originHealth(
  cloud: Pick<EmulatedCloud, "cloud" | "front" | "now">,
  answers: Answers,
): MetricSource {
  return (resource, metric) => {
    const profile = cloud.cloud.get(armKey(resource));
    if (metric !== "OriginHealthPercentage" || profile?.type !== PROFILE) return undefined;
    const known = originsOf(cloud, profile).flatMap((origin) => {
      const is = healthy(cloud, origin, answers);
      return is === undefined ? [] : [is];
    });
    const value = (100 * known.filter(Boolean).length) / known.length;
    return { unit: "Percent", points: known.length === 0 ? [] : [{ at: cloud.now(), value }] };
  };
}
