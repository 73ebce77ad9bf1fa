/** Lines that are wider than a screen though they have a place to break: more than one word below their indentation. */
export function wideLines(text: string, columns: number): string[] {
  return text.split("\n").filter((line) => line.length > columns && /\S\s+\S/.test(line));
}
