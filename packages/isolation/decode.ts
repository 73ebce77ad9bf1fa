import { loadAll } from "js-yaml";
import { assembled } from "./assemble";
import { base32Bytes, beginsReadable, otherBases } from "./bases";
import { asKeyed, bytesDecoded, type Decoded } from "./bytes";
import { listedBytes, spelled, spelledUnevenly } from "./codes";
import { sealedText } from "./containers";
import { type Makeup, makeupOf, SIGNS } from "./makeup";
import { filtered } from "./pipelines";
import {
  expandedWithin,
  fromCodes,
  joined,
  percentDecoded,
  reversed,
  unescaped,
  untagged,
  visible,
  withoutEntities,
  withoutMarkup,
  withoutQuotedPrintable,
  withoutUtf7,
} from "./text";

export type { Decoded } from "./bytes";

/** Longest text that is parsed as JSON or YAML; a longer one that looks like either is reported as unreadable. */
const MAX_PARSED_CHARS = 1024 * 1024;

/** Shortest run of base64 that is looked into: nine bytes, less than any name of the inventory. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{12,}={0,2}/g;
/** The same over several lines, also where a text in quotes writes their ends as escapes. */
const BASE64_BLOCK =
  /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}(?:[ \t]*(?:\r?\n|(?:\\r)?\\n)[ \t]*(?:[#;>*|][ \t]*)?[A-Za-z0-9+/_-]{2,})+={0,2}/g;
/** The end of a line, with what marks the next one as a comment or a quotation. */
const LINE_END = /[ \t]*(?:\r?\n|(?:\\r)?\\n)[ \t]*(?:[#;>*|][ \t]*)?/;
const HEX_RUN = /(?<![0-9a-f])(?:[0-9a-f]{2}){8,}(?![0-9a-f])/gi;
/** Bytes written apart, as hex dumps and byte arrays write them. */
const HEX_DUMP = /(?:(?:0x)?(?:[0-9a-f]{2}){1,4}[\s:,]+){3,}(?:0x)?(?:[0-9a-f]{2}){1,4}(?![0-9a-z])/gi;
/** Hexadecimal cut into lines. */
const HEX_LINES = /(?<![0-9a-f])(?:(?:[0-9a-f]{2}){8,}[ \t]*\r?\n[ \t]*)+(?:[0-9a-f]{2})+(?![0-9a-z])/gi;
/** What each of the three groups before the last is: a digest behind its name, `sha256:…`, has one and is none. */
const HAS_HEX_DUMP = /[0-9a-f]{2}[\s:,]+(?:0x)?(?:[0-9a-f]{2}){1,4}[\s:,]+(?:0x)?[0-9a-f]{2}/i;
/** A line of `xxd` or `hexdump -C`: where it stands, its bytes, and the bytes as text. */
const DUMP_LINE = /^[0-9a-f]{6,16}:?[ \t]+((?:[0-9a-f]{2,4}[ \t]+){1,20})(?:[ \t].*)?$/gim;
/** Shortest text any of the three finds, `aabbcc aa `. */
const MIN_DUMP_CHARS = 10;
const YAML_MAPPING = /^[ \t]*(?:- )?["']?[^\s#:{}[\]"']+["']?[ \t]*:(?:\s|$)/m;

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

/**
 * Encoded blocks, whose lines are of one length each, the last maybe shorter, and the text without them. Other lines may
 * stand right before and after.
 */
function blocksIn(text: string): { blocks: string[]; rest: string } {
  if (!/\n|\\n/.test(text)) return { blocks: [], rest: text };
  const blocks: string[] = [];
  const rest = text.replace(BASE64_BLOCK, (match) => {
    const groups: string[][] = [];
    for (const line of match.split(LINE_END)) {
      const group = groups.at(-1);
      const length = group?.[0]?.length ?? 0;
      if (group && line.length <= length && group.at(-1)?.length === length) group.push(line);
      else groups.push([line]);
    }
    blocks.push(...groups.filter((group) => group.length > 1).map((group) => group.join("")));
    return ["", ...groups.filter((group) => group.length === 1).flat(), ""].join("\n");
  });
  return { blocks, rest };
}

function base64(text: string, makeup: Makeup): Decoded[] {
  if (text.length < 12) return [];
  if (makeup.base64 < 12) return ungrouped(text).flatMap(base64Run);
  // Lines of one block are decoded together: each alone would give a name with its beginning cut off.
  const { blocks, rest } = blocksIn(text);
  return [...blocks, ...ungrouped(rest), ...(rest.match(BASE64_RUN) ?? [])].flatMap(base64Run);
}

function base64Run(run: string): Decoded[] {
  const isEncoded = looksEncoded(run);
  const whole = bytesDecoded(Buffer.from(run, "base64"), "base64", isEncoded);
  if (isEncoded && whole.every((decoded) => "final" in decoded)) whole.push(...turned(run));
  // A slash is a digit of base64 and a separator of paths: the parts count where the whole is no text.
  if (!run.includes("/") || whole.some((decoded) => !("final" in decoded))) return whole;
  const parts = run.split("/").filter((part) => part.length >= 12);
  return [...whole, ...parts.flatMap((part) => bytesDecoded(Buffer.from(part, "base64"), "base64", false))];
}

const shifted = (text: string): string =>
  text.replace(/[A-Za-z]/g, (letter) => {
    const first = letter < "a" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - first + 13) % 26) + first);
  });
const swapped = (text: string): string =>
  text.replace(/[A-Za-z]/g, (letter) => (letter < "a" ? letter.toLowerCase() : letter.toUpperCase()));
/** What is done to an encoded text so that nobody decodes it by accident, undone. */
const TURNS: readonly (readonly [string, (run: string) => string])[] = [
  ["backwards", reversed],
  ["rot13", shifted],
  ["swapped case", swapped],
  ...[1, 2, 3].map((at) => ["cut", (run: string) => run.slice(at)] as const),
];

/** An encoded run that gives no text as it stands, read in the ways people turn one. */
function turned(run: string): Decoded[] {
  const bare = run.replace(/=+$/, "");
  return TURNS.flatMap(([via, turn]) => {
    // The end of one that was turned round is its beginning: most are told by that alone.
    const beginning = turn === reversed ? bare.slice(-16) : bare.slice(0, 16);
    if (!beginsReadable(Buffer.from(turn(beginning), "base64"))) return [];
    return bytesDecoded(Buffer.from(turn(bare), "base64"), `${via} → base64`, false);
  });
}

function hex(text: string, { dump }: Makeup): Decoded[] {
  if (text.length < 16 || dump < MIN_DUMP_CHARS) return [];
  const dumped = [...`${text}  `.matchAll(DUMP_LINE)]
    .map(([, bytes = ""]) => bytes.replace(/\s/g, ""))
    .join("");
  const dumps = ((HAS_HEX_DUMP.test(text) ? text.match(HEX_DUMP) : null) ?? []).map((dump) =>
    dump.replace(/0x|[\s:,]/gi, ""),
  );
  if (dumped.length >= 16) dumps.push(dumped);
  if (text.includes("\n"))
    dumps.push(...(text.match(HEX_LINES) ?? []).map((lines) => lines.replace(/\s/g, "")));
  return [...(text.match(HEX_RUN) ?? []), ...dumps].flatMap((run) => {
    const whole = bytesDecoded(Buffer.from(run, "hex"), "hex");
    const isTurned =
      beginsReadable(Buffer.from(reversed(run.slice(-24)), "hex")) &&
      whole.every((decoded) => "final" in decoded);
    return isTurned
      ? [...whole, ...bytesDecoded(Buffer.from(reversed(run), "hex"), "backwards → hex", false)]
      : whole;
  });
}

const BASE32_RUN = /(?<![A-Za-z0-9+/])[A-Z2-7]{16,}={0,6}(?![A-Za-z0-9+/=])/g;

/** Base32 as programs write it, in capitals; only what turns out to be text was one. */
function base32(text: string, { word }: Makeup): Decoded[] {
  if (word < 16) return [];
  return (text.match(BASE32_RUN) ?? []).flatMap((run) =>
    bytesDecoded(base32Bytes(run.replace(/=/g, "")), "base32", false).filter((one) => !("final" in one)),
  );
}

function json(text: string, { signs }: Makeup): Decoded[] {
  if ((signs & (SIGNS.brace | SIGNS.bracket | SIGNS.quote)) === 0) return [];
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

function yamlDocuments(text: string, { signs }: Makeup): Decoded[] {
  if ((signs & SIGNS.lineEnd) === 0 || !text.includes("\n") || !YAML_MAPPING.test(text)) return [];
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
    return loadAll(text).map((tree) => ({ via: "yaml", tree }));
  } catch {
    return [];
  }
}

/** A way to write a text, undone, and the signs of which it needs one. */
type Form = readonly [via: string, form: (text: string) => string, needs: number];

/** Signs of a place another text is put in. */
const OF_PLACES =
  SIGNS.dollar | SIGNS.hash | SIGNS.brace | SIGNS.percent | SIGNS.at | SIGNS.backslash | SIGNS.ampersand;
/** Signs of a call, a joining or a replacement. */
const OF_ASSEMBLY =
  SIGNS.quote |
  SIGNS.parenthesis |
  SIGNS.plus |
  SIGNS.tilde |
  SIGNS.dot |
  SIGNS.slash |
  SIGNS.bar |
  SIGNS.hash |
  SIGNS.comma |
  SIGNS.at |
  SIGNS.dollar;

/** Ways to write a text in other characters, names and literals, each undone. */
const FORMS: readonly Form[] = [
  // Tags are among the characters that are invisible.
  ["tags", untagged, SIGNS.notAscii],
  ["unicode", visible, SIGNS.notAscii],
  ["percent", percentDecoded, SIGNS.percent],
  ["escape", unescaped, SIGNS.backslash],
  ["entity", withoutEntities, SIGNS.ampersand],
  ["quoted-printable", withoutQuotedPrintable, SIGNS.equals],
  ["character codes", fromCodes, 0],
  ["joined", joined, SIGNS.quote],
  ["$(VAR)", expandedWithin, OF_PLACES],
  ["assembled", assembled, OF_ASSEMBLY],
  ["filtered", filtered, SIGNS.bar],
  ["markup", withoutMarkup, SIGNS.less],
  ["utf-7", withoutUtf7, SIGNS.plus],
];
/** Fewest numbers of a text by the codes of its characters, and fewest digits of one by their bits. */
const MIN_CODES = 8;
const MIN_BITS = 56;
const MIN_CODE_DIGITS = 24;

/**
 * Longest text in which each way is undone on its own, and the others in what came out. A longer one, a program bundled into a
 * line, gives as many texts as there are ways at each step, and most differ from it in one place: there all are undone at once.
 */
const MAX_FORMED_CHARS = 16 * 1024;

function rewritten(text: string, { signs, digits, numbers, hexNumbers }: Makeup): Decoded[] {
  const made: Decoded[] = [];
  const add = (via: string, form: string): void => {
    if (form !== text) made.push({ via, text: form });
  };
  if (text.length > MAX_FORMED_CHARS) {
    add(
      "rewritten",
      FORMS.reduce((result, [, form]) => form(result), text),
    );
  } else {
    const mayBeCodes = numbers >= MIN_CODES || digits >= MIN_BITS;
    for (const [via, form, needs] of FORMS)
      if (form === fromCodes ? mayBeCodes : (signs & needs) !== 0) add(via, form(text));
  }
  for (const form of spelled(text, numbers >= MIN_CODES, hexNumbers >= MIN_CODES))
    add("character codes", form);
  if (digits >= MIN_CODE_DIGITS) for (const form of spelledUnevenly(text)) add("character codes", form);
  return made;
}

/** Bytes that are no text, written as percent signs or escapes with two digits each. */
const PERCENT_BYTES = /(?:(?:%|\\{1,2}x)[0-9a-f]{2}){16,}/gi;

function percentBytes(text: string, { signs }: Makeup): Decoded[] {
  if ((signs & (SIGNS.percent | SIGNS.backslash)) === 0) return [];
  return (text.match(PERCENT_BYTES) ?? []).flatMap((run) => {
    const bytes = Buffer.from(run.replace(/%|\\+x/gi, ""), "hex");
    // What is text was percent-decoded as one.
    return bytes.toString("utf8").includes("\ufffd") ? bytesDecoded(bytes, "percent") : [];
  });
}

/** Bytes written as numbers, in which names can be found that a key changed. */
const numberedBytes = (text: string): Decoded[] =>
  listedBytes(text).flatMap((bytes) => asKeyed(bytes, "numbers"));

/** Everything one text can stand for, one step further. */
export function decodings(text: string): Decoded[] {
  const makeup = makeupOf(text);
  const sealed = sealedText(text);
  const found: Decoded[] = sealed === undefined ? [] : [{ via: sealed, tooLarge: true }];
  found.push(...rewritten(text, makeup));
  const parsed = json(text, makeup);
  found.push(...(parsed.length > 0 ? parsed : yamlDocuments(text, makeup)));
  for (const decode of [base64, base32, hex, percentBytes, numberedBytes, otherBases]) {
    const decoded = decode(text, makeup);
    if (decoded.length > 0) found.push(...decoded);
  }
  return found;
}
