import ipaddr from "ipaddr.js";
import { overlaps, parseCidr, type Cidr } from "../../../infra/network/addressing";

/**
 * Range that environments take their blocks from: of 10.0.0.0/8 without its first quarter, where offices, hubs and the
 * defaults of most products are, with which a network could then never be joined.
 */
const POOL = { within: "10.0.0.0/8", from: "10.64.0.0/10" };

const dotted = (value: number): string =>
  new ipaddr.IPv4([24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256)).toString();

/**
 * The first block of a size that overlaps none that is taken.
 * @param like a block of the size that is wanted.
 * @throws Error when none is left.
 */
export function freeBlock(like: Cidr, taken: readonly Cidr[]): Cidr {
  const [pool, from, wanted] = [parseCidr(POOL.within), parseCidr(POOL.from), parseCidr(like)];
  if (!pool || !from || !wanted) throw new Error(`${like} is no block`);
  const size = 2 ** (32 - wanted.prefix);
  for (let first = from.first; first + size - 1 <= pool.last; first += size) {
    const block = `${dotted(first)}/${wanted.prefix}`;
    if (!taken.some((other) => overlaps(other, block))) return block;
  }
  throw new Error(`${POOL.within} has no block of /${wanted.prefix} left that no environment uses`);
}
