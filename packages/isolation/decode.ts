import yaml from "js-yaml";
import { assembled } from "./assemble";
import { base32Bytes, beginsReadable, otherBases } from "./bases";
import { asKeyed, bytesDecoded, type Decoded } from "./bytes";
import { listedBytes, spelled } from "./codes";
import { sealedText } from "./containers";
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
/** A line of `xxd` or `hexdump -C`: where it stands, its bytes, and the bytes as text. */
const DUMP_LINE = /^[0-9a-f]{6,16}:?[ \t]+((?:[0-9a-f]{2,4}[ \t]+){1,20})(?:[ \t].*)?$/gim;
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

function base64(text: string): Decoded[] {
  if (text.length < 12) return [];
  // Lines of one block are decoded together: each alone would give a name with its beginning cut off.
  const { blocks, rest } = blocksIn(text);
  const runs = [...blocks, ...ungrouped(rest), ...(rest.match(BASE64_RUN) ?? [])];
  return runs.flatMap((run) => {
    const isEncoded = looksEncoded(run);
    const whole = bytesDecoded(Buffer.from(run, "base64"), "base64", isEncoded);
    if (isEncoded && whole.every((decoded) => "final" in decoded)) whole.push(...turned(run));
    // A slash is a digit of base64 and a separator of paths: the parts count where the whole is no text.
    if (!run.includes("/") || whole.some((decoded) => !("final" in decoded))) return whole;
    const parts = run.split("/").filter((part) => part.length >= 12);
    return [...whole, ...parts.flatMap((part) => bytesDecoded(Buffer.from(part, "base64"), "base64", false))];
  });
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

function hex(text: string): Decoded[] {
  if (text.length < 16) return [];
  const dumped = [...`${text}  `.matchAll(DUMP_LINE)]
    .map(([, bytes = ""]) => bytes.replace(/\s/g, ""))
    .join("");
  const dumps = (text.match(HEX_DUMP) ?? []).map((dump) => dump.replace(/0x|[\s:,]/gi, ""));
  if (dumped.length >= 16) dumps.push(dumped);
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
function base32(text: string): Decoded[] {
  return (text.match(BASE32_RUN) ?? []).flatMap((run) =>
    bytesDecoded(base32Bytes(run.replace(/=/g, "")), "base32", false).filter((one) => !("final" in one)),
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

type Form = readonly [via: string, form: (text: string) => string];

/** Ways to write a text in other characters, names and literals, each undone. */
const FORMS: readonly Form[] = [
  // Tags are among the characters that are invisible.
  ["tags", untagged],
  ["unicode", visible],
  ["percent", percentDecoded],
  ["escape", unescaped],
  ["entity", withoutEntities],
  ["quoted-printable", withoutQuotedPrintable],
  ["character codes", fromCodes],
  ["joined", joined],
  ["$(VAR)", expandedWithin],
  ["assembled", assembled],
  ["filtered", filtered],
  ["markup", withoutMarkup],
  ["utf-7", withoutUtf7],
];

/**
 * Longest text in which each way is undone on its own, and the others in what came out. A longer one, a program bundled into a
 * line, gives as many texts as there are ways at each step, and most differ from it in one place: there all are undone at once.
 */
const MAX_FORMED_CHARS = 16 * 1024;

/** Nothing but bytes bit by bit is written in other characters by one word of letters, digits and hyphens. */
const ONE_WORD = /^(?!.*[01]{8})[\w-]*$/;

function rewritten(text: string): Decoded[] {
  const apart = ONE_WORD.test(text)
    ? []
    : text.length > MAX_FORMED_CHARS
      ? [["rewritten", FORMS.reduce((made, [, form]) => form(made), text)] as const]
      : FORMS.map(([via, form]) => [via, form(text)] as const);
  const forms = [...apart, ...spelled(text).map((form) => ["character codes", form] as const)];
  return forms.filter(([, form]) => form !== text).map(([via, form]) => ({ via, text: form }));
}

/** Bytes that are no text, written as percent signs and digits. */
const PERCENT_BYTES = /(?:%[0-9a-f]{2}){16,}/gi;

function percentBytes(text: string): Decoded[] {
  if (!text.includes("%")) return [];
  return (text.match(PERCENT_BYTES) ?? []).flatMap((run) => {
    const bytes = Buffer.from(run.replace(/%/g, ""), "hex");
    // What is text was percent-decoded as one.
    return bytes.toString("utf8").includes("\ufffd") ? bytesDecoded(bytes, "percent") : [];
  });
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
    ...base32(text),
    ...hex(text),
    ...percentBytes(text),
    ...listedBytes(text).flatMap((bytes) => asKeyed(bytes, "numbers")),
    ...otherBases(text),
  ];
}
