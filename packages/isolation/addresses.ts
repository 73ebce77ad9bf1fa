import ipaddr from "ipaddr.js";

/** Inclusive range of IPv4 addresses as unsigned 32-bit numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

const toNumber = (address: ipaddr.IPv4): number =>
  address.octets.reduce((value, octet) => value * 256 + octet, 0);

/** Kinds of IPv6 address that carry an IPv4 one, mapped, translated, NAT64 and 6to4, and the bits before it. */
const CARRIERS: ReadonlyMap<string, number> = new Map([
  ["ipv4Mapped", 96],
  ["rfc6145", 96],
  ["rfc6052", 96],
  ["6to4", 16],
]);

/** An IPv4 address as a number, and the bits of the text's own notation that stand before it. */
function parseIpv4(text: string): { value: number; before: number } | undefined {
  if (ipaddr.IPv4.isValid(text)) return { value: toNumber(ipaddr.IPv4.parse(text)), before: 0 };
  if (!text.includes(":") || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  const before = CARRIERS.get(address.range());
  if (before === undefined) return undefined;
  const [high = 0, low = 0] = address.parts.slice(before / 16);
  return { value: high * 65536 + low, before };
}

const isNothing = (text: string): boolean =>
  text.includes(":") &&
  ipaddr.IPv6.isValid(text) &&
  ipaddr.IPv6.parse(text).parts.every((part) => part === 0);

/**
 * Reads an IPv4 address or block in any form a resolver accepts: dotted, decimal, octal, hexadecimal, shortened,
 * or inside an IPv6 address, with or without a prefix length; host bits are ignored.
 * Returns undefined for anything else.
 */
export function parseAddress(text: string): AddressRange | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  if (rest.length > 0) return undefined;
  const bare = address.replace(/^\[|\]$/g, "");
  // A block of IPv6 that begins at nothing and is this large holds every IPv4 address, mapped.
  if (prefix !== undefined && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 80 && isNothing(bare))
    return { first: 0, last: 2 ** 32 - 1 };
  const parsed = parseIpv4(bare);
  if (parsed === undefined) return undefined;
  const { value, before } = parsed;
  if (prefix === undefined) return { first: value, last: value };
  if (!/^\d{1,3}$/.test(prefix)) return undefined;
  const bits = Number(prefix) - before;
  // Behind the IPv4 address of 6to4 stand networks of its own.
  if (bits < 0 || (bits > 32 && before === 96) || (before === 0 && bits > 32)) return undefined;
  const size = 2 ** (32 - Math.min(bits, 32));
  const first = Math.floor(value / size) * size;
  return { first, last: first + size - 1 };
}

/** Addresses of a range. */
export const sizeOf = ({ first, last }: AddressRange): number => last - first + 1;

export const overlap = (a: AddressRange, b: AddressRange): boolean => a.first <= b.last && b.first <= a.last;

export const within = (inner: AddressRange, outer: AddressRange): boolean =>
  outer.first <= inner.first && inner.last <= outer.last;

/** What is left of a range when holes are cut out of it. */
export function subtract(range: AddressRange, holes: readonly AddressRange[]): AddressRange[] {
  return holes.reduce<AddressRange[]>(
    (rest, hole) =>
      rest.flatMap((part) =>
        overlap(part, hole)
          ? [
              { first: part.first, last: hole.first - 1 },
              { first: hole.last + 1, last: part.last },
            ].filter(({ first, last }) => first <= last)
          : [part],
      ),
    [range],
  );
}

const PRIVATE = ["172.16.0.0/12", "192.168.0.0/16"].map(parseAddress);

/**
 * Blocks so large that naming them says nothing about one environment: an eighth-bit block and larger, and the
 * private ranges of RFC 1918. Only rules that know what the block is used for judge them.
 */
export function isGeneric(range: AddressRange): boolean {
  return (
    sizeOf(range) >= 2 ** 24 ||
    PRIVATE.some((block) => block?.first === range.first && block.last === range.last)
  );
}

/** Between the bounds of a range: a hyphen or dash, dots, the word "to", or nothing but space. */
const BETWEEN = /\s*[-–—]\s*|\s*\.{2,3}\s*|\s+(?:to\s+)?/i;
/** One of four parts of an address, or a span of them: `*`, `7`, `0-255`, `[0-9]`. */
const PART = /^(?:\*|\[?(\d{1,3})(?:-(\d{1,3}))?\]?)$/;
/** Most ranges one pattern of parts is taken apart into; one with more counts as all between its ends. */
const MAX_RANGES = 1024;

