import ipaddr from "ipaddr.js";

/** Inclusive range of IPv4 addresses as unsigned 32-bit numbers. */
interface Range {
  first: number;
  last: number;
}

/** An IPv4 block in CIDR notation, e.g. `10.20.0.0/16`. */
export type Cidr = string;

function toNumber(address: ipaddr.IPv4): number {
  return address.octets.reduce((value, octet) => value * 256 + octet, 0);
}

function toDotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** Parses a CIDR block. Returns undefined when it is malformed, not IPv4, or has host bits set. */
export function parseCidr(cidr: Cidr): (Range & { prefix: number }) | undefined {
  // Leading zeros are octal to some readers.
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}\/\d{1,2}$/.test(cidr) || !ipaddr.IPv4.isValidCIDR(cidr))
    return undefined;
  const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  const first = toNumber(address);
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { first, last: first + size - 1, prefix } : undefined;
}

/** Largest range that may reach an API server: offices and runners, not networks of strangers (CIS AKS 5.4.1). */
export const OPERATOR_PREFIX = 24;

/** Whether the block lies wholly inside one of the private ranges of RFC 1918. */
export function isPrivate(cidr: Cidr): boolean {
  return ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].some((outer) => contains(outer, cidr));
}

/** Whether two blocks share an address. Malformed blocks overlap nothing. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  const [left, right] = [parseCidr(a), parseCidr(b)];
  return !!left && !!right && left.first <= right.last && right.first <= left.last;
}

/**
 * Blocks as firewalls of storage accounts take them: of two addresses or one each is written by itself
 * (https://learn.microsoft.com/azure/storage/common/storage-network-security-limitations).
 */
export function accountAddresses(ranges: readonly Cidr[]): string[] {
  return ranges.flatMap((range) => {
    const block = parseCidr(range);
    if (!block || block.prefix < 31) return [range];
    return block.first === block.last
      ? [toDotted(block.first)]
      : [toDotted(block.first), toDotted(block.last)];
  });
}

/** Whether every address of `inner` lies in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  const [big, small] = [parseCidr(outer), parseCidr(inner)];
  return !!big && !!small && big.first <= small.first && small.last <= big.last;
}

/** The n-th address of a block, counted from 0 (the network address). */
export function hostAt(cidr: Cidr, index: number): string {
  const block = parseCidr(cidr);
  if (!block || index < 0 || block.first + index > block.last) {
    throw new RangeError(`${cidr} has no address number ${index}`);
  }
  return toDotted(block.first + index);
}

/**
 * Cuts named subnets out of a block, one after another in the order given, each aligned to its own size.
 * Appending a name never moves an earlier subnet; a subnet in use cannot be moved or resized in Azure.
 * @throws RangeError when the block is malformed or too small.
 */
export function carve<Name extends string>(
  block: Cidr,
  prefixes: readonly (readonly [Name, number])[],
): Record<Name, Cidr> {
  const space = parseCidr(block);
  if (!space) throw new RangeError(`${block} is not an IPv4 CIDR block`);
  let next = space.first;
  const subnets = {} as Record<Name, Cidr>;
  for (const [name, prefix] of prefixes) {
    const size = 2 ** (32 - prefix);
    const first = Math.ceil(next / size) * size;
    if (first + size - 1 > space.last)
      throw new RangeError(`${block} is too small for subnet ${name}/${prefix}`);
    subnets[name] = `${toDotted(first)}/${prefix}`;
    next = first + size;
  }
  return subnets;
}

/** Subnets of a region's virtual network and their sizes. Order matters: see {@link carve}. */
export const SUBNET_PREFIXES = [
  // Azure CNI overlay gives pods addresses of their own, so a /20 (4,091 usable) is for nodes and their surge only.
  ["nodes", 20],
  ["endpoints", 24],
  ["private-link", 24],
] as const;

export type SubnetName = (typeof SUBNET_PREFIXES)[number][0];

/** The subnets of one region's virtual network, derived from its address space. */
export function regionSubnets(addressSpace: Cidr): Record<SubnetName, Cidr> {
  return carve(addressSpace, SUBNET_PREFIXES);
}
