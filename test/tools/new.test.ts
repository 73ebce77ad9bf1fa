import { spawnSync } from "node:child_process";
import { overlaps } from "../../infra/network/addressing";
import { isolationRules } from "../../packages/isolation/rules";
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

describe("npm run new -- environment", () => {
  test.each<[string, string[], RegExp]>([
    [
      "a name that Azure's names cannot carry",
      ["Dev_1", "--like", "staging"],
      /^error: environment Dev_1: allowed: 2-20 lower-case/,
    ],
    [
      "one that exists",
      ["prod", "--like", "staging"],
      /^error: environment prod: exists; allowed: a name that is not prod, staging/,
    ],
    [
      "another that does not",
      ["dev", "--like", "nowhere"],
      /^error: --like nowhere: not found; allowed: prod, staging/,
    ],
    ["no other at all", ["dev"], /required option '--like <stack>' not specified/],
    [
      "a subscription that is none",
      ["dev", "--like", "staging", "--subscription", "12"],
      /^error: --subscription 12: allowed: /,
    ],
    [
      "a short name that is not of the name",
      ["dev", "--like", "staging", "--short-name", "qa"],
      /shortName: found 'qa'; allowed: an abbreviation of environment/,
    ],
    [
      "sizes that only production may have",
      ["dev", "--like", "prod"],
      /^error: environment dev: like prod it must not be deployed:\n[\s\S]*COST-001/,
    ],
  ])("refuses %s, in words, and leaves nothing", (_what, args, message) => {
    const before = copy.snapshot();
    const { code, stdout, stderr } = make("environment", ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, ""]);
    expect(copy.snapshot()).toEqual(before);
  });

  test("makes a third one that works: valid, planned as expected, in the workflows, and the suite stays green", () => {
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
    const suite = copy.jest("test/stacks/config.test.ts", "test/docs/generated.test.ts");
    expect([suite.code, suite.code === 0 ? "" : suite.stderr]).toEqual([0, ""]);
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
