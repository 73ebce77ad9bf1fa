import { checkChain, parseReport } from "../evidence/chain";
import { newestReadiness, type Readiness } from "../evidence/readiness";
import { readReports, storeEvidence } from "../evidence/store";
import type { DrillReport } from "../drill/report";
import { behind } from "../store/behind";
import { readCatalogue } from "../store/catalogue";
import { backupContainers } from "../store/containers";
import { askAll, bestOf, merge, type Place } from "../store/fleet";
import { archiveBlob, environmentPrefix, parseBlobName, tierOf } from "../store/names";
import type { CatalogueEntry, Tier } from "../types";

/** Ways in which the catalogue and the stored archives disagree. */
export type Mismatch = "damaged-manifest" | "missing-archive" | "archive-without-manifest";

export interface MismatchCount {
  tier: Tier;
  kind: Mismatch;
  count: number;
}

/** What one target holds; undefined where it did not answer. */
export interface TargetReading {
  name: string;
  catalogue?: CatalogueEntry[];
  /** Backups it lacks though another target has them, by database. */
  behind: Map<string, number>;
}

/** Everything one read of the targets found out. */
export interface Reading {
  readAt: Date;
  /** Every backup once, newest first, whichever target holds it. */
  catalogue: CatalogueEntry[];
  /** Over all targets. */
  mismatches: MismatchCount[];
  targets: TargetReading[];
  /** Null when no evidence container is configured. */
  evidence: { drills: DrillReport[]; intact: boolean } | null;
  /** The newest readiness check on record, in whichever target; undefined when there is none. */
  readiness?: Readiness;
}

/** Reads catalogues, archives' names and drill reports. @throws CommandError when no target answers */
export async function takeReading(places: readonly Place[], now: Date): Promise<Reading> {
  // A backup writes its archive before its manifest, so in this order a run going on looks like an archive
  // without manifest at worst, which its alert gives the time to finish; never like a lost archive.
  const { answers } = await askAll(places, readTarget);
  const backups = merge(answers.map(({ place, answer }) => ({ place, catalogue: answer.catalogue })));
  const evidence = answers.find(({ place }) => place.settings.containers.evidence)?.place;
  return {
    readAt: now,
    catalogue: backups.map((backup) => bestOf(backup).entry),
    mismatches: addUp(answers.flatMap(({ answer }) => answer.mismatches)),
    targets: places.map((place) => {
      const answer = answers.find((one) => one.place === place)?.answer;
      const missing = new Map<string, number>();
      for (const { database } of backups) missing.set(database, 0);
      for (const { database } of answer ? behind(place, backups, now) : [])
        missing.set(database, (missing.get(database) ?? 0) + 1);
      return { name: place.name, catalogue: answer?.catalogue, behind: missing };
    }),
    evidence: evidence ? await readEvidence(evidence) : null,
    readiness: await readReadiness(answers.map(({ place }) => place)),
  };
}

async function readReadiness(places: readonly Place[]): Promise<Readiness | undefined> {
  // A target that does not answer has no check to show; the alert asks for the newest of any.
  const found = await Promise.all(
    places.flatMap(({ store, settings: { environment, containers } }) =>
      containers.evidence
        ? [newestReadiness(storeEvidence(store, containers.evidence), environment).catch(() => undefined)]
        : [],
    ),
  );
  const all = found.filter((one) => one !== undefined);
  return all.sort((one, other) => Date.parse(other.at) - Date.parse(one.at))[0];
}

/** One target's catalogue, and where it and the stored archives disagree. */
export async function readTarget(
  place: Place,
): Promise<{ catalogue: CatalogueEntry[]; mismatches: MismatchCount[] }> {
  const catalogue = await readCatalogue(place.store, place.settings);
  return { catalogue, mismatches: countMismatches(place, catalogue, await archiveSizes(place)) };
}

/** Bytes of every archive, by its name. */
async function archiveSizes({ store, settings }: Place): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const { container } of backupContainers(settings)) {
    for await (const { name, bytes } of store.list(container, environmentPrefix(settings.environment)))
      if (parseBlobName(name)?.part === "archive") sizes.set(name, bytes);
  }
  return sizes;
}

function countMismatches(
  { settings }: Place,
  catalogue: readonly CatalogueEntry[],
  sizes: ReadonlyMap<string, number>,
): MismatchCount[] {
  const tiers = backupContainers(settings).flatMap((one) => one.tiers);
  return tiers.flatMap((tier) => {
    const entries = catalogue.filter((entry) => entry.tier === tier);
    const named = new Map(
      entries.map((entry) => [
        entry.manifest?.archive.blob ??
          archiveBlob({ environment: settings.environment, database: entry.database, id: entry.id }),
        entry,
      ]),
    );
    const damaged = entries.filter((entry) => !entry.manifest).length;
    const missing = [...named].filter(
      ([blob, { manifest }]) => manifest && sizes.get(blob) !== manifest.storedBytes,
    ).length;
    const ids = new Set(entries.map(({ id }) => id));
    const orphaned = [...sizes.keys()].filter((blob) => {
      const id = parseBlobName(blob)?.id ?? "";
      return tierOf(id) === tier && !ids.has(id);
    }).length;
    return [
      { tier, kind: "damaged-manifest" as const, count: damaged },
      { tier, kind: "missing-archive" as const, count: missing },
      { tier, kind: "archive-without-manifest" as const, count: orphaned },
    ];
  });
}

function addUp(counts: readonly MismatchCount[]): MismatchCount[] {
  const sums = new Map<string, MismatchCount>();
  for (const one of counts) {
    const key = `${one.tier} ${one.kind}`;
    sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

async function readEvidence({ store, settings }: Place): Promise<{ drills: DrillReport[]; intact: boolean }> {
  const { environment, containers } = settings;
  const reports = await readReports(storeEvidence(store, containers.evidence ?? ""), environment);
  const drills: DrillReport[] = [];
  for (const { bytes } of reports) {
    try {
      drills.push(parseReport(bytes));
    } catch {
      // Counted by the chain check below: one damaged report must not hide the others' values.
    }
  }
  return { drills, intact: checkChain(environment, reports).problems.length === 0 };
}
