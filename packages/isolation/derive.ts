import type { PlatformNames, RegionNames } from "../../infra/naming";
import { stackPlatformNames } from "../../stacks/files";
import { addressBlocks, PRODUCT, type StackConfig } from "../../stacks/schema";
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

const NOTHING = Object.fromEntries(BELONGINGS.map((key) => [key, [] as string[]])) as unknown as Belongings;

function regionsOf(names: PlatformNames): RegionNames[] {
  return names.secondary ? [names.primary, names.secondary] : [names.primary];
}

function fromStackFile(stack: string, config: StackConfig): EnvironmentInventory {
  const names = stackPlatformNames(config);
  const regions = regionsOf(names);
  return {
    ...NOTHING,
    name: config.environment,
    isProd: config.environment === PROD_ENVIRONMENT,
    stacks: [`${PRODUCT}/${stack}`],
    subscriptionIds: [config.azure.subscriptionId],
    tenantIds: [config.azure.tenantId],
    resourceGroups: [
      names.globalResourceGroup,
      ...regions.flatMap(({ resourceGroup, nodeResourceGroup }) => [resourceGroup, nodeResourceGroup]),
    ],
    virtualNetworks: regions.map(({ virtualNetwork }) => virtualNetwork),
    cidrs: addressBlocks(config).map(({ cidr }) => cidr),
    servers: regions.map(({ server }) => server),
    virtualEndpoints: [names.virtualEndpoint],
    vaults: regions.map(({ vault }) => vault),
    storageAccounts: [names.storageAccount],
    clusters: regions.map(({ cluster }) => cluster),
    clusterDnsPrefixes: regions.map(({ clusterDnsPrefix }) => clusterDnsPrefix),
    identities: regions.flatMap(({ clusterIdentity, kubeletIdentity, identities }) => [
      clusterIdentity,
      kubeletIdentity,
      ...Object.values(identities),
    ]),
    principalIds: [
      ...config.cluster.adminGroupObjectIds,
      ...config.database.entraAdministrators.map(({ objectId }) => objectId),
    ],
  };
}

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
  return { ...environment, ...lists };
}

/**
 * Builds the inventory out of the stack files, by the very code that names the resources, and what
 * policies/inventory.yaml adds.
 * @throws Error when nothing belongs to anybody, or nothing is production: rules would then pass everything.
 */
export function deriveInventory(stacks: Readonly<Record<string, StackConfig>>, extras: Extras): Inventory {
  const environments = Object.entries(stacks).map(([stack, config]) => fromStackFile(stack, config));
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
