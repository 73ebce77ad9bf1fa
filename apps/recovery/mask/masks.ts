import { createHmac } from "node:crypto";

/**
 * What becomes of a value. Every kind but `null` and `constant` gives the same for the same value, in every column of
 * that kind, so that keys still join; without the key nobody can try values out. NULL and the empty text stay what they
 * are.
 */
export const MASKS = {
  keep: "as it is",
  null: "NULL",
  constant: "the text of `value`",
  token: "20 hexadecimal digits",
  email: "an address of example.invalid",
  shape: "other letters and digits in the same places; what is neither stays, accented letters become x",
  uuid: "another UUID",
  date: "the first of January of the same year; a value that is no date or time ends the restore",
} as const;
export type MaskKind = keyof typeof MASKS;

export interface Mask {
  kind: MaskKind;
  /** For `constant`: as PostgreSQL prints it; in a database that is not of UTF-8, of ASCII alone. */
  value?: string;
}

const HIDDEN_LETTER = "x";

/**
 * Masks one value.
 * @param text its bytes as latin1, without COPY's escapes
 * @returns the masked value's in the same way; null for NULL
 * @throws Error for a value that its mask would leave as it is
 */
export function maskValue({ kind, value }: Mask, text: string, key: Buffer): string | null {
  if (kind === "null") return null;
  if (kind === "keep" || text === "") return text;
  if (kind === "constant") return Buffer.from(value ?? "").toString("latin1");
  const digest = (round = 0) =>
    createHmac("sha256", key).update(`${kind} ${round}\0`).update(text, "latin1").digest();
  switch (kind) {
    case "token":
      return digest().toString("hex").slice(0, 20);
    case "email":
      return `${digest().toString("hex").slice(0, 20)}@example.invalid`;
    case "uuid":
      return asUuid(digest().toString("hex"));
    case "date":
      return firstOfYear(text);
    case "shape":
      return reshape(text, digest);
  }
}

/** Of version 8, which is for whatever an application makes up. */
const asUuid = (hex: string) =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;

/** Of a date, or a time as PostgreSQL prints it in UTC; `infinity` stays. A text or a range may hold a date in other ways. */
function firstOfYear(text: string): string {
  const [, year, time = "", zone = "", era = ""] =
    /^(\d{4,})-\d\d-\d\d( \d\d:\d\d:\d\d(?:\.\d+)?)?(\+00)?( BC)?$/.exec(text) ?? [];
  if (year === undefined && !/^-?infinity$/.test(text)) throw new Error("holds what is no date or time");
  return year === undefined ? text : `${year}-01-01${time && " 00:00:00"}${zone}${era}`;
}

function reshape(text: string, digest: (round: number) => Buffer): string {
  let random = digest(0);
  let used = 0;
  let rounds = 0;
  const next = (choices: number) => {
    if (used === random.length) {
      random = digest((rounds += 1));
      used = 0;
    }
    return (random[used++] as number) % choices;
  };
  return text.replace(/[0-9A-Za-z]|[\x80-\xff]+/g, (character) => {
    if (/[0-9]/.test(character)) return String(next(10));
    if (/[a-z]/.test(character)) return String.fromCharCode(97 + next(26));
    if (/[A-Z]/.test(character)) return String.fromCharCode(65 + next(26));
    return HIDDEN_LETTER;
  });
}
