import * as authorization from "@pulumi/azure-native/authorization";
import * as pulumi from "@pulumi/pulumi";
import { v5 as uuidv5 } from "uuid";

/**
 * Azure's built-in roles the platform assigns, with who gets each and why
 * (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles).
 */
export const BUILT_IN_ROLES = {
  /** Workload identities, each on the single secrets it reads. */
  keyVaultSecretsUser: "4633458b-17de-408a-b874-0445c86b69e6",
  /**
   * Cluster identity on its subnets, where it joins nodes and makes the internal load balancer and its private link, and
   * on the address traffic leaves from.
   */
  networkContributor: "4d97b98b-1d4f-4787-a291-c67834d212e7",
  /** Cluster identity on the kubelet identity: assigns it to nodes. */
  managedIdentityOperator: "f1a07417-d97a-45cb-824c-7a7467783830",
  /** Kubelet identity on the registry: nodes pull, and nothing else of theirs may; the daily readiness check looks with it. */
  acrPull: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
  /** The metrics exporter on the backup containers; it only reads. */
  storageBlobDataReader: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
  /** The deploying pipeline on the homes of the state. */
  storageBlobDataContributor: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  /** Both pipelines on the key of the state. */
  keyVaultCryptoUser: "12338af0-0e69-4776-bea7-57ae8d297424",
  /** Managed Grafana on the monitor workspace: queries metrics. */
  monitoringDataReader: "b0d8363b-8ddd-447d-831f-62ca05bff136",
  /** The cluster's administrators on managed Grafana: without it nobody can open a dashboard. */
  grafanaAdmin: "22926164-76b3-42b3-bc55-97df8dab3e41",
} as const;

export type BuiltInRole = keyof typeof BUILT_IN_ROLES;

/** Namespace of assignment names; any constant GUID does, and changing it would rename every assignment. */
const ASSIGNMENT_NAMESPACE = "6f2a4f6e-3a0b-4f0e-9d53-0d4b7e1c8a55";

export interface RoleAssignmentArgs {
  /** Plain words that tell this assignment from every other: who, what, where. Its GUID derives from them. */
  key: string;
  subscriptionId: string;
  scope: pulumi.Input<string>;
  principalId: pulumi.Input<string>;
  role: BuiltInRole | { definitionId: pulumi.Input<string> };
  /** Default ServicePrincipal, which managed identities are. */
  principalType?: "ServicePrincipal" | "Group";
  /** Why the principal needs it. */
  description: string;
}

/**
 * Lets a managed identity act on a scope. The name is the same at every deployment, so that a lost state never
 * leads to a second assignment. A changed principal replaces the assignment: the old one goes first, because
 * Azure refuses two with one name.
 */
export function assignRole(
  name: string,
  args: RoleAssignmentArgs,
  opts: pulumi.CustomResourceOptions,
): authorization.RoleAssignment {
  const definition =
    typeof args.role === "string"
      ? `/subscriptions/${args.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${BUILT_IN_ROLES[args.role]}`
      : args.role.definitionId;
  return new authorization.RoleAssignment(
    name,
    {
      roleAssignmentName: uuidv5(`${args.subscriptionId}/${args.key}`, ASSIGNMENT_NAMESPACE),
      scope: args.scope,
      principalId: args.principalId,
      // Without it Azure looks the principal up in Entra, which lags behind a new identity.
      principalType: args.principalType ?? "ServicePrincipal",
      roleDefinitionId: definition,
      description: args.description,
    },
    { ...opts, deleteBeforeReplace: true },
  );
}

/** The same GUID for the same words, for role definitions. */
export function deterministicGuid(key: string): string {
  return uuidv5(key, ASSIGNMENT_NAMESPACE);
}
