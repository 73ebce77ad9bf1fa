/** Names, addresses and identifiers. Names and identifiers are lower case. */
export interface Belongings {
  readonly subscriptionIds: readonly string[];
  readonly tenantIds: readonly string[];
  readonly managementGroups: readonly string[];
  readonly resourceGroups: readonly string[];
  readonly virtualNetworks: readonly string[];
  /** Address blocks, IPv4 CIDR: virtual networks, pods and services. */
  readonly cidrs: readonly string[];
  /** Private DNS zones nobody else has; zones such as `privatelink.…` exist in every environment. */
  readonly privateDnsZones: readonly string[];
  /** PostgreSQL servers, short names. */
  readonly servers: readonly string[];
  readonly virtualEndpoints: readonly string[];
  /** Host names that lead to its data without an Azure suffix, e.g. a database's old alias. */
  readonly hostNames: readonly string[];
  /** Host names it answers the public under. */
  readonly publicHostNames: readonly string[];
  /** Other resources by name: edge, firewall, workspaces, gateways, private link services. */
  readonly resources: readonly string[];
  readonly vaults: readonly string[];
  readonly storageAccounts: readonly string[];
  readonly clusters: readonly string[];
  /** First part of cluster API host names; Azure appends a hash. */
  readonly clusterDnsPrefixes: readonly string[];
  /** What its names begin with, e.g. `forma3d-prod`: a host of which a label bears it is its own, whoever runs it. */
  readonly namePrefixes: readonly string[];
  /** User-assigned identities, by name. */
  readonly identities: readonly string[];
  readonly clientIds: readonly string[];
  readonly principalIds: readonly string[];
  /** Issuers of clusters' tokens, without scheme: `westeurope.oic.prod-aks.azure.com/<tenant>/<id>`. */
  readonly issuers: readonly string[];
  /** GitHub repositories, `owner/name`, whose deployments may act as its identities. */
  readonly repositories: readonly string[];
  /** Deployment environments of those repositories that may; its own name where none is listed. */
  readonly deployments: readonly string[];
  /** Salted SHA-256 of secrets, as `<salt>:<64 hex digits>`, so that a copied password is found without being stored. */
  readonly secretHashes: readonly string[];
}

export const BELONGINGS = [
  "subscriptionIds",
  "tenantIds",
  "managementGroups",
  "resourceGroups",
  "virtualNetworks",
  "cidrs",
  "privateDnsZones",
  "servers",
  "virtualEndpoints",
  "hostNames",
  "publicHostNames",
  "resources",
  "vaults",
  "storageAccounts",
  "clusters",
  "clusterDnsPrefixes",
  "namePrefixes",
  "identities",
  "clientIds",
  "principalIds",
  "issuers",
  "repositories",
  "deployments",
  "secretHashes",
] as const satisfies readonly (keyof Belongings)[];

/** What belongs to one environment. */
export interface EnvironmentInventory extends Belongings {
  /** Name of the environment, e.g. `prod`. */
  readonly name: string;
  /** Whether it holds production data. */
  readonly isProd: boolean;
  /** Stacks of it as `project/stack`. */
  readonly stacks: readonly string[];
}

/** What belongs to nobody in particular and may be reached by the stacks named, or by all when none is. */
export interface SharedInventory extends Partial<Belongings> {
  readonly stacks?: readonly string[];
  /** Stacks, as `project/stack`, whose outputs may be read. */
  readonly stackReferences?: readonly string[];
}

/** A reviewed addition of a project, from policies/inventory.yaml. */
export interface ListedType {
  /** `azure-native:module:Name`, `kubernetes:group:Kind` or `arm:Microsoft.Namespace/type`. */
  readonly type: string;
  /** Environments it is for; absent: all. */
  readonly environments?: readonly string[];
}

/** Everything that belongs to anybody. Never empty: building an empty inventory is an error. */
export interface Inventory {
  readonly environments: readonly EnvironmentInventory[];
  readonly shared: readonly SharedInventory[];
  /** Types beyond the reviewed list that this project may declare. */
  readonly types?: readonly ListedType[];
}

/** Environment a stack belongs to, by exact `project/stack`; undefined for a stack nobody listed. */
export function environmentOf(
  inventory: Inventory,
  project: string,
  stack: string,
): EnvironmentInventory | undefined {
  return inventory.environments.find(({ stacks }) => stacks.includes(`${project}/${stack}`));
}
