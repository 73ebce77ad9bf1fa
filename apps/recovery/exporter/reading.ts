import { checkChain, parseReport } from "../evidence/chain";
import { blobEvidence, readReports } from "../evidence/store";
import type { DrillReport } from "../drill/report";
import type { Settings } from "../settings";
import { backupContainers, readCatalogue } from "../store/catalogue";
import type { BlobStore } from "../store/client";
import { archiveBlob, environmentPrefix, parseBlobName } from "../store/names";
import type { CatalogueEntry, Tier } from "../types";

/** Ways in which the catalogue and the stored blobs disagree. */
export const MISMATCHES = ["damaged-manifest", "missing-archive", "archive-without-manifest"] as const;
export type Mismatch = (typeof MISMATCHES)[number];

export interface MismatchCount {
  tier: Tier;
  kind: Mismatch;
  count: number;
}

/** Everything one read of the storage account found out. */
export interface Reading {
  readAt: Date;
  catalogue: CatalogueEntry[];
  mismatches: MismatchCount[];
  /** Null when no evidence container is configured. */
  evidence: { drills: DrillReport[]; intact: boolean } | null;
}

/** Reads catalogue, archives' names and drill reports. @throws RecoveryError when storage does not answer */
export async function takeReading(store: BlobStore, settings: Settings, now: Date): Promise<Reading> {
  // A backup writes its archive before its manifest, so in this order a run going on looks like an archive
  // without manifest at worst, which its alert gives the time to finish; never like a lost archive.
  const catalogue = await readCatalogue(store, settings);
  const archives = await archiveSizes(store, settings);
  return {
    readAt: now,
    catalogue,
    mismatches: countMismatches(settings, catalogue, archives),
    evidence: settings.containers.evidence
      ? await readEvidence(store, settings.containers.evidence, settings.environment)
      : null,
  };
}

/** Bytes of every archive, by tier and blob name. */
async function archiveSizes(store: BlobStore, settings: Settings): Promise<Map<Tier, Map<string, number>>> {
  const found = new Map<Tier, Map<string, number>>();
  for (const [tier, container] of backupContainers(settings)) {
    const sizes = new Map<string, number>();
    try {
      const prefix = environmentPrefix(settings.environment);
      for await (const { name, properties } of store.container(container).listBlobsFlat({ prefix })) {
        if (parseBlobName(name)?.part === "archive") sizes.set(name, properties.contentLength ?? 0);
      }
    } catch (error) {
      throw store.explain(error, `container "${container}"`);
    }
    found.set(tier, sizes);
  }
  return found;
}

function countMismatches(
  settings: Settings,
  catalogue: readonly CatalogueEntry[],
  archives: ReadonlyMap<Tier, ReadonlyMap<string, number>>,
): MismatchCount[] {
  return backupContainers(settings).flatMap(([tier]) => {
    const entries = catalogue.filter((entry) => entry.tier === tier);
    const sizes = archives.get(tier) ?? new Map<string, number>();
    const named = new Map(
      entries.map((entry) => [
        archiveBlob({ environment: settings.environment, database: entry.database, id: entry.id }),
        entry,
      ]),
    );
    const damaged = entries.filter((entry) => !entry.manifest).length;
    const missing = [...named].filter(
      ([blob, { manifest }]) => manifest && sizes.get(blob) !== manifest.storedBytes,
    ).length;
    const orphaned = [...sizes.keys()].filter((blob) => !named.has(blob)).length;
    return [
      { tier, kind: "damaged-manifest" as const, count: damaged },
      { tier, kind: "missing-archive" as const, count: missing },
      { tier, kind: "archive-without-manifest" as const, count: orphaned },
    ];
  });
}

async function readEvidence(
  store: BlobStore,
  container: string,
  environment: string,
): Promise<{ drills: DrillReport[]; intact: boolean }> {
  const reports = await readReports(blobEvidence(store.container(container)), environment);
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
