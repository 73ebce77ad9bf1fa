import { armJson } from "./arm/front";
import type { ActivityEntry, ArmContext, MetricSource } from "./arm/context";
import { LongRunning } from "./arm/lro";
import { modelMetrics } from "./arm/metrics";
import { Faults } from "./faults";
import { Hooks } from "./hooks";
import { settleAfter } from "./model/azure/consequences";
import type { Model } from "./model/types";
import { Front } from "./provider/front";
import type { Refusals } from "./provider/limits";
import { Directory } from "./rights/directory";
import { Rights } from "./rights/decide";
import { CloudStore } from "./store/cloud";

export interface EmulatedCloudOptions {
  /** Resources it begins with; an empty cloud unless given. */
  readonly store?: CloudStore;
  readonly tenantId?: string;
  /** Its clock; the machine's unless given. */
  readonly now?: () => Date;
  /** Seconds ARM asks clients to wait between two looks at an operation; default 1. */
  readonly retryAfter?: number;
  /** Answers metrics the model cannot. */
  readonly metrics?: MetricSource;
  readonly faults?: Faults;
  /** What Azure refuses beyond what the vendors describe; nothing unless given. */
  readonly refusals?: Refusals;
}

/** One cloud with everything its fronts share. */
export interface EmulatedCloud extends ArmContext {
  readonly faults: Faults;
}

const SEED = "emulated";

/** Puts a cloud together; nothing listens yet. */
export function emulatedCloud(model: Model, options: EmulatedCloudOptions = {}): EmulatedCloud {
  const {
    store = new CloudStore(SEED),
    now = () => new Date(),
    retryAfter = 1,
    faults = new Faults(),
  } = options;
  const hooks = new Hooks();
  const front = new Front({ faults, hooks, refusals: options.refusals });
  const directory = new Directory(store, options.tenantId, now);
  const own = modelMetrics({ cloud: store, front, now });
  const activity: ActivityEntry[] = [];
  hooks.on(settleAfter(store, model));
  return {
    model,
    cloud: store,
    front,
    faults,
    hooks,
    directory,
    rights: new Rights(store, directory, hooks),
    json: armJson(),
    lro: new LongRunning(retryAfter, now),
    now,
    metrics: async (resource, metric) => (await options.metrics?.(resource, metric)) ?? own(resource, metric),
    activity,
  };
}
