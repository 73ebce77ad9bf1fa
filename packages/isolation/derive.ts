import { overlap, parseAddress } from "./addresses";
import { Belongings, BELONGINGS, EnvironmentInventory, Inventory, SharedInventory } from "./inventory";

/** Name of the environment that holds production data. */
export const PROD_ENVIRONMENT = "prod";

/** What one environment has beyond what its stack file says, from policies/inventory.yaml. */
export interface ExtraEnvironment extends Partial<Belongings> {
  readonly name: string;
  readonly isProd?: boolean;
  readonly stacks?: readonly string[];
}

export interface Extras {
  readonly environments: readonly ExtraEnvironment[];
  readonly shared: readonly SharedInventory[];
}

/** Belongings of somebody who has none. */
export const NOTHING = Object.fromEntries(
  BELONGINGS.map((key) => [key, [] as string[]]),
) as unknown as Belongings;

function merge(environment: EnvironmentInventory, extra: ExtraEnvironment): EnvironmentInventory {
  const lists = Object.fromEntries(
    BELONGINGS.map((key) => [key, [...environment[key], ...(extra[key] ?? [])]]),
  ) as unknown as Belongings;
  return {
    ...environment,
    ...lists,
    isProd: environment.isProd || extra.isProd === true,
    stacks: [...environment.stacks, ...(extra.stacks ?? [])],
  };
}

/** Names and identifiers compare in lower case; stack names and hashes as they are. */
function folded(environment: EnvironmentInventory): EnvironmentInventory {
  const lists = Object.fromEntries(
    BELONGINGS.map((key) => [
      key,
      [
        ...new Set(
          environment[key].map((entry) => (key === "secretHashes" ? entry : entry.trim().toLowerCase())),
        ),
      ],
    ]),
  ) as unknown as Belongings;
  return {
    ...environment,
    ...lists,
    deployments: lists.deployments.length > 0 ? lists.deployments : [environment.name],
  };
}

/** What a list calls one of its entries, and whether an entry of one reaches what an entry of the other is. */
function sharesWith(key: keyof Belongings, entry: string, other: string): boolean {
  if (key === "cidrs") {
    const [a, b] = [parseAddress(entry), parseAddress(other)];
    return a !== undefined && b !== undefined && overlap(a, b);
  }
  const [a, b] = [entry.trim().toLowerCase(), other.trim().toLowerCase()];
  return (
    a === b ||
    (/^(?:hostNames|publicHostNames|privateDnsZones)$/.test(key) &&
      (a.endsWith(`.${b}`) || b.endsWith(`.${a}`)))
  );
}

/** Lists in which two environments may hold the same entry: tenants and repositories are often one for all. */
const COMMON: ReadonlySet<keyof Belongings> = new Set(["tenantIds", "repositories", "managementGroups"]);

/**
 * Refuses entries of policies/inventory.yaml that hand what a stack file gives one environment to another or to all.
 * @throws Error that names the entry and whose it is, never the value.
 */
function refuseHandingAway(derived: readonly EnvironmentInventory[], extras: Extras): void {
  const takers = [
    ...extras.environments.map((entry) => ({
      entry,
      to: entry.name,
      outputs: [],
      where: `environments: ${entry.name}`,
    })),
    ...extras.shared.map((entry, index) => ({
      entry,
      to: undefined,
      outputs: entry.stackReferences ?? [],
      where: `shared[${index}]`,
    })),
  ];
  const listed = new Set([...derived, ...extras.environments].flatMap(({ stacks = [] }) => stacks));
  for (const { entry, to, outputs, where } of takers) {
    // A stack of no environment, such as one with everybody's alerts, may be shown what it watches.
    const isNobodys = to === undefined && (entry.stacks ?? []).every((stack) => !listed.has(stack));
    if (isNobodys && (entry.stacks ?? []).length > 0) continue;
    for (const owner of derived.filter(({ name }) => name !== to)) {
      for (const key of BELONGINGS.filter((list) => !COMMON.has(list))) {
        const taken = (entry[key] ?? []).findIndex((one) =>
          owner[key].some((other) => sharesWith(key, one, other)),
        );
        if (taken >= 0) {
          throw new Error(
            `policies/inventory.yaml, ${where}: ${key}[${taken}] belongs to ${owner.name}, by its stack file, and cannot be given away or shared`,
          );
        }
      }
      const readers = entry.stacks ?? [];
      const isOwners = readers.length > 0 && readers.every((one) => owner.stacks.includes(one));
      const read = isOwners ? undefined : outputs.find((one) => owner.stacks.includes(one));
      if (read !== undefined) {
        throw new Error(
          `policies/inventory.yaml, ${where}: stackReferences: the outputs of ${read} belong to ${owner.name}, by its stack file, and cannot be shared`,
        );
      }
      const stack = (to === undefined ? [] : (entry.stacks ?? [])).find((one) => owner.stacks.includes(one));
      if (stack !== undefined) {
        throw new Error(
          `policies/inventory.yaml, ${where}: the stack ${stack} belongs to ${owner.name}, by its stack file`,
        );
      }
    }
  }
  const claimed = extras.environments.find(
    ({ name, isProd }) => isProd === true && derived.some((one) => one.name === name && !one.isProd),
  );
  if (claimed) {
    throw new Error(
      `policies/inventory.yaml, environments: ${claimed.name}: isProd contradicts its stack file, which says it is not production`,
    );
  }
  const names = derived.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new Error(`two stack files say environment: ${twice}; each environment has one stack file`);
  }
  const subscriptions = derived.flatMap(({ subscriptionIds }) => subscriptionIds);
  if (new Set(subscriptions).size < subscriptions.length) {
    throw new Error("two stack files name one subscription; each environment has a subscription of its own");
  }
}

/**
 * Puts the inventory together from what the stack files give environments and what policies/inventory.yaml adds.
 * @throws Error when nothing belongs to anybody, or nothing is production: rules would then pass everything; and when
 * an entry hands what one environment's stack file says is its own to somebody else.
 */
export function assembleInventory(derived: readonly EnvironmentInventory[], extras: Extras): Inventory {
  const environments = [...derived];
  refuseHandingAway(derived, extras);
  for (const extra of extras.environments) {
    const index = environments.findIndex(({ name }) => name === extra.name);
    const base = environments[index] ?? { ...NOTHING, name: extra.name, isProd: false, stacks: [] };
    environments.splice(index < 0 ? environments.length : index, index < 0 ? 0 : 1, merge(base, extra));
  }
  if (environments.length === 0) {
    throw new Error(
      "the isolation inventory is empty: no Pulumi.<stack>.yaml beside the policies folder and no environment in policies/inventory.yaml",
    );
  }
  if (!environments.some(({ isProd }) => isProd)) {
    throw new Error(
      `the isolation inventory names no production environment: one stack file must say environment: ${PROD_ENVIRONMENT}, or an environment in policies/inventory.yaml isProd: true`,
    );
  }
  return { environments: environments.map(folded), shared: extras.shared };
}
