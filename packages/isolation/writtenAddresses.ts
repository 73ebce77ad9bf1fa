import { type AddressRange, parseAddress, rangesOf } from "./addresses";

const DOTTED = /(?<![\w.])\d{1,10}(?:\.\d{1,10}){3}(?:\/\d{1,2})?(?![\w]|\.\d)/g;
const DOTTED_SPAN = /(\d{1,3}(?:\.\d{1,3}){3})\s*-\s*(\d{1,3}(?:\.\d{1,3}){3})/g;
/** Addresses as names of public services that resolve to whatever address their name holds. */
const DASHED = /(?:(?<![\w-])|(?<=\bip-)|(?<=-))(?<!\d-)(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?=\.[a-z])/g;
/** Addresses backwards, as the names of their pointers are, whole or a block of them. */
const POINTER = /(?<![\w.-])((?:\d{1,3}\.){1,4})in-addr\.arpa/g;
/** Addresses whose parts are spans: `10.20.*.*`, `10.20.0.[1-9]`, `10.20.0.{4,5}`. */
const SPANNED =
  /(?<![\w.])\d{1,3}(?:\.(?:\d{1,3}(?:-\d{1,3})?|\*|\[\d{1,3}-\d{1,3}\]|\{\d{1,3}(?:(?:,|\.\.)\d{1,3})*\})){1,3}(?![\w.]|-\d)/g;
const DOTTED_NAME = /(?<!\d|\d\.)(\d{1,3}(?:\.\d{1,3}){3})(?=\.(?:nip|sslip|xip)\.io)/g;
const HEXED = /(?<![0-9a-f])([0-9a-f]{8})(?=\.(?:nip|sslip|xip)\.io)/g;
const IPV6 =
  /[0-9a-f]{0,4}(?:(?::[0-9a-f]{0,4}){1,6}:\d{1,3}(?:\.\d{1,3}){3}|(?::[0-9a-f]{0,4}){2,7})(?:\/\d{1,3})?/g;
/** Where a bare number is an address: after a scheme or user, as the value of a host setting, or as what a function of addresses is given. */
const NUMERIC_HOST =
  /(?=\d)(?<=@|\/\/|(?:host|hostaddr|server|address|addr|ip)["']?\s*[=:]\s*["']?|-h\s*|--host[ =]|\b(?:ip(?:v4)?_?addr\w{0,10}|ip_network|long2ip|inet_\w{4,5})\(\s{0,3}["']?)((?:0x[0-9a-f]{1,8}|\d{1,12})(?:\.(?:0x[0-9a-f]{1,2}|\d{1,12})){0,3})(?![\w.])/g;
/** A text that is nothing but a number, in brackets or quotes or without. */
const ONLY_NUMBER = /^[\s["']*(?:0x[0-9a-f]|\d)[0-9a-fx.]*[\s\]"']*$/;

/** A way addresses are written. */
interface Spelling {
  /** Whether a text is worth looking through: cheap, and never wrong in the negative. */
  readonly mayBe: (text: string) => boolean;
  readonly find: (text: string) => AddressRange[];
}

/** A leading zero means octal to some resolvers and nothing to others; both readings count. */
function readings(token: string): AddressRange[] {
  const both = new Set([token, token.replace(/(?<=^|\.)0+(?=\d)/g, "")]);
  return [...both].flatMap((reading) => parseAddress(reading) ?? []);
}

const tokens = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([whole, token = whole]) => token);

function spanBetween([, from = "", to = ""]: RegExpExecArray): AddressRange[] {
  const [first, last] = [parseAddress(from)?.first, parseAddress(to)?.last];
  return first !== undefined && last !== undefined && first <= last ? [{ first, last }] : [];
}

/** `20.10.in-addr.arpa` is the block 10.20.0.0/16. */
function pointedAt(parts: string): AddressRange[] {
  const bytes = parts.slice(0, -1).split(".").reverse();
  return readings(`${[...bytes, "0", "0", "0"].slice(0, 4).join(".")}/${bytes.length * 8}`);
}

/** A set in braces counts as the span from its first to its last. */
const withoutBraces = (token: string): string =>
  token.replace(/\{(\d+)(?:[^}]*?(\d+))?\}/g, (_, from: string, to = from) => `${from}-${to}`);

const SPELLINGS: readonly Spelling[] = [
  {
    mayBe: (text) => /\d\.\d/.test(text),
    find: (text) => [
      ...tokens(text, DOTTED).flatMap(readings),
      ...[...text.matchAll(DOTTED_SPAN)].flatMap(spanBetween),
    ],
  },
  {
    mayBe: (text) => /\d-\d/.test(text) && text.includes("."),
    find: (text) => [...text.matchAll(DASHED)].flatMap(([, ...parts]) => readings(parts.join("."))),
  },
  {
    mayBe: (text) => text.includes("in-addr.arpa"),
    find: (text) => tokens(text, POINTER).flatMap(pointedAt),
  },
  {
    mayBe: (text) => /\d\.(?:[\d.]{0,8})[*[{]/.test(text),
    find: (text) =>
      tokens(text, SPANNED)
        .filter((token) => /[*[{]/.test(token))
        .flatMap((token) => rangesOf(withoutBraces(token))),
  },
  {
    mayBe: (text) => text.includes("ip.io"),
    find: (text) => [
      ...tokens(text, HEXED).flatMap((hex) => readings(`0x${hex}`)),
      ...tokens(text, DOTTED_NAME).flatMap(readings),
    ],
  },
  {
    mayBe: (text) => text.includes(":") && (text.includes("::") || /(?:[0-9a-f]{1,4}:){5}/.test(text)),
    find: (text) =>
      tokens(text, IPV6)
        .filter((token) => /[0-9a-f]/.test(token))
        .flatMap(readings),
  },
  {
    mayBe: (text) => /\d/.test(text) && /[@=:(]|\/\/|-h/.test(text),
    find: (text) => tokens(text, NUMERIC_HOST).flatMap(readings),
  },
];

/**
 * Every address, block and span of IPv4 addresses a text writes down, in whatever spelling.
 * @param text in canonical form
 * @param isHost whether it stands where a host is expected, so that a bare number is an address
 */
export function writtenAddresses(text: string, isHost: boolean): AddressRange[] {
  const found: AddressRange[] = [];
  for (const { mayBe, find } of SPELLINGS) if (mayBe(text)) found.push(...find(text));
  if (isHost && ONLY_NUMBER.test(text)) found.push(...readings(text.replace(/[\s"']/g, "")));
  return found;
}
