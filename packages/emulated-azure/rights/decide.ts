import type { CloudEvent, Hooks } from "../hooks";
import { lastName } from "../model/ids";
import { stringAt, textAt } from "../model/paths";
import type { Cloud, Stored, Tree } from "../model/types";
import { holds, UnreadableCondition } from "./condition";
import type { Directory, Principal } from "./directory";
import { BUILT_IN, covers, Permission } from "./roles";

export const ASSIGNMENT = "azure-native:authorization:RoleAssignment";
const DEFINITION = "azure-native:authorization:RoleDefinition";

/** What somebody wants to do. */
export interface Wish {
  /** E.g. `Microsoft.Storage/storageAccounts/read`. */
  readonly action: string;
  /** ARM id it is done to. */
  readonly scope: string;
  /** Whether it is an action on data, such as reading a secret. */
  readonly data?: boolean;
  /** Attributes conditions may look at, of what is sent and of what is there. */
  readonly request?: Readonly<Record<string, string>>;
  readonly resource?: Readonly<Record<string, string>>;
}

/** One role assignment as the cloud holds it. */
export interface Assignment {
  readonly stored: Stored;
  readonly scope: string;
  readonly principalId: string;
  readonly roleId: string;
  readonly condition?: string;
}

/**
 * Decides by the role assignments the cloud holds who may do what. A right is anything some assignment of the
 * principal, or of a group it is in, grants at the scope or above it
 * (https://learn.microsoft.com/azure/role-based-access-control/overview#how-azure-rbac-determines-if-a-user-has-access-to-a-resource).
 */
export class Rights {
  /**
   * Milliseconds until an assignment made or taken away is in force; 0 unless set. Azure says up to ten minutes
   * (https://learn.microsoft.com/azure/role-based-access-control/troubleshooting).
   */
  propagationMs = 0;
  private readonly effective = new Map<string, number>();
  private lingering: { readonly assignment: Assignment; readonly until: number }[] = [];

  constructor(
    private readonly cloud: Cloud,
    private readonly directory: Directory,
    hooks?: Hooks,
  ) {
    hooks?.on((event) => this.noticed(event));
  }

  may(principal: Principal, wish: Wish): boolean {
    const holders = new Set([principal.objectId, ...principal.groups].map((id) => id.toLowerCase()));
    return this.inForce().some(
      (assignment) =>
        holders.has(assignment.principalId.toLowerCase()) &&
        within(wish.scope, assignment.scope) &&
        this.permissions(assignment.roleId).some((permission) =>
          covers(permission, wish.action, wish.data ?? false),
        ) &&
        satisfied(assignment.condition, wish),
    );
  }

  /** Whether a principal holds any role at a scope, above it or below it: then a subscription is shown to it. */
  knows(principal: Principal, scope: string): boolean {
    const holders = new Set([principal.objectId, ...principal.groups].map((id) => id.toLowerCase()));
    return this.inForce().some(
      ({ principalId, scope: own }) =>
        holders.has(principalId.toLowerCase()) && (within(scope, own) || within(own, scope)),
    );
  }

  /** What a role permits: a built-in one by its GUID, else a definition the cloud holds. */
  permissions(roleId: string): readonly Permission[] {
    const name = lastName(roleId).toLowerCase();
    const builtIn = BUILT_IN.get(name);
    if (builtIn) return builtIn.permissions;
    for (const { id, inputs } of this.cloud.ofType(DEFINITION)) {
      if (!id.toLowerCase().endsWith(`/${name}`)) continue;
      return ((inputs["permissions"] as readonly Tree[] | undefined) ?? []).map((permission) => ({
        actions: texts(permission["actions"]),
        notActions: texts(permission["notActions"]),
        dataActions: texts(permission["dataActions"]),
        notDataActions: texts(permission["notDataActions"]),
      }));
    }
    return [];
  }

  private inForce(): Assignment[] {
    const now = this.directory.now().getTime();
    this.lingering = this.lingering.filter(({ until }) => until > now);
    const found = this.lingering.map(({ assignment }) => assignment);
    for (const stored of this.cloud.ofType(ASSIGNMENT)) {
      if ((this.effective.get(stored.key) ?? 0) <= now) found.push(assignmentOf(stored));
    }
    return found;
  }

  private noticed(event: CloudEvent): void {
    const stored = event.kind === "deleted" ? event.before : event.stored;
    if (this.propagationMs === 0 || stored.type !== ASSIGNMENT) return;
    const until = this.directory.now().getTime() + this.propagationMs;
    if (event.kind === "created") this.effective.set(stored.key, until);
    if (event.kind === "deleted") this.lingering.push({ assignment: assignmentOf(stored), until });
  }
}

function assignmentOf(stored: Stored): Assignment {
  const condition = stringAt(stored.inputs, "condition");
  return {
    stored,
    scope:
      textAt(stored.inputs, "scope") ||
      stored.id.slice(0, stored.id.toLowerCase().lastIndexOf("/providers/")),
    principalId: textAt(stored.inputs, "principalId"),
    roleId: textAt(stored.inputs, "roleDefinitionId"),
    ...(condition && { condition }),
  };
}

function satisfied(condition: string | undefined, { action, request = {}, resource = {} }: Wish): boolean {
  if (condition === undefined) return true;
  try {
    return holds(condition, { action, request, resource });
  } catch (error) {
    if (error instanceof UnreadableCondition) return false;
    throw error;
  }
}

function within(scope: string, above: string): boolean {
  const [inner, outer] = [scope.toLowerCase(), above.toLowerCase().replace(/\/+$/, "")];
  return inner === outer || inner.startsWith(`${outer}/`);
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
