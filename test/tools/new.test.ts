import { spawnSync } from "node:child_process";
import { newAlert } from "../../apps/tools/new/alert";
import { newComponent } from "../../apps/tools/new/component";
import { newEnvironment } from "../../apps/tools/new/environment";
import { newRule } from "../../apps/tools/new/rule";
import { newRunbook } from "../../apps/tools/new/runbook";
import { newSecret } from "../../apps/tools/new/secret";
import { overlaps } from "../../infra/network/addressing";
import { isolationRules } from "../../packages/isolation/rules";
import { UsageError } from "../../packages/command/errors";
import type { ResourceView } from "../../packages/isolation/rule";
import { Inspection } from "../../policies/pack/adapter/inspection";
import { Waivers } from "../../policies/pack/waivers";
import { readStacks, stackPlatformNames } from "../../stacks/files";
import { readInventory } from "../../stacks/inventory";
import { addressBlocks } from "../../stacks/schema";
import { TreeCopy, type Result } from "../support/treeCopy";

const copy = new TreeCopy();
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

const ALERT = {
  subject: "application",
  metric: "retry_queue_pending_count",
  above: "500",
  for: "10m",
  priority: "P2",
  runbook: "queue-backlog",
  owner: "application",
  risk: ["R05"],
  summary: "Print jobs wait",
  description: "More than 500 operations have waited for 10 minutes",
};
const RULE = {
  family: "REC",
  type: "azure-native:storage:StorageAccount",
  property: "accessTier",
  allowed: ["Hot"],
  optional: true,
  title: "Accounts of backups are hot",
  why: "A cool account bills early deletion.",
  remediation: "Leave accessTier at Hot.",
  url: "https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview",
  severity: "medium",
  control: ["CO:05"],
  risk: ["R10"],
};
const RUNBOOK = {
  title: "Printers are offline",
  when: "No printer takes jobs.",
  severity: "SEV-3",
  symptom: ["print jobs stay queued"],
  decides: "The operations lead.",
  risk: ["R05"],
  group: "Partners",
  step: ["Look at the printers' page | every printer is online | call the print shop"],
  over: ["jobs are printed again"],
  rehearse: "Switch one printer off.",
};
const SECRET = {
  source: "external",
  reader: ["api"],
  variable: "PRINTER_API_KEY",
  contentType: "API key",
  rotation: "Generate a new key in the print shop's dashboard.",
  rotationDays: "180",
};
const COMPONENT = { about: "Settings of the print queue.", setting: ["QUEUE_LIMIT=500"] };