/**
 * Every address, block and range a text of a network rule stands for: also `a-b`, `a to b`, an address with a mask or a
 * wildcard mask, `10.20/16`, `10.20.*.*`, `10.20.0-7.*`, and lists of them. Where a text can be read in two ways, both count.
 */
export function rangesOf(text: string): AddressRange[] {
  const whole = text.trim();
  // A leading zero means octal to some and nothing to others.
  const readings = [...new Set([whole, whole.replace(/(?<=^|[.\s-])0+(?=\d)/g, "")])];
  const found = readings.flatMap(rangesOfOne);
  if (found.length > 0) return found;
  const parts = whole.split(/\s*[,;|]\s*|\s+/).filter((part) => part !== "");
  return parts.length > 1 ? parts.flatMap(rangesOf) : [];
}

function rangesOfOne(whole: string): AddressRange[] {
  const single = parseAddress(whole);
  const [, short, bits] = /^(\d{1,3}(?:\.\d{1,3}){0,2})\/(\d{1,2})$/.exec(whole) ?? [];
  if (short !== undefined) {
    const padded = `${[...short.split("."), "0", "0", "0"].slice(0, 4).join(".")}/${bits ?? ""}`;
    return [single, parseAddress(padded)].filter((range) => range !== undefined);
  }
  if (single) return [single];
  return masked(whole) ?? spanned(whole) ?? parted(whole);
}

/** `10.20.0.0/255.255.0.0`, `10.20.0.0 255.255.0.0`, and the same with a wildcard mask. */
function masked(whole: string): AddressRange[] | undefined {
  const [from = "", mask = "", ...more] = whole.split(/\s*\/\s*|\s+/);
  const [address, second] = [parseAddress(from), parseAddress(mask)];
  if (more.length > 0 || !mask.includes(".") || !address || !second) return undefined;
  const value = second.first;
  const size = isMask(value) ? 2 ** 32 - value : isMask(2 ** 32 - 1 - value) ? value + 1 : undefined;
  // An address of all ones is one, and so is the mask of a single address.
  if (size === undefined || value === 0 || value === 2 ** 32 - 1) return undefined;
  const start = Math.floor(address.first / size) * size;
  return [{ first: start, last: start + size - 1 }];
}

function spanned(whole: string): AddressRange[] | undefined {
  const [from = "", to = "", ...more] = whole.split(BETWEEN);
  const [first, last] = [parseAddress(from), parseAddress(to)];
  if (more.length > 0 || !first || !last || !/[.:]/.test(from) || !/[.:]/.test(to)) return undefined;
  return first.first <= last.last ? [{ first: first.first, last: last.last }] : [];
}

/** An address some of whose parts are spans; what is left out at the end is all of it. */
function parted(whole: string): AddressRange[] {
  if (!/[*-]/.test(whole) || !/^\d/.test(whole)) return [];
  const spans = whole.split(".").map((part) => {
    const [match, low, high] = PART.exec(part) ?? [];
    if (match === undefined) return undefined;
    return low === undefined ? { low: 0, high: 255 } : { low: Number(low), high: Number(high ?? low) };
  });
  const known = spans.filter((span) => span !== undefined && span.low <= span.high && span.high <= 255);
  if (known.length !== spans.length || spans.length > 4 || spans.length < 2) return [];
  if (spans.length < 4 && !whole.endsWith("*")) return [];
  let ranges: AddressRange[] = [{ first: 0, last: 0 }];
  for (const span of [...known, ...Array<undefined>(4 - known.length).fill(undefined)]) {
    const { low, high } = span ?? { low: 0, high: 255 };
    const isWhole = low === 0 && high === 255;
    const joined = ranges.flatMap(({ first, last }) =>
      isWhole || last - first >= MAX_RANGES
        ? [{ first: first * 256 + low, last: last * 256 + high }]
        : Array.from({ length: last - first + 1 }, (_, at) => ({
            first: (first + at) * 256 + low,
            last: (first + at) * 256 + high,
          })),
    );
    ranges =
      joined.length > MAX_RANGES
        ? [{ first: joined[0]?.first ?? 0, last: joined.at(-1)?.last ?? 0 }]
        : joined;
  }
  return ranges;
}

const isMask = (value: number): boolean => /^1*0*$/.test(value.toString(2).padStart(32, "0"));
