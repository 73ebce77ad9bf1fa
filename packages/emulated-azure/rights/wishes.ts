import { lastName } from "../model/ids";
import { textAt } from "../model/paths";
import type { Tree } from "../model/types";
import type { Wish } from "./decide";

export type Verb = "read" | "write" | "delete";

/** What conditions of role assignments may look at of an assignment. */
export function attributesOf(assignment: Tree): Record<string, string> {
  const role = textAt(assignment, "roleDefinitionId");
  return {
    RoleDefinitionId: lastName(role),
    PrincipalType: textAt(assignment, "principalType"),
    PrincipalId: textAt(assignment, "principalId"),
  };
}

/**
 * Where the right to a resource is looked for: at the resource itself, or at what it extends, as an assignment on a
 * vault needs a right on the vault.
 */
export function scopeOf(id: string, armType: string): string {
  const at = id.toLowerCase().lastIndexOf("/providers/");
  if (at < 0) return id;
  const extended = id.slice(0, at);
  const extension =
    extended.toLowerCase().includes("/providers/") || armType.startsWith("Microsoft.Authorization/");
  return extension ? extended || id : id;
}

/**
 * The right one operation on a resource needs
 * (https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations).
 */
export function wishFor(armType: string, id: string, verb: Verb, sent: Tree = {}, there: Tree = {}): Wish {
  return {
    action: `${armType}/${verb}`,
    scope: scopeOf(id, armType),
    request: attributesOf(sent),
    resource: attributesOf(there),
  };
}
