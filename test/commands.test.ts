import { execFile, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import os from "node:os";
import { FailedError, NotRunError, UsageError } from "../packages/command/errors";
import { createCommand, runCommand } from "../packages/command/program";
import { writeAll, writeFile } from "../packages/command/files";
import { projectRoot } from "../packages/command/root";
import { during, print, write, type Out } from "../packages/command/terminal";
import { renderStatus } from "../apps/operations/status";
import { type Ended, oneByOne } from "./support/oneByOne";
import { wideLines } from "./support/screen";

const ROOT = projectRoot(__dirname);
const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/** Benchmarks, each a command that `npm run bench` starts. */
const BENCHES = fs
  .readdirSync(path.join(ROOT, "apps/rehearsal/bench"))
  .filter((name) => name.endsWith(".ts") && !["index.ts", "measure.ts"].includes(name))
  .map((name) => `apps/rehearsal/bench/${name}`);

/** Commands of this project: scripts, which name their entry, and benchmarks. */
const ENTRIES = [
  ...new Set(Object.values(scripts).flatMap((script) => /run\.mjs (\S+\.ts)/.exec(script)?.[1] ?? [])),
  ...BENCHES,
];

const COLUMNS = 80;

const run = (entry: string, ...args: string[]): Promise<Ended> =>
  node("packages/command/run.mjs", entry, ...args);

async function node(...command: string[]): Promise<Ended> {
  try {
    const env = { ...process.env, COLUMNS: `${COLUMNS}` };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { cwd: ROOT, env });
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
    // Drills of other tests, which run beside this one, are filed where a reader's are.
    if (/^(node_modules|\.git|\.build|\.drill|coverage)$/.test(entry.name)) continue;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) files(file).forEach((written, name) => found.set(name, written));
    else found.set(file, fs.lstatSync(file).mtimeMs);
  }
  return found;
}

test("every command tells how it is used and refuses what it does not know, and does nothing else", async () => {
  expect(ENTRIES.length).toBeGreaterThan(18);
  // What the pack is compiled to is no source, and the first command compiles it.
  const before = files();
  const lines = ENTRIES.flatMap((entry) => [
    [entry, "--nonsense"],
    [entry, "--help"],
  ]);
  const ended = await oneByOne(lines, { ...process.env, COLUMNS: `${COLUMNS}` });
  const nonsense = Object.fromEntries(
    ENTRIES.map((entry, index) => {
      const { code, stdout, stderr } = ended[2 * index]!;
      return [entry, { code, stdout, first: stderr.split("\n")[0], trace: /^\s+at /m.test(stderr) }];
    }),
  );
  const help = Object.fromEntries(
    ENTRIES.map((entry, index) => {
      const { code, stdout, stderr } = ended[2 * index + 1]!;
      const [usage, exits] = [/^Usage: /.test(stdout), /\nExit codes:\n/.test(stdout)];
      return [entry, { code, usage, exits, wide: wideLines(stdout, COLUMNS), stderr }];
    }),
  );
  const each = (value: object) => Object.fromEntries(ENTRIES.map((entry) => [entry, value]));
  expect(help).toEqual(each({ code: 0, usage: true, exits: true, wide: [], stderr: "" }));
  expect(nonsense).toEqual(
    each({ code: 2, stdout: "", first: "error: unknown option '--nonsense'", trace: false }),
  );
  expect(files()).toEqual(before);
}, 180_000);

test("help says which options are required: whoever leaves one out is told of one at a time", () => {
  const command = createCommand("make", "Makes it.", { 0: "made" });
  const inner = command
    .command("rule")
    .requiredOption("--why <text>", "the reason")
    .option("--for <x>", "how long");
  const help = inner.helpInformation();
  expect(help).toMatch(/--why <text> +the reason \(required\)$/m);
  expect(help).toMatch(/--for <x> +how long$/m);
});

