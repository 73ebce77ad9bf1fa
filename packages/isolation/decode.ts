import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import yaml from "js-yaml";
import { assembled } from "./assemble";
import { openContainer, sealedText } from "./containers";
import {
  expandedWithin,
  fromCodes,
  joined,
  percentDecoded,
  unescaped,
  visible,
  withoutEntities,
  withoutQuotedPrintable,
} from "./text";

/** One thing a text can be decoded to. */
export type Decoded =
  | { readonly via: string; readonly text: string; readonly final?: boolean }
  | { readonly via: string; readonly tree: unknown }
  | { readonly via: string; readonly tooLarge: true };

/** Most bytes one compressed value may grow to; beyond, it is reported as unreadable instead of expanded. */
export const MAX_EXPANDED_BYTES = 4 * 1024 * 1024;

/** Longest text that is parsed as JSON or YAML; a longer one that looks like either is reported as unreadable. */
const MAX_PARSED_CHARS = 1024 * 1024;

/** Shortest run of base64 that is looked into: nine bytes, less than any name of the inventory. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{12,}={0,2}/g;
const BASE64_BLOCK = /(?:^[ \t]*[A-Za-z0-9+/_-]{16,}={0,2}[ \t]*\r?$\n?){2,}/gm;
const HEX_RUN = /(?<![0-9a-f])(?:[0-9a-f]{2}){8,}(?![0-9a-f])/gi;
/** Bytes written apart, as hex dumps and byte arrays write them. */
const HEX_DUMP = /(?:(?:0x)?(?:[0-9a-f]{2}){1,4}[\s:,]+){3,}(?:0x)?(?:[0-9a-f]{2}){1,4}(?![0-9a-z])/gi;
/** A line of `xxd` or `hexdump -C`: where it stands, its bytes, and the bytes as text. */
const DUMP_LINE = /^[0-9a-f]{6,16}:?[ \t]+((?:[0-9a-f]{2,4}[ \t]+){1,20})(?:[ \t].*)?$/gim;
/** Shortest and longest value tried against compressions that have no mark of their own. */
const MIN_UNMARKED_BYTES = 16;
const MAX_UNMARKED_BYTES = 64 * 1024;
const YAML_MAPPING = /^[ \t]*(?:- )?["']?[^\s#:{}[\]"']+["']?[ \t]*:(?:\s|$)/m;

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
  const sample = bytes.subarray(0, 256);
  let even = 0;
  let odd = 0;
  sample.forEach((byte, index) => {
    if (byte !== 0) return;
    if (index % 2 === 0) even++;
    else odd++;
  });
  if (Math.max(even, odd) < sample.length * 0.35) return undefined;
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

function asText(bytes: Buffer, via: string): Decoded {
  const text = bytes.toString("utf8");
  // eslint-disable-next-line no-control-regex
  const odd = text.slice(0, 512).match(/[\ufffd\x00-\x08\x0e-\x1f]/g)?.length ?? 0;
  if (odd <= Math.min(text.length, 512) * 0.1) return { via, text };
  return { via, text: bytes.toString("latin1"), final: true };
}

/**
 * Raw deflate and Brotli carry no mark: only what turns out to be text was one of them. Most attempts are made at
 * digests and fail at once, so they start with a small buffer.
 */
