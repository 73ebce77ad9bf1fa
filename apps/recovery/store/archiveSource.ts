import { setTimeout as sleep } from "node:timers/promises";
import type { Readable } from "node:stream";
import { FailedError, messageOf, NotRunError } from "../errors";
import type { RunContext } from "../context";
import type { Manifest } from "../types";
import { refusal, type BlobStore } from "./client";
import { rehydratedBlob } from "./names";

const POLL_MS = 60_000;
/** Azure promises 15 h for standard priority; high priority usually takes less than one. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

export interface StoredArchive {
  blob: string;
  bytes: number;
  /** In the archive tier: it must be rehydrated before it can be read. */
  offline: boolean;
}

/** @returns undefined when there is no such blob */
export async function findArchive(store: BlobStore, manifest: Manifest): Promise<StoredArchive | undefined> {
  const { container, blob } = manifest.archive;
  try {
    const { contentLength, accessTier } = await store
      .container(container)
      .getBlobClient(blob)
      .getProperties();
    return { blob, bytes: contentLength ?? 0, offline: accessTier === "Archive" };
  } catch (error) {
    if (refusal(error)?.status === 404) return undefined;
    throw store.explain(error, `archive ${container}/${blob}`);
  }
}

/** The archive's bytes as they are stored. */
export async function openArchive(
  store: BlobStore,
  manifest: Manifest,
  blob: string,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    const response = await store
      .container(manifest.archive.container)
      .getBlobClient(blob)
      .download(0, undefined, { abortSignal: signal, maxRetryRequests: 5 });
    return response.readableStreamBody as Readable;
  } catch (error) {
    signal.throwIfAborted();
    throw new NotRunError(store.explain(error, `archive ${manifest.archive.container}/${blob}`).message);
  }
}

/**
 * Brings an archived blob online as a copy: changing the tier of the original would end its cheap storage and could
 * be undone by a lifecycle rule before the restore has read it.
 * @returns name of the readable copy
 * @throws FailedError when Azure does not deliver within a day
 */
export async function rehydrate(
  store: BlobStore,
  manifest: Manifest,
  context: RunContext,
  wait: (milliseconds: number) => Promise<void> = (milliseconds) => sleep(milliseconds),
): Promise<string> {
  const container = store.container(manifest.archive.container);
  const name = rehydratedBlob(manifest);
  const copy = container.getBlobClient(name);
  const source = container.getBlobClient(manifest.archive.blob);
  try {
    await copy.beginCopyFromURL(source.url, { tier: "Hot", rehydratePriority: "High", intervalInMs: 1 });
  } catch (error) {
    // Somebody else's restore may be waiting for the same copy.
    if (refusal(error)?.code !== "PendingCopyOperation") {
      throw store.explain(error, `rehydration of ${manifest.archive.container}/${manifest.archive.blob}`);
    }
  }
  const started = context.now().getTime();
  for (;;) {
    context.signal.throwIfAborted();
    const { archiveStatus, accessTier, copyStatus } = await copy.getProperties();
    if (copyStatus === "failed" || copyStatus === "aborted")
      throw new FailedError(`the rehydration of ${name} ${copyStatus}`);
    if (copyStatus !== "pending" && !archiveStatus && accessTier !== "Archive") return name;
    const waited = context.now().getTime() - started;
    if (waited > GIVE_UP_AFTER_MS) throw new FailedError(`${name} is not online after 24 h`);
    context.progress.note(`rehydrating ${name}: ${archiveStatus ?? copyStatus ?? "pending"}`);
    await wait(POLL_MS);
  }
}

/** Removes the readable copy; where the role may not, prune does it. */
export async function dropRehydrated(
  store: BlobStore,
  manifest: Manifest,
  context: RunContext,
): Promise<void> {
  try {
    await store
      .container(manifest.archive.container)
      .getBlobClient(rehydratedBlob(manifest))
      .deleteIfExists();
  } catch (error) {
    context.progress.note(
      `the rehydrated copy stays until prune removes it: ${messageOf(error).slice(0, 100)}`,
    );
  }
}
