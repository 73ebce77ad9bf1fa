import type { Faults } from "./faults";
import { lastName } from "./model/ids";
import type { Cloud } from "./model/types";

const plain = (location: unknown): string =>
  typeof location === "string" ? location.toLowerCase().replaceAll(" ", "") : "";

/** Regions anything of the cloud is in, sorted. */
export function regionsOf(cloud: Cloud): string[] {
  const found = new Set([...cloud.all()].map(({ inputs }) => plain(inputs["location"])));
  return [...found].filter((region) => region !== "" && region !== "global").sort();
}

const GROUP = "azure-native:resources:ResourceGroup";

/**
 * Tells by its key whether a resource goes with a region: it is located there, or below a resource that is, or it is content of a
 * cluster there. The resource manager does not answer for what is in a group located there either, since Azure keeps what it knows
 * of a group's resources in the group's region; a service itself goes on
 * (https://learn.microsoft.com/azure/azure-resource-manager/management/overview#resource-group-location-alignment).
 * @param managed whether the resource manager is asked
 */
function inRegion(cloud: Cloud, region: string, managed: boolean): (key: string) => boolean {
  const wanted = plain(region);
  const roots = new Set<string>();
  const clusters: string[] = [];
  for (const { key, type, id, inputs } of cloud.all()) {
    if (plain(inputs["location"]) !== wanted || (type === GROUP && !managed)) continue;
    roots.add(key.toLowerCase());
    if (type.endsWith(":ManagedCluster")) clusters.push(`kubernetes:${lastName(id)}:`);
  }
  return (key) => {
    if (clusters.some((prefix) => key.startsWith(prefix))) return true;
    const parts = key.toLowerCase().split("/");
    return parts.some((_, i) => roots.has(parts.slice(0, parts.length - i).join("/")));
  };
}

/**
 * How a region is lost: what ran there is gone; or it runs on and nobody outside reaches it; or it runs on and swallows what is sent
 * there, so that connections which stand stay open at this end and no request is refused.
 */
export type Loss = "dead" | "cut off" | "silent";

/** Told that a region is lost, and how, or answers again; the loss counts as done once it has ended. */
export type LossListener = (region: string, lost: Loss | undefined) => void | Promise<void>;

/** Regions that do not answer, for every front and for what runs behind them. */
export class Losses {
  private readonly regions = new Map<string, Loss>();
  private readonly listeners: LossListener[] = [];

  constructor(
    private readonly cloud: Cloud,
    private readonly faults: Faults,
  ) {}

  get lost(): ReadonlyMap<string, Loss> {
    return this.regions;
  }

  on(listener: LossListener): void {
    this.listeners.push(listener);
  }

  async lose(region: string, how: Loss = "dead"): Promise<void> {
    if (this.regions.has(region)) return;
    this.regions.set(region, how);
    const [managed, itself] = [true, false].map((one) => inRegion(this.cloud, region, one));
    this.faults.outage(
      nameOf(region),
      ({ key, itself: asked }) => (asked ? itself : managed)?.(key) ?? false,
      how === "silent",
    );
    for (const listener of this.listeners) await listener(region, how);
  }

  async restore(region: string): Promise<void> {
    if (!this.regions.delete(region)) return;
    this.faults.endOutage(nameOf(region));
    for (const listener of this.listeners) await listener(region, undefined);
  }
}

const nameOf = (region: string): string => `region ${region}`;
