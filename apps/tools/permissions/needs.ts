import { AZURE } from "../../../packages/emulated-azure/model/azure";
import { type ResourceDocument, UNKNOWN_TEXT } from "../render/plan";

/** ARM type of every Azure resource of a plan, each once, sorted. */
export function armTypes(resources: readonly Pick<ResourceDocument, "type">[]): string[] {
  const known = new Map(AZURE.resources.map(({ type, armType }) => [type, armType]));
  const azure = resources.map(({ type }) => type).filter((type) => type.startsWith("azure-native:"));
  return [
    ...new Set(
      azure.map((type) => {
        const armType = known.get(type);
        if (!armType) throw new Error(`no ARM type is known for ${type}`);
        return armType;
      }),
    ),
  ].sort();
}

/** Every subscription has these; registering them is refused. */
const ALWAYS_REGISTERED = ["Microsoft.Authorization", "Microsoft.Resources"];

/**
 * What Azure makes beside the declared resources: nodes and their disks, the solution that takes containers' logs in,
 * and what the clusters' policy add-on reports to.
 */
const BEHIND_THE_PLAN = ["Microsoft.Compute", "Microsoft.OperationsManagement", "Microsoft.PolicyInsights"];

/** Resource providers a subscription must have registered before a plan can be carried out, sorted. */
export function resourceProviders(resources: readonly Pick<ResourceDocument, "type">[]): string[] {
  const namespaces = armTypes(resources).map((type) => type.split("/")[0] as string);
  return [...new Set([...namespaces, ...BEHIND_THE_PLAN])]
    .filter((namespace) => !ALWAYS_REGISTERED.includes(namespace))
    .sort();
}

/** GUID of every role a plan assigns, each once, sorted. */
export function assignedRoles(resources: readonly Pick<ResourceDocument, "type" | "inputs">[]): string[] {
  const roles = resources.flatMap(({ type, inputs }) => {
    const { roleDefinitionId } = inputs;
    // An assignment of a role the plan itself defines knows it only once it exists; the definition has the GUID.
    return /^azure-native:authorization:Role(Definition|Assignment)$/.test(type) &&
      typeof roleDefinitionId === "string" &&
      roleDefinitionId !== UNKNOWN_TEXT
      ? [roleDefinitionId.split("/").at(-1) as string]
      : [];
  });
  return [...new Set(roles)].sort();
}

/**
 * Condition on the right to assign roles: only these roles, and only to service principals and groups, so that who
 * deploys can make nobody, itself included, an owner
 * (https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples).
 */
export function assignmentCondition(roles: readonly string[]): string {
  const among = (
    source: "@Request" | "@Resource",
    attribute: string,
    operator: string,
    values: string,
  ): string =>
    `${source}[Microsoft.Authorization/roleAssignments:${attribute}] ForAnyOfAnyValues:${operator} {${values}}`;
  const clause = (verb: "write" | "delete", source: "@Request" | "@Resource"): string =>
    `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/${verb}'})) OR (` +
    `${among(source, "RoleDefinitionId", "GuidEquals", roles.join(", "))} AND ` +
    `${among(source, "PrincipalType", "StringEqualsIgnoreCase", "'ServicePrincipal', 'Group'")}))`;
  return `${clause("write", "@Request")} AND ${clause("delete", "@Resource")}`;
}
