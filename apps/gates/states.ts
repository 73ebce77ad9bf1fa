import { readSmallest } from "../tools/cost/smallest";
import { rolesIn } from "../../policies/pack/statement/shapes";
import type { StackConfig } from "../../stacks/schema";
import { CONTROL_OPTIONS, OPTIONS } from "./shape/options";

/** Values laid over a stack file, by dotted key. */
export type Overrides = Readonly<Record<string, unknown>>;

/** A way production's stack file can be. */
export interface State {
  readonly name: string;
  readonly overrides: Overrides;
}

/** What its regions are for in it. */
export interface RoleState extends State {
  /** As {@link rolesIn} says it. */
  readonly roles: readonly string[];
}

const withRoles = (name: string, primary: string, secondary: string): RoleState => ({
  name,
  roles: [`${primary} ${secondary}`],
  overrides: { "regions.primary.role": primary, "regions.secondary.role": secondary },
});

export const AT_REST = "at rest";

/** What its regions can be for: at rest first, then during and after a failover. */
export function roleStates(config: Pick<StackConfig, "regions">): readonly [RoleState, ...RoleState[]] {
  if (!config.regions.secondary) return [{ name: AT_REST, roles: [rolesIn(config)], overrides: {} }];
  return [
    withRoles(AT_REST, "serving", "standby"),
    withRoles("failed over", "standby", "serving"),
    withRoles("first region lost", "lost", "serving"),
    withRoles("second region lost", "serving", "lost"),
  ];
}

const withOptions = (options: readonly Overrides[], rest: Overrides): State[] =>
  options.map((option, at) => ({ name: `every option, ${at + 1}`, overrides: { ...rest, ...option } }));

/** Every way the platform's stack file can be: whatever its regions are for, as small as it may be, and with every optional key. */
export function platformStates(config: Pick<StackConfig, "regions">, root: string): State[] {
  const all = roleStates(config);
  const rest = all[0].overrides;
  const smallest = Object.fromEntries(readSmallest(root).values.map(({ key, value }) => [key, value]));
  return [...all, { name: "smallest", overrides: { ...rest, ...smallest } }, ...withOptions(OPTIONS, rest)];
}

/** The same of what it is deployed from, which knows no roles of regions. */
export const controlStates = (): State[] => [
  { name: AT_REST, overrides: {} },
  ...withOptions(CONTROL_OPTIONS, {}),
];
