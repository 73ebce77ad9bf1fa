import * as authorization from "@pulumi/azure-native/authorization";
import * as pulumi from "@pulumi/pulumi";
import { Identity } from "../identity/identity";
import { IdentityName } from "../naming";
import { assignRole, deterministicGuid } from "../identity/roles";
import { ContainerPurpose } from "./storage";

export interface BackupAccessArgs {
  subscriptionId: string;
  /** Id of the group the storage account is in; the custom role can be assigned only there. */
  resourceGroupId: pulumi.Input<string>;
  containerIds: Record<ContainerPurpose, pulumi.Input<string>>;
  /** Workload identities of each region, by region name. */
  identities: Record<string, Record<IdentityName, Identity>>;
  /** Prefix of the role's name, unique in the tenant. */
  prefix: string;
}

type Access = "write" | "delete" | "read";

/** Who may do what in which container, and nothing else. */
const GRANTS: { identity: IdentityName; access: Access; containers: ContainerPurpose[]; why: string }[] = [
  {
    identity: "backup",
    access: "write",
    containers: ["daily", "monthly"],
    why: "writes backups, can delete none",
  },
  {
    identity: "verify",
    access: "write",
    containers: ["daily", "monthly", "evidence"],
    why: "reads backups, writes reports",
  },
  {
    identity: "drill",
    access: "write",
    containers: ["daily", "monthly", "evidence"],
    why: "restores backups, writes evidence",
  },
  { identity: "prune", access: "delete", containers: ["daily", "monthly"], why: "ends expired backups" },
  {
    identity: "metrics",
    access: "read",
    containers: ["daily", "monthly", "evidence"],
    why: "reads the catalogue",
  },
  {
    identity: "operator",
    access: "write",
    containers: ["daily", "monthly", "evidence", "incidents"],
    why: "backs up and restores by hand, can delete nothing",
  },
];

/**
 * Rights of the recovery runner's identities on the backup containers. Writing without deleting needs a role of
 * our own: Azure's Storage Blob Data Contributor always includes deletion, and yet not that of versions, without which
 * nothing is freed in an account that keeps them.
 */
export class BackupAccess extends pulumi.ComponentResource {
  constructor(
    private readonly name: string,
    args: BackupAccessArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:storage:BackupAccess", name, {}, opts);
    const roles = { write: this.writerRole(args), delete: this.prunerRole(args) };
    for (const [region, identities] of Object.entries(args.identities)) {
      for (const grant of GRANTS) this.grant(region, identities, grant, args, roles);
    }
    this.registerOutputs({});
  }

  private writerRole(args: BackupAccessArgs) {
    return this.role(
      "writer",
      "Reads and writes blobs and cannot delete any.",
      ["write", "add/action"],
      args,
    );
  }

  /** Writes, too: the lease that keeps a backup out while a prune runs is held on a blob of its own. */
  private prunerRole(args: BackupAccessArgs) {
    return this.role(
      "pruner",
      "Reads blobs and deletes them with all their versions.",
      ["write", "delete", "deleteBlobVersion/action"],
      args,
    );
  }

  private role(noun: string, description: string, rights: string[], args: BackupAccessArgs) {
    const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    return new authorization.RoleDefinition(
      `${this.name}-${noun}-role`,
      {
        roleDefinitionId: deterministicGuid(`${args.subscriptionId}/backup-${noun}`),
        roleName: `${args.prefix} backup ${noun}`,
        roleType: "CustomRole",
        description,
        scope: args.resourceGroupId,
        assignableScopes: [args.resourceGroupId],
        permissions: [
          {
            actions: ["Microsoft.Storage/storageAccounts/blobServices/containers/read"],
            dataActions: ["read", ...rights].map((right) => `${blobs}/${right}`),
          },
        ],
      },
      { parent: this },
    );
  }

  private grant(
    region: string,
    identities: Record<IdentityName, Identity>,
    { identity, access, containers, why }: (typeof GRANTS)[number],
    args: BackupAccessArgs,
    roles: Record<Exclude<Access, "read">, authorization.RoleDefinition>,
  ) {
    for (const container of containers) {
      assignRole(
        `${this.name}-${region}-${identity}-${container}`,
        {
          key: `${region}/${identity}/${container}`,
          subscriptionId: args.subscriptionId,
          scope: args.containerIds[container],
          principalId: identities[identity].principalId,
          role: access === "read" ? "storageBlobDataReader" : { definitionId: roles[access].id },
          description: `${identity} ${why}`,
        },
        { parent: this },
      );
    }
  }
}
