import { armJson } from "./arm/front";
import type { ActivityEntry, ArmContext, MetricSource } from "./arm/context";
import { GoneLocks } from "./arm/goneLocks";
import { LongRunning } from "./arm/lro";
import { modelMetrics } from "./arm/metrics";
import { Faults } from "./faults";
import { Hooks } from "./hooks";
import { settleAfter } from "./model/azure/consequences";
import { restored } from "./model/azure/replication";
import type { Model } from "./model/types";
import { Front } from "./provider/front";
import { Losses } from "./regions";
import type { Refusals } from "./provider/limits";
import { Directory } from "./rights/directory";
import { Rights } from "./rights/decide";
import { CloudStore } from "./store/cloud";
import { keepVersions } from "./vault";

export interface EmulatedCloudOptions {
  /** Resources it begins with; an empty cloud unless given. */
  readonly store?: CloudStore;
  readonly tenantId?: string;
  /** Its clock; the machine's unless given. */
  readonly now?: () => Date;
  /** Seconds ARM asks clients to wait between two looks at an operation; default 1. */
  readonly retryAfter?: number;
  readonly faults?: Faults;
  /** What Azure refuses beyond what the vendors describe; nothing unless given. */
  readonly refusals?: Refusals;
}

/** One cloud with everything its fronts share. */
export interface EmulatedCloud extends ArmContext {
  readonly faults: Faults;
  readonly losses: Losses;
  /** Who is asked for a metric before the model is: what runs behind resources. The first that knows it answers. */
  readonly metricSources: MetricSource[];
}

export type { Loss } from "./regions";

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
  const metricSources: MetricSource[] = [];
  hooks.on(settleAfter(store, model));
  hooks.onDone((event) => event.kind === "created" && restored(store, event.stored));
  const emulated: EmulatedCloud = {
    model,
    cloud: store,
    front,
    faults,
    losses: new Losses(store, faults),
    hooks,
    directory,
    rights: new Rights(store, directory, hooks),
    json: armJson(),
    lro: new LongRunning(retryAfter, now),
    goneLocks: new GoneLocks(now),
    now,
    metrics: async (resource, metric) => {
      for (const source of metricSources) {
        const values = await source(resource, metric);
        if (values) return values;
      }
      return own(resource, metric);
    },
    metricSources,
    activity,
  };
  keepVersions(emulated);
  return emulated;
}
