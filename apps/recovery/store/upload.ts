import { FailedError } from "../../../packages/command/errors";
import type { BlockSink } from "./store";

const MIB = 1024 * 1024;
const SMALLEST_BLOCK = 8 * MIB;
/** Share of the blocks planned for; the rest is for an estimate that was too low. */
const PLANNED = 0.8;
/** Blocks in flight, and memory they may take together. */
const MAX_IN_FLIGHT = 4;
const DEFAULT_MEMORY = 40 * MIB;

/**
 * Bytes of the block at an index, for an object expected to have this many bytes: on Azure 8 MiB up to 312 GiB, then
 * more. An object that outgrows its estimate gets larger blocks towards the end instead of a refusal.
 */
export function blockBytesAt(index: number, expectedBytes: number, limits: BlockSink["limits"]): number {
  const planned = Math.floor(limits.blocks * PLANNED);
  const each = Math.ceil(expectedBytes / planned / MIB) * MIB;
  const growth = index < planned ? 1 : index < planned + limits.blocks * 0.16 ? 4 : 16;
  return Math.min(limits.largest, Math.max(SMALLEST_BLOCK, limits.smallest, each) * growth);
}

export interface UploadOptions {
  expectedBytes: number;
  signal: AbortSignal;
  /** Bytes of block buffers held at a time; default 40 MiB. At least two blocks are held. */
  memoryBytes?: number;
  /** Told of every byte that was taken from the source. */
  onProgress?: (taken: number) => void;
  /**
   * Goes on where an upload of the same content broke off: blocks that are stored already are read and not sent again. What
   * is stored when this one breaks off stays for the next; when the content turns out to be wrong nothing does.
   */
  resumable?: boolean;
  /** Told of every byte that was stored already. */
  onResumed?: (bytes: number) => void;
  /**
   * Runs when every block is stored, before any of it becomes visible, and gives the whole's digest. Throwing leaves
   * nothing: this is where the producers' exit codes are looked at, because the end of a stream says nothing about its
   * producer's fate.
   */
  beforeCommit: (bytes: number) => Promise<{ sha256: string }>;
}

/**
 * Stores a stream as a new object; one of that name is never replaced.
 * @param what for messages: the object's name
 * @throws FailedError when another object has the name already
 */
export async function uploadNew(
  sink: BlockSink,
  what: string,
  source: AsyncIterable<Buffer>,
  options: UploadOptions,
): Promise<{ bytes: number; sha256: string }> {
  const { signal } = options;
  const inFlight = new Set<Promise<void>>();
  const spare: Buffer[] = [];
  const failed = new AbortController();
  const abort = AbortSignal.any([signal, failed.signal]);
  let bytes = 0;
  let count = 0;
  let resumed = 0;
  let keep = options.resumable === true;
  let stored: ((index: number, block: Buffer) => boolean) | undefined;

  const put = async (buffer: Buffer, length: number) => {
    if (count >= sink.limits.blocks)
      throw new FailedError(`the archive does not fit in ${sink.limits.blocks} blocks`);
    const index = count;
    count += 1;
    const block = buffer.subarray(0, length);
    if (stored?.(index, block)) {
      options.onResumed?.((resumed += length));
      spare.push(buffer);
      return;
    }
    const work = sink
      .put(index, block, abort)
      .then(() => void spare.push(buffer))
      .finally(() => inFlight.delete(work));
    inFlight.add(work);
    work.catch((error) => failed.abort(error));
    const room = Math.floor((options.memoryBytes ?? DEFAULT_MEMORY) / buffer.length) - 1;
    if (inFlight.size >= Math.min(MAX_IN_FLIGHT, Math.max(1, room))) await Promise.race(inFlight);
  };

  try {
    stored = options.resumable ? await sink.resume?.(abort) : undefined;
    let current: Buffer | undefined;
    let filled = 0;
    for await (const part of source) {
      if (abort.aborted) throw abort.reason;
      bytes += part.length;
      for (let from = 0; from < part.length;) {
        if (!current) {
          const size = blockBytesAt(count, options.expectedBytes, sink.limits);
          current = spare.pop();
          if (current?.length !== size) current = Buffer.allocUnsafeSlow(size);
        }
        const taken = part.copy(current, filled, from);
        from += taken;
        filled += taken;
        if (filled === current.length) {
          await put(current, filled);
          current = undefined;
          filled = 0;
        }
      }
      options.onProgress?.(bytes);
    }
    if (current && filled > 0) await put(current, filled);
    await Promise.all(inFlight);
    abort.throwIfAborted();
    keep = false;
    const whole = { bytes, ...(await options.beforeCommit(bytes)) };
    if (!(await sink.commit(count, whole, signal)))
      throw new FailedError(`${what}: an object of this name exists already; it was left as it is`);
    return whole;
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(inFlight);
    if (!keep) await sink.discard();
    throw error;
  }
}
