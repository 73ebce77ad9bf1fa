import * as authorization from "@pulumi/azure-native/authorization";
import * as pulumi from "@pulumi/pulumi";
import { Identity } from "../identity/identity";
import { IdentityName } from "../naming";
import { assignRole, deterministicGuid } from "../identity/roles";
import { ContainerPurpose } from "./places";

/** One of the accounts that hold the backups. */
export interface BackupAccount {
  /** Place it stands in: `primary` or `secondary`. */
  place: string;
  /** Id of the group it is in; the custom roles can be assigned only in these groups. */
  resourceGroupId: pulumi.Input<string>;
  containerIds: Record<ContainerPurpose, pulumi.Input<string>>;
}

export interface BackupAccessArgs {
  subscriptionId: string;
  /** The accounts; each identity has the same rights in all. */
  accounts: readonly [BackupAccount, ...BackupAccount[]];
  /** Workload identities of each region, by region name. */
  identities: Record<string, Record<IdentityName, Identity>>;
  /** Entra groups of the people who run the platform. */
  operators: readonly string[];
  /** Object id of the identity that deploys, where operations hold their lease among the first account's incidents: it asks there. */
  deployer?: string | undefined;
  /** Prefix of the role's name, unique in the tenant. */
  prefix: string;
}

type Access = "write" | "delete" | "read";
type Roles = Record<Exclude<Access, "read">, authorization.RoleDefinition>;

const TIERS = ["hourly", "daily", "weekly", "monthly"] as const satisfies readonly ContainerPurpose[];

/** Who may do what in which container, and nothing else. */
const GRANTS: { identity: IdentityName; access: Access; containers: ContainerPurpose[]; why: string }[] = [
  {
    identity: "backup",
    access: "write",
    containers: [...TIERS],
    why: "writes backups, can delete none",
  },
  {
    identity: "copy",
    access: "write",
    containers: [...TIERS],
    why: "copies backups between the accounts, can delete none and read no database",
  },
  {
    identity: "verify",
    access: "write",
    containers: [...TIERS, "evidence"],
    why: "reads backups, writes reports",
  },
  {
    identity: "drill",
    access: "write",
    containers: [...TIERS, "evidence"],
    why: "restores backups, writes evidence",
  },
  { identity: "prune", access: "delete", containers: [...TIERS], why: "ends expired backups" },
  {
    identity: "metrics",
    access: "read",
    containers: [...TIERS, "evidence"],
    why: "reads the catalogue",
  },
  {
    identity: "operator",
    access: "write",
    containers: [...TIERS, "evidence", "incidents"],
    why: "backs up and restores by hand, can delete nothing",
  },
  {
    identity: "preflight",
    access: "read",
    containers: [...TIERS, "incidents"],
    why: "looks how old backups are, and which incidents are open",
  },
  {
    identity: "preflight",
    access: "write",
    containers: ["evidence"],
    why: "keeps what the readiness checks found",
  },
];

/** What `npm run operations` does there as the person who types it: looks at every backup and drill, and keeps the incident. */
const BY_PEOPLE: { access: Access; containers: ContainerPurpose[]; why: string }[] = [
  { access: "read", containers: [...TIERS, "evidence"], why: "look at backups and drills" },
  { access: "write", containers: ["incidents"], why: "keep incidents, and out of each other's way" },
];

/**
 * Rights of the recovery runner's identities on the backup containers, of both regions' identities in both accounts: either
 * region works with either account when the other is lost, and no right has to be given then. Writing without deleting needs a role of
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
      for (const { identity, why, ...grant } of GRANTS) {
        const { principalId } = identities[identity];
        this.grant([region, identity], { principalId, why: `${identity} ${why}`, ...grant }, args, roles);
      }
    }
    args.operators.forEach((principalId, index) => {
      for (const { why, ...grant } of BY_PEOPLE)
        this.grant(
          ["operators", String(index + 1)],
          { principalId, principalType: "Group", why: `operators ${why}`, ...grant },
          args,
          roles,
        );
    });
    if (args.deployer !== undefined)
      this.grant(
        ["deployer", "lease"],
        {
          principalId: args.deployer,
          access: "read",
          containers: ["incidents"],
          why: "deployer asks whether an operation is under way",
        },
        { ...args, accounts: [args.accounts[0]] },
        roles,
      );
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
        scope: args.accounts[0].resourceGroupId,
        assignableScopes: args.accounts.map(({ resourceGroupId }) => resourceGroupId),
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
    who: readonly [string, string],
    {
      access,
      containers,
      principalId,
      principalType,
      why,
    }: {
      access: Access;
      containers: readonly ContainerPurpose[];
      principalId: pulumi.Input<string>;
      principalType?: "Group";
      why: string;
    },
    args: BackupAccessArgs,
    roles: Roles,
  ) {
    const scopes = args.accounts.flatMap(({ place, containerIds }) =>
      containers.map((container) => ({ place, container, scope: containerIds[container] })),
    );
    for (const { place, container, scope } of scopes) {
      assignRole(
        `${this.name}-${who.join("-")}-${place}-${container}`,
        {
          key: `${who.join("/")}/${place}/${container}`,
          subscriptionId: args.subscriptionId,
          scope,
          principalId,
          ...(principalType && { principalType }),
          role: access === "read" ? "storageBlobDataReader" : { definitionId: roles[access].id },
          description: why,
        },
        { parent: this },
      );
    }
  }
}
