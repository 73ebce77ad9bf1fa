import { beginningsOf, goesOn, type Place } from "./beginnings";
import { MANAGED_SUFFIXES } from "./managedHosts";
import { canonical, hasPlace, percentDecoded, substituted } from "./text";

/** A text that stands nowhere as such but is put together where it is used. */
export interface Assembled {
  /** Where it is put together. */
  readonly key: string | number;
  readonly text: string;
  readonly via: string;
  /** The text as it stands, where one is filled in. */
  readonly from?: string;
}

const DOMAINS: ReadonlySet<string> = new Set(MANAGED_SUFFIXES.map(({ suffix }) => suffix));

/** Most pieces a name is looked for in. */
const MAX_PIECES = 4;
/** Most attempts at putting one object's texts together; an object that takes more is one nobody wrote by hand. */
const MAX_STEPS = 500_000;

/** Settings whose value is the first part of a host name. */
const HOST_PART =
  /^(?:pg|db|database|sql|postgres|postgresql|azure_storage|storage|key_?vault|vault)?[_-]?(?:host|host_?name|server|server_?name|address|fqdn|endpoint|account|account_?name|vault|vault_?name|subdomain|db)$/i;

/** Name and value of an entry of an environment or of another list of settings. */
function setting(entry: unknown): { name?: string; value?: string } {
  const { name, key, value } = (entry ?? {}) as { name?: unknown; key?: unknown; value?: unknown };
  const called = name ?? key;
  return {
    ...(typeof called === "string" && { name: called }),
    ...(typeof value === "string" && { value }),
  };
}

