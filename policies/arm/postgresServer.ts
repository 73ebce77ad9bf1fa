import { REGIONS } from "../../infra/regions";
import {
  BACKUP_DAYS,
  databaseSize,
  DISK_SIZES_GB,
  DISK_TIERS,
  POSTGRES_VERSIONS,
  RESERVED_LOGINS,
  sizesMissingIn,
  takesDatabases,
} from "../../packages/azure-facts";
import { regionName, SERVER } from "../../packages/isolation/kinds";
import {
  fault,
  ifPresent,
  isText,
  must,
  mustBeText,
  mustBeWithin,
  mustExist,
  when,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const DOCS = "https://learn.microsoft.com/azure/postgresql";

/** Whether the server is made as a replica, or was and has not been promoted since. */
function isReplica(server: Cursor): boolean {
  return isText("Replica")(server.at("createMode").value) || isReplicaByBirth(server);
}

function isReplicaByBirth(server: Cursor): boolean {
  // Update is what a promoted replica is sent: it changes an existing server, whatever that was born as. One that was made by itself
  // and follows since a failover is sent nothing; a refresh finds its source beside what it was once sent.
  const independent = isText("Default", "PointInTimeRestore", "GeoRestore", "ReviveDropped", "Update");
  return server.at("sourceServerResourceId").present && !independent(server.at("createMode").value);
}

function absent(cursor: Cursor, because: string): Outcome[] {
  return must(
    cursor,
    (value) => value === undefined || value === null || value === "",
    `be left out ${because}`,
  );
}

const replica: ArmLimit = {
  id: "ARM-001",
  name: "postgres-replica-shape",
  title: "A read replica has no standby, no backups and no administrator of its own",
  description:
    "A server with a source, unless createMode says that it was promoted (Update) or made by itself, has high availability and geo-redundant backup off, is not Burstable, and sends neither administrator nor point in time.",
  why: "Azure rejects the creation, after the wait for the primary's snapshot.",
  remediation: "Leave these properties out of the replica; promotion gives it a standby later.",
  url: `${DOCS}/read-replica/concepts-read-replicas`,
  risks: ["R01"],
  types: [SERVER],
  check: (server) =>
    isReplica(server)
      ? [
          ...ifPresent(server.at("highAvailability", "mode"), (mode) => mustBeText(mode, "Disabled")),
          ...ifPresent(server.at("backup", "geoRedundantBackup"), (geo) => mustBeText(geo, "Disabled")),
          ...ifPresent(server.at("sku", "tier"), (tier) =>
            mustBeText(tier, "GeneralPurpose", "MemoryOptimized"),
          ),
          ...absent(server.at("pointInTimeUTC"), "of a replica, which follows its source"),
          ...absent(server.at("administratorLogin"), "of a replica, which inherits it"),
          ...(server.at("administratorLoginPassword").present
            ? fault(
                server.at("administratorLoginPassword"),
                "must be left out of a replica, which inherits the administrator",
              )
            : []),
        ]
      : [],
};

const backupWindow: ArmLimit = {
  id: "ARM-002",
  name: "postgres-backup-window",
  title: "Point-in-time restore covers 7 to 35 days",
  description: "backup.backupRetentionDays is a whole number from 7 to 35.",
  why: "Azure rejects any other number.",
  remediation: "Choose 7 to 35 days; longer retention is the job of dumps in the storage account.",
  url: `${DOCS}/backup-restore/concepts-backup-restore`,
  risks: ["R10"],
  types: [SERVER],
  check: (server) =>
    ifPresent(server.at("backup", "backupRetentionDays"), (days) =>
      must(
        days,
        (value) =>
          Number.isInteger(value) && Number(value) >= BACKUP_DAYS.min && Number(value) <= BACKUP_DAYS.max,
        "be a whole number from 7 to 35",
      ),
    ),
};

const storage: ArmLimit = {
  id: "ARM-003",
  name: "postgres-storage-step",
  title: "Disks of a flexible server come in fixed sizes",
  description:
    "storage.storageSizeGB is a step of Premium SSD, storage.tier is not below that size's own, and autogrow is used on Premium SSD only.",
  why: "Azure rejects sizes between the steps, and a disk can never shrink again.",
  remediation: `Use one of ${DISK_SIZES_GB.join(", ")} GiB.`,
  url: `${DOCS}/compute-storage/concepts-storage-premium-ssd`,
  risks: ["R13"],
  types: [SERVER],
  check: (server) => {
    const disk = server.at("storage");
    const type = disk.at("type");
    const premium = !type.present || isText("Premium_LRS")(type.value);
    if (!premium) {
      return when(disk.at("autoGrow"), isText("Enabled"), () =>
        mustBeText(type, "Premium_LRS").map((outcome) => ({
          ...outcome,
          ...("message" in outcome && { message: `${outcome.message}, which has no autogrow` }),
        })),
      );
    }
    const size = disk.at("storageSizeGB");
    const least = DISK_TIERS[size.number ?? 0];
    return [
      ...ifPresent(size, () =>
        must(size, (value) => typeof value === "number" && DISK_SIZES_GB.includes(value), steps()),
      ),
      ...ifPresent(disk.at("tier"), (tier) =>
        must(
          tier,
          (value) => {
            const step = typeof value === "string" ? /^P(\d+)$/.exec(value)?.[1] : undefined;
            return step !== undefined && (least === undefined || Number(step) >= least);
          },
          least === undefined ? "be a performance tier such as P10" : `be at least P${least} for this size`,
        ),
      ),
    ];
  },
};

function steps(): string {
  return `be one of ${DISK_SIZES_GB.join(", ")} GiB`;
}

const compute: ArmLimit = {
  id: "ARM-004",
  name: "postgres-compute-size",
  title: "Compute size, tier and region of a server fit together",
  description:
    "sku.tier is the tier of sku.name, a Burstable server has no standby, a version-6 size is not integrated into a virtual network, and the region takes servers and has the size.",
  why: "Azure rejects the creation or the change.",
  remediation: "Choose an Intel size of the General Purpose tier, such as Standard_D4ds_v5.",
  url: `${DOCS}/compute-storage/concepts-compute`,
  risks: ["R01", "R09"],
  types: [SERVER],
  check: (server) => {
    const { sku, mode } = { sku: server.at("sku"), mode: server.at("highAvailability", "mode") };
    const size = sku.at("name");
    const facts = databaseSize(size.text);
    const region = regionName(server.at("location").value) ?? "";
    return [
      ...ifPresent(size, () =>
        must(size, () => facts !== undefined, "be a size of the B, D or E series that Azure offers"),
      ),
      ...(facts === undefined ? [] : ifPresent(sku.at("tier"), (given) => mustBeText(given, facts.tier))),
      ...(isText("Burstable")(sku.at("tier").value)
        ? ifPresent(mode, () => mustBeText(mode, "Disabled"))
        : []),
      ...(/_v6$/i.test(size.text ?? "") && server.at("network", "delegatedSubnetResourceId").present
        ? fault(size, "must not be a version-6 size on a server that is integrated into a virtual network")
        : []),
      ...(takesDatabases(region)
        ? []
        : fault(server.at("location"), "must be a region that takes flexible servers")),
      ...(facts && sizesMissingIn(region, facts)
        ? fault(
            size,
            `must not be one of the ${sizesMissingIn(region, facts) ?? ""}, which ${region} does not offer`,
          )
        : []),
    ];
  },
};

const administrator: ArmLimit = {
  id: "ARM-005",
  name: "postgres-administrator",
  title: "A new server has exactly the administrators its authentication allows",
  description:
    "With password authentication a new server names administrator and password and the login is not reserved; without it, neither is sent.",
  why: "Azure rejects the creation.",
  remediation: "Set administratorLogin and administratorLoginPassword, or turn authConfig.passwordAuth off.",
  url: `${DOCS}/security/security-access-control`,
  risks: ["R08"],
  types: [SERVER],
  check: (server) => {
    const isNew =
      !server.at("createMode").present || isText("Default", "Create")(server.at("createMode").value);
    if (!isNew || server.at("sourceServerResourceId").present) return [];
    const [login, password] = [server.at("administratorLogin"), server.at("administratorLoginPassword")];
    if (isText("Disabled")(server.at("authConfig", "passwordAuth").value)) {
      return [login, password].flatMap((cursor) =>
        cursor.present ? fault(cursor, "must be left out while authConfig.passwordAuth is off") : [],
      );
    }
    const isMissing = ({ value }: Cursor) => value === undefined || value === null || value === "";
    const missing = [login, password].filter(isMissing);
    return [
      ...missing.flatMap((one) => fault(one, "must be set on a new server with password authentication")),
      ...(missing.includes(login)
        ? []
        : must(
            login,
            (value) => typeof value === "string" && !RESERVED_LOGINS.test(value),
            "be a login Azure does not reserve",
          )),
    ];
  },
};

const NEEDS_SOURCE = ["PointInTimeRestore", "GeoRestore", "ReviveDropped", "Replica"];

const createMode: ArmLimit = {
  id: "ARM-006",
  name: "postgres-create-mode",
  title: "A server made from another says which, and as of when",
  description:
    "createMode is one Azure knows; restores name source and point in time, a replica names its source.",
  why: "Azure rejects the creation.",
  remediation: "Set sourceServerResourceId, and pointInTimeUTC for every restore, geo-restores included.",
  url: `${DOCS}/backup-restore/concepts-backup-restore`,
  risks: ["R02", "R10"],
  types: [SERVER],
  check: (server) => {
    const mode = server.at("createMode");
    return ifPresent(mode, () => [
      ...mustBeText(mode, "Default", "Create", "Update", ...NEEDS_SOURCE),
      ...(isText(...NEEDS_SOURCE)(mode.value) && !server.at("sourceServerResourceId").present
        ? fault(server.at("sourceServerResourceId"), `must be set with createMode ${mode.text ?? ""}`)
        : []),
      ...(isText(...NEEDS_SOURCE.slice(0, 3))(mode.value) && !server.at("pointInTimeUTC").present
        ? fault(server.at("pointInTimeUTC"), `must be set with createMode ${mode.text ?? ""}`)
        : []),
    ]);
  },
};

const network: ArmLimit = {
  id: "ARM-007",
  name: "postgres-network-mode",
  title: "A server is either in a virtual network or reached through endpoints",
  description: "A delegated subnet comes with a private DNS zone, and public access is set only without one.",
  why: "Azure rejects the creation; the mode can never be changed, and no restore crosses it.",
  remediation: "Use network.publicNetworkAccess Disabled with private endpoints, and leave the subnet out.",
  url: `${DOCS}/network/concepts-networking-private`,
  risks: ["R11"],
  types: [SERVER],
  check: (server) => {
    const [subnet, zone, open] = [
      "delegatedSubnetResourceId",
      "privateDnsZoneArmResourceId",
      "publicNetworkAccess",
    ].map((key) => server.at("network", key)) as [Cursor, Cursor, Cursor];
    return [
      ...(subnet.present && !zone.present ? fault(zone, "must be set with a delegated subnet") : []),
      ...(!subnet.present && zone.present ? fault(zone, "must be left out without a delegated subnet") : []),
      ...(subnet.present && open.present ? fault(open, "must be left out with a delegated subnet") : []),
    ];
  },
};

const regions: ArmLimit = {
  id: "ARM-008",
  name: "postgres-region",
  title: "The region can hold what the server promises",
  description:
    "Geo-redundant backups are taken only in a region with a pair that Azure copies to, and a zone-redundant standby only where there are zones.",
  why: "Azure rejects the creation; geo-redundancy can never be turned on later.",
  remediation: `Use a region of the list in infra/regions.ts: ${Object.keys(REGIONS).join(", ")}.`,
  url: "https://learn.microsoft.com/azure/reliability/regions-paired",
  risks: ["R01", "R11"],
  types: [SERVER],
  check: (server) => {
    const location = server.at("location");
    const region = REGIONS[regionName(location.value) as keyof typeof REGIONS] as
      (typeof REGIONS)[keyof typeof REGIONS] | undefined;
    return [
      ...(isText("Enabled")(server.at("backup", "geoRedundantBackup").value)
        ? must(
            location,
            () => region !== undefined,
            "be a region with a known pair for geo-redundant backups",
          )
        : []),
      ...(isText("ZoneRedundant")(server.at("highAvailability", "mode").value)
        ? must(location, () => region?.zones === true, "be a region with zones for a zone-redundant standby")
        : []),
    ];
  },
};

const customerKey: ArmLimit = {
  id: "ARM-009",
  name: "postgres-customer-key",
  title: "A customer's key serves one purpose per identity",
  description:
    "With a key of the customer's, geo-redundant backups have a key in the paired region and an identity of their own.",
  why: "Azure rejects one identity for both purposes, and geo-redundant backups without their key.",
  remediation: "Set geoBackupKeyURI and a second identity in geoBackupUserAssignedIdentityId.",
  url: `${DOCS}/security/security-data-encryption`,
  risks: ["R08"],
  types: [SERVER],
  check: (server) => {
    const encryption = server.at("dataEncryption");
    if (!isText("AzureKeyVault")(encryption.at("type").value)) return [];
    const identity = encryption.at("primaryUserAssignedIdentityId");
    const other = encryption.at("geoBackupUserAssignedIdentityId");
    return [
      ...mustExist(encryption.at("primaryKeyURI")),
      ...mustExist(identity),
      ...(isText("Enabled")(server.at("backup", "geoRedundantBackup").value)
        ? [...mustExist(encryption.at("geoBackupKeyURI")), ...mustExist(other)]
        : []),
      ...(identity.text !== undefined && identity.text.toLowerCase() === other.text?.toLowerCase()
        ? fault(other, "must be another identity than the primary's: one identity serves one purpose")
        : []),
    ];
  },
};

const version: ArmLimit = {
  id: "ARM-010",
  name: "postgres-version",
  title: "The major version is one Azure still offers",
  description: "version is 14 to 18.",
  why: "Azure rejects retired and unknown versions for new servers.",
  remediation: "Use 17, which is supported until November 2029.",
  url: `${DOCS}/configure-maintain/concepts-version-policy`,
  risks: ["R09"],
  types: [SERVER],
  check: (server) => ifPresent(server.at("version"), (v) => mustBeText(v, ...POSTGRES_VERSIONS)),
};

const maintenance: ArmLimit = {
  id: "ARM-011",
  name: "postgres-maintenance-window",
  title: "The maintenance window is a moment of the week",
  description: "dayOfWeek is 0 to 6, startHour 0 to 23 and startMinute 0 to 59.",
  why: "Azure rejects other values.",
  remediation: "Count the days from Sunday (0), in UTC.",
  url: `${DOCS}/configure-maintain/concepts-maintenance`,
  risks: ["R09"],
  types: [SERVER],
  check: (server) => {
    const window = server.at("maintenanceWindow");
    return [
      ...ifPresent(window.at("dayOfWeek"), (day) => mustBeWithin(day, 0, 6)),
      ...ifPresent(window.at("startHour"), (hour) => mustBeWithin(hour, 0, 23)),
      ...ifPresent(window.at("startMinute"), (minute) => mustBeWithin(minute, 0, 59)),
    ];
  },
};

export const POSTGRES_SERVER_LIMITS: readonly ArmLimit[] = [
  replica,
  backupWindow,
  storage,
  compute,
  administrator,
  createMode,
  network,
  regions,
  customerKey,
  version,
  maintenance,
];
