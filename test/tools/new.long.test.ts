import { spawnSync } from "node:child_process";
import { overlaps } from "../../infra/network/addressing";
import { isolationRules } from "../../packages/isolation/rules";
import type { ResourceView } from "../../packages/isolation/rule";
import { Inspection } from "../../policies/pack/adapter/inspection";
import { Waivers } from "../../policies/pack/waivers";
import { readStacks, stackNames, stackPlatformNames } from "../../stacks/files";
import { readInventory } from "../../stacks/inventory";
import { addressBlocks } from "../../stacks/schema";
import { TreeCopy, type Result } from "../support/treeCopy";
import { ALERT, COMPONENT, flags, RULE, RUNBOOK, SECRET } from "./newSamples";

const copy = new TreeCopy();
const BEFORE = stackNames(copy.root);
/** Names no environment takes. */
const NEW = ["newborn", "kindred"];
const ALL = [...BEFORE, ...NEW].sort();
afterAll(() => copy.remove());
const make = (...args: string[]): Result => copy.run("apps/tools/new/new.ts", ...args);

describe("npm run new -- environment", () => {
  test("makes a third and a fourth one that work: valid, planned as expected, in the workflows", () => {
    for (const name of NEW) {
      const { code, stdout, stderr } = make("environment", name, "--like", "staging");
      expect([code, stderr]).toEqual([0, ""]);
      for (const file of [`Pulumi.${name}.yaml`, `test/expected/${name}.json`, `test/expected/${name}.mmd`])
        expect(stdout).toContain(`wrote ${file}\n`);
      expect(stdout).toContain("wrote docs/cost.md\n");
    }
    const stacks = spawnSync("bash", [".github/scripts/stacks.sh"], {
      cwd: copy.root,
      encoding: "utf8",
    }).stdout;
    const others = ALL.filter((name) => name !== "prod");
    expect(stacks).toBe(`all=${JSON.stringify(ALL)}\nprod=["prod"]\nother=${JSON.stringify(others)}\n`);
    const plan = copy.run(
      "apps/tools/plan/plan.ts",
      "kindred",
      "--quiet",
      "--diff",
      "test/expected/kindred.json",
    );
    expect([plan.code, plan.stderr, plan.stdout.trim()]).toEqual([
      0,
      "",
      "Compared with test/expected/kindred.json: no change",
    ]);
  }, 400_000);

  test("and what is of one environment is found in each other", () => {
    const stacks = Object.entries(readStacks(copy.root));
    expect(stacks.map(([stack]) => stack)).toEqual(ALL);
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
    const updating = ["planning production in every role", "planning every stack", "writing the pages"]
      .map((line) => `${line} ...\n`)
      .join("");
    for (const [index, [kind, name, options]] of made.entries()) {
      const later = index < made.length - 1;
      const { code, stdout, stderr } = make(kind, name, ...flags(options), ...(later ? ["--no-update"] : []));
      expect([code, stderr]).toEqual([0, later ? "" : updating]);
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
      "policies/statement": "says what was reviewed",
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
