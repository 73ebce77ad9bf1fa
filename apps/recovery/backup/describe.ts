import { secondsBetween } from "../clock";
import { seal } from "../document";
import type { ArchiveContent } from "../postgres/archive";
import type { ServerConnection } from "../postgres/connection";
import type { Snapshot, SnapshotFacts } from "../postgres/snapshot";
import type { Settings } from "../settings";
import { MANIFEST_FORMAT, type Manifest } from "../types";
import type { Job } from "./job";

/** The manifest of a backup that is whole. */
export function describeBackup(
  job: Job,
  server: ServerConnection,
  snapshot: Snapshot,
  facts: SnapshotFacts,
  { content, rawBytes }: { content: ArchiveContent; rawBytes: number },
  run: {
    id: string;
    startedAt: Date;
    clockAheadSeconds: number;
    storedBytes: number;
    sha256: string;
    blob: string;
  },
): Manifest {
  const finishedAt = job.context.now();
  const filters = new Map(
    snapshot.tables.flatMap(({ schema, table, filter }) =>
      filter === null ? [] : [[`${schema}\0${table}`, filter]],
    ),
  );
  return seal({
    format: MANIFEST_FORMAT,
    id: run.id,
    environment: job.settings.environment,
    database: server.database,
    tier: job.tier,
    snapshotAt: snapshot.at.toISOString(),
    startedAt: run.startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    seconds: Math.max(0, secondsBetween(run.startedAt, finishedAt)),
    rawBytes,
    storedBytes: run.storedBytes,
    sha256: run.sha256,
    tocSha256: content.tocSha256,
    ...(snapshot.longRowBytes === undefined ? {} : { longRowBytes: snapshot.longRowBytes }),
    // Where it is kept differs by target, see `deliver`.
    archive: { container: "", blob: run.blob, compression: "zstd" as const, ...encryptionOf(job.settings) },
    server: snapshot.server,
    properties: facts.properties,
    ...(facts.notDumped.length > 0 ? { notDumped: facts.notDumped } : {}),
    ...(facts.nullable.length > 0 ? { nullable: facts.nullable } : {}),
    runner: { pgDump: job.programs.pgDump.version, clockAheadSeconds: run.clockAheadSeconds },
    tables: content.tables
      .map(({ schema, table, ...fingerprint }) => {
        const filter = filters.get(`${schema}\0${table}`);
        return filter === undefined ? fingerprint : { ...fingerprint, filter };
      })
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
    largeObjects: content.largeObjects,
    sequences: content.sequences,
    inventory: facts.inventory,
  });
}

function encryptionOf({ recipients }: Settings) {
  return recipients.length > 0
    ? { encryption: { format: "age/v1" as const, recipients: [...recipients] } }
    : {};
}
