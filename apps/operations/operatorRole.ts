import type { Platform } from "./platform";

/** One right of an operator, and what a verb does with it. */
export interface Right {
  action: string;
  why: string;
}

/**
 * What `failover` asks Azure's resource manager for, each action by a request they make; `operatorRole.test.ts` runs them as
 * somebody who has these and no more, and with each taken away.
 */
export const OPERATOR_ACTIONS: readonly Right[] = [
  { action: "Microsoft.DBforPostgreSQL/flexibleServers/read", why: "asks which server writes" },
  { action: "Microsoft.DBforPostgreSQL/flexibleServers/write", why: "promotes the replica" },
  {
    action: "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    why: "waits for the promotion",
  },
];

/** What `az aks get-credentials` needs, before a verb is typed. */
export const KUBECONFIG_ACTIONS: readonly Right[] = [
  { action: "Microsoft.ContainerService/managedClusters/read", why: "finds the cluster" },
  {
    action: "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
    why: "gets its address; the person signs in as themselves",
  },
];

/** What `failover` asks the clusters' API servers for, as Azure RBAC for Kubernetes names it. */
export const OPERATOR_DATA_ACTIONS: readonly Right[] = (
  [
    ["apps/deployments/read", "how many pods are wanted and ready"],
    ["apps/deployments/write", "starts what stands by, and stops what is left"],
    ["batch/cronjobs/read", "which jobs are on"],
    ["batch/cronjobs/write", "switches them on and off"],
    ["batch/jobs/read", "how the first backup ends"],
    ["batch/jobs/write", "starts it"],
  ] as const
).map(([path, why]) => ({ action: `Microsoft.ContainerService/managedClusters/${path}`, why }));

/** A custom role as `az role definition create --role-definition` takes it. */
export interface RoleDefinitionFile {
  Name: string;
  Description: string;
  Actions: string[];
  DataActions: string[];
  NotDataActions?: string[];
  AssignableScopes: string[];
}

const actionsOf = (rights: readonly Right[]): string[] => rights.map(({ action }) => action);

/** The role of who runs the platform in a disaster. It makes nobody anything, deletes nothing and reads no secret. */
export function operatorRole({
  stack,
  subscriptionId,
}: Pick<Platform, "stack" | "subscriptionId">): RoleDefinitionFile {
  return {
    Name: `Forma3D operator ${stack}`,
    Description: "Fails over between regions; nothing else.",
    Actions: actionsOf([...OPERATOR_ACTIONS, ...KUBECONFIG_ACTIONS]),
    DataActions: actionsOf(OPERATOR_DATA_ACTIONS),
    AssignableScopes: [`/subscriptions/${subscriptionId}`],
  };
}
