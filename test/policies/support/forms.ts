import { gzipSync } from "node:zlib";
import yaml from "js-yaml";
import { base64 } from "./vectors";

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const wide = (c: string): string => String.fromCharCode(c.charCodeAt(0) + 0xfee0);

const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** One way of writing a value that means the same to whoever uses it. */
export interface Form {
  name: string;
  write: (leaf: string) => unknown;
  /** Changes letters, so that what is encoded or compared exactly no longer means the same. */
  changesText?: boolean;
  /** Leaves a text a text that is decoded as a whole, so that pieces of a name still fit together. */
  keepsPieces?: boolean;
}

export const FORMS: readonly Form[] = [
  { name: "upper case", write: (leaf) => leaf.toUpperCase(), changesText: true },
  {
    name: "mixed case",
    write: (leaf) => [...leaf].map((c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())).join(""),
    changesText: true,
  },
  {
    name: "trailing dot",
    write: (leaf) => leaf.replace(/(azure\.com|azure\.net|windows\.net|azmk8s\.io)\b/gi, "$1."),
    changesText: true,
  },
  {
    name: "percent",
    keepsPieces: true,
    write: (leaf) => leaf.replace(/[a-z.-]/gi, (c) => `%${c.charCodeAt(0).toString(16)}`),
  },
  {
    name: "percent twice",
    write: (leaf) => leaf.replace(/[a-z-]/gi, (c) => `%25${c.charCodeAt(0).toString(16)}`),
  },
  { name: "invisible characters", write: (leaf) => [...leaf].join("\u200b"), changesText: true },
  { name: "full width", write: (leaf) => leaf.replace(/[!-~]/g, wide), changesText: true },
  { name: "base64", keepsPieces: true, write: base64 },
  { name: "base64 twice", keepsPieces: true, write: (leaf) => base64(base64(leaf)) },
  { name: "base64 three times", keepsPieces: true, write: (leaf) => base64(base64(base64(leaf))) },
  { name: "base64url", write: (leaf) => Buffer.from(leaf).toString("base64url") },
  { name: "base64 in lines", write: (leaf) => base64(leaf.padEnd(200)).replace(/.{76}/g, "$&\n") },
  { name: "base64 in a command", write: (leaf) => `echo ${base64(leaf)} | base64 -d | sh` },
  { name: "utf-16 in base64", write: (leaf) => Buffer.from(leaf, "utf16le").toString("base64") },
  { name: "gzip in base64", write: (leaf) => gzipSync(leaf).toString("base64") },
  { name: "gzip in base64 twice", write: (leaf) => base64(gzipSync(leaf).toString("base64")) },
  { name: "hexadecimal", write: (leaf) => Buffer.from(leaf).toString("hex") },
  { name: "JSON in a string", write: (leaf) => JSON.stringify({ a: [{ b: leaf }] }) },
  {
    name: "JSON with escapes",
    write: (leaf) =>
      `{"a":"${[...leaf].map((c) => (/[a-z]/i.test(c) ? escaped(c) : JSON.stringify(c).slice(1, -1))).join("")}"}`,
  },
  {
    name: "escapes of eight digits",
    write: (leaf) => leaf.replace(/[a-z.-]/gi, (c) => `\\U${c.charCodeAt(0).toString(16).padStart(8, "0")}`),
  },
  { name: "YAML in a string", write: (leaf) => yaml.dump({ kind: "Config", list: [{ value: leaf }] }) },
  {
    name: "JSON in base64 in YAML",
    write: (leaf) => yaml.dump({ kind: "Config", value: base64(JSON.stringify([leaf])) }),
  },
  { name: "key of a map", write: (leaf) => ({ [leaf]: "x" }) },
  { name: "nested lists", write: (leaf) => [[[{ deep: [leaf] }]]] },
  { name: "secret", write: (leaf) => ({ ...SECRET, value: leaf }) },
  {
    name: "unknown neighbour",
    write: (leaf) => ({
      a: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      b: leaf,
      c: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    }),
  },
];
