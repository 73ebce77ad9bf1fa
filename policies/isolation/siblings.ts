import { MANAGED_SUFFIXES } from "./managedHosts";
import { canonical, percentDecoded } from "./text";

/** A text that stands nowhere as such but is put together where it is used. */
export interface Assembled {
  /** Where it is put together. */
  readonly key: string | number;
  readonly text: string;
  readonly via: string;
}

type Variables = ReadonlyMap<string, string>;

const DOMAINS: ReadonlySet<string> = new Set(MANAGED_SUFFIXES.map(({ suffix }) => suffix));

/** Most texts of one object that are put together in pairs. */
const MAX_SIBLINGS = 64;

/** Settings whose value is the first part of a host name. */
const HOST_PART =
  /^(?:pg|db|database|sql|postgres|postgresql|azure_storage|storage|key_?vault|vault)?[_-]?(?:host|host_?name|server|server_?name|address|fqdn|endpoint|account|account_?name|vault|vault_?name|subdomain|db)$/i;

function environmentVariables(env: readonly unknown[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const entry of env) {
    const { name, value } = (entry ?? {}) as { name?: unknown; value?: unknown };
    if (typeof name === "string" && typeof value === "string") variables.set(name, value);
  }
  return variables;
}

/** Resolves `$(NAME)`, `${NAME}`, `$NAME` and `{{ NAME }}`, also in the values put in. */
function substitute(text: string, variables: Variables): string {
  let result = text;
  for (let round = 0; round < 4; round++) {
    const before = result;
    result = before
      .replace(
        /\$\((\w+)\)|\$\{(\w+)(?::?[-=?+][^}]{0,200})?\}|\$(\w+)/g,
        (whole, a?: string, b?: string, c?: string) => variables.get(a ?? b ?? c ?? "") ?? whole,
      )
      .replace(
        /\{\{-?\s*(?:\.\w+\.)*\.?(\w+)\s*-?\}\}/g,
        (whole, name: string) => variables.get(name) ?? whole,
      )
      .replace(/%(\w+)%/g, (whole, name: string) => variables.get(name) ?? whole);
    if (result === before || result.length > 1024 * 1024) break;
  }
  return result;
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

/** Texts of an object with the variables its neighbours define put in: a container's environment, a map's own keys. */
export function expansions(owner: object): Assembled[] {
  if (Array.isArray(owner)) return [];
  const { env } = owner as { env?: unknown };
  const entries = Object.entries(owner);
  const texts = Array.isArray(env)
    ? entries.flatMap(([key, value]) => [...leaves(value, key, 4)])
    : entries.flatMap(([key, value]) => (typeof value === "string" ? [{ key, text: value }] : []));
  const templates = texts.filter(({ text }) => /\$|\{\{|%\w+%/.test(text));
  if (templates.length === 0) return [];
  const variables = Array.isArray(env)
    ? environmentVariables(env)
    : new Map(texts.map(({ key, text }) => [String(key), text]));
  return templates.flatMap(({ key, text }) => {
    const expanded = substitute(text, variables);
    return expanded === text ? [] : [{ key, text: expanded, via: "$(VAR)" }];
  });
}

interface Sibling {
  /** Where it stands. */
  readonly key: string | number;
  /** What it is called; undefined in a list. */
  readonly name: string | undefined;
  readonly text: string;
}

const isShort = (text: string): boolean => text.length > 0 && text.length <= 253;

function shortTexts(owner: object): Sibling[] {
  const { env } = owner as { env?: unknown };
  const isList = Array.isArray(owner);
  const own = Object.entries(owner).flatMap(([key, value]): Sibling[] =>
    typeof value === "string" && isShort(value)
      ? [isList ? { key: Number(key), name: undefined, text: value } : { key, name: key, text: value }]
      : [],
  );
  const variables = Array.isArray(env) ? [...environmentVariables(env)] : [];
  return [
    ...own,
    ...variables.filter(([, text]) => isShort(text)).map(([name, text]) => ({ key: "env", name, text })),
  ].slice(0, MAX_SIBLINGS);
}

/** Beginnings of names, four characters and longer, that are not yet the whole name. */
const beginnings = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

function beginningsOf(names: ReadonlySet<string>): ReadonlySet<string> {
  let known = beginnings.get(names);
  if (!known) {
    known = new Set(
      [...names].flatMap((name) =>
        [...name].map((_, end) => name.slice(0, end)).filter((part) => part.length >= 2),
      ),
    );
    beginnings.set(names, known);
  }
  return known;
}

/** A text with the encodings taken off that Secrets and URLs put on every value. */
function opened(text: string): string {
  let result = percentDecoded(text);
  for (let round = 0; round < 3; round++) {
    if (!/^[A-Za-z0-9+/_-]{4,}={0,2}$/.test(result)) break;
    const bytes = Buffer.from(result, "base64");
    // Only what was encoded comes back when it is encoded again.
    if (bytes.toString("base64").replace(/=+$/, "") !== result.replace(/=+$/, "")) break;
    const decoded = bytes.toString("latin1");
    if (!/^[\x20-\x7e]+$/.test(decoded)) break;
    result = decoded;
  }
  return result;
}

/** Whole names out of pieces in neighbouring texts: `pg-` and `prod`, or a host's name and its domain. */
export function fragments(owner: object, names: ReadonlySet<string>): Assembled[] {
  const raw = shortTexts(owner);
  if (raw.length < 2) return [];
  const texts = raw.map((sibling) => ({ ...sibling, text: canonical(opened(sibling.text)).trim() }));
  const assembled: Assembled[] = [];
  const known = beginningsOf(names);
  const extend = (sofar: string, used: readonly number[]): void => {
    texts.forEach(({ key, text }, index) => {
      if (used.includes(index)) return;
      for (const separator of ["", "-", "."]) {
        const longer = `${sofar}${separator}${text}`;
        const bare = longer.split(".")[0] ?? longer;
        if (names.has(longer) || (names.has(bare) && bare.length > sofar.length)) {
          assembled.push({ key, text: longer, via: "joined" });
        } else if (used.length < 4 && known.has(longer)) extend(longer, [...used, index]);
      }
    });
  };
  texts.forEach(({ text }, index) => {
    if (known.has(text)) extend(text, [index]);
  });
  for (const { text } of texts) {
    const domain = text.replace(/^\.+|\.+$/g, "");
    if (!DOMAINS.has(domain.replace(/^(?:(?:privatelink|private|writer|reader|z\d+)\.)+/, ""))) continue;
    for (const other of texts) {
      const isHost = other.name === undefined ? raw.length === 2 : HOST_PART.test(other.name);
      if (other.text !== text && isHost && /^[a-z0-9][a-z0-9-]{1,62}\.?$/.test(other.text)) {
        assembled.push({ key: other.key, text: `${other.text.replace(/\.$/, "")}.${domain}`, via: "joined" });
      }
    }
  }
  return assembled;
}
