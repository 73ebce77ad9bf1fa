/** What names of columns say about whom their values are about. */
export interface PersonalKind {
  /** For a message. */
  what: string;
  /** Matches a column's name in lower case with its words separated by underscores. */
  name: RegExp;
}

/** As a word of its own, numbered or not. */
const word = (text: string) => new RegExp(`(^|_)(${text})\\d*(_|$)`);
/** Such a word, or a part of one written together with others, as in `customeremail`. */
const part = (inside: string, text: string) => new RegExp(`${inside}|${word(text).source}`);

/**
 * Names behind which data of persons usually stand, in this application's vocabulary and in that of its partners' orders
 * and shipments. A name that matches and means something else gets the rule `keep`.
 */
const PERSONAL: readonly PersonalKind[] = [
  { what: "an e-mail address", name: part("email|mailaddress", "mails?|e_mail|mail_address") },
  { what: "a telephone number", name: part("phone", "mobiles?|gsm|tel|fax") },
  {
    what: "a person's name",
    name: part(
      "surname|(first|last|middle|full|family|given|maiden|nick)_?name",
      "(contact|customer|recipient|user|display|login|legal|holder)_?name|username",
    ),
  },
  {
    what: "an address",
    name: part(
      "street|postcode|zipcode",
      "(home|billing|shipping|delivery|invoice|mailing|postal)?_?address(es)?|address_?(1|2|line)|street|house_?(number|no)|zip(_?code)?|post(al)?_?code|city|lat|lng|latitude|longitude",
    ),
  },
  { what: "a date of birth", name: part("birth", "dob|born(_(on|at))?") },
  {
    what: "a number of a person or an account",
    name: part("iban|passport", "bic|ssn|passport|national_id|tax_id|vat(_?number)?|card_?number"),
  },
  { what: "an address of a device", name: word("ip|ip_?addr(ess)?|user_?agent|device_id") },
  {
    what: "a secret",
    name: part("password", "passwd|secrets?|(access|refresh|api|auth|session)_?(token|key)|tokens?"),
  },
  { what: "what somebody wrote", name: word("notes?|comments?|message|gift_?message") },
  {
    what: "a partner's document",
    name: word("payload|raw_?(body|payload)|webhook_?(body|payload)|request_?body|response_?body"),
  },
];

/** `customerEmail`, `Customer E-Mail` and `customer_email` as the last of them. */
const inWords = (column: string) =>
  column
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase();

/** What a column seems to hold about persons; undefined when its name says nothing of the kind. */
export function personalKind(column: string): string | undefined {
  const words = inWords(column);
  return PERSONAL.find(({ name }) => name.test(words))?.what;
}

/** The sign itself, how addresses of the web write it, and how JSON may, whose backslash COPY doubles. */
const AT = /@|%40|\\\\u0040/i;
/**
 * One character before the sign, and names of limited length behind it: a part of any length would be tried anew at each
 * character of a long text.
 */
const address = (letters: string) =>
  new RegExp(
    `[a-z0-9${letters}._%+-](?:${AT.source})[a-z0-9${letters}-]{1,200}(?:\\.[a-z0-9${letters}-]{1,200}){0,8}\\.[a-z${letters}]{2}`,
    "i",
  );
const IN_BYTES = address("");
/** What is no ASCII is taken for a letter; among bytes that are no text it would be everywhere. */
const IN_TEXT = address(String.raw`\x80-\xff`);

/**
 * An e-mail address anywhere in a value gives data of persons away whatever its column is called.
 * @param value as COPY writes it, its bytes as latin1
 * @param bytes whether the value may be no text
 */
export const looksLikeAddress = (value: string, bytes = false): boolean =>
  AT.test(value) && (bytes ? IN_BYTES : IN_TEXT).test(value);

/** A key of JSON or hstore; in a part of a composite type, and in arrays of those, each quote is doubled. */
const KEY = /"([^"\\]{1,80})(?:"{1,16}|(?:\\{1,16}"){2,16})\s*(?::|=>)/g;

/** Names of the keys in a value, whatever it is. */
export function* keysOf(value: string): Generator<string> {
  for (const [, key = ""] of value.matchAll(KEY)) yield key;
}
