import { FailedError, messageOf, CommandError } from "../../../packages/command/errors";
import type { BackupSelector } from "../options";
import { forTarget, type Settings } from "../settings";
import type { CatalogueEntry, Manifest } from "../types";
import { isVerified, readCatalogue, readManifest } from "./catalogue";
import { instantOf } from "./names";
import { openStore } from "./open";
import type { Outage } from "./outage";
import type { Store } from "./store";

/** One target, opened. */
export interface Place {
  name: string;
  settings: Settings;
  store: Store;
}

/** Every target, or the one that is named. @throws UsageError for an unknown name */
export async function openTargets(settings: Settings, only?: string): Promise<Place[]> {
  const names = only === undefined ? settings.targets.map(({ name }) => name) : [only];
  return Promise.all(
    names.map(async (name) => {
      const own = forTarget(settings, name);
      return { name, settings: own, store: await openStore(own) };
    }),
  );
}

/** Any error as one that can be reported. */
export function recoveryError(error: unknown): CommandError {
  return error instanceof CommandError ? error : new FailedError(messageOf(error));
}

/**
 * Asks every place the same, side by side. What does not answer is an outage and keeps nobody waiting for good.
 * @throws CommandError of the first place when none answers
 */
export async function askAll<T>(
  places: readonly Place[],
  ask: (place: Place) => Promise<T>,
): Promise<{ answers: { place: Place; answer: T }[]; outages: Outage[] }> {
  const outages: Outage[] = [];
  const answers: { place: Place; answer: T }[] = [];
  await Promise.all(
    places.map(async (place, index) => {
      try {
        answers[index] = { place, answer: await ask(place) };
      } catch (error) {
        outages.push({ target: place.name, error: recoveryError(error) });
      }
    }),
  );
  const [first] = outages;
  if (first && outages.length === places.length) throw first.error;
  return { answers: answers.filter(Boolean), outages };
}

/** A backup, and every target that holds it, in the order of the settings. */
export interface FleetEntry {
  id: string;
  database: string;
  held: { place: Place; entry: CatalogueEntry }[];
}

/**
 * The catalogues of all targets as one, newest first.
 * @param only the id of the one backup that is meant
 * @throws CommandError when no target can be read
 */
export async function readFleet(
  places: readonly Place[],
  only?: string,
): Promise<{ backups: FleetEntry[]; outages: Outage[] }> {
  const { answers, outages } = await askAll(places, ({ store, settings }) =>
    readCatalogue(store, settings, only),
  );
  return { backups: merge(answers.map(({ place, answer }) => ({ place, catalogue: answer }))), outages };
}

/** Several catalogues as one, newest first. */
export function merge(
  catalogues: readonly { place: Place; catalogue: readonly CatalogueEntry[] }[],
): FleetEntry[] {
  const found = new Map<string, FleetEntry>();
  for (const { place, catalogue } of catalogues) {
    for (const entry of catalogue) {
      const { id, database } = entry;
      const key = `${database}\0${id}`;
      const known = found.get(key) ?? { id, database, held: [] };
      known.held.push({ place, entry });
      found.set(key, known);
    }
  }
  const at = ({ id }: FleetEntry) => instantOf(id)?.getTime() ?? 0;
  return [...found.values()].sort((one, other) => at(other) - at(one));
}

/** How good a copy is: damaged, readable, proved. */
function worth({ entry }: FleetEntry["held"][number]): number {
  if (!entry.manifest || entry.verification?.verdict === "FAIL") return 0;
  return isVerified(entry) ? 2 : 1;
}

/** The entry that speaks for a backup: a readable one before a damaged one, a verified one before another. */
export function bestOf({ held }: FleetEntry): { place: Place; entry: CatalogueEntry } {
  const [best] = [...held].sort((one, other) => worth(other) - worth(one));
  if (!best) throw new Error("a backup that no target holds");
  return best;
}

/** The backup that is meant, and where it is read from. */
export interface Chosen {
  place: Place;
  entry: CatalogueEntry;
  /** Whole; undefined when it is damaged: see the entry's `problem`. */
  manifest: Manifest | undefined;
}

/**
 * Chooses a backup among those of all targets that answer, and among the targets that hold it one whose archive is
 * there with the right size: proved ones first, then in the order of the settings.
 * @param backup which one is meant; where that is an id no other backup is read
 * @param pick gets the merged catalogue and gives the backup that is meant
 * @throws FailedError when no backup qualifies, or its manifest went while it was chosen
 */
export async function choose(
  places: readonly Place[],
  backup: BackupSelector,
  pick: (catalogue: CatalogueEntry[]) => CatalogueEntry,
  note: (message: string) => void,
): Promise<Chosen> {
  const { backups, outages } = await readFleet(places, "id" in backup ? backup.id : undefined);
  for (const { target, error } of outages) note(`target ${target} does not answer: ${error.message}`);
  const entry = pick(backups.map((one) => bestOf(one).entry));
  const chosen = backups.find(({ held }) => held.some((one) => one.entry === entry));
  const holders = [...(chosen?.held ?? [])].sort((one, other) => worth(other) - worth(one));
  const [best] = holders;
  if (!best) throw new FailedError(`no target holds ${entry.id}`);
  for (const holder of holders) {
    const problem = await archiveProblem(holder);
    if (!problem) return withManifest(holder);
    if (holders.length > 1) note(`${entry.id} in target ${holder.place.name}: ${problem}`);
  }
  // None is right: whoever asked finds out what is wrong with the best of them.
  return withManifest(best);
}

async function withManifest({ place, entry }: FleetEntry["held"][number]): Promise<Chosen> {
  const { store, settings } = place;
  const whole = entry.whole ?? (entry.manifest && (await readManifest(store, settings, entry)));
  return { place, entry, manifest: whole };
}

async function archiveProblem({ place, entry }: FleetEntry["held"][number]): Promise<string | undefined> {
  const { manifest } = entry;
  if (!manifest) return entry.problem ?? "its manifest is damaged";
  try {
    const found = await place.store.find(manifest.archive.container, manifest.archive.blob);
    if (!found) return "its archive is missing";
    return found.bytes === manifest.storedBytes ? undefined : `its archive has ${found.bytes} bytes`;
  } catch (error) {
    return recoveryError(error).message;
  }
}
