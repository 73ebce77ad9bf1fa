import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { newAlert } from "../../apps/tools/new/alert";
import { newComponent } from "../../apps/tools/new/component";
import { newEnvironment } from "../../apps/tools/new/environment";
import { newRule } from "../../apps/tools/new/rule";
import { newRunbook } from "../../apps/tools/new/runbook";
import { newSecret } from "../../apps/tools/new/secret";
import { UsageError } from "../../packages/command/errors";
import { stackNames } from "../../stacks/files";
import { TreeCopy, type Result } from "../support/treeCopy";
import { until } from "../support/until";
import { ALERT, COMPONENT, flags, RULE, RUNBOOK, SECRET } from "./newSamples";

const copy = new TreeCopy();
const STACKS = stackNames(copy.root).join(", ");
/** A name no environment takes. */
const NEW = "newborn";
afterAll(() => copy.remove());
const make = (...args: string[]): Result => copy.run("apps/tools/new/new.ts", ...args);

/** What a scaffold says when it refuses. @throws Error when it does not. */
async function refusal(made: Promise<unknown>): Promise<string> {
  const error: unknown = await made.then(
    () => new Error("it was made"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof UsageError)) throw error;
  return error.message;
}

const making = { root: copy.root, update: false };
const environment = (name: string, like: string, more = {}) =>
  refusal(newEnvironment(copy.root, { name, like, ...more }));

