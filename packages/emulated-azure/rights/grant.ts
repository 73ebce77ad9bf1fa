import { guid } from "../model/cloud";
import type { Cloud, Stored } from "../model/types";
import { ASSIGNMENT } from "./decide";
import type { Principal } from "./directory";
import { BUILT_IN } from "./roles";

/** A role that is to be somebody's. */
export interface Grant {
  readonly principal: Pick<Principal, "objectId" | "type">;
  /** Name of a built-in role, e.g. `Reader`, or the GUID of any role. */
  readonly role: string;
  /** ARM id at which, and below which, it holds. What stands there need not exist yet. */
  readonly scope: string;
  /** Condition under which it holds; none unless given. */
  readonly condition?: string;
}

/**
 * Gives somebody a role as the cloud's owner would have: by an assignment the cloud holds. The same twice leaves one.
 * @throws Error for a role that is neither a built-in name nor a GUID
 */
export function grant(cloud: Cloud, { principal, role, scope, condition }: Grant): Stored {
  const roleGuid = guidOf(role);
  const roleAssignmentName = guid(cloud.seed, principal.objectId, roleGuid, scope.toLowerCase());
  const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${roleAssignmentName}`;
  const inputs = {
    scope,
    roleAssignmentName,
    principalId: principal.objectId,
    principalType: principal.type,
    roleDefinitionId: `${subscriptionOf(scope)}/providers/Microsoft.Authorization/roleDefinitions/${roleGuid}`,
    ...(condition !== undefined && { condition, conditionVersion: "2.0" }),
  };
  const stored: Stored = {
    key: `arm:${id.toLowerCase()}`,
    type: ASSIGNMENT,
    id,
    inputs,
    outputs: { ...inputs, name: roleAssignmentName },
  };
  cloud.put(stored);
  return stored;
}

function guidOf(role: string): string {
  const builtIn = [...BUILT_IN.values()].find(({ roleName }) => roleName === role);
  if (builtIn) return builtIn.name;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(role)) return role.toLowerCase();
  throw new Error(
    `no built-in role "${role}"; allowed: ${[...BUILT_IN.values()].map((one) => one.roleName).join(", ")}, or a GUID`,
  );
}

const subscriptionOf = (scope: string): string => /^\/subscriptions\/[^/]+/i.exec(scope)?.[0] ?? "";
