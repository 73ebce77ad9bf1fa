import { projectRoot } from "../../packages/command/root";
import type { CustomRole } from "../../packages/emulated-azure/rights/custom";
import type { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { stackNames } from "../../stacks/files";
import { platformOf } from "../operations/platform";
import { customRole, PEOPLE } from "../operations/rights";

/** What the person who runs a stack's platform holds, all at once; nothing for a stack of another project. */
export function operatorRoles(stack: string): CustomRole[] {
  const root = projectRoot(__dirname);
  if (!stackNames(root).includes(stack)) return [];
  const platform = platformOf(root, stack);
  return PEOPLE.map((role) => customRole(role, platform));
}

/** The same for a cloud that was kept, by the roles in it. */
export function keptOperatorRoles(store: CloudStore): CustomRole[] {
  const names = new Set(
    [...store.all()]
      .filter(({ type }) => type === "azure-native:authorization:RoleDefinition")
      .map(({ inputs }) => inputs["roleName"]),
  );
  return stackNames(projectRoot(__dirname))
    .map(operatorRoles)
    .filter((roles) => roles.every(({ Name }) => names.has(Name)))
    .flat();
}
