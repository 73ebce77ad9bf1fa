import type { BlockBlobClient, AccessTier } from "@azure/storage-blob";
import { createHash } from "node:crypto";
import { FailedError } from "../errors";
import { refusal } from "./client";

const MIB = 1024 * 1024;
/** Azure's limit: https://learn.microsoft.com/rest/api/storageservices/put-block-list */
const MAX_BLOCKS = 50_000;
const SMALLEST_BLOCK = 8 * MIB;
const LARGEST_BLOCK = 4_000 * MIB;
/** Blocks planned for; the rest is for an estimate that was too low. */
const PLANNED_BLOCKS = 40_000;
/** Blocks in flight, and memory they may take together. */
const MAX_IN_FLIGHT = 4;
const DEFAULT_MEMORY = 40 * MIB;

/**
 * Bytes of the block at an index, for a blob expected to have this many bytes: 8 MiB up to 312 GiB, then more.
 * A blob that outgrows its estimate gets larger blocks towards the end instead of a refusal.
 */
export function blockBytesAt(index: number, expectedBytes: number): number {
  const planned = Math.ceil(expectedBytes / PLANNED_BLOCKS / MIB) * MIB;
  const growth = index < PLANNED_BLOCKS ? 1 : index < PLANNED_BLOCKS + 8_000 ? 4 : 16;
  return Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, planned) * growth);
}

export interface UploadOptions {
  expectedBytes: number;
  signal: AbortSignal;
  accessTier?: AccessTier;
  metadata?: Record<string, string>;
  /** Bytes of block buffers held at a time; default 40 MiB. At least two blocks are held. */
  memoryBytes?: number;
  onProgress?: (storedBytes: number) => void;
  /**
   * Runs when every block is stored, before any of it becomes visible. Throwing leaves no blob: this is where the
   * producers' exit codes are looked at, because the end of a stream says nothing about its producer's fate.
   */
  beforeCommit: (stored: { bytes: number; sha256: string }) => Promise<void>;
}

/**
 * Stores a stream as a new block blob; a blob of that name is never replaced.
 * @throws FailedError when the blob exists already
 */
export async function uploadNew(
  blob: BlockBlobClient,
  source: AsyncIterable<Buffer>,
  options: UploadOptions,
): Promise<{ bytes: number; sha256: string }> {
  const { signal } = options;
  const whole = createHash("sha256");
  const ids: string[] = [];
  const inFlight = new Set<Promise<void>>();
  const spare: Buffer[] = [];
  const failed = new AbortController();
  const abort = AbortSignal.any([signal, failed.signal]);
  let bytes = 0;

  const stage = async (buffer: Buffer, length: number) => {
    const id = Buffer.from(`block-${String(ids.length).padStart(6, "0")}`).toString("base64");
    if (ids.length >= MAX_BLOCKS) throw new FailedError(`the archive does not fit in ${MAX_BLOCKS} blocks`);
    ids.push(id);
    const block = buffer.subarray(0, length);
    const transactionalContentMD5 = createHash("md5").update(block).digest();
    const work = blob
      .stageBlock(id, block, length, { abortSignal: abort, transactionalContentMD5 })
      .then(() => void spare.push(buffer))
      .finally(() => inFlight.delete(work));
    inFlight.add(work);
    work.catch((error) => failed.abort(error));
    const room = Math.floor((options.memoryBytes ?? DEFAULT_MEMORY) / buffer.length) - 1;
    if (inFlight.size >= Math.min(MAX_IN_FLIGHT, Math.max(1, room))) await Promise.race(inFlight);
  };

  let current: Buffer | undefined;
  let filled = 0;
  for await (const part of source) {
    if (abort.aborted) throw abort.reason;
    whole.update(part);
    bytes += part.length;
    for (let from = 0; from < part.length;) {
      if (!current) {
        const size = blockBytesAt(ids.length, options.expectedBytes);
        current = spare.pop();
        if (current?.length !== size) current = Buffer.allocUnsafeSlow(size);
      }
      const taken = part.copy(current, filled, from);
      from += taken;
      filled += taken;
      if (filled === current.length) {
        await stage(current, filled);
        current = undefined;
        filled = 0;
      }
    }
    options.onProgress?.(bytes);
  }
  if (current && filled > 0) await stage(current, filled);
  await Promise.all(inFlight);
  abort.throwIfAborted();

  const stored = { bytes, sha256: whole.digest("hex") };
  await options.beforeCommit(stored);
  try {
    await blob.commitBlockList(ids, {
      abortSignal: signal,
      conditions: { ifNoneMatch: "*" },
      tier: options.accessTier,
      metadata: { ...options.metadata, sha256: stored.sha256 },
      blobHTTPHeaders: { blobContentType: "application/zstd" },
    });
  } catch (error) {
    if (refusal(error)?.status !== 409) throw error;
    // The client repeats a commit whose answer got lost, and is then refused because of its own first attempt.
    const existing = await blob.getProperties();
    if (existing.metadata?.sha256 === stored.sha256 && existing.contentLength === bytes) return stored;
    throw new FailedError(`${blob.name}: a blob of this name exists already; it was left as it is`);
  }
  return stored;
}
