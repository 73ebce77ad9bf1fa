import { Provider as AzureProvider } from "@pulumi/azure-native/provider";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider";
import { Provider as RandomProvider } from "@pulumi/random/provider";
import * as pulumi from "@pulumi/pulumi";

export interface CloudProviders {
  azure: AzureProvider;
  random: RandomProvider;
}

/** Azure's provider, with the subscription pinned where every policy can see it. */
export function azureProvider(
  name: string,
  args: { subscriptionId: string; tenantId: string },
): AzureProvider {
  return new AzureProvider(`${name}-azure`, {
    subscriptionId: args.subscriptionId,
    tenantId: args.tenantId,
  });
}

/** Providers of everything outside Kubernetes. */
export function cloudProviders(
  name: string,
  args: { subscriptionId: string; tenantId: string },
): CloudProviders {
  return {
    azure: azureProvider(name, args),
    random: new RandomProvider(`${name}-random`, {}),
  };
}

/**
 * Provider of one cluster. `clusterIdentifier` decides when resources would be replaced: a renewed kubeconfig is
 * not another cluster.
 */
export function clusterProvider(
  name: string,
  args: { kubeconfig: pulumi.Input<string>; clusterName: string },
  opts?: pulumi.ResourceOptions,
): KubernetesProvider {
  return new KubernetesProvider(
    name,
    {
      kubeconfig: args.kubeconfig,
      clusterIdentifier: args.clusterName,
      enableServerSideApply: true,
      // A lost region's cluster answers nobody: what is taken out of it then must leave the state all the same.
      deleteUnreachable: true,
    },
    opts,
  );
}
