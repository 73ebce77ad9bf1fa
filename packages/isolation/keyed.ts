import type { Foreign } from "./perimeter";

/** Before the hexadecimal digits of bytes that are looked at as such; no text has it in it. */
export const BYTES_MARK = "\u0002bytes:";

/** Shortest name that is looked for: nine differences in a row do not come about by chance. */
const MIN_CHARS = 10;
/** Differences a name is found by before it is compared in full, one byte each of the number it is kept under. */
const START = 3;
const START_BITS = 2 ** (8 * START) - 1;

type Difference = (one: number, next: number) => number;
/** What stays the same whatever key each byte was changed by: with XOR, and by adding it. */
const XOR: Difference = (one, next) => one ^ next;
const ADDED: Difference = (one, next) => (next - one) & 255;

const swapped = (byte: number): number => ((byte & 15) << 4) | (byte >> 4);
const turned = (byte: number): number =>
  [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, bit) => sum | (((byte >> bit) & 1) << (7 - bit)), 0);
/** Orders of a byte's bits somebody may have changed before or after the key: what each byte becomes. */
const ORDERS = [(byte: number): number => byte, swapped, turned].map((order) =>
  Array.from({ length: 256 }, (_, byte) => order(byte)),
);

const differences = (bytes: readonly number[], difference: Difference): number[] =>
  bytes.slice(1).map((next, at) => difference(bytes[at] ?? 0, next));

/** Characters a longer name goes on with. */
const GOES_ON = /[a-z0-9-]/i;

interface Pattern {
  readonly differences: readonly number[];
  /** A byte as it was, by the one that stands for the first. */
  readonly original: (byte: number, first: number) => number;
  readonly foreign: Foreign;
}

/** Names, wherever bytes hold them with every one changed by the same key: 255 keys leave one row of differences. */
export class KeyedNames {
  private readonly byStart = {
    xor: new Map<number, Pattern[]>(),
    added: new Map<number, Pattern[]>(),
  };

  constructor(names: Iterable<readonly [string, Foreign]>) {
    for (const [name, foreign] of names) {
      if (name.length < MIN_CHARS) continue;
      for (const written of new Set([name, name.toUpperCase()])) {
        const bytes = [...Buffer.from(written)];
        for (const order of ORDERS) {
          const ordered = bytes.map((byte) => order[byte] ?? 0);
          const [first = 0] = ordered;
          // Each of these orders is its own inverse.
          const original = (byte: number, seen: number): number => order[byte ^ seen ^ first] ?? 0;
          add(this.byStart.xor, { differences: differences(ordered, XOR), original, foreign });
        }
        const [first = 0] = bytes;
        const original = (byte: number, seen: number): number => (byte - seen + first) & 255;
        add(this.byStart.added, { differences: differences(bytes, ADDED), original, foreign });
      }
    }
  }

  /** Whose names are in bytes. Those as they are written are among them. */
  in(bytes: Uint8Array): Foreign[] {
    return [...matching(bytes, XOR, this.byStart.xor), ...matching(bytes, ADDED, this.byStart.added)];
  }
}

/** The last of several differences, after those before it. */
const after = (start: number, difference: number): number => ((start << 8) | difference) & START_BITS;

function add(into: Map<number, Pattern[]>, pattern: Pattern): void {
  const start = pattern.differences.slice(0, START).reduce(after, 0);
  const known = into.get(start);
  if (known) known.push(pattern);
  else into.set(start, [pattern]);
}

function matching(
  bytes: Uint8Array,
  difference: Difference,
  patterns: ReadonlyMap<number, readonly Pattern[]>,
): Foreign[] {
  const found: Foreign[] = [];
  let start = 0;
  for (let end = 1; end < bytes.length; end++) {
    start = after(start, difference(bytes[end - 1] ?? 0, bytes[end] ?? 0));
    const candidates = end < START ? undefined : patterns.get(start);
    if (!candidates) continue;
    const at = end - START;
    for (const pattern of candidates) {
      if (stands(bytes, at, pattern, difference) && isWhole(bytes, at, pattern)) found.push(pattern.foreign);
    }
  }
  return found;
}

/** Whether bytes from some place on differ as those of a name do. */
const stands = (bytes: Uint8Array, at: number, { differences }: Pattern, difference: Difference): boolean =>
  at + differences.length < bytes.length &&
  differences.every((one, step) => one === difference(bytes[at + step] ?? 0, bytes[at + step + 1] ?? 0));

/** Whether what stands before and after a name, taken back as it is, makes no longer name of it. */
function isWhole(bytes: Uint8Array, at: number, { differences, original }: Pattern): boolean {
  const seen = bytes[at] ?? 0;
  return [bytes[at - 1], bytes[at + differences.length + 1]].every(
    (byte) => byte === undefined || !GOES_ON.test(String.fromCharCode(original(byte, seen))),
  );
}