/** Options as a person types them. */
const flags = (options: Readonly<Record<string, string | boolean | readonly string[]>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (typeof value === "boolean") return value ? [flag] : [];
    return [value].flat().flatMap((one) => [flag, one]);
  });

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
      /^environment prod: exists; allowed: a name that is not prod, staging/,
    ],
    [
      "one like another that does not exist",
      () => environment("dev", "nowhere"),
      /^--like nowhere: not found; allowed: prod, staging/,
    ],
    [
      "a subscription that is none",
      () => environment("dev", "staging", { subscription: "12" }),
      /^--subscription 12: allowed: /,
    ],
    [
      "a short name that is not of the name",
      () => environment("dev", "staging", { shortName: "qa" }),
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
      [["environment", "dev"], /required option '--like <stack>' not specified/],
      [
        ["environment", "dev", "--like", "prod"],
        /^error: environment dev: like prod it must not be deployed:\n[\s\S]*COST-001/,
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

describe("npm run new -- environment", () => {
  test("makes a third one that works: valid, planned as expected, in the workflows", () => {
    const { code, stdout, stderr } = make("environment", "dev", "--like", "staging");
    expect([code, stderr]).toEqual([0, ""]);
    for (const file of ["Pulumi.dev.yaml", "test/expected/dev.json", "test/expected/dev.mmd", "docs/cost.md"])
      expect(stdout).toContain(`wrote ${file}\n`);
    const stacks = spawnSync("bash", [".github/scripts/stacks.sh"], {
      cwd: copy.root,
      encoding: "utf8",
    }).stdout;
    expect(stacks).toBe('all=["dev","prod","staging"]\nprod=["prod"]\nother=["dev","staging"]\n');
    const plan = copy.run("apps/tools/plan/plan.ts", "dev", "--quiet", "--diff", "test/expected/dev.json");
    expect([plan.code, plan.stderr, plan.stdout.trim()]).toEqual([
      0,
      "",
      "Compared with test/expected/dev.json: no change",
    ]);
  }, 180_000);

  test("and what is of one environment is found in each other", () => {
    const stacks = Object.entries(readStacks(copy.root));
    expect(stacks.map(([stack]) => stack)).toEqual(["dev", "prod", "staging"]);
    const inventory = readInventory(copy.root);
    const inspection = new Inspection({
      rules: isolationRules,
      inventory,
      waivers: new Waivers([], ""),
      isDryRun: true,
      config: {},
    });
    const seen = (stack: string, value: string): boolean => {
      const view: ResourceView = {
        urn: `urn:pulumi:${stack}::forma3d::kubernetes:core/v1:ConfigMap::settings`,
        type: "kubernetes:core/v1:ConfigMap",
        name: "settings",
        props: { data: { VALUE: value } },
        unknownPaths: [],
        opts: { protect: false, ignoreChanges: [], aliases: [], additionalSecretOutputs: [] },
        dependencies: [],
        propertyDependencies: {},
      };
      return inspection.resource(view).some(({ ruleId }) => /^ISO-/.test(ruleId));
    };
    for (const [stack, config] of stacks) {
      for (const [other, theirs] of stacks) {
        const { primary } = stackPlatformNames(theirs);
        const values = [
          `${primary.server}.postgres.database.azure.com`,
          `https://${primary.vault}.vault.azure.net/`,
          theirs.azure.subscriptionId,
          theirs.network.primary.addressSpace.replace(".0/16", ".4"),
        ];
        if (stack !== other) expect(values.filter((value) => !seen(stack, value))).toEqual([]);
        if (stack === other) expect(values.slice(0, 1).filter((value) => seen(stack, value))).toEqual([]);
        const both = addressBlocks(config).flatMap(({ cidr }) =>
          addressBlocks(theirs).filter((block) => stack !== other && overlaps(block.cidr, cidr)),
        );
        expect(both).toEqual([]);
      }
    }
  });
});

describe("npm run new of what is made of sources", () => {
  const made: [kind: string, name: string, options: Parameters<typeof flags>[0]][] = [
    ["component", "workloads/printerSettings", COMPONENT],
    ["rule", "storage-hot-tier", RULE],
    ["alert", "PrintQueueLong", { ...ALERT, runbook: "printer-offline" }],
    ["secret", "printer-api-key", SECRET],
  ];

  test("a rule that the platform breaks leaves nothing", () => {
    const before = copy.snapshot();
    const options = { ...RULE, allowed: ["Cool"], optional: false };
    const { code, stdout, stderr } = make("rule", "storage-cool-tier", ...flags(options));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/with it the platform cannot be planned:[\s\S]*storage-cool-tier/);
    expect(copy.snapshot()).toEqual(before);
  }, 180_000);

  test("an alert may lead to the runbook that was made before it; the last brings plans and pages", () => {
    const book = make("runbook", "printer-offline", ...flags(RUNBOOK), "--no-update");
    expect([book.code, book.stderr]).toEqual([0, ""]);
    expect(book.stdout).toContain("wrote docs/runbooks/source/printer-offline.yaml\n");
    for (const [index, [kind, name, options]] of made.entries()) {
      const later = index < made.length - 1;
      const { code, stdout, stderr } = make(kind, name, ...flags(options), ...(later ? ["--no-update"] : []));
      expect([code, stderr]).toEqual([0, later ? "" : "planning every stack ...\nwriting the pages ...\n"]);
      expect(stdout).toMatch(/^wrote [\s\S]*\n\nNext:\n {2}\S/);
    }
    expect(copy.read("docs/runbooks/printer-offline.md")).toContain(
      "- **`PrintQueueLong`** (P2): Print jobs wait",
    );
    expect(copy.read("docs/policies.md")).toContain("Accounts of backups are hot");
    for (const stack of Object.keys(readStacks(copy.root))) {
      const plan = copy.read(`test/expected/${stack}.json`);
      for (const text of [
        "printer-api-key",
        "printer-settings-settings",
        "max(retry_queue_pending_count) > 500",
      ])
        expect(plan).toContain(text);
    }
  }, 180_000);

  test("and the suite stays green, the third environment's part of it too", () => {
    const whole = ["stacks/config", "alerting/catalogue", "infra/pure", "infra/printerSettings"];
    const partly = {
      "docs/generated": "(README|alerts|policies|configuration|queue-backlog|printer-offline).md is what",
      "tools/render": "has a place for every component",
      "docs/runbooks": "what exists|link and anchor",
      "policies/rules": "storage-hot-tier|nothing to object to",
      "alerting/rules": "PrintQueueLong|has a case in which",
    };
    const file = (name: string): string => `test/${name}.test.ts`;
    const titles = Object.values(partly).join("|");
    // What is committed, or could be, is asked of git.
    expect(spawnSync("git", ["init", "--quiet"], { cwd: copy.root }).status).toBe(0);
    for (const args of [whole.map(file), [...Object.keys(partly).map(file), "-t", titles]]) {
      const { code, stderr } = copy.jest(...args);
      expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    }
  }, 180_000);
});
