import { guid } from "../model/cloud";
import type { Cloud } from "../model/types";
import { grant, type Grant } from "./grant";

const DEFINITION = "azure-native:authorization:RoleDefinition";

/** A role of one's own, as `az role definition create --role-definition` takes it. */
export interface CustomRole {
  readonly Name: string;
  readonly Actions: readonly string[];
  readonly DataActions: readonly string[];
  /** ARM ids at which, and below which, it can be given. */
  readonly AssignableScopes: readonly string[];
}

/** Makes a role and gives it to somebody everywhere it can be given, as the cloud's owner would. The same twice leaves one. */
export function grantCustom(cloud: Cloud, principal: Grant["principal"], role: CustomRole): void {
  const { Name, Actions, DataActions, AssignableScopes } = role;
  for (const scope of AssignableScopes) {
    const name = guid(cloud.seed, Name, scope.toLowerCase());
    const id = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${name}`;
    const inputs = {
      roleDefinitionId: name,
      roleName: Name,
      roleType: "CustomRole",
      assignableScopes: [...AssignableScopes],
      scope,
      permissions: [
        { actions: [...Actions], notActions: [], dataActions: [...DataActions], notDataActions: [] },
      ],
    };
    cloud.put({ key: `arm:${id.toLowerCase()}`, type: DEFINITION, id, inputs, outputs: inputs });
    grant(cloud, { principal, role: name, scope });
  }
}
