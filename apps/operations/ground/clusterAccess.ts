import type { TokenCredential } from "@azure/identity";
import { notRun } from "../frame/errors";
import type { Platform } from "../platform";
import { kubernetes } from "./cluster";
import type { ClusterGround, ResourcesGround } from "./types";

const CLUSTERS_API = "2025-08-01";
/** Application of AKS's API servers in Entra, the same for all clusters and tenants: tokens for them are for it. */
const API_SERVERS = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/**
 * The clusters by the addresses Azure gives, signed in to as whoever runs this: what `az aks get-credentials` and kubelogin do for a
 * person, where nobody is.
 * @param proxy through which everything leaves, where there is one
 */
export function clustersByAzure(
  { regions, subscriptionId }: Platform,
  resources: ResourcesGround,
  credential: TokenCredential,
  proxy?: string,
): (name: string) => ClusterGround {
  const open = async (name: string): Promise<ClusterGround> => {
    const region = regions.find(({ cluster }) => cluster === name);
    if (!region) throw notRun(`no region has the cluster ${name}`);
    const library = await import("@kubernetes/client-node");
    const id = `/subscriptions/${subscriptionId}/resourceGroups/${region.resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${name}`;
    const { kubeconfigs: [given] = [] } = (await resources.ask(
      `${id}/listClusterUserCredential`,
      CLUSTERS_API,
    )) as { kubeconfigs?: { value: string }[] };
    if (!given) throw notRun(`Azure gives no address of ${name}`);
    const theirs = new library.KubeConfig();
    theirs.loadFromString(Buffer.from(given.value, "base64").toString("utf8"));
    const address = theirs.getCurrentCluster();
    if (!address) throw notRun(`what Azure gives of ${name} names no cluster`);
    const token = await credential.getToken(API_SERVERS);
    if (!token) throw notRun(`nobody is signed in to ${name}`);
    const own = new library.KubeConfig();
    own.loadFromOptions({
      clusters: [{ ...address, name, ...(proxy && { proxyUrl: proxy }) }],
      users: [{ name: "self", token: token.token }],
      contexts: [{ name, cluster: name, user: "self" }],
      currentContext: name,
    });
    return kubernetes(own, library, name);
  };
  return (name) => {
    let opened: Promise<ClusterGround> | undefined;
    return later(() => (opened ??= open(name)));
  };
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** A cluster that is opened with the first thing asked of it. */
function later(open: () => Promise<ClusterGround>): ClusterGround {
  return new Proxy({} as ClusterGround, {
    get: (_target, name) =>
      // Whoever awaits it gets it as it is.
      name === "then"
        ? undefined
        : async (...args: unknown[]) => ((await open())[name as keyof ClusterGround] as Call)(...args),
  });
}
