import { PIPELINE_PURPOSES, type PipelinePurpose } from "../../../infra/control/names";
import { BUILT_IN_ROLES } from "../../../infra/identity/roles";
import { stackControlNames } from "../../../stacks/names";
import type { StackConfig } from "../../../stacks/schema";
import { oneOf } from "../../rules/expected";
import type { Demand } from "../../rules/statement";

const HOME = "infra/control/stateHome.ts";

/** Id of a built-in role in the stack's subscription. */
export const roleId = ({ azure }: StackConfig, role: string): string =>
  `/subscriptions/${azure.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`;

/** In how many homes of the state an identity writes: what deploys in both, what copies in the copy. */
const WRITES_IN: Readonly<Partial<Record<PipelinePurpose, number>>> = { deploy: 2, copy: 1 };

/**
 * What lets the pipelines at the state and its key, in the copy as well, which is asked for only when the home is lost:
 * as many rights on each home's group as there are pipelines, and each pipeline's in both.
 */
export function stateRights(config: StackConfig): Demand[] {
  const { home, copy, identities } = stackControlNames(config);
  const homes = [home, copy];
  const writer = roleId(config, BUILT_IN_ROLES.storageBlobDataContributor);
  const roles = {
    "reads the state": oneOf(roleId(config, BUILT_IN_ROLES.storageBlobDataReader), writer),
    "opens the state's secrets": roleId(config, BUILT_IN_ROLES.keyVaultCryptoUser),
  };
  const right = (what: string, role: unknown, per: Demand["per"], count: number): Demand => ({
    what,
    key: HOME,
    type: "authorization:RoleAssignment",
    where: { roleDefinitionId: role },
    per,
    count,
  });
  const to = (identity: string) => ({
    type: "managedidentity:UserAssignedIdentity",
    by: "principalId",
    where: { resourceName: identity },
  });
  return [
    ...Object.entries(roles).flatMap(([does, role]) => [
      ...homes.map(({ region, resourceGroup }) => {
        const on = {
          type: "resources:ResourceGroup",
          by: "scope",
          where: { resourceGroupName: resourceGroup },
        };
        return right(`who ${does} in ${region}`, role, on, PIPELINE_PURPOSES.length);
      }),
      ...PIPELINE_PURPOSES.map((purpose) =>
        right(`that ${identities[purpose]} ${does}`, role, to(identities[purpose]), homes.length),
      ),
    ]),
    ...PIPELINE_PURPOSES.flatMap((purpose) => {
      const count = WRITES_IN[purpose];
      const identity = identities[purpose];
      return count === undefined
        ? []
        : [right(`that ${identity} writes the state`, writer, to(identity), count)];
    }),
  ];
}
