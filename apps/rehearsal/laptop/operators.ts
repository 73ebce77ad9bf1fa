import { randomBytes, randomUUID } from "node:crypto";
import fs from "node:fs";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { grant } from "../../../packages/emulated-azure/rights/grant";
import { valueAt } from "../../../packages/emulated-azure/model/paths";
import type { Platform } from "../../operations/platform";
import { customRole, roleOf, ROLES, type RoleName, type VerbName } from "../../operations/rights";
import type { Served } from "../serve";

const DEFINITION = "azure-native:authorization:RoleDefinition";

/** Somebody for each custom role of operators, who holds that, and what the plan gives the group they are in. */
export function addOperators(served: Served, platform: Platform): Record<RoleName, Principal> {
  const { cloud, real } = served;
  const scope = `/subscriptions/${platform.subscriptionId}`;
  const made = (Object.keys(ROLES) as RoleName[]).map((role) => {
    const principal = cloud.directory.add({
      displayName: groupOf(role),
      secret: randomBytes(24).toString("base64url"),
      groups: groupsOf(served),
    });
    const { Name, Actions, DataActions } = customRole(role, platform);
    const name = randomUUID();
    const id = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${name}`;
    const inputs = {
      roleDefinitionId: name,
      roleName: Name,
      roleType: "CustomRole",
      scope,
      permissions: [{ actions: Actions, notActions: [], dataActions: DataActions, notDataActions: [] }],
    };
    cloud.cloud.put({ key: `arm:${id.toLowerCase()}`, type: DEFINITION, id, inputs, outputs: inputs });
    grant(cloud.cloud, { principal, role: name, scope });
    const file = served.kubeconfig(groupOf(role));
    if (real && file) fs.writeFileSync(file, real.clusters.kubeconfig(principal), { mode: 0o600 });
    return [role, principal] as const;
  });
  return Object.fromEntries(made) as Record<RoleName, Principal>;
}

/** Name by which the holder of a role acts, beside whoever else is known. */
export const groupOf = (role: RoleName): string => `${role}s`;

/** The groups that administer the clusters as they are planned, to which the plan gives what verbs need of blobs. */
const groupsOf = ({ cloud }: Served): string[] => [
  ...new Set(
    [...cloud.cloud.ofType("azure-native:containerservice:ManagedCluster")].flatMap(
      ({ inputs }) => (valueAt(inputs, "aadProfile.adminGroupObjectIDs") as string[] | undefined) ?? [],
    ),
  ),
];

/** The role whoever types a verb has to hold. */
export function roleFor([verb = "", ...args]: readonly string[]): RoleName {
  return roleOf((verb === "pitr" && args.includes("--adopt") ? "pitr --adopt" : verb) as VerbName);
}
