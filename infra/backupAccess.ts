import * as authorization from "@pulumi/azure-native/authorization";
import * as pulumi from "@pulumi/pulumi";
import { Identity } from "./identity";
import { IdentityName } from "./naming";
import { assignRole, BuiltInRole, deterministicGuid } from "./roles";
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
 * our own: Azure's Storage Blob Data Contributor always includes deletion.
 */
export class BackupAccess extends pulumi.ComponentResource {
  constructor(
    private readonly name: string,
    args: BackupAccessArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:storage:BackupAccess", name, {}, opts);
    const writer = this.writerRole(args);
    for (const [region, identities] of Object.entries(args.identities)) {
      for (const grant of GRANTS) this.grant(region, identities, grant, args, writer);
    }
    this.registerOutputs({});
  }

  private writerRole(args: BackupAccessArgs) {
    const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    return new authorization.RoleDefinition(
      `${this.name}-writer-role`,
      {
        roleDefinitionId: deterministicGuid(`${args.subscriptionId}/backup-writer`),
        roleName: `${args.prefix} backup writer`,
        roleType: "CustomRole",
        description: "Reads and writes blobs and cannot delete any.",
        scope: args.resourceGroupId,
        assignableScopes: [args.resourceGroupId],
        permissions: [
          {
            actions: ["Microsoft.Storage/storageAccounts/blobServices/containers/read"],
            dataActions: [`${blobs}/read`, `${blobs}/write`, `${blobs}/add/action`],
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
    writer: authorization.RoleDefinition,
  ) {
    const builtIn: Record<Exclude<Access, "write">, BuiltInRole> = {
      delete: "storageBlobDataContributor",
      read: "storageBlobDataReader",
    };
    for (const container of containers) {
      assignRole(
        `${this.name}-${region}-${identity}-${container}`,
        {
          key: `${region}/${identity}/${container}`,
          subscriptionId: args.subscriptionId,
          scope: args.containerIds[container],
          principalId: identities[identity].principalId,
          role: access === "write" ? { definitionId: writer.id } : builtIn[access],
          description: `${identity} ${why}`,
        },
        { parent: this },
      );
    }
  }
}
