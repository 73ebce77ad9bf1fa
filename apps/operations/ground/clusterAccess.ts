import { notRun } from "../frame/errors";
import type { Platform } from "../platform";
import { kubernetes } from "./cluster";
import type { SignIn } from "./signIn";
import type { ClusterGround, ResourcesGround } from "./types";

const CLUSTERS_API = "2025-08-01";

/**
 * The clusters by the addresses Azure gives, signed in to as whoever runs this: what `az aks get-credentials` and kubelogin do for a
 * person, where nobody is.
 * @param proxy through which everything leaves, where there is one
 */
export function clustersByAzure(
  { regions, subscriptionId }: Platform,
  resources: ResourcesGround,
  signIn: SignIn,
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
    const own = new library.KubeConfig();
    own.loadFromOptions({
      clusters: [{ ...address, name, ...(proxy && { proxyUrl: proxy }) }],
      users: [{ name: "self" }],
      contexts: [{ name, cluster: name, user: "self" }],
      currentContext: name,
    });
    return kubernetes(own, library, name, signIn);
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
