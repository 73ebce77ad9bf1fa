import { lastName } from "../ids";
import { guid } from "../cloud";
import { stringAt, textAt } from "../paths";
import { Cloud, CloudError, FunctionModel, Scope, Stored, Tree } from "../types";
import { armKey } from "./arm";

function requireResource(id: string, cloud: Cloud): Stored {
  const stored = cloud.get(armKey(id));
  if (!stored || stored.softDeleted) {
    throw new CloudError(404, "ResourceNotFound", `The resource '${id}' was not found.`);
  }
  return stored;
}

function inGroup(args: Tree, scope: Scope, rest: string): string {
  const subscription = stringAt(scope.config, "subscriptionId") ?? "";
  return `/subscriptions/${subscription}/resourceGroups/${textAt(args, "resourceGroupName")}/providers/${rest}`;
}

const CLUSTER = "Microsoft.ContainerService/managedClusters";

function clusterId(args: Tree, scope: Scope): string {
  return inGroup(args, scope, `${CLUSTER}/${stringAt(args, "resourceName") ?? ""}`);
}

function clusterOf(args: Tree, scope: Scope, cloud: Cloud): Stored {
  return requireResource(clusterId(args, scope), cloud);
}

/** https://learn.microsoft.com/azure/role-based-access-control/permissions/containers#microsoftcontainerservice */
const toCluster = (right: string) => (args: Tree, scope: Scope) => ({
  action: `${CLUSTER}/${right}`,
  scope: clusterId(args, scope),
});

/** Output of a cluster that is served: PEM text of who signed its API server's certificate. Azure shows it in credentials only. */
export const CERTIFICATE_AUTHORITY = "certificateAuthority";

/** A kubeconfig that asks Entra for a token, as clusters without local accounts hand out. */
function kubeconfig(cluster: Stored): Tree {
  const name = lastName(cluster.id);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: `https://${textAt(cluster.outputs, "fqdn")}:443`,
          "certificate-authority-data": Buffer.from(
            stringAt(cluster.outputs, CERTIFICATE_AUTHORITY) ?? stringAt(cluster.outputs, "eTag") ?? "",
          ).toString("base64"),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "kubelogin",
            args: ["get-token"],
          },
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  return {
    kubeconfigs: [{ name: "clusterUser", value: Buffer.from(JSON.stringify(config)).toString("base64") }],
  };
}

export const AZURE_FUNCTIONS: readonly FunctionModel[] = [
  {
    token: "azure-native:authorization:getClientConfig",
    secretOutputs: [],
    invoke: (_args, scope, cloud) => ({
      clientId: guid(cloud.seed, "client"),
      objectId: guid(cloud.seed, "object"),
      subscriptionId: stringAt(scope.config, "subscriptionId") ?? "",
      tenantId: stringAt(scope.config, "tenantId") ?? "",
    }),
  },
  {
    token: "azure-native:containerservice:listManagedClusterUserCredentials",
    needs: toCluster("listClusterUserCredential/action"),
    secretOutputs: ["kubeconfigs"],
    invoke: (args, scope, cloud) => kubeconfig(clusterOf(args, scope, cloud)),
  },
  {
    token: "azure-native:containerservice:listManagedClusterAdminCredentials",
    needs: toCluster("listClusterAdminCredential/action"),
    secretOutputs: ["kubeconfigs"],
    invoke: (args, scope, cloud) => {
      const cluster = clusterOf(args, scope, cloud);
      if (cluster.inputs["disableLocalAccounts"] === true) {
        throw new CloudError(
          400,
          "BadRequest",
          "Getting static credential is not allowed because this cluster is set to disable local accounts.",
        );
      }
      return kubeconfig(cluster);
    },
  },
  {
    token: "azure-native:containerservice:getManagedCluster",
    needs: toCluster("read"),
    secretOutputs: [],
    invoke: (args, scope, cloud) => {
      const cluster = clusterOf(args, scope, cloud);
      return { id: cluster.id, ...cluster.outputs };
    },
  },
];
