import { indented } from "../../../packages/command/terminal";

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

const STANDBY: Readonly<Record<string, string>> = {
  ZoneRedundant: "standby in another zone",
  SameZone: "standby in the same zone",
  Disabled: "no standby",
};

/** Where the standby of a database server is, by Azure's name for its mode of high availability. */
export const standbyText = (mode: string): string => STANDBY[mode] ?? mode;
