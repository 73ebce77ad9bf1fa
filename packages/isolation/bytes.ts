import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { mayBeBrotli } from "./brotli";
import { openContainer } from "./containers";
import { mayBeDeflate } from "./deflate";
import { fromEbcdic } from "./ebcdic";
import { BYTES_MARK } from "./keyed";
import { visible } from "./text";

/** One thing a text can be decoded to. */
export type Decoded =
  | { readonly via: string; readonly text: string; readonly final?: boolean }
  | { readonly via: string; readonly tree: unknown }
  | { readonly via: string; readonly tooLarge: true };

/** Most bytes one compressed value may grow to; beyond, it is reported as unreadable instead of expanded. */
const MAX_EXPANDED_BYTES = 4 * 1024 * 1024;

/** Shortest and longest value tried against compressions that have no mark of their own. */
const MIN_UNMARKED_BYTES = 16;
const MAX_UNMARKED_BYTES = 64 * 1024;
function expand(bytes: Buffer): Buffer | "too large" | undefined {
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  // The four headers zlib writes; anything else that would pass for one is chance.
  const zlib = bytes[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(bytes[1] ?? 0);
  if (!gzip && !zlib) return undefined;
  try {
    // A cut-off stream still gives up what it holds.
    const options = { maxOutputLength: MAX_EXPANDED_BYTES, finishFlush: constants.Z_SYNC_FLUSH };
    return gzip ? gunzipSync(bytes, options) : inflateSync(bytes, options);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too large" : undefined;
  }
}

function wideText(bytes: Buffer): string | undefined {
  if (!bytes.includes(0)) return undefined;
  const sampled = Math.min(bytes.length, 256);
  let even = 0;
  let odd = 0;
  for (let at = 0; at < sampled; at++) {
    if (bytes[at] !== 0) continue;
    if (at % 2 === 0) even++;
    else odd++;
  }
  if (Math.max(even, odd) < sampled * 0.35) return undefined;
  return odd >= even
    ? bytes.toString("utf16le")
    : Buffer.from(bytes.subarray(0, bytes.length & ~1))
        .swap16()
        .toString("utf16le");
}

/**
 * Text when the bytes are text; otherwise their characters one by one, in which names still can be found. Bytes
 * full of NULs are wide characters to one reader and padded fields to another: both readings count.
 */
function asTexts(bytes: Buffer, via: string): Decoded[] {
  const wide = wideText(bytes);
  if (wide === undefined) return [asText(bytes, via)];
  const padded = bytes.toString("latin1").replace(/\0+/g, "\n");
  const packed = bytes.toString("latin1").replace(/\0+/g, "");
  return [
    { via: `${via} → utf-16`, text: wide },
    { via: `${via} → padded`, text: padded, final: true },
    { via: `${via} → packed`, text: packed },
  ];
}

/** Bytes that are an id of Azure: as they are written, and with the first three parts turned round, as Windows keeps them. */
function asIds(bytes: Buffer, via: string): Decoded[] {
  if (bytes.length !== 16) return [];
  const turned = Buffer.concat([
    Buffer.from(bytes.subarray(0, 4)).reverse(),
    Buffer.from(bytes.subarray(4, 6)).reverse(),
    Buffer.from(bytes.subarray(6, 8)).reverse(),
    bytes.subarray(8),
  ]);
  return [bytes, turned].map((id) => ({ via: `${via} → id`, text: id.toString("hex"), final: true }));
}

/** Bytes as such, in which names can be found that a key changed. */
export function asKeyed(bytes: Buffer, via: string): Decoded[] {
  return bytes.length < MIN_UNMARKED_BYTES || bytes.length > MAX_UNMARKED_BYTES
    ? []
    : [{ via: `${via} → key`, text: `${BYTES_MARK}${bytes.toString("hex")}`, final: true }];
}

const isKeyed = (one: Decoded): boolean => "text" in one && one.text.startsWith(BYTES_MARK);

/** Characters no text has: those that stand for bytes that are none, and controls but for blanks. */
const isOdd = (code: number): boolean => code === 0xfffd || code < 9 || (code > 13 && code < 32);

function asText(bytes: Buffer, via: string): Decoded {
  const text = bytes.toString("utf8");
  const sampled = Math.min(text.length, 512);
  let odd = 0;
  for (let at = 0; at < sampled; at++) if (isOdd(text.charCodeAt(at))) odd++;
  if (odd <= sampled * 0.1) return { via, text };
  const ebcdic = fromEbcdic(bytes);
  if (ebcdic !== undefined) return { via: `${via} → ebcdic`, text: ebcdic };
  const wide = unpaddedWide(bytes);
  return wide === undefined
    ? { via, text: bytes.toString("latin1"), final: true }
    : { via: `${via} → utf-16`, text: wide };
}

/** Characters of two bytes in which a text in another encoding is looked for. */
const SAMPLED_WIDE = 256;

/** Wide characters none of whose bytes is NUL, as those of full width: a text once they are folded, or none. */
function unpaddedWide(bytes: Buffer): string | undefined {
  if (bytes.length < MIN_UNMARKED_BYTES) return undefined;
  const even = bytes.subarray(0, bytes.length & ~1);
  const found = [even, Buffer.from(even).swap16()].find((one) => {
    const beginning = one.toString("utf16le", 0, 2 * SAMPLED_WIDE);
    if (staysAsItIs(beginning)) return false;
    const sample = visible(beginning);
    return (sample.match(/[\t\n\r -~]/g)?.length ?? 0) > sample.length * 0.8;
  });
  return found?.toString("utf16le");
}

/**
 * Whether so many characters stay what they are that folding the others cannot make ASCII of four fifths: no character becomes more
 * than five of those. Bytes of chance are mostly ideographs, syllables of Hangul and characters for private use.
 */
function staysAsItIs(text: string): boolean {
  let stay = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isIdeograph = code >= 0x3400 && code <= 0x9fff;
    if (isIdeograph || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xe000 && code <= 0xf8ff)) stay++;
  }
  return stay * 9 >= text.length * 5;
}

