import { setTimeout as sleep } from "node:timers/promises";
import type { Readable } from "node:stream";
import { FailedError, messageOf, NotRunError } from "../../../packages/command/errors";
import { findProgram } from "../../../packages/programs/postgres";
import type { RunContext } from "../context";
import type { Settings } from "../settings";
import { type Spool, startSpool } from "../spool";
import type { Manifest } from "../types";
import { rehydratedBlob } from "./names";
import type { Store } from "./store";

const POLL_MS = 60_000;
/** Azure promises 15 h for standard priority; high priority usually takes less than one. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

export interface StoredArchive {
  blob: string;
  bytes: number;
  /** In an archive tier: it must be rehydrated before it can be read. */
  offline: boolean;
}

/** @returns undefined when there is no such object */
export async function findArchive(store: Store, manifest: Manifest): Promise<StoredArchive | undefined> {
  const { container, blob } = manifest.archive;
  const found = await store.find(container, blob);
  return found && { blob, ...found };
}

/** The archive's bytes as they are stored. @throws NotRunError when they cannot be had */
async function openArchive(
  store: Store,
  manifest: Manifest,
  blob: string,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    return await store.open(manifest.archive.container, blob, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new NotRunError(messageOf(error));
  }
}

/**
 * Brings an archived object online as a copy.
 * @returns name of the readable copy
 * @throws FailedError when the store does not deliver within a day
 */
export async function rehydrate(
  store: Store,
  manifest: Manifest,
  context: RunContext,
  wait: (milliseconds: number) => Promise<void> = (milliseconds) => sleep(milliseconds),
): Promise<string> {
  const name = rehydratedBlob(manifest);
  const rehydration = store.rehydration(manifest.archive.container, manifest.archive.blob, name);
  await rehydration.start();
  const started = context.now().getTime();
  for (;;) {
    context.signal.throwIfAborted();
    const { state, detail } = await rehydration.state();
    if (state === "failed") throw new FailedError(`the rehydration of ${name} ${detail}`);
    if (state === "online") return name;
    const waited = context.now().getTime() - started;
    if (waited > GIVE_UP_AFTER_MS) throw new FailedError(`${name} is not online after 24 h`);
    context.progress.note(`rehydrating ${name}: ${detail}`);
    await wait(POLL_MS);
  }
}

/** Removes the readable copy; where the role may not, prune does it. */
export async function dropRehydrated(store: Store, manifest: Manifest, context: RunContext): Promise<void> {
  try {
    await store.erase(manifest.archive.container, rehydratedBlob(manifest));
  } catch (error) {
    context.progress.note(
      `the rehydrated copy stays until prune removes it: ${messageOf(error).slice(0, 100)}`,
    );
  }
}

/**
 * Fetches an archive into a file of the scratch folder, decrypted and decompressed on the way.
 * @param onBytes told of stored bytes as they come
 */
export async function spoolArchive(
  store: Store,
  manifest: Manifest,
  blob: string,
  { scratchDirectory, identityFile }: Pick<Settings, "scratchDirectory" | "identityFile">,
  signal: AbortSignal,
  onBytes: (storedBytes: number) => void,
): Promise<Spool> {
  return startSpool({
    source: await openArchive(store, manifest, blob, signal),
    manifest,
    directory: scratchDirectory,
    zstd: findProgram("zstd"),
    identityFile,
    signal,
    onBytes,
  });
}
