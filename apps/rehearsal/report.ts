import { Outcome } from "./runner";

const HEADINGS = ["Stack", "Scenario", "Operations", "Result", "Seconds"] as const;

function cells({ stack, id, title, operations, result, seconds, message }: Outcome): string[] {
  const done = result === "not applicable" ? (message ?? "") : operations;
  return [stack, `${id} ${title}`, done, result, seconds.toFixed(1)];
}

/** For the terminal: one line a scenario, and the reasons of failures below. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = [[...HEADINGS], ...outcomes.map(cells).map((row) => row.map((cell) => shorten(cell, 72)))];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 4 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return [...lines, "", ...failures(outcomes), totals(outcomes)].join("\n");
}

function failures(outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ result }) => result === "failed")
    .flatMap(({ stack, id, title, message, transcript }) => [
      `FAILED ${stack} ${id} ${title}`,
      ...(message ?? "")
        .split("\n")
        .slice(0, 20)
        .map((text) => `  ${text}`),
      `  transcript: ${transcript ?? "none"}`,
      "",
    ]);
}

/** `58 passed, 0 failed, 4 not applicable in 301 s`. */
export function totals(outcomes: readonly Outcome[], wallSeconds?: number): string {
  const count = (result: Outcome["result"]): number => outcomes.filter((one) => one.result === result).length;
  const time = wallSeconds === undefined ? "" : ` in ${wallSeconds.toFixed(0)} s`;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("not applicable")} not applicable${time}`;
}

/** For a workflow's summary page. */
export function markdown(outcomes: readonly Outcome[], wallSeconds: number): string {
  const row = (parts: readonly string[]): string =>
    `| ${parts.map((part) => part.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [
    "## Rehearsal with the real engine",
    "",
    totals(outcomes, wallSeconds),
    "",
    row(HEADINGS),
    row(HEADINGS.map(() => "---")),
    ...outcomes.map((outcome) => row(cells(outcome))),
    "",
    ...outcomes
      .filter(({ result }) => result === "failed")
      .flatMap(({ stack, id, message }) => [`### ${stack} ${id}`, "", "```text", message ?? "", "```", ""]),
  ].join("\n");
}

/** For CI systems that read JUnit's XML. */
export function junit(outcomes: readonly Outcome[], wallSeconds: number): string {
  const suites = [...new Set(outcomes.map(({ stack }) => stack))].map((stack) => {
    const own = outcomes.filter((one) => one.stack === stack);
    const failed = own.filter(({ result }) => result === "failed").length;
    const skipped = own.filter(({ result }) => result === "not applicable").length;
    return [
      `  <testsuite name="rehearsal ${xml(stack)}" tests="${own.length}" failures="${failed}" skipped="${skipped}" time="${sum(own)}">`,
      ...own.map(testcase),
      "  </testsuite>",
    ].join("\n");
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="rehearsal" tests="${outcomes.length}" time="${wallSeconds.toFixed(3)}">`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

function testcase({ stack, id, title, result, seconds, message, operations }: Outcome): string {
  const head = `    <testcase classname="rehearsal.${xml(stack)}" name="${xml(`${id} ${title}`)}" time="${seconds.toFixed(3)}"`;
  if (result === "passed") return `${head}><system-out>${xml(operations)}</system-out></testcase>`;
  const [first = ""] = (message ?? "").split("\n");
  return result === "failed"
    ? `${head}><failure message="${xml(first)}">${xml(message ?? "")}</failure></testcase>`
    : `${head}><skipped message="${xml(message ?? "")}"/></testcase>`;
}

function sum(outcomes: readonly Outcome[]): string {
  return outcomes.reduce((total, { seconds }) => total + seconds, 0).toFixed(3);
}

/** Escapes markup, and drops the control characters XML has no way to write. */
function xml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\n": "&#10;",
  };
  const printable = text
    // eslint-disable-next-line no-control-regex -- they are what is taken out
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
  return printable.replace(/[&<>"\n]/g, (char) => entities[char] ?? char);
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
