import {
  BLOB_SERVICE,
  IMMUTABILITY_POLICY,
  MANAGEMENT_POLICY,
  STORAGE_ACCOUNT,
} from "../../packages/isolation/kinds";
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

const DOCS = "https://learn.microsoft.com/azure/storage/blobs";

const AGES = [
  "daysAfterModificationGreaterThan",
  "daysAfterCreationGreaterThan",
  "daysAfterLastAccessTimeGreaterThan",
];

/** Tier steps of a base blob in the order a blob passes them. */
const STEPS = ["tierToCool", "tierToCold", "tierToArchive", "delete"] as const;

function rulesOf(policy: Cursor): Cursor[] {
  return policy.at("policy", "rules").items();
}

/** Versions and snapshots know only when they were created. */
function creationOnly(rule: Cursor): Outcome[] {
  return ["version", "snapshot"].flatMap((kind) =>
    rule
      .at("definition", "actions", kind)
      .entries()
      .flatMap(([, action]) =>
        mustBeWithin(action.at("daysAfterCreationGreaterThan"), 0, Infinity, "days, counted from creation"),
      ),
  );
}

function order(rule: Cursor): Outcome[] {
  const base = rule.at("definition", "actions", "baseBlob");
  const ages = STEPS.flatMap((step) => {
    const cursor = base.at(step, "daysAfterModificationGreaterThan");
    return cursor.number === undefined ? [] : [{ step, cursor, days: cursor.number }];
  });
  return ages.flatMap(({ step, cursor, days }, index) => {
    const before = ages[index - 1];
    return before && days <= before.days
      ? fault(
          cursor,
          `must be more than ${before.days} days, the age of ${before.step}, but is ${days} for ${step}`,
        )
      : [];
  });
}

function ageOf(action: Cursor, name: string): Outcome[] {
  const given = AGES.filter((age) => action.at(age).present);
  return [
    ...(given.length === 1 || action.unknown
      ? []
      : fault(action, `must have exactly one of ${AGES.join(", ")}, but has ${given.length}`)),
    ...(name !== "tierToArchive" && action.at("daysAfterLastTierChangeGreaterThan").present
      ? fault(
          action.at("daysAfterLastTierChangeGreaterThan"),
          "must be left out of every action but tierToArchive",
        )
      : []),
  ];
}

function prefixes(rule: Cursor): Outcome[] {
  const list = rule.at("definition", "filters", "prefixMatch");
  return ifPresent(list, () => [
    ...must(list, (value) => Array.isArray(value) && value.length <= 10, "have at most 10 prefixes"),
    ...list
      .items()
      .flatMap((prefix) =>
        must(
          prefix,
          (value) => typeof value === "string" && /^[a-z0-9$][a-z0-9-]*(\/|$)/.test(value),
          "start with the container's name",
        ),
      ),
  ]);
}

const lifecycle: ArmLimit = {
  id: "ARM-020",
  name: "storage-lifecycle-shape",
  title: "A lifecycle policy is one Azure can carry out",
  description:
    "The policy is called default; each rule counts versions and snapshots from creation, rises in age from tier to tier, names its container in every prefix, and only deletes append blobs.",
  why: "Azure rejects the policy as a whole, or accepts it and never acts.",
  remediation: "Use daysAfterCreationGreaterThan for versions and snapshots, and rising ages for base blobs.",
  url: `${DOCS}/lifecycle-management-overview`,
  risks: ["R10", "R13"],
  types: [MANAGEMENT_POLICY],
  check: (policy) => [
    ...mustBeText(policy.at("managementPolicyName"), "default"),
    ...must(
      policy.at("policy", "rules"),
      (value) => Array.isArray(value) && value.length > 0 && value.length <= 100,
      "have 1 to 100 rules",
    ),
    ...rulesOf(policy).flatMap((rule) => [
      ...mustExist(rule.at("name")),
      ...mustBeText(rule.at("type"), "Lifecycle"),
      ...prefixes(rule),
      ...creationOnly(rule),
      ...order(rule),
      ...rule
        .at("definition", "actions", "baseBlob")
        .entries()
        .flatMap(([name, action]) => (name.startsWith("enable") ? [] : ageOf(action, name))),
      ...(rule.at("definition", "filters", "blobTypes").texts().includes("appendBlob")
        ? rule
            .at("definition", "actions", "baseBlob")
            .entries()
            .flatMap(([name, action]) =>
              name.startsWith("tier")
                ? fault(action, "must be left out for append blobs, which have no tiers")
                : [],
            )
        : []),
    ]),
  ],
};

/** Kinds of replication whose accounts have an archive tier. */
const ARCHIVE_REDUNDANCY = ["Standard_LRS", "Standard_GRS", "Standard_RAGRS"] as const;

