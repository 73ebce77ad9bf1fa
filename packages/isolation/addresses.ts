import ipaddr from "ipaddr.js";

/** Inclusive range of IPv4 addresses as unsigned 32-bit numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

const toNumber = (address: ipaddr.IPv4): number =>
  address.octets.reduce((value, octet) => value * 256 + octet, 0);

/** Prefixes under which an IPv6 address carries an IPv4 one: mapped, translated and NAT64. */
const CARRIERS = new Set(["ipv4Mapped", "rfc6145", "rfc6052"]);

function parseIpv4(text: string): number | undefined {
  if (ipaddr.IPv4.isValid(text)) return toNumber(ipaddr.IPv4.parse(text));
  if (!text.includes(":") || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  if (!CARRIERS.has(address.range())) return undefined;
  const [high = 0, low = 0] = address.parts.slice(-2);
  return high * 65536 + low;
}

/**
 * Reads an IPv4 address or block in any form a resolver accepts: dotted, decimal, octal, hexadecimal, shortened,
 * or inside an IPv6 address, with or without a prefix length; host bits are ignored.
 * Returns undefined for anything else.
 */
export function parseAddress(text: string): AddressRange | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  if (rest.length > 0) return undefined;
  const value = parseIpv4(address.replace(/^\[|\]$/g, ""));
  if (value === undefined) return undefined;
  if (prefix === undefined) return { first: value, last: value };
  if (!/^\d{1,3}$/.test(prefix)) return undefined;
  const bits = Number(prefix) - (address.includes(":") ? 96 : 0);
  if (bits < 0 || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
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

/**
 * Blocks so large that naming them says nothing about one environment: an eighth-bit block and larger, and the
 * private ranges of RFC 1918. Only rules that know what the block is used for judge them.
 */
export function isGeneric(range: AddressRange): boolean {
  return (
    sizeOf(range) >= 2 ** 24 ||
    [parseAddress("172.16.0.0/12"), parseAddress("192.168.0.0/16")].some(
      (block) => block?.first === range.first && block.last === range.last,
    )
  );
}

/** Every address, block and range a text of a network rule stands for: also `a-b`, `a b` with a mask, and `10.20.*.*`. */
export function rangesOf(text: string): AddressRange[] {
  const whole = text.trim();
  const single = parseAddress(whole);
  if (single) return [single];
  const [from = "", to = "", ...more] = whole.split(/\s*[-–]\s*|\s+/);
  if (to !== "" && more.length === 0) {
    const [first, second] = [parseAddress(from), parseAddress(to)];
    if (first && second) {
      // A mask is no address anybody could reach.
      const mask = second.first >= 0x80000000 && second.first !== 0xffffffff && isMask(second.first);
      if (mask) {
        const size = 2 ** 32 - second.first;
        const start = Math.floor(first.first / size) * size;
        return [{ first: start, last: start + size - 1 }];
      }
      return first.first <= second.last ? [{ first: first.first, last: second.last }] : [];
    }
  }
  if (/^(?:\d{1,3}\.){1,3}\*(?:\.\*)*$/.test(whole)) {
    const known = whole.split(".").filter((part) => part !== "*");
    return rangesOf(`${[...known, "0", "0", "0", "0"].slice(0, 4).join(".")}/${known.length * 8}`);
  }
  const parts = whole.split(/\s*[,;]\s*/);
  return parts.length > 1 ? parts.flatMap(rangesOf) : [];
}

const isMask = (value: number): boolean => /^1+0*$/.test(value.toString(2).padStart(32, "0"));
