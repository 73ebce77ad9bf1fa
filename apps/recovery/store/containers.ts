import { UsageError } from "../../../packages/command/errors";
import type { Settings } from "../settings";
import type { Containers } from "../targets";
import { TIERS, type Tier } from "../types";

/** Whose clock is meant, in a warning, by kind of store. */
export const CLOCKS = { azure: "blob service", s3: "S3 service", folder: "file server" } as const;

type Place = Pick<Settings, "containers">;

/** Containers that hold backups, each once, with the tiers it holds. */
export function backupContainers({ containers }: Place): { container: string; tiers: Tier[] }[] {
  const found = new Map<string, Tier[]>();
  for (const tier of TIERS) {
    const container = containers[tier];
    if (container) found.set(container, [...(found.get(container) ?? []), tier]);
  }
  return [...found].map(([container, tiers]) => ({ container, tiers }));
}

/** Where the locks are: with the daily backups, or with those that are made most often. */
export function lockContainer(place: Place): string {
  const [first] = backupContainers(place);
  const container = place.containers.daily ?? first?.container;
  if (!container) throw new UsageError("BACKUP_CONTAINER_DAILY: missing; container of daily backups");
  return container;
}

/** Where a drill puts backups of made-up data. */
export function drillContainer(place: { containers: Containers }): string {
  return place.containers.drill ?? lockContainer(place);
}