/**
 * Raw deflate and Brotli carry no mark: only what turns out to be text was one of them. Most attempts are made at
 * digests and fail at once, so they start with a small buffer.
 */
function unmarked(bytes: Buffer, via: string): Decoded[] {
  if (bytes.length < MIN_UNMARKED_BYTES || bytes.length > MAX_UNMARKED_BYTES) return [];
  const options = { maxOutputLength: MAX_EXPANDED_BYTES, chunkSize: 1024 };
  const attempts: Attempt[] = [
    ...(mayBeDeflate(bytes, MIN_UNMARKED_BYTES)
      ? [["deflate", (input) => inflateRawSync(input, options)] as Attempt]
      : []),
    // Smaller windows than usual have headers of their own (RFC 1950: method 8, a window of 2^15 at most, a check).
    ...(((bytes[0] ?? 0) & 0x8f) === 8 && bytes.readUInt16BE(0) % 31 === 0
      ? [["zlib", (input) => inflateSync(input, options)] as Attempt]
      : []),
    ...(mayBeBrotli(bytes) ? [["brotli", (input) => brotliDecompressSync(input, options)] as Attempt] : []),
  ];
  const { stackTraceLimit } = Error;
  // Most attempts end in an error nobody reads.
  Error.stackTraceLimit = 0;
  try {
    return tried(attempts, bytes, via);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

type Attempt = [string, (input: Buffer) => Buffer];

function tried(attempts: readonly Attempt[], bytes: Buffer, via: string): Decoded[] {
  return attempts.flatMap(([name, decompress]): Decoded[] => {
    try {
      const plain = decompress(bytes);
      if (plain.length < MIN_UNMARKED_BYTES) return [];
      if (openContainer(plain, MAX_EXPANDED_BYTES)) return bytesDecoded(plain, `${via} → ${name}`, false);
      const decoded = asTexts(plain, `${via} → ${name}`);
      return decoded.every((one) => "final" in one) ? [] : decoded;
    } catch {
      return [];
    }
  });
}

/** What gzip begins with, wherever it begins: other bytes may stand before it. */
const GZIP_MARK = Buffer.from([0x1f, 0x8b, 0x08]);
/** Most containers inside each other; an archive that holds itself has no end. */
const MAX_NESTED = 12;

/** What bytes can stand for: a text, what a container holds, or what they expand to, in as many steps as it takes. */
export function bytesDecoded(bytes: Buffer, via: string, mayBeUnmarked = true): Decoded[] {
  if (via.split("→").length > MAX_NESTED) return [{ via, tooLarge: true }];
  const expanded = expand(bytes);
  if (expanded === "too large") return [{ via: `${via} → gzip`, tooLarge: true }];
  if (expanded) return bytesDecoded(expanded, `${via} → gzip`);
  if (bytes.length === 0) return [];
  const container = openContainer(bytes, MAX_EXPANDED_BYTES);
  if (container) {
    const chain = `${via} → ${container.via}`;
    if ("sealed" in container) return [{ via: chain, tooLarge: true }];
    if ("bytes" in container) return bytesDecoded(container.bytes, chain);
    return container.entries.flatMap(({ name, bytes: content }) => [
      { via: chain, text: name },
      ...bytesDecoded(content, chain),
    ]);
  }
  const inner = bytes.indexOf(GZIP_MARK, 1);
  const hidden = inner < 0 ? undefined : expand(bytes.subarray(inner));
  if (hidden !== undefined && hidden !== "too large" && hidden.length > 0)
    return [...asTexts(bytes, via), ...bytesDecoded(hidden, `${via} → gzip`)];
  const plain = [...asTexts(bytes, via), ...(mayBeUnmarked ? asKeyed(bytes, via) : [])];
  const isText = plain.every((one) => !("final" in one) || isKeyed(one));
  if (isText) return plain;
  return [...plain, ...asIds(bytes, via), ...(mayBeUnmarked ? unmarked(bytes, via) : [])];
}
