import { listManagedClusterUserCredentialsOutput } from "@pulumi/azure-native/containerservice/listManagedClusterUserCredentials";
import * as pulumi from "@pulumi/pulumi";
import { dump, load } from "js-yaml";
import { AKS_SERVER_APPLICATION } from "../../packages/azure-facts";

/** Ways kubelogin obtains a token; the variable AAD_LOGIN_METHOD overrides the one written down. */
export type KubeloginMethod = "azurecli" | "workloadidentity";

interface KubeconfigCluster {
  name: string;
  /** Address and certificate authority of the API server. */
  cluster: { server: string };
}

/**
 * Turns the kubeconfig Azure gives a user into one that signs in without a person: kubelogin fetches a token for
 * whoever runs the command. The result holds no credential.
 * @throws Error when the text is not a kubeconfig with a cluster.
 */
export function kubeloginKubeconfig(azureKubeconfig: string, login: KubeloginMethod): string {
  const parsed = load(azureKubeconfig) as { clusters?: KubeconfigCluster[] } | undefined;
  const [cluster] = parsed?.clusters ?? [];
  if (!cluster?.cluster?.server) throw new Error("the kubeconfig Azure returned names no cluster");
  const { name } = cluster;
  return dump({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: cluster.cluster }],
    contexts: [{ name, context: { cluster: name, user: "deploy" } }],
    users: [
      {
        name: "deploy",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "kubelogin",
            args: ["get-token", "--server-id", AKS_SERVER_APPLICATION, "--login", login],
            env: null,
            interactiveMode: "Never",
            provideClusterInfo: false,
            installHint: "Install kubelogin: https://azure.github.io/kubelogin/install.html",
          },
        },
      },
    ],
  });
}

/**
 * Kubeconfig of a cluster of this program, as a secret. While what `opts.dependsOn` names does not exist yet, Azure
 * is not asked and the value is unknown.
 */
export function clusterKubeconfig(
  args: { resourceGroupName: pulumi.Input<string>; clusterName: string; login: KubeloginMethod },
  opts: pulumi.InvokeOutputOptions,
): pulumi.Output<string> {
  const credentials = listManagedClusterUserCredentialsOutput(
    { resourceGroupName: args.resourceGroupName, resourceName: args.clusterName, format: "exec" },
    opts,
  );
  return pulumi.secret(
    credentials.apply(({ kubeconfigs }) => {
      const [first] = kubeconfigs;
      if (!first) throw new Error("Azure returned no kubeconfig for the cluster");
      return kubeloginKubeconfig(Buffer.from(first.value, "base64").toString("utf8"), args.login);
    }),
  );
}