function unmarked(bytes: Buffer, via: string): Decoded[] {
  if (bytes.length < MIN_UNMARKED_BYTES || bytes.length > MAX_UNMARKED_BYTES) return [];
  const options = { maxOutputLength: MAX_EXPANDED_BYTES, chunkSize: 1024 };
  const attempts: [string, (input: Buffer) => Buffer][] = [
    ["deflate", (input) => inflateRawSync(input, options)],
    // Smaller windows than usual have headers of their own.
    ["zlib", (input) => inflateSync(input, options)],
    ["brotli", (input) => brotliDecompressSync(input, options)],
  ];
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

/** Most containers inside each other; an archive that holds itself has no end. */
const MAX_NESTED = 12;

function bytesDecoded(bytes: Buffer, via: string, mayBeUnmarked = true): Decoded[] {
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
  const plain = asTexts(bytes, via);
  const isText = plain.every((one) => !("final" in one));
  return isText || !mayBeUnmarked ? plain : [...plain, ...unmarked(bytes, via)];
}

/** Whether a run has the look of encoded bytes: words and names have letters of one case. */
const looksEncoded = (run: string): boolean => /[a-z]/.test(run) && /[A-Z]/.test(run);

const BETWEEN_GROUPS = /(?:[\s"',+]|\\[nrt])+/;
const MIN_GROUPED_CHARS = 16;

/** Encoded texts written in groups of one length, with spaces, line ends or quotes between; the last may be shorter. */
function ungrouped(text: string): string[] {
  if (text.length < MIN_GROUPED_CHARS) return [];
  const found: string[] = [];
  let groups: string[] = [];
  const close = (): void => {
    if (groups.length >= 3 && groups.join("").length >= MIN_GROUPED_CHARS && inGroups(groups))
      found.push(groups.join(""));
    groups = [];
  };
  for (const group of text.split(BETWEEN_GROUPS)) {
    const length = groups[0]?.length ?? group.length;
    if (group.length > length || group.length < 2) close();
    groups.push(group);
    if (group.length < length) close();
  }
  close();
  return found;
}

/** Whether pieces are the groups of one encoded text. Words of a sentence differ in length. */
export function inGroups(groups: readonly string[]): boolean {
  const [first = ""] = groups;
  const whole = groups.slice(0, -1);
  return (
    groups.length >= 3 &&
    first.length >= 2 &&
    whole.every((group) => group.length === first.length && /^[A-Za-z0-9+/_-]+$/.test(group)) &&
    /^[A-Za-z0-9+/_-]+={0,2}$/.test(groups.at(-1) ?? "") &&
    (groups.at(-1) ?? "").length <= first.length
  );
}

function base64(text: string): Decoded[] {
  if (text.length < 12) return [];
  // Lines of one block are decoded together: each alone would give a name with its beginning cut off.
  const blocks = text.includes("\n") ? (text.match(BASE64_BLOCK) ?? []) : [];
  const rest = blocks.reduce((without, block) => without.replace(block, "\n"), text);
  const runs = [
    ...blocks.map((block) => block.replace(/\s/g, "")),
    ...ungrouped(rest),
    ...(rest.match(BASE64_RUN) ?? []),
  ];
  return runs.flatMap((run) => {
    const whole = bytesDecoded(Buffer.from(run, "base64"), "base64", looksEncoded(run));
    // A slash is a digit of base64 and a separator of paths: the parts count where the whole is no text.
    if (!run.includes("/") || whole.some((decoded) => !("final" in decoded))) return whole;
    const parts = run.split("/").filter((part) => part.length >= 12);
    return [...whole, ...parts.flatMap((part) => bytesDecoded(Buffer.from(part, "base64"), "base64", false))];
  });
}

function hex(text: string): Decoded[] {
  if (text.length < 16) return [];
  const dumped = [...`${text}  `.matchAll(DUMP_LINE)]
    .map(([, bytes = ""]) => bytes.replace(/\s/g, ""))
    .join("");
  const dumps = (text.match(HEX_DUMP) ?? []).map((dump) => dump.replace(/0x|[\s:,]/gi, ""));
  if (dumped.length >= 16) dumps.push(dumped);
  return [...(text.match(HEX_RUN) ?? []), ...dumps].flatMap((run) =>
    bytesDecoded(Buffer.from(run, "hex"), "hex"),
  );
}

function json(text: string): Decoded[] {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[" && start !== '"') return [];
  if (text.length > MAX_PARSED_CHARS) return [{ via: "json", tooLarge: true }];
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? [{ via: "json", text: value }] : [{ via: "json", tree: value }];
  } catch {
    return [];
  }
}

function yamlDocuments(text: string): Decoded[] {
  if (!text.includes("\n") || !YAML_MAPPING.test(text)) return [];
  if (text.length <= MAX_PARSED_CHARS) return yamlTrees(text);
  // Bundles of manifests are longer than any one of them.
  return text
    .split(/^---.*$/m)
    .flatMap((document): Decoded[] =>
      document.length > MAX_PARSED_CHARS ? [{ via: "yaml", tooLarge: true }] : yamlTrees(document),
    );
}

function yamlTrees(text: string): Decoded[] {
  try {
    return yaml.loadAll(text).map((tree) => ({ via: "yaml", tree }));
  } catch {
    return [];
  }
}

function rewritten(text: string): Decoded[] {
  const forms: [string, string][] = [
    ["unicode", visible(text)],
    ["percent", percentDecoded(text)],
    ["escape", unescaped(text)],
    ["entity", withoutEntities(text)],
    ["quoted-printable", withoutQuotedPrintable(text)],
    ["character codes", fromCodes(text)],
    ["joined", joined(text)],
    ["$(VAR)", expandedWithin(text)],
    ["assembled", assembled(text)],
  ];
  return forms.filter(([, form]) => form !== text).map(([via, form]) => ({ via, text: form }));
}

/** Everything one text can stand for, one step further. */
export function decodings(text: string): Decoded[] {
  const parsed = json(text);
  const sealed = sealedText(text);
  return [
    ...(sealed === undefined ? [] : [{ via: sealed, tooLarge: true } as const]),
    ...rewritten(text),
    ...parsed,
    ...(parsed.length > 0 ? [] : yamlDocuments(text)),
    ...base64(text),
    ...hex(text),
  ];
}
