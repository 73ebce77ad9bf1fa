import type { RegionFacts } from "../../../operations/platform";
import type { Permission } from "../../../recovery/serving/permission";
import type { Customer } from "../customer";
import type { Laptop } from "..";
import { waitFor } from "../../../../packages/programs/waiting";

export const STACK = "prod";

/** What should be so. */
export interface Model {
  serving: 0 | 1;
  /** Region that does not answer. */
  lost: 0 | 1 | undefined;
  incidents: number;
  /** Restored servers that took the place of others. */
  adoptions: number;
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
  /** Document of the last verb whose change of the stack file nobody has merged. */
  uncommitted?: Readonly<Record<string, unknown>> | undefined;
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

/** Merges what the last verb printed to be merged, by the very command it printed. */
export async function commit(world: World): Promise<void> {
  const { laptop, uncommitted } = world;
  if (!uncommitted) return;
  const command = ((uncommitted["commit"] ?? []) as string[]).find((line) => / record /.test(line)) ?? "";
  const changes = [...command.matchAll(/'([^']*)'/g)].map(([, change = ""]) => change);
  const ran = await laptop.commit(changes);
  holds(ran.code === 0, `${command} ended with ${ran.code ?? "a signal"}: ${ran.said.trim()}`);
  world.uncommitted = undefined;
}

const HEARD_SECONDS = 60;

/** What somebody says once heard. @throws what kept it from being heard for a minute */
export async function answered<T>(ask: () => Promise<T>): Promise<T> {
  let unheard: unknown;
  const heard = await waitFor(
    () =>
      ask().then(
        (said) => ({ said }),
        (error: unknown) => void (unheard = error),
      ),
    HEARD_SECONDS,
    250,
  );
  if (!heard) throw unheard;
  return heard.said;
}
