import { lastName } from "../ids";
import { stringAt, strings } from "../paths";
import { Cloud, CloudError, Stored } from "../types";
import { replicasOf, SERVER } from "./replication";
import { POLICY_LOCKED, refusedPolicyChange } from "./storage";

/** What keeps a type of resource from being deleted. */
interface Use {
  /** Properties of other resources that lead to it, by their type. */
  readonly by: Readonly<Record<string, string>>;
  /** Those properties end with its name, after whatever scope. */
  readonly byName?: true;
  readonly status?: 409;
  readonly code: string;
  says(kept: string, users: readonly string[]): string;
}

const NETWORK = "azure-native:network:";
const EDGE = "azure-native:cdn:";
const LINK = "azure-native:privatedns:VirtualNetworkLink";
const POLICY = "azure-native:storage:BlobContainerImmutabilityPolicy";
const ORIGIN = `${EDGE}AFDOrigin`;

const USES: Readonly<Record<string, Use>> = {
  // https://github.com/kubernetes-sigs/cluster-api-provider-azure/issues/172; of a delegated one
  // https://github.com/Azure/azure-data-labs-modules/issues/268
  [`${NETWORK}Subnet`]: {
    by: {
      [`${NETWORK}PrivateEndpoint`]: "subnet",
      [`${NETWORK}PrivateLinkService`]: "ipConfigurations",
      "azure-native:dbforpostgresql:Server": "network",
      "azure-native:containerservice:ManagedCluster": "agentPoolProfiles",
      "azure-native:containerservice:AgentPool": "vnetSubnetID",
      "azure-native:app:ManagedEnvironment": "vnetConfiguration",
    },
    code: "InUseSubnetCannotBeDeleted",
    says: (kept, users) =>
      `Subnet ${lastName(kept)} is in use by ${users.join(", ")} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.`,
  },
  // https://github.com/pulumi/pulumi-azure-native/issues/3051
  [`${NETWORK}NetworkSecurityGroup`]: {
    by: { [`${NETWORK}Subnet`]: "networkSecurityGroup" },
    code: "InUseNetworkSecurityGroupCannotBeDeleted",
    says: (kept, users) =>
      `Network security group ${kept} cannot be deleted because it is in use by the following resources: ${users.join(", ")}. In order to delete the Network security group, remove the association with the resource(s).`,
  },
  // https://github.com/stackshy/cloudemu/pull/967
  [`${NETWORK}NatGateway`]: {
    by: { [`${NETWORK}Subnet`]: "natGateway" },
    code: "InUseNatGatewayCannotBeDeleted",
    says: (kept, users) =>
      `NAT gateway ${kept} cannot be deleted because it is in use by the following resources: ${users.join(", ")}.`,
  },
  // https://github.com/hashicorp/terraform-provider-azurerm/issues/6052
  [`${NETWORK}PublicIPAddress`]: {
    by: {
      [`${NETWORK}NatGateway`]: "publicIpAddresses",
      "azure-native:containerservice:ManagedCluster": "networkProfile",
    },
    code: "PublicIPAddressCannotBeDeleted",
    says: (kept, [user = ""]) =>
      `Public IP address ${kept} can not be deleted since it is still allocated to resource ${user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see aka.ms/deletepublicip.`,
  },
  // https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#custom-roles
  "azure-native:authorization:RoleDefinition": {
    by: { "azure-native:authorization:RoleAssignment": "roleDefinitionId" },
    byName: true,
    code: "RoleDefinitionHasAssignments",
    says: (kept) => `There are existing role assignments referencing role (${lastName(kept)}).`,
  },
  // https://github.com/hashicorp/terraform-provider-azurerm/issues/27652
  [`${EDGE}AFDOriginGroup`]: associated("origin group", { [`${EDGE}Route`]: "originGroup" }),
  // https://github.com/hashicorp/terraform-provider-azurerm/issues/18844
  [`${EDGE}AFDCustomDomain`]: associated("custom domain", {
    [`${EDGE}Route`]: "customDomains",
    [`${EDGE}SecurityPolicy`]: "parameters",
  }),
  // https://github.com/hashicorp/terraform-provider-azurerm/issues/20744
  [`${EDGE}RuleSet`]: associated("rule set", { [`${EDGE}Route`]: "ruleSets" }),
  "azure-native:frontdoor:Policy": associated("firewall policy", {
    [`${EDGE}SecurityPolicy`]: "parameters",
  }),
};

/** What Front Door says of each of its parts alike. */
function associated(what: string, by: Use["by"]): Use {
  return {
    by,
    status: 409,
    code: "Conflict",
    says: (kept, users) =>
      `Cannot delete ${what} '${lastName(kept)}' as it is still associated with ${users.join(", ")}. Please disassociate it and try again.`,
  };
}

