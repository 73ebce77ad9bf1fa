import { stripVTControlCharacters } from "node:util";

/** Columns when nobody says how many there are. */
const USUAL_COLUMNS = 100;
const [LEAST_COLUMNS, MOST_COLUMNS] = [40, 160];
/** Milliseconds after which a command that has said nothing says what it does. */
const PATIENCE_MS = 500;

/** A stream that may be a terminal. */
export interface Out {
  readonly columns?: number;
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Columns to write in: those of the terminal, or what the variable COLUMNS says, within what can be read. */
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
      lines.push(line.trimEnd());
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

/** A command below an indentation; one that is too long goes on in the next line as a shell reads it. */
export function commandLines(text: string, columns: number, indent: string): string[] {
  const mark = " \\";
  const lines = indented(text, columns - mark.length, indent, "  ");
  return lines.map((line, i) => (i < lines.length - 1 ? line + mark : line));
}

const COMMAND = /^\s*(npm|npx|pulumi|az|kubectl|psql|export|docker) [a-z-]/;

/**
 * Lines for a reader with so many columns: longer ones break between words and hang below their beginning, commands as a
 * shell reads them.
 * @param hang columns by which what follows stands deeper than the beginning
 */
export function fitted(text: string, columns: number, hang = 2): string {
  return text
    .split("\n")
    .flatMap((line) => {
      if (lengthOf(line) <= columns) return [line];
      return COMMAND.test(line)
        ? commandLines(line, columns, "")
        : indented(line, columns, "", " ".repeat(hang));
    })
    .join("\n");
}

/**
 * Writes a text for people: fitted to the terminal, or to the variable COLUMNS, and as it is into a file or pipe, where
 * whoever reads it has lines of its own. Colours only where somebody sees them and wants them (https://no-color.org).
 */
export function write(text: string, stream: Out = process.stdout, hang?: number): void {
  const seen = stream.isTTY === true;
  const plain = seen && (process.env["NO_COLOR"] ?? "") === "" ? text : stripVTControlCharacters(text);
  stream.write(seen || process.env["COLUMNS"] ? fitted(plain, columnsOf(stream), hang) : plain);
}

/** The same as a line, or several. */
export function print(text: string, stream: Out = process.stdout): void {
  write(`${text}\n`, stream);
}

/** Says on a terminal what is being done if it takes longer than half a second, and takes it back when it is done. */
export async function during<T>(
  text: string,
  work: () => Promise<T>,
  stream: Out = process.stderr,
): Promise<T> {
  if (!stream.isTTY) return work();
  let said = "";
  const timer = setTimeout(() => {
    said = text.slice(0, columnsOf(stream) - 1);
    stream.write(`${said}\r`);
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (said !== "") stream.write(`${" ".repeat(said.length)}\r`);
  }
}
