import { BareNames } from "./bareNames";
import type { Foreign, Perimeter } from "./perimeter";
import { reversed } from "./text";

const NAME = /[a-z0-9][a-z0-9-]*/g;
const IS_NAME = /^[a-z0-9][a-z0-9-]*$/;
/** What Azure appends to a cluster's name for its administrators' context. */
const ADMIN_CONTEXT = "-admin";

/** Shortest name that is looked for in disguise: shorter ones turn up by chance. */
const MIN_DISGUISED_CHARS = 8;
/** Shortest name, in letters and digits, that is looked for with anything between them. */
const MIN_BARE_CHARS = 12;
/** Longest text that is looked through for such names. */
const MAX_BARE_CHARS = 256 * 1024;
/** What does not stand between the characters of a name as it is usually written. */
const ODD_BETWEEN = /[^a-z0-9._\-/:]/;
/** A sign after each letter, whichever it is. */
const SPELLED = /(?:[a-z0-9][^a-z0-9]){8}/;
const ALL_SPELLED = /^(?:[a-z0-9][^a-z0-9]+)+[a-z0-9]$/;

/** A name with each letter moved on in the alphabet. */
function shifted(name: string, by: number): string {
  const moved = (code: number): number => (code >= 97 && code <= 122 ? ((code - 97 + by) % 26) + 97 : code);
  return String.fromCharCode(...Array.from({ length: name.length }, (_, at) => moved(name.charCodeAt(at))));
}
const mirrored = (name: string): string =>
  name.replace(/[a-z]/g, (letter) => String.fromCharCode(219 - letter.charCodeAt(0)));
/** Every printable character moved half way round, in lower case, as texts are judged. */
const halfRound = (name: string): string =>
  name.replace(/[!-~]/g, (one) => String.fromCharCode(33 + ((one.charCodeAt(0) + 14) % 94))).toLowerCase();
const bare = (name: string): string => name.replace(/[^a-z0-9]/g, "");

/** Disguises by the name in them: every run that is judged looks for those of the same names. */
const disguises = new Map<string, readonly string[]>();
/** A name backwards, mirrored, and with its letters moved on in the alphabet. */
function disguisesOf(name: string): readonly string[] {
  const known = disguises.get(name) ?? [
    reversed(name),
    mirrored(name),
    ...Array.from({ length: 25 }, (_, by) => shifted(name, by + 1)),
  ];
  disguises.set(name, known);
  return known;
}

type Named = readonly [string, Foreign];

/** The part of a text that holds so many letters and digits, after so many others. */
function spanOf(text: string, before: number, length: number): string {
  let [seen, start] = [0, -1];
  for (let at = 0; at < text.length; at++) {
    if (!/[a-z0-9]/.test(text[at] ?? "")) continue;
    if (seen === before) start = at;
    if (++seen === before + length) return text.slice(start, at + 1);
  }
  return "";
}

/** Finds names of other environments in texts, as they are written and disguised. */
export class ForeignNames {
  private readonly names: ReadonlyMap<string, Foreign>;
  /** Names that are more than letters, digits and hyphens: looked for anywhere. */
  private readonly odd: readonly Named[];
  /** Names written backwards, mirrored, or with letters shifted in the alphabet. */
  private readonly disguised: ReadonlyMap<string, Foreign>;
  private readonly disguisedHosts: readonly Named[];
  private readonly halfRound: readonly Named[];
  /** Names by their letters and digits alone, forwards and backwards, and what finds them. */
  private readonly bare: ReadonlyMap<string, Foreign>;
  private readonly bareNames: BareNames;

  constructor({ names, aliases }: Pick<Perimeter, "names" | "aliases">) {
    const long = (of: ReadonlyMap<string, Foreign>): Named[] =>
      [...of].filter(([name]) => name.length >= MIN_DISGUISED_CHARS);
    this.names = names;
    this.odd = [...names].filter(([name]) => !IS_NAME.test(name));
    this.disguised = new Map(
      long(names).flatMap(([name, foreign]) => disguisesOf(name).map((one): Named => [one, foreign])),
    );
    this.disguisedHosts = long(aliases).flatMap(([name, foreign]): Named[] => [
      [reversed(name), foreign],
      [shifted(name, 13), foreign],
    ]);
    this.halfRound = [...names]
      .filter(([name]) => name.includes("-"))
      .map(([name, foreign]) => [halfRound(name), foreign]);
    this.bare = new Map(
      [...names]
        .map(([name, foreign]): Named => [bare(name), foreign])
        .filter(([name]) => name.length >= MIN_BARE_CHARS)
        .flatMap(([name, foreign]): Named[] => [
          [name, foreign],
          [reversed(name), foreign],
        ]),
    );
    this.bareNames = new BareNames(this.bare.keys());
  }

  /** @param text in canonical form */
  in(text: string): Foreign[] {
    if (this.names.size === 0) return [];
    const found = this.tokens(text);
    const anyOf = (list: readonly Named[]): void => {
      for (const [name, foreign] of list) if (text.includes(name)) found.push(foreign);
    };
    anyOf(this.odd);
    if (text.includes("\\")) anyOf(this.halfRound);
    if (text.includes(".")) anyOf(this.disguisedHosts);
    if (
      text.length >= MIN_BARE_CHARS &&
      text.length <= MAX_BARE_CHARS &&
      (ODD_BETWEEN.test(text) || SPELLED.test(text))
    )
      this.scattered(text, found);
    return found;
  }

  private tokens(text: string): Foreign[] {
    const found: Foreign[] = [];
    const hasFlag = text.includes("-h");
    for (const token of text.match(NAME) ?? []) {
      if (token.length < 3) continue;
      const foreign = this.token(token) ?? (hasFlag ? this.flagged(token, text) : undefined);
      if (foreign) found.push(foreign);
    }
    return found;
  }

  private token(token: string): Foreign | undefined {
    return (
      this.names.get(token) ?? this.framed(token) ?? this.administered(token) ?? this.disguised.get(token)
    );
  }

  /** A name in a frame: hyphens behind it, or a letter and a hyphen before. */
  private framed(token: string): Foreign | undefined {
    if (!token.endsWith("-") && token[1] !== "-") return undefined;
    return this.names.get(token.replace(/-+$/, "").replace(/^.-/, ""));
  }

  private administered(token: string): Foreign | undefined {
    return token.endsWith(ADMIN_CONTEXT) ? this.names.get(token.slice(0, -ADMIN_CONTEXT.length)) : undefined;
  }

  /** A host behind the flag it is given with: `-hname`. */
  private flagged(token: string, text: string): Foreign | undefined {
    return token.startsWith("h") && text.includes(`-${token}`) ? this.names.get(token.slice(1)) : undefined;
  }

  /** Names whose characters stand apart, with blanks, commas, quotes or anything else that is no letter between them. */
  private scattered(text: string, found: Foreign[]): void {
    const squeezed = text.replace(/[^a-z0-9]+/g, "");
    for (const { name, at } of this.bareNames.in(squeezed)) {
      const foreign = this.bare.get(name);
      // Hyphens, dots and underscores are how names are written: those are judged as they stand.
      const span = spanOf(text, at, name.length);
      if (foreign && (ODD_BETWEEN.test(span) || ALL_SPELLED.test(span))) found.push(foreign);
    }
  }
}
