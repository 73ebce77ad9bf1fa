import type { FleetEntry, Place } from "./fleet";
import type { Outage } from "./outage";
import { instantOf } from "./names";

const DAY_MS = 86_400_000;
/** A backup that was just made may still be on its way to the other targets. */
export const ARRIVAL_MS = 10 * 60_000;

/** Why a target lacks a backup; undefined when it has it or need not have it. */
function lacks({ name, settings }: Place, { held }: FleetEntry, now: Date, grace: number): boolean {
  if (held.some(({ place }) => place.name === name)) return false;
  const sound = held.find(({ entry }) => entry.manifest && entry.verification?.verdict !== "FAIL")?.entry;
  if (!sound?.manifest || !settings.containers[sound.tier]) return false;
  if (now.getTime() - Date.parse(sound.manifest.finishedAt) < grace) return false;
  const age = now.getTime() - (instantOf(sound.id)?.getTime() ?? 0);
  return age <= settings.retention.days[sound.tier] * DAY_MS;
}

/**
 * Sound backups that another target holds and this one lacks, though it keeps that tier and they are within retention,
 * newest first.
 */
export function behind(
  place: Place,
  backups: readonly FleetEntry[],
  now: Date,
  grace: number = ARRIVAL_MS,
): FleetEntry[] {
  return backups.filter((backup) => lacks(place, backup, now, grace));
}

export const outageOf = (outages: readonly Outage[], target: string) =>
  outages.find((outage) => outage.target === target);
