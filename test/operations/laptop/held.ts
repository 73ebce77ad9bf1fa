import { randomUUID } from "node:crypto";
import { customRole, ROLES, type RoleDefinitionFile, type RoleName } from "../../../apps/operations/rights";
import type { Platform } from "../../../apps/operations/platform";
import type { EmulatedCloud } from "../../../packages/emulated-azure/cloud";
import type { Tree } from "../../../packages/emulated-azure/model/types";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";

/** Name of the operator's own role and of its assignment. */
const ROLE = "7d1c3a52-5b1e-4c1e-9a3f-0c2f5b8e6d11";
/** A group of operators, who hold every custom role. */
const OPERATORS = "9b1e2d3c-0000-4000-8000-000000000001";

/** What of Azure an operator may do. */
export class Held {
  private readonly scope: string;

  constructor(
    private readonly cloud: EmulatedCloud,
    private readonly platform: Platform,
    private readonly operator: Principal,
  ) {
    this.scope = `/subscriptions/${platform.subscriptionId}`;
  }

  /** From now on the operator holds one role of these permissions, and another in these places, and nothing else. */
  hold(
    { Actions: actions, DataActions: dataActions }: Pick<RoleDefinitionFile, "Actions" | "DataActions">,
    elsewhere?: { dataActions: readonly string[]; scopes: readonly string[] },
  ): void {
    const { cloud } = this.cloud;
    const { scope } = this;
    const principalId = this.operator.objectId;
    for (const { type, key, inputs } of [...cloud.all()])
      if (type.endsWith(":RoleAssignment") && inputs["principalId"] === principalId) cloud.remove(key);
    const permissions = [{ actions: [...actions], notActions: [], dataActions: [...dataActions] }];
    const roleDefinitionId = this.put("RoleDefinition", ROLE, {
      scope,
      assignableScopes: [scope],
      permissions,
    });
    this.put("RoleAssignment", ROLE, { scope, principalId, roleDefinitionId });
    if (!elsewhere) return;
    const second = this.put("RoleDefinition", randomUUID(), {
      scope,
      assignableScopes: [scope],
      permissions: [{ actions: [], notActions: [], dataActions: [...elsewhere.dataActions] }],
    });
    for (const at of elsewhere.scopes)
      this.put("RoleAssignment", randomUUID(), { scope: at, principalId, roleDefinitionId: second });
  }

  /** Every custom role as an administrator makes it, held by a group of operators. */
  declareRoles(): void {
    const { scope } = this;
    for (const role of Object.keys(ROLES) as RoleName[]) {
      const { Name, Actions, DataActions } = customRole(role, this.platform);
      const permissions = [
        { actions: Actions, notActions: [], dataActions: DataActions, notDataActions: [] },
      ];
      const id = this.put("RoleDefinition", randomUUID(), {
        roleName: Name,
        roleType: "CustomRole",
        scope,
        assignableScopes: [scope],
        permissions,
      });
      this.put("RoleAssignment", randomUUID(), { scope, principalId: OPERATORS, roleDefinitionId: id });
    }
  }

  /** Puts something of Azure's authorization into the cloud. @returns its id */
  private put(type: "RoleDefinition" | "RoleAssignment", name: string, inputs: Tree): string {
    const plural = `${type[0]?.toLowerCase() ?? ""}${type.slice(1)}s`;
    const id = `${this.scope}/providers/Microsoft.Authorization/${plural}/${name}`;
    const own = { ...inputs, [type === "RoleDefinition" ? "roleDefinitionId" : "roleAssignmentName"]: name };
    this.cloud.cloud.put({
      key: `arm:${id.toLowerCase()}`,
      type: `azure-native:authorization:${type}`,
      id,
      inputs: own,
      outputs: own,
    });
    return id;
  }
}