describe("what is wrong is refused in words: what was given, and what is allowed", () => {
  const alert = (name: string, change = {}) => refusal(newAlert(making, name, { ...ALERT, ...change }));
  const rule = (name: string, change = {}) => refusal(newRule(making, name, { ...RULE, ...change }));
  const runbook = (name: string, change = {}) => refusal(newRunbook(making, name, { ...RUNBOOK, ...change }));
  const secret = (name: string, change = {}) => refusal(newSecret(making, name, { ...SECRET, ...change }));
  const component = (name: string, change = {}) =>
    refusal(newComponent(making, name, { ...COMPONENT, ...change }));

  test.each<[string, () => Promise<string>, RegExp]>([
    [
      "an environment whose name Azure's names cannot carry",
      () => environment("Dev_1", "staging"),
      /^environment Dev_1: allowed: 2-20 lower-case/,
    ],
    [
      "an environment that exists",
      () => environment("prod", "staging"),
      new RegExp(`^environment prod: exists; allowed: a name that is not ${STACKS}`),
    ],
    [
      "one whose name stands in another's",
      () => environment("api", "staging"),
      /^environment api: stands in edge\.apiHostName of Pulumi\.prod\.yaml \(api\.forma3d\.com\), which would be taken for its own; allowed: /,
    ],
    [
      "one like another that does not exist",
      () => environment(NEW, "nowhere"),
      new RegExp(`^--like nowhere: not found; allowed: ${STACKS}`),
    ],
    [
      "a subscription that is none",
      () => environment(NEW, "staging", { subscription: "12" }),
      /^--subscription 12: allowed: /,
    ],
    [
      "a short name that is not of the name",
      () => environment(NEW, "staging", { shortName: "qa" }),
      /shortName: found 'qa'; allowed: an abbreviation of environment/,
    ],
    [
      "an alert's name",
      () => alert("queue"),
      /^queue: name is "queue"; allowed: .* starting with a capital$/,
    ],
    ["an alert that exists", () => alert("ApiDown"), /^ApiDown: name is used twice/],
    [
      "a subject",
      () => alert("A", { subject: "paper" }),
      /^--subject paper: allowed: application, backups, /,
    ],
    ["no limit", () => alert("A", { above: undefined }), /^--above, --below: allowed: exactly one of them/],
    ["two limits", () => alert("A", { below: "1" }), /^--above, --below: allowed: exactly one of them/],
    ["a limit that is no number", () => alert("A", { above: "many" }), /^--above many: allowed: a number/],
    ["a priority", () => alert("A", { priority: "P9" }), /^A: priority is "P9"; allowed: P1, P2, P3, P4$/],
    [
      "a runbook",
      () => alert("A", { runbook: "none" }),
      /^A: runbook is "none"; allowed: database-connection, /,
    ],
    ["a risk", () => alert("A", { risk: ["R99"] }), /^A: risk is "R99"; allowed: R01, /],
    ["a duration", () => alert("A", { for: "5" }), /^A: for is "5"; allowed: a duration such as/],
    ["a query", () => alert("A", { metric: "sum(" }), /^A: expression /],
    [
      "a metric",
      () => alert("A", { metric: "paper_left" }),
      /^--metric paper_left: nothing exports it; allowed: a metric of /,
    ],
    ["a rule's name", () => rule("hot"), /^rule hot: allowed: two lower-case words or more/],
    [
      "a rule that exists",
      () => rule("postgres-backup-retention"),
      /^rule postgres-backup-retention: exists; /,
    ],
    [
      "a family",
      () => rule("a-b", { family: "ISO" }),
      /^--family ISO: allowed: REC, WRK, SEC, ARM \(REC: Recovery/,
    ],
    [
      "a type",
      () => rule("a-b", { type: "StorageAccount" }),
      /^--type StorageAccount: allowed: a type token/,
    ],
    ["a property", () => rule("a-b", { property: "a[0]" }), /^--property a\[0\]: allowed: a path of names/],
    [
      "values of two kinds",
      () => rule("a-b", { allowed: ["Hot", "1"] }),
      /^--allowed Hot, 1: allowed: values of one kind/,
    ],
    [
      "an environment it is checked in",
      () => rule("a-b", { appliesTo: "staging" }),
      /^--applies-to staging: allowed: any, prod, nonProd$/,
    ],
    [
      "a control",
      () => rule("a-b", { control: ["X-1"] }),
      /^--control X-1: allowed: of the Well-Architected/,
    ],
    [
      "an address",
      () => rule("a-b", { url: "https://example.com" }),
      /^--url https:\/\/example.com: allowed: a page of/,
    ],
    ["a runbook's name", () => runbook("Printer"), /^runbook Printer: allowed: lower-case letters/],
    ["a runbook alerts lead to", () => runbook("disk-space"), /^runbook disk-space: exists; /],
    ["a runbook no alert leads to", () => runbook("shopify-down"), /^runbook shopify-down: exists; /],
    ["a heading", () => runbook("a", { group: "Paper" }), /^--group Paper: allowed: The database, /],
    [
      "a step without its ends",
      () => runbook("a", { step: ["Look"] }),
      /^--step Look: allowed: what to do \| /,
    ],
    ["no step", () => runbook("a", { step: [] }), /^steps: /],
    [
      "a secret's name",
      () => secret("Key_1"),
      /^secret Key_1: allowed: lower-case letters, digits and single hyphens/,
    ],
    ["a secret that exists", () => secret("sentry-dsn"), /^secret sentry-dsn: exists; /],
    [
      "a source",
      () => secret("a", { source: "thin-air" }),
      /^--source thin-air: allowed: generated, config, external/,
    ],
    ["a reader", () => secret("a", { reader: ["printer"] }), /^--reader printer: allowed: api, /],
    [
      "a variable that is taken",
      () => secret("a", { variable: "SENTRY_DSN" }),
      /^--variable SENTRY_DSN: sentry-dsn is read as it/,
    ],
    ["a life", () => secret("a", { rotationDays: "5" }), /^--rotation-days 5: allowed: 30 to 730/],
    ["a component's place", () => component("printer"), /^component printer: allowed: <domain>\/<thing>/],
    ["a domain", () => component("paper/printer"), /^domain paper: allowed: cluster, control, data, edge, /],
    [
      "a component that exists",
      () => component("workloads/gateway"),
      /^component workloads\/gateway: infra\/workloads\/gateway.ts exists/,
    ],
    [
      "a setting",
      () => component("workloads/x", { setting: ["limit"] }),
      /^--setting limit: allowed: KEY=value/,
    ],
  ])("%s", async (_what, made, message) => {
    const said = await made();
    expect(said).toMatch(message);
    expect(said).not.toMatch(/^\s+at /m);
  });

  test("everything at once, on standard error, with exit code 2, and nothing is left", () => {
    const before = copy.snapshot();
    const refused: [string[], RegExp][] = [
      [["environment", NEW], /required option '--like <stack>' not specified/],
      [
        ["environment", NEW, "--like", "prod"],
        /^error: environment newborn: like prod it must not be deployed:\n[\s\S]*COST-001[\s\S]*key: database\.skuName\n[\s\S]*\n--like prod: allowed: .*such as .*staging/,
      ],
      [
        ["secret", "A", ...flags({ ...SECRET, source: "b", rotation: "none" })],
        /^error: secret A: allowed: .*\n--source b: allowed: .*\n--rotation none: allowed: one sentence/,
      ],
    ];
    for (const [args, message] of refused) {
      const { code, stdout, stderr } = make(...args);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect([code, stdout]).toEqual([2, ""]);
    }
    expect(copy.snapshot()).toEqual(before);
  });
});

// The plan in which each is interrupted never ends by itself: what is interrupted is always still at work.
const HANG = "await new Promise(() => setInterval(() => undefined, 1000));";

test.each<[what: string, args: string[], hangs: string, at: string, begun: (stderr: string) => boolean]>([
  [
    "an environment",
    ["environment", NEW, "--like", "staging"],
    "packages/offline-engine/planner.ts",
    "options: PlanOptions = {}): Promise<Plan> {",
    () => fs.existsSync(path.join(copy.root, `Pulumi.${NEW}.yaml`)),
  ],
  [
    "a secret",
    ["secret", "printer-api-key", ...flags(SECRET)],
    "apps/gates/shape/shape.ts",
    "export async function main(): Promise<void> {",
    (stderr) => stderr.includes("planning production"),
  ],
])("Ctrl-C while %s is made leaves nothing", async (_what, args, hangs, at, begun) => {
  const text = copy.read(hangs);
  expect(text).toContain(at);
  copy.write(hangs, text.replace(at, `${at} ${HANG}`));
  const before = copy.snapshot();
  try {
    const child = spawn(process.execPath, ["packages/command/run.mjs", "apps/tools/new/new.ts", ...args], {
      cwd: copy.root,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    const ended = new Promise((resolve) => child.once("close", resolve));
    await until("it has begun", () => begun(stderr));
    child.kill("SIGINT");
    expect([await ended, stderr.split("\n").at(-2)]).toEqual([130, "interrupted; nothing was made"]);
    expect(copy.snapshot()).toEqual(before);
  } finally {
    copy.write(hangs, text);
  }
});
