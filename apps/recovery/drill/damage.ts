import { seal } from "../document";
import type { Settings } from "../settings";
import { writeManifest } from "../store/catalogue";
import { drillContainer } from "../store/containers";
import type { Store } from "../store/store";
import { archiveBlob, databasePrefix, newBackupId } from "../store/names";
import type { Manifest } from "../types";
import type { RunContext } from "../context";
import { FailedError } from "../../../packages/command/errors";

/**
 * Plants a newest backup whose archive has one flipped bit, as a copy of a sound one: stored backups are never
 * touched, and an immutable container allows it too.
 * @returns its id
 */
export async function plantDamagedBackup(store: Store, sound: Manifest, snapshotAt: Date): Promise<string> {
  const { container } = sound.archive;
  const bytes = await store.read(container, sound.archive.blob);
  if (!bytes) throw new FailedError(`the archive ${sound.archive.blob} is gone`);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
  const id = newBackupId(sound.database, sound.tier, snapshotAt);
  const blob = archiveBlob({ environment: sound.environment, database: sound.database, id });
  await store.create(container, blob, bytes, { contentType: "application/zstd" });
  const manifest = seal({
    ...sound,
    id,
    snapshotAt: snapshotAt.toISOString(),
    archive: { ...sound.archive, blob },
  });
  await writeManifest(store, container, manifest);
  return id;
}

/** Deletes the backups a drill made of its own database; what an immutable container keeps is mentioned. */
export async function removeOwnBackups(
  store: Store,
  own: Settings,
  database: string,
  context: RunContext,
): Promise<void> {
  const container = drillContainer(own);
  const kept: string[] = [];
  for (const { name } of await store.held(container, databasePrefix(own.environment, database))) {
    const { outcome } = await store.erase(container, name).catch((error: unknown) => {
      // Whoever drills need not be allowed to delete: prune removes it later.
      if (error instanceof FailedError) return { outcome: "refused" as const };
      throw error;
    });
    if (outcome === "refused") kept.push(name);
  }
  if (kept.length > 0) {
    context.progress.note(`${kept.length} blobs of made-up data stay in ${container}: not deletable yet`);
  }
}
