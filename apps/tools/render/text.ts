import { stripVTControlCharacters } from "node:util";

/** Columns when nobody says how many there are. */
const USUAL_COLUMNS = 100;
const [LEAST_COLUMNS, MOST_COLUMNS] = [60, 160];

/** Columns to write in: those of the terminal, within what can be read. */
export function columnsOf(stream: { readonly columns?: number }): number {
  const wanted = Number(process.env["COLUMNS"]) || stream.columns || USUAL_COLUMNS;
  return Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, wanted));
}

const lengthOf = (text: string): number => stripVTControlCharacters(text).length;

/** What is read as one, such as a schedule in quotes; a longer quotation is a sentence, and breaks like one. */
const QUOTED = /"[^"]{1,40}"/g;

/** Breaks a text between words. A word, or a short text in quotes, that is longer than a line stays whole. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  const joined = text.replace(QUOTED, (quoted) => quoted.replaceAll(" ", "\u0000"));
  for (const word of joined.split(" ").map((each) => each.replaceAll("\u0000", " "))) {
    if (line !== "" && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A text below an indentation and its own, later lines deeper by `hang`. */
export function indented(text: string, columns: number, indent: string, hang = ""): string[] {
  const own = indent + (/^ */.exec(text)?.[0] ?? "");
  return wrapWords(text.trimStart(), columns - own.length - hang.length).map(
    (line, i) => `${own}${i > 0 ? hang : ""}${line}`,
  );
}

/** A row of a two-column list: a label, and beside it texts that each begin a line. */
export function labelled(
  label: string,
  texts: readonly string[],
  columns: number,
  labelWidth: number,
): string[] {
  const indent = " ".repeat(labelWidth);
  return texts
    .flatMap((text) => indented(text, columns, indent, "  "))
    .map((line, i) => (i === 0 ? label.padEnd(labelWidth) + line.slice(labelWidth) : line));
}

/** `1 server`, `2 servers`. */
export function count(number: number, one: string, several = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : several}`;
}

/** A command below an indentation; one that is too long goes on in the next line as a shell reads it. */
export function commandLines(text: string, columns: number, indent: string): string[] {
  const mark = " \\";
  const lines = indented(text, columns - mark.length, indent, "  ");
  return lines.map((line, i) => (i < lines.length - 1 ? line + mark : line));
}
