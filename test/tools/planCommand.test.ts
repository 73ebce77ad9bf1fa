import { ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { meantAs } from "../../apps/tools/plan/planCheck";
import type { PlanDocument } from "../../apps/tools/render/plan";
import { projectRoot } from "../../packages/command/root";
import { parseOverride, readOverridden } from "../../packages/offline-engine/config";
import { stackNames } from "../../stacks/files";
import { wideLines } from "../support/screen";
import { type Ended, PlanCommands } from "../support/planCommands";
import { until } from "../support/until";

const ROOT = projectRoot(__dirname);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "plan-command-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const commands = new PlanCommands();
afterAll(() => commands.stop());
/** In the one process. */
const run = (...args: string[]): Promise<Ended> => commands.run({ args });
/** The same on a screen of so many columns. */
const runIn = (columns: number, ...args: string[]): Promise<Ended> => commands.run({ args, columns });

/** In a process of its own, as a shell starts it. */
function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ["packages/command/run.mjs", "apps/tools/plan/plan.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1", COLUMNS: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function typed(...args: string[]): Promise<Ended> {
  const child = start(...args);
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => (ended.stdout += chunk));
  child.stderr?.on("data", (chunk) => (ended.stderr += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve({ ...ended, code })));
}

/** Processes that a process started and that still run. */
function childrenOf(pid: number): number[] {
  return fs.readdirSync("/proc").flatMap((entry) => {
    try {
      const fields = fs
        .readFileSync(`/proc/${entry}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      return Number(fields[1]) === pid && fields[0] !== "Z" ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

function commandOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** One that has ended and whose parent has not asked how still has a folder there, but no command line. */
const isRunning = (pid: number): boolean => commandOf(pid) !== "";

describe("wrong usage ends with 2, says what is allowed and shows no stack trace", () => {
  test.each([
    [
      "an unknown stack",
      ["nowhere"],
      new RegExp(`stack nowhere: not found; allowed: ${stackNames(ROOT).join(", ")}$`, "m"),
    ],
    ["a stack named twice", ["prod", "prod"], /stack prod: is named twice; allowed: each stack once/],
    [
      "an override of the language's own names",
      ["prod", "--config", "__proto__.x=1"],
      /--config __proto__\.x: is no key of a stack file/,
    ],
    ["an unknown option", ["prod", "--colour"], /unknown option '--colour'/],
    ["one document for two stacks", ["prod", "staging", "--json"], /--json: one document for 2 stacks/],
    ["one file for two stacks", ["prod", "staging", "--save", "x.json"], /allowed: a name with \{stack\}/],
    ["an override without a value", ["prod", "--config", "database.storageGB"], /allowed: <key>=<value>/],
    ["an override that is no YAML", ["prod", "--config", "database={"], /--config database=\{: is no YAML: /],
    [
      "one file for two forms of the plan",
      ["prod", "--save", "x.json", "--mermaid", "./x.json"],
      /x\.json: is named twice; allowed: a file of its own/,
    ],
    ["a plan to compare with that is none", ["prod", "--diff", "package.json"], /package\.json: is no plan/],
  ])("%s", async (_what, args, message) => {
    const { code, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
  });

  test("a configuration with several mistakes: all are listed, nothing is written", async () => {
    const target = path.join(folder, "untouched.json");
    fs.writeFileSync(target, "as it was");
    const { code, stdout, stderr } = await typed(
      "prod",
      "--save",
      target,
      "--config",
      "database.backupRetentionDays=77",
      "--config",
      "regions.primary.location=atlantis",
    );
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/database\.backupRetentionDays: found 77; allowed: a whole number from 7 to 35$/m);
    expect(stderr).toMatch(/regions\.primary\.location: found 'atlantis'; allowed: /);
    expect(stderr.match(/backupRetentionDays: found/g)).toHaveLength(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(fs.readFileSync(target, "utf8")).toBe("as it was");
  });
});

test("--help documents the exit codes", async () => {
  const { code, stdout } = await run("--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/Exit codes:\n +0 +fine\n +1 .*failed.*\n +2 +wrong usage/);
});

test("a plan that a policy forbids ends with 1 and writes nothing", async () => {
  const target = path.join(folder, "kept.json");
  fs.writeFileSync(target, "as it was");
  const sarif = path.join(folder, "findings.sarif");
  const { code, stdout } = await runIn(
    200,
    "prod",
    "--quiet",
    "--save",
    target,
    "--sarif",
    sarif,
    "--config",
    "database.backupRetentionDays=7",
  );
  expect(stdout).toMatch(/mandatory .*[\s\S]*backupRetentionDays/);
  expect(stdout).toContain("The plan failed: no file was written.");
  expect(wideLines(stdout, 200)).toEqual([]);
  expect(code).toBe(1);
  expect(fs.readFileSync(target, "utf8")).toBe("as it was");
  expect(fs.readFileSync(sarif, "utf8")).toMatch(/"ruleId": "REC-\d+"/);
  expect(fs.readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

describe("an override", () => {
  const meant = (text: string): unknown => {
    const { path: key, written, value } = parseOverride(text);
    return meantAs(key, written, value);
  };

  test("is text where its key wants text, because a shell has taken its quotes away", () => {
    expect(meant("database.version=18")).toBe("18");
    expect(meant("forma3d:cluster.kubernetesVersion=1.30")).toBe("1.30");
    expect(meant("cluster.zones[0]=1")).toBe("1");
    expect(meant("database.storageGB=256")).toBe(256);
    expect(meant("protectData=false")).toBe(false);
    expect(meant("nowhere.at=7")).toBe(7);
    expect(meant('database.version="18"')).toBe("18");
  });

  test("of null takes its key away and nothing beside it, and of nothing is an empty text", () => {
    const read = (...texts: string[]) =>
      readOverridden(
        ROOT,
        "prod",
        Object.fromEntries(texts.map(parseOverride).map(({ path: key, value }) => [key, value])),
      ).values;
    const whole = read();
    const { replica: _, ...rest } = whole["forma3d:database"] as Record<string, unknown>;
    expect(read("database.replica=null")["forma3d:database"]).toEqual(rest);
    expect(read("cluster.zones[0]=null")["forma3d:cluster"]).toMatchObject({ zones: ["2", "3"] });
    expect(read("defender=null")).not.toHaveProperty("forma3d:defender");
    expect(read("nameSuffix=")["forma3d:nameSuffix"]).toBe("");
  });
});

describe("a plan that is fine", () => {
  const json = path.join(folder, "staging.json");
  /** Replaces the server, and costs more than it may. */
  const LOSING = ["--config", "database.administratorLogin=someone", "--config", "budget.monthlyAmount=500"];

  test("is shown with its policies and outputs, and written as asked", async () => {
    const chart = path.join(folder, "charts/staging.mmd");
    const { code, stdout } = await runIn(80, "staging", "--full", "--save", json, "--mermaid", chart);
    expect(wideLines(stdout, 80)).toEqual([]);
    expect(stdout).toContain("Plan of forma3d/staging, made without a cloud");
    expect(stdout).toMatch(/dbforpostgresql:Server psql-forma3d-\S+ +\S+ ·[\s│]+Standard_/);
    expect(stdout).toMatch(/Policies: forma3d \S+, \d+ checked/);
    expect(stdout).toMatch(/database\.writerHost: \S+\.writer\.postgres\.database\.azure\.com/);
    expect(code).toBe(0);
    const { resources } = JSON.parse(fs.readFileSync(json, "utf8")) as PlanDocument;
    expect(resources.map((r) => r.urn)).toEqual(resources.map((r) => r.urn).sort());
    expect(fs.readFileSync(chart, "utf8")).toMatch(/^flowchart LR\n {2}subgraph/);
  });

  test("is a verdict of one screen: what it is, costs and lacks, what to do next, and how it ends", async () => {
    const { code, stdout } = await typed("staging");
    expect(wideLines(stdout, 100)).toEqual([]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).toBeLessThan(45);
    expect(stdout).not.toContain("\u001b");
    for (const row of [
      /^Regions +northeurope serving$/m,
      /^ +psql-forma3d-stg-\S+: PostgreSQL \d+, D2ds_v5, 32 GiB, standby/m,
      /^ +\S.*api ×2–3/m,
      /^Edge +api\.staging\.forma3d\.com, app\.staging\.forma3d\.com through Front Door/m,
      /^Backups +\S+ \(ZRS, northeurope\), \S+ \(ZRS,\s+westeurope\)/m,
      /^Objectives +at most 60 minutes of data lost, back within 240 minutes/m,
      /^Resources +\d+ \(\d+ Azure, \d+ Kubernetes/m,
      /^Cost +[\d,]+ USD a month at list prices of \d{4}-\d\d-\d\d/m,
      /^Policies +\d+ checked, none violated/m,
      /^Changes +none against test\/expected\/staging\.json/m,
      /^Missing +\d+ secrets have no value/m,
      /^ +pulumi config set --stack staging --secret --path( \\\n +| )'forma3d:secretValues\.smtp-password'$/m,
      /^Next +npm run plan -- staging --full/m,
    ]) {
      expect(stdout).toMatch(row);
    }
    expect(lines.at(-1)).toBe("staging is fine: no error, no policy forbids it (exit code 0).");
    expect(code).toBe(0);
  });

  test("says first, and in words, what would be lost against the expected plan", async () => {
    const { code, stdout } = await run("staging", ...LOSING);
    expect(stdout).toMatch(/^Cost +[\s\S]*?\n +above budget\.monthlyAmount \(500, /m);
    expect(wideLines(stdout, 100)).toEqual([]);
    const [title, blank, stop, first] = stdout.split("\n");
    expect([title, blank]).toEqual(["forma3d/staging", ""]);
    expect(stdout).toMatch(/--diff\s+test\/expected\/staging\.json: every\s+change/);
    expect(stop).toBe("STOP: 1 change against test/expected/staging.json");
    expect(first).toMatch(/^ {2}- database server \S+: protected, holds data: would be replaced because$/);
    expect(stdout.trimEnd()).toMatch(
      /staging must not be deployed as it is: 1 change would lose data or be refused \(exit code 1\)\.$/,
    );
    expect(code).toBe(1);
  });

  test("is compared with an earlier one, and ends with 1 when data would be lost", async () => {
    const harmless = await run("staging", "--diff", json, "--config", "logRetentionDays=30");
    expect(harmless.stdout).not.toContain(": every change");
    // The readiness check of the cluster has a copy of the stack file.
    expect(harmless.stdout).toMatch(/2 changed, 0 replaced, 0 removed/);
    expect(harmless.stdout).toMatch(
      /readiness-platform\n +data\.Pulumi\.staging\.yaml\[\d+\]: [^~]*logRetentionDays: 30"/,
    );
    expect(harmless.stdout).toMatch(/operationalinsights:Workspace[^\n]*\n +retentionInDays: \d+ → 30/);
    expect(harmless.code).toBe(0);
    const fatal = await runIn(80, "staging", "--quiet", "--diff", json, ...LOSING);
    expect(fatal.stdout).toMatch(
      /± replaced dbforpostgresql:Server [^\n]*← protected,\s+holds data: would be replaced/,
    );
    expect(wideLines(fatal.stdout, 80)).toEqual([]);
    expect(fatal.code).toBe(1);
  });
});

test.each([
  ["program", "infra/cluster/namespace.ts"],
  ["policy pack", "policies/pack/pack.ts"],
])("a %s that does not compile ends the command, with the file and the line", (what, file) => {
  const copy = path.join(folder, `broken-${what}`);
  for (const name of fs.readdirSync(ROOT)) {
    if (["node_modules", ".build", ".git", "test", "docs"].includes(name)) continue;
    fs.cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  }
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
  fs.appendFileSync(path.join(copy, file), "\nexport const = 1;\n");
  const { status, stderr } = spawnSync(
    process.execPath,
    ["packages/command/run.mjs", "apps/tools/plan/plan.ts", "staging"],
    {
      cwd: copy,
      encoding: "utf8",
      timeout: 150_000,
    },
  );
  expect(stderr).toMatch(new RegExp(`${path.basename(file)}:\\d+:\\d+`));
  // Not 143, with which it ends when the time limit stops it.
  expect([1, 2]).toContain(status);
});

test("Ctrl-C ends the plan and everything it started", async () => {
  const child = start("prod");
  const pid = child.pid as number;
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
  const isPack = (one: number): boolean => commandOf(one).includes("run-policy-pack");
  let packs: number[] = [];
  await until("the pack runs", () => (packs = childrenOf(pid).filter(isPack)).length > 0);
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  await until("the pack has ended", () => !packs.some(isRunning));
});

test("--json prints the plan as one document, and a plan that fails as its error", async () => {
  const { code, stdout, stderr } = await run("staging", "--json");
  expect([code, stderr]).toEqual([0, ""]);
  const { resources } = JSON.parse(stdout) as { resources: { type: string }[] };
  expect(resources.map(({ type }) => type)).toContain("pulumi:pulumi:Stack");
  const refused = await run("staging", "--json", "--config", "database.storageGB=7");
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { message: expect.stringContaining("database.storageGB"), exitCode: 2 },
  });
});
