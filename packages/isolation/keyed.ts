import type { Foreign } from "./perimeter";

/** Before the hexadecimal digits of bytes that are looked at as such; no text has it in it. */
export const BYTES_MARK = "\u0002bytes:";

/** Shortest name that is looked for: nine differences in a row do not come about by chance. */
const MIN_CHARS = 10;
/** Differences a name is found by before it is compared in full. */
const PREFIX = 6;

type Difference = (one: number, next: number) => number;
/** What stays the same whatever key each byte was changed by: with XOR, and by adding it. */
const XOR: Difference = (one, next) => one ^ next;
const ADDED: Difference = (one, next) => (next - one) & 255;

const swapped = (byte: number): number => ((byte & 15) << 4) | (byte >> 4);
const turned = (byte: number): number =>
  [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, bit) => sum | (((byte >> bit) & 1) << (7 - bit)), 0);
/** Orders of a byte's bits somebody may have changed before or after the key. */
const ORDERS: readonly ((byte: number) => number)[] = [(byte) => byte, swapped, turned];

/** Each difference as one character. */
function differences(bytes: Uint8Array, difference: Difference): string {
  let text = "";
  for (let at = 1; at < bytes.length; at++)
    text += String.fromCharCode(difference(bytes[at - 1] ?? 0, bytes[at] ?? 0));
  return text;
}

/** Characters a longer name goes on with. */
const GOES_ON = /[a-z0-9-]/i;

interface Pattern {
  readonly text: string;
  /** A byte as it was, by the one that stands for the first. */
  readonly original: (byte: number, first: number) => number;
  readonly foreign: Foreign;
}

/** Names, wherever bytes hold them with every one changed by the same key: 255 keys leave one row of differences. */
export class KeyedNames {
  private readonly byPrefix = {
    xor: new Map<string, Pattern[]>(),
    added: new Map<string, Pattern[]>(),
  };

  constructor(names: Iterable<readonly [string, Foreign]>) {
    for (const [name, foreign] of names) {
      if (name.length < MIN_CHARS) continue;
      for (const written of new Set([name, name.toUpperCase()])) {
        const bytes = Buffer.from(written);
        for (const order of ORDERS) {
          const [first = 0] = bytes.map(order);
          // Each of these orders is its own inverse.
          const original = (byte: number, seen: number): number => order(byte ^ seen ^ first);
          add(this.byPrefix.xor, { text: differences(bytes.map(order), XOR), original, foreign });
        }
        const [first = 0] = bytes;
        const original = (byte: number, seen: number): number => (byte - seen + first) & 255;
        add(this.byPrefix.added, { text: differences(bytes, ADDED), original, foreign });
      }
    }
  }

  /** Whose names are in bytes. Those as they are written are among them. */
  in(bytes: Uint8Array): Foreign[] {
    return [
      ...matching(bytes, differences(bytes, XOR), this.byPrefix.xor),
      ...matching(bytes, differences(bytes, ADDED), this.byPrefix.added),
    ];
  }
}

function add(into: Map<string, Pattern[]>, pattern: Pattern): void {
  const prefix = pattern.text.slice(0, PREFIX);
  const known = into.get(prefix);
  if (known) known.push(pattern);
  else into.set(prefix, [pattern]);
}

function matching(
  bytes: Uint8Array,
  text: string,
  patterns: ReadonlyMap<string, readonly Pattern[]>,
): Foreign[] {
  const found: Foreign[] = [];
  for (let at = 0; at + PREFIX <= text.length; at++) {
    const candidates = patterns.get(text.slice(at, at + PREFIX));
    if (!candidates) continue;
    for (const pattern of candidates) {
      if (text.startsWith(pattern.text, at) && isWhole(bytes, at, pattern)) found.push(pattern.foreign);
    }
  }
  return found;
}

/** Whether what stands before and after a name, taken back as it is, makes no longer name of it. */
function isWhole(bytes: Uint8Array, at: number, { text, original }: Pattern): boolean {
  const seen = bytes[at] ?? 0;
  return [bytes[at - 1], bytes[at + text.length + 1]].every(
    (byte) => byte === undefined || !GOES_ON.test(String.fromCharCode(original(byte, seen))),
  );
}