function environmentVariables(env: readonly unknown[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { name, value } of env.map(setting)) {
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  return variables;
}

function* leaves(
  value: unknown,
  key: string | number,
  depth: number,
): Generator<{ key: string | number; text: string }> {
  if (typeof value === "string") yield { key, text: value };
  else if (typeof value === "object" && value !== null && depth > 0) {
    for (const inner of Object.values(value)) yield* leaves(inner, key, depth - 1);
  }
}

/** Longest text that is opened to see whether it leaves a place. */
const MAX_TEMPLATE_CHARS = 4096;
/** Most settings of one tree that are known by their paths. */
const MAX_SETTINGS = 20_000;

/** Every setting of a tree by the steps of its path, at least two: `app.env` in `{ app: { env: … } }`. Made when asked. */
export class Settings {
  private known: Map<string, string> | undefined;

  constructor(private readonly root: unknown) {}

  /** @param name a path such as `.Values.app.env`; a single name says too little about where it stands. */
  valueOf(name: string): string | undefined {
    if (!name.includes(".")) return undefined;
    const path = name.replace(/^(?:\.?Values|values|env|vars?|local|config)\.(?=.*\.)/, "");
    this.known ??= this.collected();
    return this.known.get(path) ?? this.known.get(name);
  }

  private collected(): Map<string, string> {
    const found = new Map<string, string>();
    const seen = new Set<object>();
    const pending: { value: unknown; steps: readonly string[] }[] = [{ value: this.root, steps: [] }];
    for (let at = pending.pop(); at && found.size < MAX_SETTINGS; at = pending.pop()) {
      const { value, steps } = at;
      if (typeof value === "string") {
        for (let from = Math.max(0, steps.length - 6); from < steps.length - 1; from++) {
          found.set(steps.slice(from).join("."), value);
        }
        // A value of a chart is known by its name below `values`.
        if (steps.at(-2) === "values") found.set(`Values.${steps.at(-1) ?? ""}`, value);
      } else if (typeof value === "object" && value !== null && !seen.has(value)) {
        seen.add(value);
        for (const [key, inner] of Object.entries(value))
          pending.push({ value: inner, steps: [...steps, key] });
      }
    }
    return found;
  }
}

/** A variable or parameter of a template of Azure Resource Manager, or a member of one, where it is used. */
const TEMPLATE_PLACE =
  /\b(variables|parameters)\(\s{0,9}'([\w-]{1,99})'\s{0,9}\)((?:\.\w{1,99}|\[(?:\d{1,4}|'[\w-]{1,99}')\]){0,4})/g;

/** A template's text with its own variables, and the parameters it is given, put in as literals. */
function filledTemplate(text: string, settings: Settings): string {
  return text.replace(TEMPLATE_PLACE, (whole, of: string, name: string, member: string) => {
    const inner = member.replace(/\['?([\w-]+)'?\]/g, ".$1");
    const value =
      settings.valueOf(`${of}.${name}${inner}`) ??
      settings.valueOf(`${of}.${name}.value${inner}`) ??
      settings.valueOf(`${of}.${name}.defaultValue${inner}`);
    return value === undefined || /['"\n]/.test(value) ? whole : `'${value}'`;
  });
}

/** Whether a template of Azure Resource Manager may use variables or parameters in a text. */
const mayUseVariables = (text: string): boolean => text[0] === "[" && text.includes("('");

/** A text in clear, with the encodings taken off that hide a place in it. */
function template(text: string): string {
  const clear = percentDecoded(text);
  return text.length <= MAX_TEMPLATE_CHARS && !hasPlace(clear) ? opened(clear) : clear;
}

/** Steps below a container in which its variables are put in. */
export const EXPANDED_STEPS = 5;

/** Whether a text leaves a place for a value of a neighbour. */
export const leavesPlace = (text: string): boolean => mayUseVariables(text) || hasPlace(template(text));

/** Texts of an object with the variables its neighbours define put in: a container's environment, a map's own keys. */
export function expansions(owner: object, settings?: Settings): Assembled[] {
  if (Array.isArray(owner)) return [];
  const { env } = owner as { env?: unknown };
  const entries = Object.entries(owner);
  const texts = Array.isArray(env)
    ? entries.flatMap(([key, value]) => [...leaves(value, key, EXPANDED_STEPS - 1)])
    : entries.flatMap(([key, value]) => (typeof value === "string" ? [{ key, text: value }] : []));
  // A template may be encoded as every value of a Secret is; what fills it is judged as it stands.
  const filled = texts.flatMap(({ key, text }): Assembled[] => {
    if (!settings || !mayUseVariables(text)) return [];
    const done = filledTemplate(text, settings);
    return done === text ? [] : [{ key, text: done, via: "template", from: text }];
  });
  const templates = texts.flatMap(({ key, text }) => {
    const plain = template(text);
    return hasPlace(plain) ? [{ key, text, plain }] : [];
  });
  if (templates.length === 0) return filled;
  const variables = Array.isArray(env)
    ? environmentVariables(env)
    : new Map(texts.map(({ key, text }) => [String(key), text]));
  const expanded = templates.flatMap(({ key, text, plain }): Assembled[] => {
    const expanded = substituted(plain, (name) => {
      const value = variables.get(name) ?? settings?.valueOf(name);
      return plain === text || value === undefined ? value : opened(value);
    });
    return expanded === plain ? [] : [{ key, text: expanded, via: "$(VAR)", from: text }];
  });
  return [...filled, ...expanded];
}

interface Sibling {
  /** Where it stands. */
  readonly key: string | number;
  /** What it is called; undefined in a list. */
  readonly name: string | undefined;
  readonly text: string;
}

const isShort = (text: string): boolean => text.length > 0 && text.length <= 253;

/** The short texts of a map, of a list, or of a list of settings with a name and a value each. */
function shortTexts(owner: object): Sibling[] {
  if (!Array.isArray(owner)) {
    return Object.entries(owner).flatMap(([key, value]): Sibling[] =>
      typeof value === "string" && isShort(value) ? [{ key, name: key, text: value }] : [],
    );
  }
  return (owner as unknown[]).flatMap((entry, index): Sibling[] => {
    if (typeof entry === "string")
      return isShort(entry) ? [{ key: index, name: undefined, text: entry }] : [];
    const { name, value } = setting(entry);
    return name !== undefined && value !== undefined && isShort(value)
      ? [{ key: index, name, text: value }]
      : [];
  });
}

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Value of each digit of base64 by its character code. */
const VALUES = Uint8Array.from({ length: 128 }, (_, code) =>
  code === 0x2b || code === 0x2d
    ? 62
    : code === 0x2f || code === 0x5f
      ? 63
      : Math.max(0, DIGITS.indexOf(String.fromCharCode(code))),
);
/** Whether the first four digits of base64 stand for three characters of a text. Words of letters hardly ever do. */
function beginsAsText(text: string): boolean {
  const digit = (at: number): number => VALUES[text.charCodeAt(at)] ?? 0;
  return (
    isPrintable((digit(0) << 2) | (digit(1) >> 4)) &&
    isPrintable(((digit(1) & 15) << 4) | (digit(2) >> 2)) &&
    isPrintable(((digit(2) & 3) << 6) | digit(3))
  );
}
const unpadded = (text: string): string => (text.endsWith("=") ? text.replace(/=+$/, "") : text);

/** A text with the encodings taken off that Secrets and URLs put on every value. */
export function opened(text: string): string {
  let result = percentDecoded(text);
  for (let round = 0; round < 3; round++) {
    if (!/^[A-Za-z0-9+/_-]{4,}={0,2}$/.test(result) || !beginsAsText(result)) break;
    const bytes = Buffer.from(result, "base64");
    if (bytes.length === 0 || !bytes.every(isPrintable)) break;
    // Only what was encoded comes back when it is encoded again.
    if (unpadded(bytes.toString("base64")) !== unpadded(result)) break;
    result = bytes.toString("latin1");
  }
  return result;
}

const undotted = (text: string): string => text.replace(/^\.+|\.+$/g, "");
const isDomain = (text: string): boolean =>
  DOMAINS.has(text.replace(/^(?:(?:privatelink|private|writer|reader|z\d+)\.)+/, ""));

/** Whether a text could be, in its canonical form, a piece of one of some names or a domain; most settings cannot. */
export function mayBePiece(text: string, names: ReadonlySet<string>): boolean {
  if (!isShort(text)) return false;
  if (!/^[\x20-\x7e]*$/.test(text)) return true;
  const plain = text.toLowerCase().trim();
  return beginningsOf(names).isBeginning(plain) || (plain.includes(".") && isDomain(undotted(plain)));
}

const SEPARATORS = ["", "-", "."];

/** Names that several texts make together, in any order and joined by nothing, a hyphen or a dot. */
function pieced(texts: readonly Sibling[], names: ReadonlySet<string>): Assembled[] {
  const beginnings = beginningsOf(names);
  const assembled: Assembled[] = [];
  let steps = MAX_STEPS;
  const extend = (sofar: string, place: Place, used: readonly Sibling[]): void => {
    for (const sibling of texts) {
      if (used.includes(sibling)) continue;
      if (--steps < 0) return;
      for (const separator of SEPARATORS) {
        const joint = beginnings.follow(separator, place);
        if (!joint) continue;
        const longer = beginnings.follow(sibling.text, joint);
        if (longer?.isName || firstLabelIsName(sofar, separator, sibling.text, joint))
          assembled.push({ key: sibling.key, text: `${sofar}${separator}${sibling.text}`, via: "joined" });
        else if (used.length < MAX_PIECES && goesOn(longer))
          extend(`${sofar}${separator}${sibling.text}`, longer, [...used, sibling]);
      }
    }
  };
  /** Whether what is made is a host whose first label is a name, the last piece bringing its end. */
  const firstLabelIsName = (sofar: string, separator: string, text: string, joint: Place): boolean => {
    const dot = text.indexOf(".");
    if (dot < 0 || separator === "." || sofar.includes(".")) return false;
    return separator.length + dot > 0 && beginnings.follow(text, joint, dot)?.isName === true;
  };
  for (const start of texts) {
    if (start.text.length < 2) continue;
    const place = beginnings.follow(start.text);
    if (goesOn(place)) extend(start.text, place, [start]);
  }
  return assembled;
}

/** Managed hosts out of a name and a domain that stand side by side. */
function hosted(texts: readonly Sibling[]): Assembled[] {
  const domains = texts
    .filter(({ text }) => text.includes("."))
    .map(({ text }) => undotted(text))
    .filter(isDomain);
  return domains.flatMap((domain) =>
    texts
      .filter(
        ({ name, text }) =>
          (name === undefined ? texts.length === 2 : HOST_PART.test(name)) &&
          /^[a-z0-9][a-z0-9-]{1,62}\.?$/.test(text),
      )
      .map(({ key, text }) => ({ key, text: `${text.replace(/\.$/, "")}.${domain}`, via: "joined" })),
  );
}

/** A text as it is compared with names when it may be a piece of one. */
export const pieceText = (text: string): string => canonical(opened(text)).trim();

/**
 * Whole names out of pieces in neighbouring texts: `pg-` and `prod`, or a host's name and its domain. Every name begins with a piece of
 * its own, and every host ends with a domain: where no text is one ({@link mayBePiece}), there are none.
 * @param textOf {@link pieceText}, or what remembers it
 */
export function fragments(
  owner: object,
  names: ReadonlySet<string>,
  textOf: (text: string) => string = pieceText,
): Assembled[] {
  const raw = shortTexts(owner);
  if (raw.length < 2) return [];
  const byText = new Map<string, Sibling>();
  for (const sibling of raw) {
    const text = textOf(sibling.text);
    // Two settings with one text differ only in what they are called, which matters for a host's name.
    const id = HOST_PART.test(sibling.name ?? "") ? `${sibling.name ?? ""} ${text}` : text;
    if (text !== "" && !byText.has(id)) byText.set(id, { ...sibling, text });
  }
  const texts = [...byText.values()];
  return [...pieced(texts, names), ...hosted(texts)];
}
