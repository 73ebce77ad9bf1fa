/** A kubeconfig for one cluster and one user, as text; JSON is YAML too. `certificate`: PEM text of its authority. */
export function kubeconfig(
  cluster: { name: string; url: string; certificate: string },
  token: string,
  namespace = "default",
): string {
  const { name } = cluster;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: cluster.url,
          "certificate-authority-data": Buffer.from(cluster.certificate).toString("base64"),
        },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  });
}
