/** What belongs to one environment. Names are lower case. */
export interface EnvironmentInventory {
  /** Name of the environment, e.g. `prod`. */
  readonly name: string;
  /** Whether it holds production data. */
  readonly isProd: boolean;
  /** Stacks of it as `project/stack`. */
  readonly stacks: readonly string[];
  readonly subscriptionIds: readonly string[];
  readonly tenantIds: readonly string[];
  readonly managementGroups: readonly string[];
  readonly resourceGroups: readonly string[];
  readonly virtualNetworks: readonly string[];
  /** Address blocks, IPv4 CIDR: virtual networks, pods and services. */
  readonly cidrs: readonly string[];
  /** Private DNS zones of its own; shared zone names such as `privatelink.…` are told apart by subscription. */
  readonly privateDnsZones: readonly string[];
  /** PostgreSQL servers, short names. */
  readonly servers: readonly string[];
  readonly virtualEndpoints: readonly string[];
  /** Host names that lead to it without an Azure suffix: custom names of databases, public names of the API. */
  readonly hostNames: readonly string[];
  readonly vaults: readonly string[];
  readonly storageAccounts: readonly string[];
  readonly clusters: readonly string[];
  /** Cluster API host prefixes. */
  readonly clusterDnsPrefixes: readonly string[];
  /** User-assigned identities, by name. */
  readonly identities: readonly string[];
  readonly clientIds: readonly string[];
  readonly principalIds: readonly string[];
}

/** Everything that belongs to anybody. Never empty: an empty inventory is an error when it is built. */
export interface Inventory {
  readonly environments: readonly EnvironmentInventory[];
}