test("a benchmark's table says of every target whether it is met, and one that is missed is exit code 1", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench-"));
  try {
    const results = path.join(folder, "results.jsonl");
    const row = (what: string, value: number, limit: object, other?: number[]) => ({
      ...{ data: "0.10 GiB", what, unit: "s", ours: [value, value], limit },
      ...(other && { other: { name: "the script", values: other } }),
    });
    const quick = row("backup", 2, { least: 2.3 }, [5, 4.8]);
    const costly = row("two targets", 2, { most: 1.15 }, [1.5, 1.6]);
    const large = { ...row("largest process", 201, { most: 200 }), unit: "MiB" };
    const measured = (...rows: object[]) => {
      fs.writeFileSync(results, `${JSON.stringify(["scale 5, 2 runs", rows])}\n`);
      const args = ["--scale", "5", "--runs", "2", "--sizes", "none", "--no-value", "--results", results];
      return run("apps/rehearsal/bench/recovery.ts", ...args);
    };
    // What was measured before is not measured again: no server starts.
    const met = await measured(quick);
    expect(met).toEqual({ code: 0, stdout: expect.stringContaining("every target met\n"), stderr: "" });
    expect(met.stdout).toMatch(/\| backup \| 2\.0 s .*\| 2\.45 \| >= 2\.3 \| met \|/);
    const missed = await measured(quick, costly, large);
    expect(missed).toMatchObject({ code: 1, stdout: expect.stringContaining("2 of 3 targets missed\n") });
    expect(missed.stdout).toMatch(/\| two targets .*\| 1\.29 \| <= 1\.15 \| \*\*missed\*\* \|/);
    expect(missed.stdout).toMatch(/\| largest process .*\| 201 MiB \| <= 200 MiB \| \*\*missed\*\* \|/);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

describe("files are written whole or not at all", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "files-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  const all = () =>
    fs.readdirSync(folder).map((name) => [name, fs.readFileSync(path.join(folder, name), "utf8")]);
  const at = (name: string) => path.join(folder, name);

  test("what cannot be made leaves all others as they were, and no draft", async () => {
    writeFile(at("one"), "before");
    const made = [
      { file: at("one"), render: () => "after" },
      {
        file: at("two"),
        render: (): string => {
          throw new FailedError("premiumV9: no price");
        },
      },
    ];
    await expect(writeAll(made)).rejects.toThrow("premiumV9: no price");
    expect(all()).toEqual([["one", "before"]]);
    expect(await writeAll(made.slice(0, 1))).toEqual([at("one")]);
    // What is as it would be is left alone.
    expect(await writeAll(made.slice(0, 1))).toEqual([]);
    expect(all()).toEqual([["one", "after"]]);
  });

  test("a place that takes no file is a mistake of the caller's, in one line", () => {
    writeFile(at("one"), "a file");
    expect(() => writeFile(at("one/two"), "x")).toThrow(UsageError);
    expect(() => writeFile(at("one/two"), "x")).toThrow(/one\/two: cannot be written: [^\n]+$/);
  });
});

describe("how a command ends", () => {
  const ended = async (error: Error, ...args: string[]) => {
    const printed = { stdout: "", stderr: "" };
    const spies = (["stdout", "stderr"] as const).map((stream) =>
      jest.spyOn(process[stream], "write").mockImplementation((text) => {
        printed[stream] += String(text);
        return true;
      }),
    );
    const before = process.exitCode;
    try {
      const command = createCommand("x", "does x", { 0: "done" })
        .option("--json", "one document")
        .action(() => Promise.reject(error));
      await runCommand(command, args);
      return { code: process.exitCode, ...printed };
    } finally {
      process.exitCode = before;
      spies.forEach((spy) => spy.mockRestore());
    }
  };

  test.each<[string, Error, number]>([
    ["wrong usage", new UsageError("a: found 1; allowed: 2"), 2],
    ["a failure", new FailedError("broken"), 1],
    ["not run", new NotRunError("no zstd"), 3],
    ["a bug", new TypeError("undefined is not a function"), 1],
  ])("%s is one line and its exit code, and with --json one document", async (_, error, code) => {
    expect(await ended(error)).toEqual({ code, stdout: "", stderr: `error: ${error.message}\n` });
    const { stdout, ...rest } = await ended(error, "--json");
    expect(rest).toEqual({ code, stderr: `error: ${error.message}\n` });
    expect(JSON.parse(stdout)).toEqual({ error: { message: error.message, exitCode: code } });
  });
});

describe("what is printed", () => {
  /** A stream that keeps what it gets. */
  const stream = (more: Partial<Out> = {}): Out & { text: string } => ({
    text: "",
    write(text) {
      this.text += text;
    },
    ...more,
  });
  const long =
    "the replica of a server in the second region follows, and nothing that was acknowledged is missing there";
  const texts = {
    "a status": renderStatus("prod", [
      { id: "replication", state: "attention", text: `${long}; ${long}` },
      { id: "edge", state: "unknown", text: `unknown: ${long}` },
    ]),
    "a verb's plan": `   0.1 s  ${long}\n   0.2 s    1. fence: ${long}\n     at most 30 s; undone by: ${long}`,
    "an error": `error: database.storageGB: found 7; allowed: a whole number, one of ${Array.from({ length: 40 }, (_, i) => 32 * (i + 1)).join(", ")}`,
    "a command": `  npm run operations -- failover prod --to secondary --incident INC-2026-11-29 --lease --wait ${"--flag value ".repeat(12)}`,
  };

  test.each([40, 80, 100, 200])("fits %i columns of a terminal without a broken word", (columns) => {
    for (const [name, text] of Object.entries(texts)) {
      const out = stream({ isTTY: true, columns });
      print(text, out);
      expect([name, wideLines(out.text, columns)]).toEqual([name, []]);
      const words = (written: string): string[] =>
        written.split(/\s+/).filter((word) => word !== "\\" && word !== "");
      expect([name, words(out.text)]).toEqual([name, words(text)]);
    }
  });

  test("hangs below where it began, and a command goes on as a shell reads it", () => {
    const out = stream({ isTTY: true, columns: 80 });
    write(texts["a verb's plan"], out, 10);
    expect(out.text.split("\n")[1]).toMatch(/^ {13}\S/);
    const shell = stream({ isTTY: true, columns: 80 });
    print(texts["a command"], shell);
    const lines = shell.text.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.map((line) => line.endsWith(" \\"))).toEqual(lines.map((_, i) => i < lines.length - 1));
  });

  test("into a file or pipe every line stays as it is, without colours", () => {
    const out = stream();
    const before = process.env["COLUMNS"];
    delete process.env["COLUMNS"];
    print(`\u001b[31m${texts["an error"]}\u001b[0m`, out);
    if (before !== undefined) process.env["COLUMNS"] = before;
    expect(out.text).toBe(`${texts["an error"]}\n`);
  });

  test("has colours on a terminal only where NO_COLOR does not refuse them", () => {
    const before = process.env["NO_COLOR"];
    const red = (value: string): string => {
      process.env["NO_COLOR"] = value;
      const out = stream({ isTTY: true, columns: 80 });
      print("\u001b[31mred\u001b[0m", out);
      return out.text;
    };
    expect([red(""), red("1")]).toEqual(["\u001b[31mred\u001b[0m\n", "red\n"]);
    if (before === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = before;
  });

  test("what takes longer than half a second says what it does, and takes it back; a pipe hears nothing", async () => {
    jest.useFakeTimers();
    try {
      for (const [milliseconds, isTTY, said] of [
        [499, true, ""],
        [501, true, "planning ...\r            \r"],
        [501, false, ""],
      ] as const) {
        const out = stream({ isTTY, columns: 80 });
        const work = during("planning ...", () => new Promise((done) => setTimeout(done, milliseconds)), out);
        await jest.advanceTimersByTimeAsync(milliseconds);
        await work;
        expect([milliseconds, isTTY, out.text]).toEqual([milliseconds, isTTY, said]);
      }
    } finally {
      jest.useRealTimers();
    }
  });
});

test("a command that cannot be put together says so in one line, and leaves nothing half written", () => {
  const clone = fs.mkdtempSync(path.join(os.tmpdir(), "clone-"));
  const made = path.join(clone, ".build");
  const typed = (limit: string) => {
    const command = `${limit} exec "$@"`;
    const args = ["-c", command, "sh", process.execPath, "packages/command/run.mjs", "one.ts"];
    const { status, stdout, stderr } = spawnSync("sh", args, { cwd: clone, encoding: "utf8" });
    return [status, stdout, stderr];
  };
  const refused = (code: string) => [
    3,
    "",
    expect.stringMatching(
      new RegExp(`^error: one\\.ts is put together in \\S+, and that cannot be written: ${code}\\b.*\n$`),
    ),
  ];
  try {
    fs.cpSync(path.join(ROOT, "packages/command"), path.join(clone, "packages/command"), { recursive: true });
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(clone, "node_modules"));
    fs.writeFileSync(path.join(clone, "one.ts"), "export const main = () => console.log('it runs');\n");
    // As on a full disk: no file takes a byte.
    expect(typed("ulimit -f 0;")).toEqual(refused("EFBIG"));
    expect(fs.readdirSync(made)).toEqual([]);
    fs.rmdirSync(made);
    fs.writeFileSync(made, "");
    expect(typed("")).toEqual(refused("EEXIST|ENOTDIR"));
    fs.rmSync(made);
    expect(typed("")).toEqual([0, "it runs\n", ""]);
  } finally {
    fs.rmSync(clone, { recursive: true });
  }
});