/**
 * Refuses to delete what others use, or what holds data nobody may delete yet. An identity may go while others name it
 * (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-manage-user-assigned-managed-identities).
 * @param leaving Everything that goes with it, itself included: users among it keep nothing.
 * @throws CloudError 400 or 409, as the service of what is kept answers.
 */
export function refuseInUse(cloud: Cloud, root: Stored, leaving: readonly Stored[] = [root]): void {
  const going = new Set(leaving.map(({ key }) => key));
  for (const kept of leaving) {
    const use = USES[kept.type];
    if (use) {
      const users = usersOf(cloud, kept, use).filter(({ key }) => !going.has(key));
      if (users.length > 0)
        throw new CloudError(
          use.status ?? 400,
          use.code,
          use.says(
            kept.id,
            users.map(({ id }) => id),
          ),
        );
    }
  }
  if (root.type === POLICY && isLocked(root)) throw refusedPolicyChange();
  if (root.type === ORIGIN) refuseLastOrigin(cloud, root);
  if (root.type === "azure-native:privatedns:PrivateZone") refuseWithLinks(cloud, root);
  for (const account of leaving)
    if (account.type === "azure-native:storage:StorageAccount") refuseProtected(cloud, account);
  for (const server of leaving) if (server.type === SERVER) refuseFollowed(cloud, server, going);
}

function usersOf(cloud: Cloud, kept: Stored, { by, byName }: Use): Stored[] {
  const named = (id: string): string => (byName ? lastName(id) : id).toLowerCase();
  return Object.entries(by).flatMap(([type, property]) =>
    [...cloud.ofType(type)].filter(
      ({ inputs, softDeleted }) =>
        !softDeleted && strings(inputs[property]).some(({ text }) => named(text) === named(kept.id)),
    ),
  );
}

/** A group some route leads to keeps an origin (https://github.com/hashicorp/terraform-provider-azurerm/issues/27652). */
function refuseLastOrigin(cloud: Cloud, origin: Stored): void {
  const group = cloud.get(origin.key.slice(0, origin.key.lastIndexOf("/origins/")));
  if (!group || usersOf(cloud, group, USES[`${EDGE}AFDOriginGroup`] as Use).length === 0) return;
  if (below(cloud, ORIGIN, group).some(({ key }) => key !== origin.key)) return;
  throw new CloudError(
    409,
    "Conflict",
    "Cannot disable or delete the last origin when the origin group is still associated with a route or a rule. Please disassociate the origin group and try again.",
  );
}

/** Followers go before the server they follow (https://learn.microsoft.com/azure/postgresql/read-replica/concepts-read-replicas). */
function refuseFollowed(cloud: Cloud, server: Stored, going: ReadonlySet<string>): void {
  const followers = replicasOf(cloud, server).filter(({ key }) => !going.has(key));
  if (followers.length === 0) return;
  throw new CloudError(
    400,
    "ServerHasReadReplicas",
    `Server '${lastName(server.id)}' has read replicas (${followers.map(({ id }) => lastName(id)).join(", ")}) and cannot be deleted before them.`,
  );
}

/** Links of a zone are deleted one by one, before it (https://github.com/Azure/azure-cli/issues/15010). */
function refuseWithLinks(cloud: Cloud, zone: Stored): void {
  const links = below(cloud, LINK, zone);
  if (links.length === 0) return;
  const ids = links.map(({ id }) => `'${id.slice(id.toLowerCase().lastIndexOf("/providers/") + 11)}'`);
  throw new CloudError(
    409,
    "CannotDeleteResource",
    `Cannot delete resource while nested resources exist. Some existing nested resource IDs include: ${ids.join(", ")}. Please delete all nested resources before deleting this resource.`,
  );
}

/**
 * A locked policy protects its account, an unlocked one does not
 * (https://learn.microsoft.com/azure/storage/blobs/immutable-container-level-worm-policies#scenarios,
 * https://github.com/Azure/azure-powershell/issues/26148).
 */
function refuseProtected(cloud: Cloud, account: Stored): void {
  const locked = below(cloud, POLICY, account).filter(isLocked);
  if (locked.length === 0) return;
  const containers = locked.map(({ id }) => /\/containers\/([^/]+)/i.exec(id)?.[1] ?? "");
  throw new CloudError(
    409,
    "AccountProtectedFromDeletion",
    `${lastName(account.id)} is protected from deletion. The container(s) ${containers.join(", ")} have a locked immutability policy.`,
  );
}

const isLocked = ({ outputs }: Stored): boolean => stringAt(outputs, "state") === POLICY_LOCKED;

function below(cloud: Cloud, type: string, { id }: Stored): Stored[] {
  const prefix = `${id.toLowerCase()}/`;
  return [...cloud.ofType(type)].filter((one) => one.id.toLowerCase().startsWith(prefix));
}
