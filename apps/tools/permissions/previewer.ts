import type { RoleDefinitionFile } from "../../operations/operatorRole";

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

/** What previews need beyond reading: the POST actions of the program's own calls, and no more. */
export function previewerRole(environment: { stack: string; subscriptionId: string }): RoleDefinitionFile {
  return {
    Name: `Forma3D previewer ${environment.stack}`,
    Description: "Calls what a preview of the program calls beyond reading.",
    Actions: Object.values(POSTED).filter((action) => action !== BY_CLUSTER_USER),
    DataActions: [],
    AssignableScopes: [`/subscriptions/${environment.subscriptionId}`],
  };
}