test("nobody reads it: standard output that takes nothing is told; a closed standard error stops no work and hides no failure", async () => {
  const clone = fs.mkdtempSync(path.join(os.tmpdir(), "clone-"));
  try {
    fs.cpSync(path.join(ROOT, "packages/command"), path.join(clone, "packages/command"), { recursive: true });
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(clone, "node_modules"));
    fs.writeFileSync(
      path.join(clone, "one.ts"),
      `import { setTimeout as sleep } from "node:timers/promises";
import fs from "node:fs";
import { createCommand, runCommand } from "./packages/command/program";
import { FailedError } from "./packages/command/errors";
export const main = () => runCommand(createCommand("one", "one", {}).option("--fail").action(async ({ fail }) => {
  for (let line = 0; line < 5; line++) {
    process.stderr.write("told\\n");
    process.stdout.write("printed\\n");
    await sleep(20);
  }
  if (fail) throw new FailedError("broken");
  fs.writeFileSync("done", "");
}));
`,
    );
    /** @param silent which of its streams nobody reads any more */
    const typed = (silent: "stdout" | "stderr", ...args: string[]) =>
      new Promise<[number | null, string]>((resolve) => {
        const child = spawn(process.execPath, ["packages/command/run.mjs", "one.ts", ...args], {
          cwd: clone,
        });
        let heard = "";
        child[silent].destroy();
        child[silent === "stdout" ? "stderr" : "stdout"].on(
          "data",
          (data: Buffer) => (heard += data.toString()),
        );
        child.on("close", (code) => resolve([code, heard]));
      });
    expect(await typed("stderr")).toEqual([0, "printed\n".repeat(5)]);
    expect(fs.existsSync(path.join(clone, "done"))).toBe(true);
    expect((await typed("stderr", "--fail"))[0]).toBe(1);
    const full = spawnSync(
      "sh",
      ["-c", 'exec "$@" > /dev/full', "sh", process.execPath, "packages/command/run.mjs", "one.ts"],
      {
        cwd: clone,
        encoding: "utf8",
      },
    );
    expect([full.status, full.stderr]).toEqual([
      1,
      expect.stringMatching(/^told\n(told\n)*error: standard output cannot be written: ENOSPC\b.*\n$/),
    ]);
  } finally {
    fs.rmSync(clone, { recursive: true });
  }
});

test("a command in a clone without its packages says so, and shows no stack trace", () => {
  const clone = fs.mkdtempSync(path.join(os.tmpdir(), "clone-"));
  try {
    const entry = path.join(clone, "packages/command/run.mjs");
    fs.cpSync(path.join(ROOT, "packages/command/run.mjs"), entry, { recursive: true });
    const { status, stdout, stderr } = spawnSync(process.execPath, [entry, "apps/tools/plan/plan.ts"], {
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringMatching(/^error: .*: npm ci\n$/)]);
  } finally {
    fs.rmSync(clone, { recursive: true });
  }
});
