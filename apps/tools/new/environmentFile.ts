import { randomUUID } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { UsageError } from "../../../packages/command/errors";
import { readStackFile, readStacks } from "../../../stacks/files";
import { addressBlocks, PRODUCT, type StackConfig } from "../../../stacks/schema";
import { sharingProblems } from "../../../stacks/sharing";
import { freeBlock } from "./freeBlocks";

/** What a new environment is made of. */
export interface NewEnvironment {
  readonly name: string;
  /** Stack whose sizes and settings it takes. */
  readonly like: string;
  /** Part of every Azure name; made from the name when it is not given. */
  readonly shortName?: string;
  /** Id of its subscription; made up when it is not given. */
  readonly subscription?: string;
}

const GUID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;
const SHORTEST = 2;
const LONGEST = 4;

/** Abbreviations of a name, the longest beginning of it first; each keeps its first letter and the order of the others. */
function* abbreviations(name: string): Generator<string> {
  const letters = [...name.replaceAll("-", "")];
  const [first = "", ...rest] = letters;
  const choose = function* (from: number, length: number): Generator<string> {
    if (length === 0) yield "";
    for (let i = from; i <= rest.length - length && length > 0; i++) {
      for (const tail of choose(i + 1, length - 1)) yield (rest[i] ?? "") + tail;
    }
  };
  for (let length = Math.min(LONGEST, letters.length); length >= SHORTEST; length--) {
    for (const tail of choose(0, length - 1)) yield first + tail;
  }
}

function shortNameFor(name: string, taken: ReadonlySet<string>): string {
  for (const short of abbreviations(name)) if (!taken.has(short)) return short;
  throw new UsageError(
    `environment ${name}: no short name of ${SHORTEST} to ${LONGEST} of its letters is free; give one with --short-name`,
  );
}

/** Lines of a top-level key of a stack file, with what is below it. */
function sectionOf(lines: readonly string[], key: string): [from: number, to: number] {
  const from = lines.findIndex((line) => line.startsWith(`  ${PRODUCT}:${key}:`));
  const next = lines.findIndex((line, i) => i > from && /^ {2}[A-Za-z]/.test(line));
  return [from, next < 0 ? lines.length : next];
}

/** Puts one value in place of another where a key's section first has it. */
function put(lines: string[], [key = ""]: readonly string[], old: string, value: string): void {
  const [from, to] = sectionOf(lines, key);
  const at = lines.findIndex((line, i) => i >= from && i < to && line.includes(old));
  if (from < 0 || at < 0) throw new Error(`${key}: ${old} was not found in the file that is copied`);
  lines[at] = (lines[at] ?? "").replace(old, value);
}

/** A text of one environment as another has it: its name in it is changed, else the other's stands before. */
function renamed(text: string, from: string, to: string): string {
  const word = new RegExp(`(?<![a-z0-9])${from}(?![a-z0-9])`, "g");
  return word.test(text) ? text.replace(word, to) : text.replace(/^([^.]+)/, `$1.${to}`);
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The value a new environment has where two must not have the same. */
function ownValue(
  key: string,
  found: string,
  wanted: NewEnvironment,
  stacks: Readonly<Record<string, StackConfig>>,
): string {
  switch (key) {
    case "environment":
      return wanted.name;
    case "shortName":
      return (
        wanted.shortName ??
        shortNameFor(wanted.name, new Set(Object.values(stacks).map((stack) => stack.shortName)))
      );
    case "azure.subscriptionId":
      return wanted.subscription ?? randomUUID();
    case "controlPlane.deployObjectId":
      return randomUUID();
    case "edge.apiHostName":
    case "edge.dashboardHostName":
      return renamed(found, wanted.like, wanted.name);
    default:
      throw new Error(
        `${key}: two stacks must not share it, and nothing says what a new one has; say it in ownValue`,
      );
  }
}

/** The stack file of a new environment: another's, with everything of its own that two must not share. */
export function environmentFile(root: string, wanted: NewEnvironment): string {
  const { name, like } = wanted;
  const stacks = readStacks(root);
  const { config } = readStackFile(root, like);
  const lines = fs.readFileSync(path.join(root, `Pulumi.${like}.yaml`), "utf8").split("\n");
  const known = addressBlocks(config).map(({ cidr }) => cidr);
  const taken = Object.values(stacks).flatMap((stack) => addressBlocks(stack).map(({ cidr }) => cidr));
  // The very rules that refuse what is shared say what must be new.
  const shared = sharingProblems([[like, config], [name, config]]); // prettier-ignore
  const seen = new Set<string>();
  for (const {
    path: [, section = "", ...rest],
    found,
  } of shared) {
    const old = String(found);
    const key = [String(section).replace(`${PRODUCT}:`, ""), ...rest].join(".");
    if (seen.has(`${key} ${old}`)) continue;
    seen.add(`${key} ${old}`);
    const isBlock = known.includes(old);
    const value = isBlock ? freeBlock(old, taken) : ownValue(key, old, wanted, stacks);
    if (isBlock) taken.push(value);
    put(lines, key.split("."), old, value);
  }
  // Groups and people that may change one environment are strangers in another.
  const { subscriptionId, tenantId } = config.azure;
  const kept = new Set([tenantId, subscriptionId, wanted.subscription].map((id) => id?.toLowerCase()));
  const [from, to] = sectionOf(lines, "azure");
  const own = lines.map((line, i) =>
    i >= from && i < to ? line : line.replace(GUID, (id) => (kept.has(id.toLowerCase()) ? id : randomUUID())),
  );
  return own
    .map((line) => renamedLine(line, like, name))
    .join("\n")
    .replace(
      new RegExp(`^# ${capital(name)}: .*(?:\\n#(?! yaml).*)*$`, "m"),
      `# ${capital(name)}: made like ${like}; what differs from it is decided here.`,
    );
}

function renamedLine(line: string, from: string, to: string): string {
  const word = (text: string): RegExp => new RegExp(`(?<![a-z0-9])${text}(?![a-z0-9])`, "g");
  return line.replace(word(from), to).replace(word(capital(from)), capital(to));
}
