/** A move to a colder tier. Minimum billed days: Cool 30, Cold 90, Archive 180. */
export interface TierStep {
  tier: "Cool" | "Cold" | "Archive";
  /** Days after the last write. */
  afterDays: number;
}

/** What the lifecycle does with the blobs of one container. */
export interface ContainerLifecycle {
  container: string;
  tiers: readonly TierStep[];
  /** Days after the last write at which a blob is deleted. Absent: the lifecycle deletes nothing. */
  deleteAfterDays?: number;
  /**
   * Days after its creation at which a previous version or snapshot is deleted. Absent on immutable containers,
   * where Azure ignores it.
   */
  previousVersionDays?: number;
}

const TIER_ACTIONS = { Cool: "tierToCool", Cold: "tierToCold", Archive: "tierToArchive" } as const;

interface Rule {
  name: string;
  enabled: true;
  type: "Lifecycle";
  definition: {
    filters: { blobTypes: ["blockBlob"]; prefixMatch: [string] };
    actions: {
      baseBlob?: Partial<
        Record<
          (typeof TIER_ACTIONS)[TierStep["tier"]] | "delete",
          { daysAfterModificationGreaterThan: number }
        >
      >;
      // Versions and snapshots know only their day of creation.
      version?: { delete: { daysAfterCreationGreaterThan: number } };
      snapshot?: { delete: { daysAfterCreationGreaterThan: number } };
    };
  };
}

/**
 * Translates tiers and ages into the rules of a storage account's management policy, one per container that has
 * something to do. Azure writes the policy as a whole and starts acting within 24 hours.
 */
export function lifecycleRules(containers: readonly ContainerLifecycle[]): Rule[] {
  return containers.flatMap((lifecycle): Rule[] => {
    const base = [
      ...lifecycle.tiers.map(({ tier, afterDays }) => [TIER_ACTIONS[tier], days(afterDays)] as const),
      ...(lifecycle.deleteAfterDays === undefined
        ? []
        : [["delete", days(lifecycle.deleteAfterDays)] as const]),
    ];
    const old =
      lifecycle.previousVersionDays === undefined
        ? undefined
        : { delete: { daysAfterCreationGreaterThan: lifecycle.previousVersionDays } };
    if (base.length === 0 && !old) return [];
    return [
      {
        name: lifecycle.container,
        enabled: true,
        type: "Lifecycle",
        definition: {
          filters: { blobTypes: ["blockBlob"], prefixMatch: [`${lifecycle.container}/`] },
          actions: {
            ...(base.length > 0 && { baseBlob: Object.fromEntries(base) }),
            ...(old && { version: old, snapshot: old }),
          },
        },
      },
    ];
  });
}

function days(count: number): { daysAfterModificationGreaterThan: number } {
  return { daysAfterModificationGreaterThan: count };
}
