import { Readable } from "node:stream";
import { inTime, type Patience } from "./patience";

/** What a store sends of an object, from a byte on. */
export interface Sent {
  body: Readable;
  /** Tells whether it is still the same object. */
  etag?: string;
  /** The answer's `Content-Range`, if it has one. */
  range?: string;
}

/** Bytes by which a download gets on; whoever sends less in the time allowed is as good as silent. */
const STEP = 1024 * 1024;
/** Times a download goes on that breaks without having got on. */
const RESUMES = 5;

/**
 * An object's bytes. Where the connection breaks or the store falls silent, the rest is asked for.
 * @param ask for the object from a byte on, where it still has the tag
 * @throws Error when it cannot be opened; the stream fails when what is left of it cannot be had
 */
export async function download(
  ask: (from: number, etag: string | undefined, signal: AbortSignal) => Promise<Sent>,
  offset: number,
  patience: Patience,
  signal: AbortSignal,
): Promise<Readable> {
  const open = async (from: number, etag?: string) => {
    const sent = await inTime(patience.answer, (own) => ask(from, etag, own), signal);
    if (from > 0 && !sent.range?.startsWith(`bytes ${from}-`)) {
      sent.body.destroy();
      throw new Error(`it was asked for the bytes from ${from} on and sent others`);
    }
    return sent;
  };
  return Readable.from(going(await open(offset), open, offset, patience.stall, signal), {
    objectMode: false,
  });
}

async function* going(
  first: Sent,
  open: (from: number, etag?: string) => Promise<Sent>,
  offset: number,
  stallMs: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let { body } = first;
  let position = offset;
  let begun = offset;
  for (let broken = 0; ;) {
    try {
      for await (const part of moving(body, stallMs)) {
        position += part.length;
        yield part;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      broken = position - begun < STEP ? broken + 1 : 0;
      if (broken > RESUMES) throw error;
    }
    begun = position;
    ({ body } = await open(position, first.etag));
  }
}

/** A stream that ends with an error when it does not get on. What its reader does meanwhile is not counted. */
async function* moving(body: Readable, stallMs: number): AsyncGenerator<Buffer> {
  const parts = body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let waited = 0;
  let bytes = 0;
  try {
    for (;;) {
      const asked = performance.now();
      const timer = setTimeout(
        () => body.destroy(new Error(`less than 1 MiB came within ${stallMs / 1000} s`)),
        stallMs - waited,
      );
      const { done, value } = await parts.next().finally(() => clearTimeout(timer));
      if (done) return;
      waited += performance.now() - asked;
      bytes += value.length;
      if (bytes >= STEP) waited = bytes = 0;
      yield value;
    }
  } finally {
    body.destroy();
  }
}
