import { cursor, linked, ofType, targetsOf } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import {
  fault,
  isText,
  must,
  mustBe,
  mustBeWithin,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { promised } from "./backupAccounts";
import { THRESHOLDS } from "./thresholds";
import { about, resourceRule, stackRule, type Verdict } from "./define";

const DOCS = "https://learn.microsoft.com/azure";
const { immutabilityDays, retentionPromises, softDeleteDays, vaultSoftDeleteDays } = THRESHOLDS;

/** What cannot be made again once it is gone. */
const DATA = [kinds.SERVER, kinds.DATABASE, kinds.STORAGE_ACCOUNT, kinds.BLOB_CONTAINER, kinds.VAULT];

const protection = resourceRule(
  {
    id: "REC-020",
    name: "data-protected",
    title: "Pulumi refuses to delete what holds production data",
    description: "Servers, databases, storage accounts, containers and vaults have the option protect.",
    why: "A rename, a wrong refactoring or a destroy would delete the data with the resource.",
    severity: "critical",
    framework: { waf: ["RE:09", "OE:05"], mcsb: ["BR-2"], risks: ["R09", "R10"] },
    remediation:
      "Set protectData to true; the components then also set retainOnDelete, which no policy can see, and the locks.",
    url: "https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    appliesTo: "prod",
    types: DATA,
  },
  (inputs, resource) => (resource.opts.protect ? [] : fault(inputs, "must have the option protect")),
);

const LOCKED = [kinds.SERVER, kinds.STORAGE_ACCOUNT, kinds.VAULT];

const locks = stackRule(
  {
    id: "REC-021",
    name: "data-locked",
    title: "Azure refuses to delete what holds production data",
    description: "Every server, storage account and vault has a CanNotDelete lock of its own.",
    why: "protect stops Pulumi only; the portal and scripts delete what is not locked, a server together with its backups.",
    severity: "critical",
    framework: { cis: ["10.1"], waf: ["RE:09"], mcsb: ["BR-2"], risks: ["R07", "R10"] },
    remediation: "Add a ManagementLockByScope with level CanNotDelete on the resource itself.",
    url: `${DOCS}/azure-resource-manager/management/lock-resources`,
    appliesTo: "prod",
  },
  (stack) => {
    const deletionLocks = ofType(stack, kinds.LOCK).filter((lock) =>
      isText("CanNotDelete", "ReadOnly")(cursor(lock).at("level").value),
    );
    const locked = targetsOf(stack, deletionLocks, "scope", ...LOCKED);
    return ofType(stack, ...LOCKED)
      .filter((resource) => !locked.has(resource))
      .map((resource) => about(resource, "must have a CanNotDelete lock"));
  },
);

const RESOURCE_GROUP = kinds.azure("resources", "ResourceGroup");

const zoneLocks = stackRule(
  {
    id: "REC-022",
    name: "dns-zone-unlocked",
    title: "No lock holds a private DNS zone",
    description:
      "No management lock is on a private DNS zone, its records, or a resource group that holds one.",
    why: "A failover of the database rewrites the zone's record; a lock makes it fail, and names lead to the dead server.",
    severity: "critical",
    framework: { waf: ["RE:07"], risks: ["R01", "R11"] },
    remediation: "Lock the server and the storage account instead.",
    url: `${DOCS}/postgresql/network/concepts-networking-private`,
    appliesTo: "any",
  },
  (stack) => {
    const zones = ofType(stack, kinds.PRIVATE_ZONE);
    const groups = targetsOf(stack, zones, "resourceGroupName", RESOURCE_GROUP);
    return ofType(stack, kinds.LOCK).flatMap((lock): Verdict[] => {
      const scope = cursor(lock).at("scope");
      const held = ["scope", "resourceGroupName"]
        .flatMap((property) => linked(stack, lock, property, kinds.PRIVATE_ZONE, RESOURCE_GROUP))
        .some((target) => zones.includes(target) || groups.has(target));
      const outright = /\/privatednszones(\/|$)/i.test(scope.text ?? "");
      const resource = isText("privateDnsZones")(lock.props.resourceType);
      return held || outright || resource
        ? [
            {
              resource: lock,
              outcomes: fault(scope, "must not be a private DNS zone or a group that holds one"),
            },
          ]
        : [];
    });
  },
);

const versioning = resourceRule(
  {
    id: "REC-031",
    name: "storage-versioning",
    title: "An overwritten backup is still there",
    description: "isVersioningEnabled is true.",
    why: "Whoever may write could otherwise replace every backup by an empty file.",
    severity: "high",
    framework: { cis: ["3.11"], waf: ["RE:09"], mcsb: ["BR-2"], risks: ["R07", "R10"] },
    remediation: "Set isVersioningEnabled on BlobServiceProperties.",
    url: `${DOCS}/storage/blobs/versioning-overview`,
    appliesTo: "prod",
    types: [kinds.BLOB_SERVICE],
  },
  (service) => mustBe(service.at("isVersioningEnabled"), true),
);

function softDeleteOf(policy: Cursor): Outcome[] {
  return [
    ...mustBe(policy.at("enabled"), true),
    ...mustBeWithin(policy.at("days"), softDeleteDays.value, Infinity, "days"),
  ];
}

const softDelete = resourceRule(
  {
    id: "REC-032",
    name: "storage-soft-delete",
    title: `A deleted backup can be brought back for ${softDeleteDays.value} days`,
    description: `Soft delete of blobs and containers is on for at least ${softDeleteDays.value} days, and nothing is deleted for good before.`,
    why: "A mistaken or malicious deletion would be final.",
    severity: "critical",
    framework: { cis: ["3.11"], waf: ["RE:09"], mcsb: ["BR-2"], risks: ["R07", "R10"] },
    remediation: "Set storage.softDeleteDays to 30.",
    url: `${DOCS}/storage/blobs/soft-delete-blob-overview`,
    appliesTo: "prod",
    types: [kinds.BLOB_SERVICE],
  },
  (service) => [
    ...softDeleteOf(service.at("deleteRetentionPolicy")),
    ...softDeleteOf(service.at("containerDeleteRetentionPolicy")),
    ...must(
      service.at("deleteRetentionPolicy", "allowPermanentDelete"),
      (value) => value !== true,
      "not be true, which deletes for good",
    ),
  ],
);

/** Longest promise that covers a prefix; that of the longest-lived container when it covers several or none is known. */
function promise(prefix: string): number {
  const container = prefix.split("/")[0] ?? "";
  const known = Object.entries(retentionPromises.value).find(([word]) => container.includes(word));
  return known ? known[1] : Math.max(...Object.values(retentionPromises.value));
}

function deletions(rule: Cursor): { age: Cursor; floor: number }[] {
  const prefixes = rule.at("definition", "filters", "prefixMatch").texts();
  const longest = Math.max(...(prefixes.length > 0 ? prefixes : [""]).map(promise));
  const actions = rule.at("definition", "actions");
  const base = [
    "daysAfterModificationGreaterThan",
    "daysAfterCreationGreaterThan",
    "daysAfterLastAccessTimeGreaterThan",
  ].map((key) => ({ age: actions.at("baseBlob", "delete", key), floor: longest }));
  const old = ["version", "snapshot"].map((kind) => ({
    age: actions.at(kind, "delete", "daysAfterCreationGreaterThan"),
    floor: softDeleteDays.value,
  }));
  return [...base, ...old].filter(({ age }) => age.present);
}

const lifecycle = resourceRule(
  {
    id: "REC-033",
    name: "storage-lifecycle-keeps-promise",
    title: "The lifecycle deletes nothing before its promised age",
    description: `Delete actions come after ${Object.entries(retentionPromises.value)
      .map(([word, days]) => `${days} days (${word})`)
      .join(", ")}; previous versions live ${softDeleteDays.value} days.`,
    why: "Azure carries the policy out within a day, on everything at once, and says nothing.",
    severity: "critical",
    framework: { waf: ["RE:09"], mcsb: ["BR-2"], risks: ["R09", "R10"] },
    remediation: "Raise deleteAfterDays, or leave it out and let the runner's prune end backups.",
    url: `${DOCS}/storage/blobs/lifecycle-management-overview`,
    appliesTo: "prod",
    types: [kinds.MANAGEMENT_POLICY],
  },
  (policy) =>
    policy
      .at("policy", "rules")
      .items()
      .filter((rule) => rule.at("enabled").value !== false)
      .flatMap(deletions)
      .flatMap(({ age, floor }) => mustBeWithin(age, floor, Infinity, "days")),
);

/** Only a container that is called hourly and nothing else may be changed before the others may. */
function immutableDays(containers: readonly (string | undefined)[]): number {
  const onlyHourly = containers.map((name) => {
    const words = Object.keys(retentionPromises.value).filter((word) => name?.includes(word));
    return words.length === 1 && words[0] === "hourly";
  });
  return onlyHourly.length > 0 && onlyHourly.every(Boolean) ? promise("hourly") : immutabilityDays.value;
}

const immutability = stackRule(
  {
    id: "REC-034",
    name: "storage-immutability-period",
    title: `Nobody can change a backup for ${immutabilityDays.value} days`,
    description: `Immutability policies last at least ${immutabilityDays.value} days, of hourly backups ${promise("hourly")}, and allow no appends.`,
    why: "An attacker with every right would encrypt or delete the backups first. Hourly ones are gone after a week, daily ones of the same days are not.",
    severity: "critical",
    framework: { waf: ["RE:09", "SE:06"], mcsb: ["BR-2"], risks: ["R07", "R10"] },
    remediation: "Raise immutabilityDays, up to the retention of the container.",
    url: `${DOCS}/storage/blobs/immutable-storage-overview`,
    appliesTo: "prod",
  },
  (stack) =>
    ofType(stack, kinds.IMMUTABILITY_POLICY).map((resource): Verdict => {
      // What was asked for: what Azure makes of it is not known before the update.
      const policy = cursor({ ...resource, props: resource.inputs ?? resource.props });
      // Before its container exists the policy knows of it by reference only.
      const known = [...linked(stack, resource, "containerName", kinds.BLOB_CONTAINER)].map(kinds.azureName);
      const floor = immutableDays(known.length > 0 ? known : [policy.at("containerName").text]);
      return {
        resource,
        outcomes: [
          ...mustBeWithin(policy.at("immutabilityPeriodSinceCreationInDays"), floor, Infinity, "days"),
          ...["allowProtectedAppendWrites", "allowProtectedAppendWritesAll"].flatMap((key) =>
            must(policy.at(key), (value) => value !== true, "not be true"),
          ),
        ],
      };
    }),
);

/** Containers nobody can delete from, by a policy of their own or by versions that are immutable. */
function immutableContainers(stack: StackView): ReadonlySet<ResourceView> {
  const policies = ofType(stack, kinds.IMMUTABILITY_POLICY);
  const versioned = ofType(stack, kinds.BLOB_CONTAINER).filter(
    (container) => cursor(container).at("immutableStorageWithVersioning", "enabled").value === true,
  );
  return new Set([...targetsOf(stack, policies, "containerName", kinds.BLOB_CONTAINER), ...versioned]);
}

const allImmutable = stackRule(
  {
    id: "REC-035",
    name: "storage-backups-immutable",
    title: "Every container of backups and evidence is immutable",
    description: `Containers named after ${Object.keys(retentionPromises.value).join(", ")} have an immutability policy.`,
    why: "One container without it is the one an attacker empties.",
    severity: "critical",
    framework: { waf: ["RE:09", "SE:06"], mcsb: ["BR-2"], risks: ["R07", "R10"] },
    remediation: "Set immutabilityDays for the container.",
    url: `${DOCS}/storage/blobs/immutable-storage-overview`,
    appliesTo: "prod",
  },
  (stack) => {
    const immutable = immutableContainers(stack);
    return ofType(stack, kinds.BLOB_CONTAINER)
      .filter(promised)
      .filter((container) => !immutable.has(container))
      .map((container) => about(container, "must have an immutability policy"));
  },
);

const deadDeletes = stackRule(
  {
    id: "REC-036",
    name: "storage-lifecycle-can-act",
    title: "The lifecycle is not told to delete what is immutable",
    description: "No delete action of a lifecycle rule covers a container with an immutability policy.",
    why: "Azure skips immutable containers without a word: personal data would outlive its promised end.",
    severity: "high",
    framework: { waf: ["OE:05"], risks: ["R09"] },
    remediation: "Leave deleteAfterDays out there; the runner's prune ends what has expired.",
    url: `${DOCS}/storage/blobs/lifecycle-management-overview`,
    appliesTo: "any",
  },
  (stack) => {
    const immutable = [...immutableContainers(stack)];
    return ofType(stack, kinds.MANAGEMENT_POLICY).map((policy): Verdict => {
      const accounts = linked(stack, policy, "accountName", kinds.STORAGE_ACCOUNT);
      const names = immutable
        .filter((container) =>
          linked(stack, container, "accountName", kinds.STORAGE_ACCOUNT).every((one) =>
            accounts.includes(one),
          ),
        )
        .flatMap((container) => kinds.azureName(container) ?? []);
      const rules = cursor(policy).at("policy", "rules").items();
      return { resource: policy, outcomes: rules.flatMap((rule) => idleDeletes(rule, names)) };
    });
  },
);

function idleDeletes(rule: Cursor, immutable: readonly string[]): Outcome[] {
  const prefixes = rule.at("definition", "filters", "prefixMatch").texts();
  const covered = immutable.find(
    (name) => prefixes.length === 0 || prefixes.some((p) => p.split("/")[0] === name),
  );
  if (covered === undefined) return [];
  return ["baseBlob", "version", "snapshot"]
    .map((kind) => rule.at("definition", "actions", kind, "delete"))
    .filter((action) => action.present && !action.unknown)
    .flatMap((action) => fault(action, `must be left out: container ${covered} is immutable`));
}

const completeAccount = stackRule(
  {
    id: "REC-037",
    name: "storage-recovery-settings-present",
    title: "Every storage account states how deleted data comes back",
    description: "Every storage account has BlobServiceProperties and a ManagementPolicy.",
    why: "Unsaid, Azure keeps no versions, no deleted blobs, and old versions for ever.",
    severity: "high",
    framework: { cis: ["3.11"], waf: ["RE:09"], mcsb: ["BR-2"], risks: ["R10", "R13"] },
    remediation: "Use the BackupStorage component.",
    url: `${DOCS}/storage/blobs/data-protection-overview`,
    appliesTo: "prod",
  },
  (stack) =>
    (
      [
        [kinds.BLOB_SERVICE, "BlobServiceProperties"],
        [kinds.MANAGEMENT_POLICY, "a ManagementPolicy"],
      ] as const
    ).flatMap(([type, noun]) => {
      const covered = targetsOf(stack, ofType(stack, type), "accountName", kinds.STORAGE_ACCOUNT);
      return ofType(stack, kinds.STORAGE_ACCOUNT)
        .filter((account) => !covered.has(account))
        .map((account) => about(account, `must have ${noun}`));
    }),
);

const purge = resourceRule(
  {
    id: "REC-040",
    name: "vault-recoverable",
    title: "A deleted vault can be recovered, and nobody can empty it early",
    description: `enablePurgeProtection is true and softDeleteRetentionInDays is ${vaultSoftDeleteDays.value}.`,
    why: "Who deletes and purges the vault takes every secret, and every encrypted token with them.",
    severity: "critical",
    framework: { cis: ["8.5"], waf: ["RE:09"], mcsb: ["DP-8"], risks: ["R08", "R10"] },
    remediation: "Set enablePurgeProtection to true; it can never be taken back.",
    url: `${DOCS}/key-vault/general/soft-delete-overview`,
    appliesTo: "prod",
    types: [kinds.VAULT],
  },
  (vault) => [
    ...mustBe(vault.at("properties", "enablePurgeProtection"), true),
    ...mustBe(vault.at("properties", "softDeleteRetentionInDays"), vaultSoftDeleteDays.value),
  ],
);

const vaultPerRegion = stackRule(
  {
    id: "REC-041",
    name: "vault-in-each-region",
    title: "Secrets are at hand in every region that holds data",
    description: "Each region with a server has a vault.",
    why: "A vault of a lost region is read-only at best, and may not answer: nothing could start in the other region.",
    severity: "high",
    framework: { waf: ["RE:05"], mcsb: ["BR-1"], risks: ["R08", "R11"] },
    remediation: "Declare a vault per region.",
    url: `${DOCS}/key-vault/general/disaster-recovery-guidance`,
    appliesTo: "prod",
  },
  (stack) => {
    const regionOf = (resource: ResourceView) => kinds.regionName(cursor(resource).at("location").text);
    const regions = new Set(ofType(stack, kinds.VAULT).map(regionOf));
    return ofType(stack, kinds.SERVER)
      .filter((server) => !regions.has(regionOf(server)))
      .map((server) => about(server, "must have a vault in its region"));
  },
);

export const DATA_RECOVERY_RULES: readonly Rule[] = [
  protection,
  locks,
  zoneLocks,
  versioning,
  softDelete,
  lifecycle,
  immutability,
  allImmutable,
  deadDeletes,
  completeAccount,
  purge,
  vaultPerRegion,
];
