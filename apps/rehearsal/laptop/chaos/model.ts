import type { RegionFacts } from "../../../operations/platform";
import type { Permission } from "../../../recovery/serving/permission";
import type { Customer } from "../customer";
import type { Laptop } from "..";

export const STACK = "prod";

/** What should be so. */
export interface Model {
  serving: 0 | 1;
  /** Region that does not answer. */
  lost: 0 | 1 | undefined;
  incidents: number;
}

/** What is so. */
export interface World {
  laptop: Laptop;
  customer: Customer;
  /** Orders whose loss was told before a forced failover. */
  given: Set<number>;
  say(line: string): void;
  /** Backups that were made, by their ids. */
  backups: Set<string>;
  /** What each region's gateway has heard, by index. */
  gateways: Permission[];
  /** Told of each step as it begins. */
  began(step: string): void;
}

/** An invariant that did not hold. */
export class Broken extends Error {}

export const holds = (so: boolean, what: string): void => {
  if (!so) throw new Broken(what);
};

export const regionOf = ({ laptop }: Pick<World, "laptop">, index: 0 | 1): RegionFacts => {
  const region = laptop.platform.regions[index];
  if (!region) throw new Error("the platform has one region");
  return region;
};

export const other = (index: 0 | 1): 0 | 1 => (index === 0 ? 1 : 0);
