import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../packages/command/root";

const ROOT = projectRoot(__dirname);
const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/** Scripts that are commands of this project: each names its entry. */
const ENTRIES = [
  ...new Set(Object.values(scripts).flatMap((script) => /run\.mjs (\S+\.ts)/.exec(script)?.[1] ?? [])),
];

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(entry: string, ...args: string[]): Promise<Ended> {
  const command = ["packages/command/run.mjs", entry, ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { cwd: ROOT });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** Files a command could write to by mistake: whatever is committed or could be, with the moment it was last written. */
function files(folder = ROOT): Map<string, number> {
  const found = new Map<string, number>();
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (/^(node_modules|\.git|\.build|coverage)$/.test(entry.name)) continue;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) files(file).forEach((written, name) => found.set(name, written));
    else found.set(file, fs.lstatSync(file).mtimeMs);
  }
  return found;
}

/** Two at a time: what they cost is the start of a process. */
async function inPairs<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await act(next);
  };
  await Promise.all([work(), work()]);
}

test("every command tells how it is used and refuses what it does not know, and does nothing else", async () => {
  expect(ENTRIES.length).toBeGreaterThan(18);
  // What the pack is compiled to is no source, and the first command compiles it.
  const before = files();
  const help: Record<string, unknown> = {};
  const nonsense: Record<string, unknown> = {};
  await inPairs(ENTRIES, async (entry) => {
    const shown = await run(entry, "--help");
    help[entry] = {
      code: shown.code,
      usage: /^Usage: /.test(shown.stdout),
      exits: /\nExit codes:\n/.test(shown.stdout),
      stderr: shown.stderr,
    };
    const refused = await run(entry, "--nonsense");
    const [first] = refused.stderr.split("\n");
    nonsense[entry] = {
      code: refused.code,
      stdout: refused.stdout,
      first,
      trace: /^\s+at /m.test(refused.stderr),
    };
  });
  const each = (value: object) => Object.fromEntries(ENTRIES.map((entry) => [entry, value]));
  expect(help).toEqual(each({ code: 0, usage: true, exits: true, stderr: "" }));
  expect(nonsense).toEqual(
    each({ code: 2, stdout: "", first: "error: unknown option '--nonsense'", trace: false }),
  );
  expect(files()).toEqual(before);
}, 180_000);
