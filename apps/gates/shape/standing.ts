import type { RecordedShape } from "../../../policies/pack/statement/shapes";
import type { Standing } from "../../../policies/rules/shape";
import { union } from "./merge";

/** What a plan has, and what its regions are for in it. */
export interface InRoles {
  readonly roles: readonly string[];
  readonly standing: Standing;
}

const without = (lines: readonly string[], others: ReadonlySet<string>): string[] =>
  lines.filter((line) => !others.has(line));

/** Lines by the roles in which they hold: those that hold in the same ones together. */
function byRoles(kind: keyof Standing, plans: readonly InRoles[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of union(plans.map(({ standing }) => standing[kind]))) {
    const roles = union(plans.flatMap((one) => (one.standing[kind].includes(line) ? [one.roles] : []))).join(
      ", ",
    );
    found.set(roles, [...(found.get(roles) ?? []), line]);
  }
  return found;
}

/**
 * What holds while the regions are for certain things: resources that are there whatever keys the stack file has, and where each
 * leads. What a key takes away need not be there, and what it adds may lead where it does.
 * @param plans one for each thing the regions can be for, at rest first
 * @param options of the stack at rest with other keys
 * @param ignored whether each resource of a kind may ignore a path, so that no single one needs to be named
 */
export function standingIn(
  plans: readonly [InRoles, ...InRoles[]],
  options: readonly Standing[],
  ignored: (line: string) => boolean,
): RecordedShape["standing"] {
  const [{ standing: rest }] = plans;
  const taken = new Set(options.flatMap((one) => without(rest.resources, new Set(one.resources))));
  const before = new Set(rest.wiring);
  const added = union(options.map(({ wiring }) => without(wiring, before)));
  const whole = plans.map(({ roles, standing }) => ({
    roles,
    standing: {
      resources: without(standing.resources, taken),
      wiring: union([standing.wiring, added]),
      ignoreChanges: standing.ignoreChanges.filter((line) => !ignored(line)),
    },
  }));
  const kinds = {
    resources: byRoles("resources", whole),
    wiring: byRoles("wiring", whole),
    ignoreChanges: byRoles("ignoreChanges", whole),
  };
  return union(Object.values(kinds).map((one) => [...one.keys()])).map((roles) => ({
    roles: roles.split(", "),
    resources: kinds.resources.get(roles) ?? [],
    wiring: kinds.wiring.get(roles) ?? [],
    ignoreChanges: kinds.ignoreChanges.get(roles) ?? [],
  }));
}
