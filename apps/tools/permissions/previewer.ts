import type { RoleDefinitionFile } from "../../operations/rights";

/**
 * Functions of azure-native the program calls that are a POST, which Reader does not cover, and the action each needs. A
 * preview calls them too, once what they ask about exists.
 */
export const POSTED: Readonly<Record<string, string>> = {
  "logic/listWorkflowTriggerCallbackUrl": "Microsoft.Logic/workflows/triggers/listCallbackUrl/action",
  "containerservice/listManagedClusterUserCredentials":
    "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
};

/** The preview identity's right to them comes with a built-in role on the regions' groups. */
const BY_CLUSTER_USER = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action";

/**
 * What previews need beyond reading in Azure: the POST actions of the program's own calls, and every object of the
 * clusters but Secrets. No built-in role reads custom resources, roles or priority classes without more; of custom
 * roles, only one of every kind reads those (https://learn.microsoft.com/azure/aks/manage-azure-rbac).
 */
export function previewerRole(environment: { stack: string; subscriptionId: string }): RoleDefinitionFile {
  return {
    Name: `Forma3D previewer ${environment.stack}`,
    Description:
      "Calls what a preview of the program calls beyond reading, and reads the clusters but their Secrets.",
    Actions: Object.values(POSTED).filter((action) => action !== BY_CLUSTER_USER),
    DataActions: ["Microsoft.ContainerService/managedClusters/*/read"],
    NotDataActions: ["Microsoft.ContainerService/managedClusters/secrets/read"],
    AssignableScopes: [`/subscriptions/${environment.subscriptionId}`],
  };
}
