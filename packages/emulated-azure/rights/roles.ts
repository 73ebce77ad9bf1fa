import definitions from "./roles.json";

/** What a role lets its holders do. Patterns are ARM's: `*` stands for any text, case does not matter. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
}

export interface RoleDefinition {
  readonly name: string;
  readonly roleName: string;
  readonly description: string;
  readonly permissions: readonly Permission[];
}

/** Built-in roles by their GUID; where each was read stands in the file. */
export const BUILT_IN: ReadonlyMap<string, RoleDefinition> = new Map(
  definitions.roles.map((role) => [role.name, { ...role, permissions: [permission(role)] }]),
);

function permission(given: Partial<Permission>): Permission {
  const { actions = [], notActions = [], dataActions = [], notDataActions = [] } = given;
  return { actions, notActions, dataActions, notDataActions };
}

const patterns = new Map<string, RegExp>();

function matches(pattern: string, action: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    compiled = new RegExp(`^${escaped}$`, "i");
    patterns.set(pattern, compiled);
  }
  return compiled.test(action);
}

/** Whether a permission covers an action, or a data action. */
export function covers(permitted: Permission, action: string, data: boolean): boolean {
  const [given, taken] = data
    ? [permitted.dataActions, permitted.notDataActions]
    : [permitted.actions, permitted.notActions];
  return (
    given.some((pattern) => matches(pattern, action)) && !taken.some((pattern) => matches(pattern, action))
  );
}
