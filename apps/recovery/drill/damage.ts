import { seal } from "../document";
import type { Settings } from "../settings";
import { writeManifest } from "../store/catalogue";
import type { BlobStore } from "../store/client";
import { archiveBlob, databasePrefix, newBackupId } from "../store/names";
import type { Manifest } from "../types";
import type { RunContext } from "../context";
import { refusal } from "../store/client";

/**
 * Plants a newest backup whose archive has one flipped bit, as a copy of a sound one: stored backups are never
 * touched, and an immutable container allows it too.
 * @returns its id
 */
export async function plantDamagedBackup(
  store: BlobStore,
  sound: Manifest,
  snapshotAt: Date,
): Promise<string> {
  const container = store.container(sound.archive.container);
  const bytes = await container.getBlobClient(sound.archive.blob).downloadToBuffer();
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
  const id = newBackupId(sound.database, sound.tier, snapshotAt);
  const blob = archiveBlob({ environment: sound.environment, database: sound.database, id });
  await container.getBlockBlobClient(blob).uploadData(bytes, { conditions: { ifNoneMatch: "*" } });
  const manifest = seal({
    ...sound,
    id,
    snapshotAt: snapshotAt.toISOString(),
    archive: { ...sound.archive, blob },
  });
  await writeManifest(store, sound.archive.container, manifest);
  return id;
}

/** Deletes the backups a drill made of its own database; what an immutable container keeps is mentioned. */
export async function removeOwnBackups(
  store: BlobStore,
  own: Settings,
  database: string,
  context: RunContext,
): Promise<void> {
  const container = store.container(own.containers.daily);
  const kept: string[] = [];
  for await (const { name } of container.listBlobsFlat({
    prefix: databasePrefix(own.environment, database),
  })) {
    try {
      await container.getBlobClient(name).delete();
    } catch (error) {
      if (!refusal(error)) throw error;
      kept.push(name);
    }
  }
  if (kept.length > 0) {
    context.progress.note(
      `${kept.length} blobs of made-up data stay in ${own.containers.daily}: not deletable yet`,
    );
  }
}
