/** Characters that take no space or change how others look; none of them survives in a name that resolves. */
const INVISIBLE = /\p{Cf}|\u034F|\u115F|\u1160|\u17B4|\u17B5|\u3164|\uFFA0|\p{Variation_Selector}/gu;

/** Full stops of other scripts, which resolvers read as dots. */
const FULL_STOPS = /[\u3002\uFF0E\uFF61]/g;

// eslint-disable-next-line no-control-regex
const NOT_ASCII = /[^\x00-\x7f]/;

/** A text without invisible characters, and with the compatibility forms of characters folded. */
export function visible(text: string): string {
  return NOT_ASCII.test(text) ? text.replace(INVISIBLE, "").normalize("NFKC").replace(FULL_STOPS, ".") : text;
}

/** Characters of the tags block, which show nothing and stand for those of ASCII. */
const TAGS = /[\u{E0020}-\u{E007E}]/gu;

/** A text with what is written in invisible tags made visible. */
export function untagged(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  return text.replace(TAGS, (tag) => String.fromCharCode((tag.codePointAt(0) ?? 0) - 0xe0000));
}

/** A text from its end to its beginning. */
export const reversed = (text: string): string => [...text].reverse().join("");

/** The form in which texts are compared. */
export function canonical(text: string): string {
  return visible(text).toLowerCase();
}

function decodeBytes(run: string): string {
  const bytes = Buffer.from(run.replace(/%/g, ""), "hex");
  return bytes.toString("utf8").includes("\ufffd") ? bytes.toString("latin1") : bytes.toString("utf8");
}

/** Percent-decodes what is validly encoded and leaves the rest. */
export function percentDecoded(text: string): string {
  return text.includes("%") ? text.replace(/(?:%[0-9a-f]{2})+/gi, decodeBytes) : text;
}

const codePoint = (hex: string, whole: string): string => {
  const value = parseInt(hex, 16);
  return value <= 0x10ffff ? String.fromCodePoint(value) : whole;
};

