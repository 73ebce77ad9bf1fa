/** A cluster as clients are pointed at it. `certificate`: PEM text of its authority. */
export interface KubeconfigCluster {
  name: string;
  url: string;
  certificate: string;
}

/** A kubeconfig for one cluster and one user, as text. */
export function kubeconfig(cluster: KubeconfigCluster, token: string, namespace = "default"): string {
  return kubeconfigOf([cluster], token, namespace);
}

/** A kubeconfig for one user of some clusters, as text; JSON is YAML too. The first one's context is chosen. */
export function kubeconfigOf(
  clusters: readonly KubeconfigCluster[],
  token: string,
  namespace = "default",
): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: clusters.map(({ name, url, certificate }) => ({
      name,
      cluster: {
        server: url,
        "certificate-authority-data": Buffer.from(certificate).toString("base64"),
      },
    })),
    users: [{ name: "user", user: { token } }],
    contexts: clusters.map(({ name }) => ({ name, context: { cluster: name, user: "user", namespace } })),
    "current-context": clusters[0]?.name ?? "",
  });
}
