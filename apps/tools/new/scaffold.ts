import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { UsageError } from "../../../packages/command/errors";
import { stackNames } from "../../../stacks/files";
import { allOrNothing, type Stop } from "./interrupted";
import type { Made } from "./made";
import { Sources } from "./sources";

/** What a scaffold is told beside what it makes. */
export interface Making {
  readonly root: string;
  /** Writes expected plans and generated pages again; without, several are made in a row and both follow at the end. */
  readonly update: boolean;
}

/** Throws every problem at once. @throws UsageError */
export function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new UsageError(problems);
}

/** One problem unless a text is one of some. */
export function oneOf(option: string, found: string, allowed: readonly string[]): string[] {
  return allowed.includes(found) ? [] : [`${option} ${found}: allowed: ${allowed.join(", ")}`];
}

/** One problem unless a text has a form, which `allowed` says in words. */
export function formed(option: string, found: string, form: RegExp, allowed: string): string[] {
  return form.test(found) ? [] : [`${option} ${found || "''"}: allowed: ${allowed}`];
}

/** Problems of texts that people read: one line, something in it, and a full stop where a sentence ends with one. */
export function prose(texts: Readonly<Record<string, string>>, stop: boolean): string[] {
  return Object.entries(texts).flatMap(([option, text]) =>
    /^\S[^\n]*$/.test(text) && text.endsWith(".") === stop
      ? []
      : [
          `${option} ${text || "''"}: allowed: one sentence ${stop ? "that ends with" : "without"} a full stop`,
        ],
  );
}

/**
 * Writes sources, and with them what is made from sources: expected plans and pages.
 * @throws UsageError when the program with the new thing cannot be planned or a policy forbids it; everything is then as
 * it was before.
 */
export async function scaffold(
  { root, update }: Making,
  write: (sources: Sources) => Promise<void>,
  next: readonly string[],
): Promise<Made> {
  const sources = new Sources(root);
  const made = update ? generated(root) : new Map<string, string>();
  const undo = () => {
    sources.undo();
    for (const [file, text] of made) fs.writeFileSync(path.join(root, file), text);
    for (const file of generated(root).keys())
      if (update && !made.has(file)) fs.rmSync(path.join(root, file));
  };
  return allOrNothing(undo, async (stops) => {
    await write(sources);
    if (!update)
      return {
        files: sources.files,
        next: [...next, "npm run plan:update && npm run docs: expected plans and pages"],
      };
    for (const one of UPDATES) await run(root, one, stops);
    return { files: [...sources.files, ...changedSince(root, made)], next };
  });
}

/** What is said, and what is then started in a process of its own, which knows what was just written. */
type Update = readonly [says: string, entry: readonly string[]];

/** What `npm run plan:update` and `npm run docs` start: plans are judged by what production may consist of. */
const UPDATES: readonly Update[] = [
  ["planning production in every role", ["apps/gates/shape/shape.ts"]],
  [
    "planning every stack",
    [
      "apps/tools/plan/plan.ts",
      ...["--quiet", "--save", "test/expected/{stack}.json", "--mermaid", "test/expected/{stack}.mmd"],
    ],
  ],
  ["writing the pages", ["apps/tools/docs/generate.ts"]],
];

async function run(root: string, [says, entry]: Update, stops: Set<Stop>): Promise<void> {
  process.stderr.write(`${says} ...\n`);
  const child = spawn(process.execPath, ["packages/command/run.mjs", ...entry], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    child.kill();
    await ended;
  };
  stops.add(stop);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await ended;
  stops.delete(stop);
  if (child.exitCode !== 0) {
    throw new UsageError(`with it the platform cannot be planned:\n${(stderr || stdout).trim()}`);
  }
}

const FOLDERS = ["docs", "test/expected"];
const FILES = ["README.md", "policies/shape.json", "test/policies/expected/statement.json"];

/** Files that plans and pages are written to, with their texts. */
function generated(root: string): Map<string, string> {
  const files = FOLDERS.flatMap((folder) =>
    fs
      .globSync(`${folder}/**/*.{md,mmd,json,svg}`, { cwd: root })
      .filter((file) => !file.includes("/source/")),
  );
  return new Map([...FILES, ...files].map((file) => [file, fs.readFileSync(path.join(root, file), "utf8")]));
}

function changedSince(root: string, before: ReadonlyMap<string, string>): string[] {
  return [...generated(root)].filter(([file, text]) => before.get(file) !== text).map(([file]) => file);
}

/** Any stack, for commands that are shown. */
export function someStack(root: string): string {
  return stackNames(root)[0] ?? "prod";
}

/** `queue-too-long` and `QueueTooLong` as `queueTooLong`. */
export function camel(name: string): string {
  const joined = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return joined.charAt(0).toLowerCase() + joined.slice(1);
}

/** `queueTooLong` as `queue-too-long`. */
export function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/^-/, "")
    .toLowerCase();
}

/** A value as the sources write it. */
export const literal = (value: unknown): string => JSON.stringify(value);
