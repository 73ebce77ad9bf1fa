import { randomBytes, randomUUID } from "node:crypto";
import fs from "node:fs";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { grant } from "../../../packages/emulated-azure/rights/grant";
import { CONTAINER_NAMES, SERVING_CONTAINER } from "../../../infra/data/places";
import type { Platform } from "../../operations/platform";
import { customRole, roleOf, ROLES, type RoleName, type VerbName } from "../../operations/rights";
import type { Served } from "../serve";

const DEFINITION = "azure-native:authorization:RoleDefinition";
const BLOBS = "Storage Blob Data Contributor";

/**
 * Somebody for each custom role of operators, who holds that, and of the blobs what docs/deploying.md gives their group: the
 * container of incidents, and the record of who serves.
 */
export function addOperators(served: Served, platform: Platform): Record<RoleName, Principal> {
  const { cloud, real } = served;
  const scope = `/subscriptions/${platform.subscriptionId}`;
  const made = (Object.keys(ROLES) as RoleName[]).map((role) => {
    const principal = cloud.directory.add({
      displayName: groupOf(role),
      secret: randomBytes(24).toString("base64url"),
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
    for (const container of containersOf(served, platform))
      grant(cloud.cloud, { principal, role: BLOBS, scope: container });
    const file = served.kubeconfig(groupOf(role));
    if (real && file) fs.writeFileSync(file, real.clusters.kubeconfig(principal), { mode: 0o600 });
    return [role, principal] as const;
  });
  return Object.fromEntries(made) as Record<RoleName, Principal>;
}

/** Name by which the holder of a role acts, beside whoever else is known. */
export const groupOf = (role: RoleName): string => `${role}s`;

/** Ids of the containers operators write to. */
function containersOf({ cloud }: Served, { backupAccounts, servingPlaces }: Platform): string[] {
  const accountOf = (url: string) => new URL(url).hostname.split(".")[0] ?? "";
  const wanted = [
    ...backupAccounts.map(({ url }) => [accountOf(url), CONTAINER_NAMES.incidents]),
    ...servingPlaces.map(({ url }) => [accountOf(url), SERVING_CONTAINER]),
  ];
  const ids = [...cloud.cloud.all()]
    .filter(({ type }) => type === "azure-native:storage:BlobContainer")
    .map(({ id }) => id);
  return wanted.map(([account = "", container = ""]) => {
    const found = ids.find((id) =>
      id.toLowerCase().endsWith(`/storageaccounts/${account}/blobservices/default/containers/${container}`),
    );
    if (!found) throw new Error(`there is no container ${container} in ${account}`);
    return found;
  });
}

/** The role whoever types a verb has to hold. */
export function roleFor([verb = "", ...args]: readonly string[]): RoleName {
  return roleOf((verb === "pitr" && args.includes("--adopt") ? "pitr --adopt" : verb) as VerbName);
}
