import { randomBytes } from "node:crypto";
import fs from "node:fs";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { grantCustom } from "../../../packages/emulated-azure/rights/custom";
import type { Platform } from "../../operations/platform";
import { customRole, roleOf, ROLES, type RoleName, type VerbName } from "../../operations/rights";
import { administratorsOf, type Served } from "../serve";

/** Somebody for each custom role of operators, who holds that, and what the plan gives the group they are in. */
export function addOperators(served: Served, platform: Platform): Record<RoleName, Principal> {
  const { cloud, real } = served;
  const made = (Object.keys(ROLES) as RoleName[]).map((role) => {
    const principal = cloud.directory.add({
      displayName: groupOf(role),
      secret: randomBytes(24).toString("base64url"),
      groups: administratorsOf(cloud),
    });
    grantCustom(cloud.cloud, principal, customRole(role, platform));
    const file = served.kubeconfig(groupOf(role));
    if (real && file) fs.writeFileSync(file, real.clusters.kubeconfig(principal), { mode: 0o600 });
    return [role, principal] as const;
  });
  return Object.fromEntries(made) as Record<RoleName, Principal>;
}

/** Name by which the holder of a role acts, beside whoever else is known. */
export const groupOf = (role: RoleName): string => `${role}s`;

/** The role whoever types a verb has to hold. */
export function roleFor([verb = "", ...args]: readonly string[]): RoleName {
  return roleOf((verb === "pitr" && args.includes("--adopt") ? "pitr --adopt" : verb) as VerbName);
}
