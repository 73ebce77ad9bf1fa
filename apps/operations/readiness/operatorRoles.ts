import { propertyOf } from "../edge";
import { lacksRight } from "../frame/errors";
import type { AzureResource, Ground } from "../ground/types";
import type { Platform } from "../platform";
import { customRole, ROLES, type RoleName } from "../rights";
import { judged, type LookUp } from "../status/findings";

const AUTHORIZATION_API = "2022-04-01";
const ELIGIBILITY_API = "2020-10-01";

/** The roles verbs need exist as they are derived, and somebody may take each: nobody can give a right at 03:00. */
export function operatorRoles(platform: Platform, ground: Ground): LookUp {
  return async () => {
    const scope = `/subscriptions/${platform.subscriptionId}/providers/Microsoft.Authorization`;
    const inScope = { $filter: "atScope()" };
    const [definitions, assigned, eligible] = await Promise.all([
      ground.resources.list(`${scope}/roleDefinitions`, AUTHORIZATION_API, {
        $filter: "type eq 'CustomRole'",
      }),
      ground.resources.list(`${scope}/roleAssignments`, AUTHORIZATION_API, inScope),
      // A tenant without Privileged Identity Management has no such list; its operators hold the roles for good.
      ground.resources
        .list(`${scope}/roleEligibilityScheduleInstances`, ELIGIBILITY_API, inScope)
        .catch((error: unknown) => {
          if (lacksRight(error)) throw error;
          return [];
        }),
    ]);
    const held = new Set(
      [...assigned, ...eligible].map((one) => propertyOf(one, "roleDefinitionId").split("/").at(-1)),
    );
    const roles = Object.keys(ROLES) as RoleName[];
    return judged(
      roles.flatMap((role) => problemsOf(role, platform, definitions, held)),
      `${roles.length} roles are as derived, and held`,
    );
  };
}

function problemsOf(
  role: RoleName,
  platform: Platform,
  definitions: readonly AzureResource[],
  held: ReadonlySet<string | undefined>,
): string[] {
  const { Name, Actions, DataActions } = customRole(role, platform);
  const found = definitions.find((one) => propertyOf(one, "roleName") === Name);
  if (!found) return [`there is no role ${Name}`];
  const permissions = (found.properties?.["permissions"] ?? []) as {
    actions?: string[];
    dataActions?: string[];
  }[];
  const has = new Set(
    permissions.flatMap(({ actions = [], dataActions = [] }) => [...actions, ...dataActions]),
  );
  return [
    ...[...Actions, ...DataActions]
      .filter((action) => !has.has(action))
      .map((action) => `${Name} lacks ${action}`),
    ...(held.has(found.name) ? [] : [`nobody holds ${Name} or may take it`]),
  ];
}