/** Resolves the escapes of JSON, YAML, shells and programming languages. */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(
    /\\(?:[uU]\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xX]([0-9a-fA-F]{2})|(0[0-3][0-7]{2}|[0-3][0-7]{2}|[0-7]{1,2})|\r?\n[ \t]*|([\\/"'._-]))/g,
    (whole, ...[braced, four, eight, two, octal, literal]: (string | undefined)[]) => {
      const hex = braced ?? four ?? eight ?? two;
      if (hex !== undefined) return codePoint(hex, whole);
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      return literal ?? "";
    },
  );
}

const CODE_LIST = /(?:\b\d{2,3}(?:\s*[,;]\s*|\s+)){7,}\d{2,3}\b/g;
const BIT_LIST = /(?<![01])(?:(?:[01]{8}[\s,;]*){8,}|[01]{7}(?:[\s,;]+[01]{7}){7,})(?![01])/g;

/** Text of character codes; undefined when they are none: fewer than eight, or not those of a text. */
export function textOfCodes(codes: readonly unknown[]): string | undefined {
  const isText =
    codes.length >= MIN_CODES &&
    codes.every((code) => typeof code === "number" && Number.isInteger(code) && isPrintable(code));
  return isText ? Buffer.from(codes as number[]).toString("latin1") : undefined;
}
const MIN_CODES = 8;
/** Whether a code is one of a plain text: ASCII that prints, tabs and ends of lines. */
export const isPrintable = (code: number): boolean =>
  (code >= 32 && code < 127) || code === 9 || code === 10 || code === 13;

/** Resolves lists of character codes, as `fromCharCode` and its kind take them, and bytes written bit by bit. */
export function fromCodes(text: string): string {
  if (!/\d(?:[,;]\s*|\s+)\d|[01]{7}/.test(text)) return text;
  return text
    .replace(CODE_LIST, (list) => textOfCodes(list.split(/[,;\s]+/).map(Number)) ?? list)
    .replace(BIT_LIST, (list) => {
      const bytes = list.match(/[01]{7,8}/g) ?? [];
      return textOfCodes(bytes.map((bits) => parseInt(bits, 2))) ?? list;
    });
}

/** Resolves the quoted-printable form of mail, where it encodes several characters in a row. */
export function withoutQuotedPrintable(text: string): string {
  if (!text.includes("=")) return text;
  const whole = text.replace(/(?:=[0-9a-f]{2}){3,}/gi, (run) =>
    Buffer.from(run.replace(/=/g, ""), "hex").toString("latin1"),
  );
  // Signs alone are encoded in the middle of words, and a line that ends so goes on.
  return whole.replace(/(?<=\w)=(2[DEdef]|5[Ff])(?=\w)/g, (_, code: string) =>
    String.fromCharCode(parseInt(code, 16)),
  );
}

/** A text of markup without comments and without the marks around what is not markup: `a<!-- -->b`, `<![CDATA[ab]]>`. */
export function withoutMarkup(text: string): string {
  if (!text.includes("<!")) return text;
  return text.replace(/<!--.{0,1000}?-->|<!\[CDATA\[|\]\]>/gs, "");
}

/** Resolves the parts of UTF-7 that stand for other characters: `+AC0-` is a hyphen. */
export function withoutUtf7(text: string): string {
  if (!/\+A[A-Za-z0-9+/]{2,}-/.test(text)) return text;
  return text.replace(/\+([A-Za-z0-9+/]{3,})-/g, (_, run: string) => {
    const bytes = Buffer.from(run, "base64");
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString("utf16le");
  });
}

/** Resolves the numeric character references of XML and HTML. */
export function withoutEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text
    .replace(/&#x([0-9a-f]{1,6});/gi, (whole, hex: string) => codePoint(hex, whole))
    .replace(/&#(\d{1,7});/g, (whole, decimal: string) => codePoint(Number(decimal).toString(16), whole))
    .replace(/&(?:period|hyphen|dash);/g, (name) => (name === "&period;" ? "." : "-"));
}

/** Quotes inside a word; a letter before one that begins a word says what kind of text it is: `f"…"`, `b'…'`. */
const INNER_QUOTES = /(?<=[\w.-])(?<!(?:^|[\s(,=[{])[fbruenFBRUEN]{1,2})["'`]+(?=[\w.-])/g;

/**
 * Joins what a shell, SQL or a programming language joins: quotes inside a word, `"a" + "b"`, and literals of which each
 * stands on a line of its own with nothing between.
 */
export function joined(text: string): string {
  if (!/["'`]/.test(text)) return text;
  return text
    .replace(/(?<=["'`\s+])\/\*[^*"'`]{0,200}\*\/(?=[\s+"'`])/g, "")
    .replace(/["'`]\s*(?:\+|\|\||\.\.|&|\)\s*\.(?:append|concat|plus)\(|\|\s*append:)\s*["'`]/g, "")
    .replace(/(?<=[\w.-])(["'])[ \t]*\r?\n[ \t]*\1(?=[\w.-])/g, "")
    .replace(INNER_QUOTES, "");
}

/** A line that gives a name a value, as properties files, shells, YAML and INI write it. */
const ASSIGNMENT =
  /(?:^|[\n;,&{]|&&|\{%-?|\{\{-?)[ \t]*(?:(?:export|set|setx|declare|readonly|local|let|var|val|const|final|auto|my|string|String|ENV|ARG|-e|--env|--set|define)[ \t]+)*["'$]?([A-Za-z_][\w.-]{0,99})["']?[ \t]*(?::=|(\+)=|[=:])[ \t]*("[^"\n]{0,500}"|'[^'\n]{0,500}'|(?![{[](?![{%]))(?:\$\{\w{1,99}\}|[^\s;,&}]){1,500})/g;
/** The same where a name and its value stand side by side: of Nginx, of a dictionary in a template, of an entity. */
const PAIRS: readonly RegExp[] = [
  /\bset\s+\$(\w{1,99})\s+["']?([\w.-]{1,500})["']?\s*;/g,
  /\bdict\s(?:[^}\n]{0,200}?\s)??["'](\w{1,99})["']\s+["']([\w.-]{1,500})["']/g,
  /<!ENTITY\s+(\w{1,99})\s+["']([^"'<>]{1,500})["']\s*>/g,
];
/** Most rounds in which values are put into values. */
const MAX_ROUNDS = 6;
const MAX_EXPANDED_CHARS = 1024 * 1024;

/**
 * Places where a text is put in: `$(NAME)`, `${NAME}`, `${NAME:-other}`, `${NAME:other}`, `$NAME`, `{{ a.NAME }}`, `{NAME}`,
 * `%NAME%`, `@NAME@`, `#{NAME}`.
 */
const PLACES: readonly RegExp[] = [
  /\$\(([A-Za-z_][\w.-]*)\)/g,
  /[$#]\{(?:env[:.])?([A-Za-z_][\w.-]*?)(?:(?::?[-=?+]|:)([^{}]{0,200}))?\}/g,
  /\{\{-?\s*\$?\.?((?:[A-Za-z_][\w-]*\.)*[A-Za-z_][\w-]*)\s*-?\}\}/g,
  /\{\{-?\s*\$?\.?((?:[A-Za-z_][\w-]*\.)*[A-Za-z_][\w-]*)\s*\|\s*default\s+"([^"{}]{0,200})"\s*-?\}\}/g,
  /\$([A-Za-z_]\w*)/g,
  /(?<![$#{])\{([A-Za-z_][\w.]*)\}(?!\})/g,
  /%([A-Za-z_]\w*)%/g,
  /@([A-Za-z_]\w*)@/g,
  /\\\(([A-Za-z_]\w*)\)/g,
  /&([A-Za-z_]\w*);/g,
];

/** What stands between the braces of a template, and a value's path in it. */
const EXPRESSION = /\{\{[^{}]{1,300}\}\}/g;
const VALUE = /(?<![\w"'.])\$?\.((?:[A-Za-z_][\w-]*\.)*[A-Za-z_][\w-]*)/g;

/** Resolves the places of a text by name, also in what was put in; a place nobody fills keeps its default or stays. */
export function substituted(text: string, valueOf: (name: string) => string | undefined): string {
  let result = text;
  for (let round = 0; round < MAX_ROUNDS && result.length <= MAX_EXPANDED_CHARS; round++) {
    const before = result;
    for (const place of PLACES) {
      result = result.replace(
        place,
        (whole, name: string, fallback?: unknown) =>
          valueOf(name) ?? (typeof fallback === "string" ? fallback : whole),
      );
    }
    // What a template computes from its values is computed from the values themselves.
    result = result.replace(EXPRESSION, (whole) =>
      whole.replace(VALUE, (path, name: string) => {
        const value = valueOf(name);
        return value === undefined || /["\n{}]/.test(value) ? path : JSON.stringify(value);
      }),
    );
    if (result === before) break;
  }
  return result;
}

const HAS_PLACE =
  /[$#]\{|\$\(|\$[A-Za-z_]|\{\{|\{[\w.]{0,60}\}|%[A-Za-z_]\w*%|%[svd](?![0-9A-Fa-f])|@[A-Za-z_]\w*@|\\\([A-Za-z_]|&[A-Za-z_]\w*;/;

/** Whether a text leaves a place for another text. */
export const hasPlace = (text: string): boolean => HAS_PLACE.test(text);

/** The first word of a command whose output is taken. */
const COMMANDED = /^(?:\$\([^)]*|`[^`]*)$/;

/** The names a text gives values itself, with the values. */
export function assignments(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const [, name = "", more, value = ""] of text.matchAll(ASSIGNMENT)) {
    const plain = value.replace(/^(["'])(.*)\1$/s, "$2");
    // What a command prints is no value: `NAME=$(find one)`.
    if (COMMANDED.test(plain)) continue;
    own.set(name, more === undefined ? plain : (own.get(name) ?? "") + plain);
  }
  for (const pattern of PAIRS)
    for (const [, name = "", value = ""] of text.matchAll(pattern)) own.set(name, value);
  return own;
}

/** A text with the names it gives values itself put in where it uses them. */
export function expandedWithin(text: string): string {
  if (!hasPlace(text)) return text;
  const own = assignments(text);
  return substituted(text, (name) => own.get(name) ?? own.get(shortest(name)));
}

/** Last step of a path such as `.Values.app.env`, as nested files write it down. */
const shortest = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
