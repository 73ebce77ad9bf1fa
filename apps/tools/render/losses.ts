import type { Tree } from "../../../packages/isolation/rule";
import { nameOf, typeOf } from "../../../packages/wire/urn";
import { armRefusals } from "../../../policies/arm/armLimits";
import type { Danger } from "./change";
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
  /** Name of the resource that acts by the days, where others are told them too. */
  readonly of?: RegExp;
  /** Days a value at a path says; undefined when none. */
  readonly days: (value: unknown, path: string) => number | undefined;
  /** Days where nothing was said. */
  readonly unsaid?: number;
  readonly says: (days: number) => string;
}

const days = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));

/** Fewest days after which a lifecycle, or a piece of one, deletes anything. */
function deletedAfter(value: unknown, path: string): number | undefined {
  if (typeof value !== "object" || value === null) return /\.delete\b/.test(path) ? days(value) : undefined;
  const found = Object.entries(value).flatMap(([key, inner]) => deletedAfter(inner, `${path}.${key}`) ?? []);
  const fewest = Math.min(...found.filter(Number.isFinite));
  return fewest === Infinity ? undefined : fewest;
}

const dropped = (what: string) => (kept: number) => `${what} older than ${kept} days would be dropped`;

/** Days that are kept: with fewer, what is older is gone, and no later change brings it back. */
const LOWERED: Readonly<Record<string, readonly Lowered[]>> = {
  "azure-native:dbforpostgresql:Server": [
    { path: /^backup\.backupRetentionDays$/, days, says: dropped("restore points") },
  ],
  "azure-native:storage:BlobServiceProperties": [
    {
      path: /^(containerDeleteRetentionPolicy|deleteRetentionPolicy)\.days$/,
      days,
      says: (kept) => `what was deleted more than ${kept} days ago could not be brought back`,
    },
  ],
  "azure-native:storage:BlobContainerImmutabilityPolicy": [
    {
      path: /^immutabilityPeriodSinceCreationInDays$/,
      days,
      says: (kept) => `blobs older than ${kept} days could be changed and deleted`,
    },
  ],
  // What was never deleted was kept for ever.
  "azure-native:storage:ManagementPolicy": [
    { path: /^policy\.rules/, days: deletedAfter, unsaid: Infinity, says: dropped("blobs") },
  ],
  "kubernetes:batch/v1:CronJob": [
    { path: /\.env\[RETENTION_[A-Z]+_DAYS\]\.value$/, of: /-prune$/, days, says: dropped("backups") },
  ],
};

/** Addresses Azure does not take from what uses them: nodes, endpoints and load balancers of the region. */
const MOVED: Readonly<Record<string, RegExp>> = {
  "azure-native:network:Subnet": /^addressPrefix/,
  "azure-native:network:VirtualNetwork": /^addressSpace\.addressPrefixes/,
};

/** What a changed value takes away, or asks of Azure in vain while it is in use; undefined when nothing. */
export function loss(urn: string, changes: readonly Changed[]): Danger | undefined {
  const type = typeOf(urn);
  for (const { path, before, after, ignored } of changes) {
    if (ignored) continue;
    const lowered = LOWERED[type]?.find((one) => one.path.test(path) && (one.of?.test(nameOf(urn)) ?? true));
    const is = lowered?.days(after, path) ?? NaN;
    const was = lowered?.days(before, path) ?? lowered?.unsaid ?? NaN;
    if (lowered && is < was) return { gravity: "kept", text: lowered.says(is) };
    if (MOVED[type]?.test(path) && before !== undefined)
      return refused(`${path.replace(/\[.*/, "")} is not changed while anything has an address there`);
  }
  return undefined;
}

/** What Azure refuses, by what it refuses and why. */
export const refused = (why: string): Danger => ({ gravity: "refused", text: `would be refused: ${why}` });

/** What Azure refuses of what an update asks of it: a disk that shrinks, an older version; undefined when nothing. */
export function refusal(
  { type, inputs }: Pick<ResourceDocument, "type" | "inputs">,
  earlier: Pick<ResourceDocument, "inputs">,
  changes: readonly Changed[],
): Danger | undefined {
  const changed = new Set(changes.map(({ path }) => path));
  const found = armRefusals(type, inputs as Tree, { before: earlier.inputs as Tree }).find(
    ({ limit, path }) => limit === "unchangeable" && changed.has(path),
  );
  return found && refused(`${found.path} ${found.message}`);
}

/** What is said of a change that stops what runs. */
export const STOPPED: Danger = {
  gravity: "anew",
  text: "would be replaced: its nodes go before the new ones come, and every pod with them; what to do instead: docs/changing.md",
};

/**
 * Whether something runs on what is made anew, and stops: Azure takes no second thing of a name, so the old one goes first. Nodes
 * that wait for a region to fail carry nothing.
 */
export const carriesPods = ({ type, inputs }: Pick<ResourceDocument, "type" | "inputs">): boolean =>
  type === "azure-native:containerservice:ManagedCluster" ||
  (type === "azure-native:containerservice:AgentPool" && Number(inputs["count"] ?? 0) > 0);