const archive: ArmLimit = {
  id: "ARM-021",
  name: "storage-archive-redundancy",
  title: "The archive tier exists only on LRS, GRS and RA-GRS accounts",
  description: "No lifecycle rule moves blobs to Archive in an account with zone-redundant replication.",
  why: "The blobs stay where they are, at the higher price, and nothing says so.",
  remediation: "Use the Cold tier, or another replication.",
  url: `${DOCS}/access-tiers-overview`,
  risks: ["R10"],
  types: [MANAGEMENT_POLICY],
  relations: [{ as: "account", property: "accountName", types: [STORAGE_ACCOUNT] }],
  check: (policy, { related: { account } }) => {
    const sku = account?.at("sku", "name");
    if (!sku || sku.unknown || isText(...ARCHIVE_REDUNDANCY)(sku.value)) return [];
    return rulesOf(policy).flatMap((rule) => {
      const actions = rule.at("definition", "actions");
      return ["baseBlob", "version", "snapshot"]
        .map((kind) => actions.at(kind, "tierToArchive"))
        .filter((action) => action.present)
        .flatMap((action) =>
          fault(action, `must be left out: the account's ${sku.text ?? ""} has no archive tier`),
        );
    });
  },
};

function softDelete(policy: Cursor): Outcome[] {
  return when(
    policy.at("enabled"),
    (value) => value === true,
    () => mustBeWithin(policy.at("days"), 1, 365, "days"),
  );
}

function isShorter(days: number | undefined, limit: number | undefined): boolean {
  return days !== undefined && limit !== undefined && days >= 1 && days < limit;
}

const blobService: ArmLimit = {
  id: "ARM-022",
  name: "storage-blob-service-shape",
  title: "Settings of the blob service agree with each other",
  description:
    "The service is called default; soft delete lasts 1 to 365 days; point-in-time restore is shorter than soft delete, has versioning and change feed, and no permanent delete.",
  why: "Azure rejects the settings.",
  remediation:
    "Turn versioning and change feed on, and keep restorePolicy.days below deleteRetentionPolicy.days.",
  url: `${DOCS}/point-in-time-restore-overview`,
  risks: ["R10"],
  types: [BLOB_SERVICE],
  check: (service) => {
    const [restore, deletion] = [service.at("restorePolicy"), service.at("deleteRetentionPolicy")];
    return [
      ...mustBeText(service.at("blobServicesName"), "default"),
      ...softDelete(deletion),
      ...softDelete(service.at("containerDeleteRetentionPolicy")),
      ...(restore.at("enabled").value === true
        ? [
            ...must(
              service.at("isVersioningEnabled"),
              (value) => value === true,
              "be true for restorePolicy",
            ),
            ...must(
              service.at("changeFeed", "enabled"),
              (value) => value === true,
              "be true for restorePolicy",
            ),
            ...must(
              deletion.at("allowPermanentDelete"),
              (value) => value !== true,
              "not be true with restorePolicy",
            ),
            ...(isShorter(restore.at("days").number, deletion.at("days").number)
              ? []
              : fault(restore.at("days"), "must be at least 1, and less than deleteRetentionPolicy.days")),
          ]
        : []),
    ];
  },
};

const immutability: ArmLimit = {
  id: "ARM-023",
  name: "storage-immutability-shape",
  title: "An immutability policy has a period Azure accepts",
  description: "The period is 1 to 146,000 days, and at most one kind of protected append is allowed.",
  why: "Azure rejects the policy and the container stays unprotected.",
  remediation: "Choose a period within bounds and one of the two append settings.",
  url: `${DOCS}/immutable-time-based-retention-policy-overview`,
  risks: ["R07", "R10"],
  types: [IMMUTABILITY_POLICY],
  check: (policy) => [
    ...mustBeWithin(policy.at("immutabilityPeriodSinceCreationInDays"), 1, 146_000, "days"),
    ...(policy.at("allowProtectedAppendWrites").value === true
      ? must(
          policy.at("allowProtectedAppendWritesAll"),
          (value) => value !== true,
          "not be true beside allowProtectedAppendWrites",
        )
      : []),
  ],
};

const account: ArmLimit = {
  id: "ARM-024",
  name: "storage-account-shape",
  title: "Settings of a storage account agree with each other",
  description:
    "The default tier is Hot, Cool, Cold or Premium; version-level immutability is not used with a hierarchical namespace; SFTP is not used without one.",
  why: "Azure rejects the account; all of these are fixed at creation.",
  remediation: "Leave isHnsEnabled off for backups, and set tiers by lifecycle rules.",
  url: "https://learn.microsoft.com/azure/storage/common/storage-account-overview",
  risks: ["R09", "R10"],
  types: [STORAGE_ACCOUNT],
  check: (resource) => [
    ...ifPresent(resource.at("accessTier"), (tier) => mustBeText(tier, "Hot", "Cool", "Cold", "Premium")),
    ...(resource.at("immutableStorageWithVersioning", "enabled").value === true
      ? must(
          resource.at("isHnsEnabled"),
          (value) => value !== true,
          "not be true with immutableStorageWithVersioning",
        )
      : []),
    ...(resource.at("isSftpEnabled").value === true
      ? must(resource.at("isHnsEnabled"), (value) => value === true, "be true for isSftpEnabled")
      : []),
  ],
};

export const STORAGE_LIMITS: readonly ArmLimit[] = [lifecycle, archive, blobService, immutability, account];
