import { nameOf, typeOf } from "../../../packages/wire/urn";
import type { ResourceDocument } from "./plan";

/** A property that changes: where, and from what to what. */
interface Changed {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly ignored?: true;
}

interface Lowered {
  /** Path of a number of days, or of what holds it. */
  readonly path: RegExp;
  readonly says: (days: number) => string;
}

const LIFECYCLE = "azure-native:storage:ManagementPolicy";

const dropped = (what: string) => (days: number) => `${what} older than ${days} days would be dropped`;

/** Days that are kept: with fewer, what is older is gone, and no later change brings it back. */
const LOWERED: Readonly<Record<string, readonly Lowered[]>> = {
  "azure-native:dbforpostgresql:Server": [
    { path: /^backup\.backupRetentionDays$/, says: dropped("restore points") },
  ],
  "azure-native:storage:BlobServiceProperties": [
    {
      path: /^(containerDeleteRetentionPolicy|deleteRetentionPolicy)\.days$/,
      says: (days) => `what was deleted more than ${days} days ago could not be brought back`,
    },
  ],
  "azure-native:storage:BlobContainerImmutabilityPolicy": [
    {
      path: /^immutabilityPeriodSinceCreationInDays$/,
      says: (days) => `blobs older than ${days} days could be changed and deleted`,
    },
  ],
  [LIFECYCLE]: [{ path: /^policy\.rules/, says: dropped("blobs") }],
  "kubernetes:batch/v1:CronJob": [
    { path: /\.env\[RETENTION_[A-Z]+_DAYS\]\.value$/, says: dropped("backups") },
  ],
};

/** Addresses Azure does not take from what uses them: nodes, endpoints and load balancers of the region. */
const MOVED: Readonly<Record<string, RegExp>> = {
  "azure-native:network:Subnet": /^addressPrefix/,
  "azure-native:network:VirtualNetwork": /^addressSpace\.addressPrefixes/,
};

/** Days a value says; of a lifecycle those after which it deletes, none when it does not. */
function daysOf(type: string, path: string, value: unknown): number | undefined {
  if (type === LIFECYCLE && !/\.delete\b/.test(path)) return deletedAfter(value);
  if (typeof value === "object" && value !== null)
    return Math.min(...Object.values(value).filter(Number.isFinite));
  return value === undefined ? undefined : Number(value);
}

/** Fewest days after which anything in a piece of a lifecycle is deleted. */
function deletedAfter(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const days = Object.entries(value).flatMap(([key, inner]) =>
    key === "delete" ? (daysOf("", "", inner) ?? []) : (deletedAfter(inner) ?? []),
  );
  return days.length > 0 ? Math.min(...days) : undefined;
}

/** What a changed value takes away, or asks of Azure in vain while it is in use; empty when nothing. */
export function loss(urn: string, changes: readonly Changed[]): string {
  const type = typeOf(urn);
  for (const { path, before, after, ignored } of changes) {
    // All runs are told the days; one deletes by them.
    if (ignored || (type === "kubernetes:batch/v1:CronJob" && !nameOf(urn).endsWith("-prune"))) continue;
    const lowered = (LOWERED[type] ?? []).find((one) => one.path.test(path));
    const [was, is] = [before, after].map((value) => daysOf(type, path, value));
    // What was never deleted was kept for ever.
    const fewer = is !== undefined && is < (was ?? (type === LIFECYCLE ? Infinity : is));
    if (lowered && fewer) return lowered.says(is);
    if (MOVED[type]?.test(path) && before !== undefined)
      return `would be refused: ${path.replace(/\[.*/, "")} is not changed while anything has an address there`;
  }
  return "";
}

const STOPPED = "would be replaced: its nodes go";

/** Whether a danger is to what runs, and not to data. */
export const isOutage = (danger: string): boolean => danger.startsWith(STOPPED);

/**
 * What stops while something is made anew: Azure takes no second thing of a name, so the old one goes first. Nodes that
 * wait for a region to fail carry nothing.
 */
export function outage({ type, inputs }: Pick<ResourceDocument, "type" | "inputs">): string {
  const works =
    type === "azure-native:containerservice:ManagedCluster" ||
    (type === "azure-native:containerservice:AgentPool" && Number(inputs["count"] ?? 0) > 0);
  return works
    ? `${STOPPED} before the new ones come, and every pod with them; what to do instead: docs/changing.md`
    : "";
}
