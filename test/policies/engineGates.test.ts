import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Inspection } from "../../policies/pack/adapter/inspection";
import { readInventory } from "../../stacks/inventory";
import { allRules } from "../../policies/pack/pack";
import {
  canaryRefusals,
  configurationDigest,
  fileDigest,
  PROOF_VARIABLES,
  proofRules,
} from "../../policies/proof";
import { Waivers } from "../../policies/pack/waivers";
import { approvalOf, departures, unapproved } from "../../apps/gates/approval";
import { checkEngineHome } from "../../apps/gates/engineHome";
import { allowedEnvironment } from "../../apps/gates/environment";
import { type Event, readEvents } from "../../apps/gates/events";
import { type Expectation, missingEvidence } from "../../apps/gates/evidence";
import { changedSince, freshPack } from "../../apps/gates/packFolder";
import { previewRun, updateRun } from "../../apps/gates/run";
import { stackNames } from "../../stacks/files";

const ROOT = path.join(__dirname, "../..");
const MINUTES = 60_000;
const RULES = allRules(new Waivers([], ""));
const INVENTORY = readInventory(ROOT);
const PROD_HOST = `${INVENTORY.environments.find(({ isProd }) => isProd)?.servers[0]}.postgres.database.azure.com`;

const urn = (name: string): string => `urn:pulumi:staging::forma3d::forma3d:test:Thing::${name}`;
const EXPECTED: Expectation = {
  root: ROOT,
  project: "forma3d",
  stack: "staging",
  nonce: "n0nce",
  pack: fileDigest(__filename),
  configuration: configurationDigest(ROOT),
  canary: true,
};

type Seen = Pick<NonNullable<Event["resourcePreEvent"]>["metadata"], "op" | "urn">;
const step = ({ op, urn }: Seen, inputs: object = {}): Event => ({
  resourcePreEvent: {
    metadata: { op, urn, type: "forma3d:test:Thing", new: { type: "x", inputs: { ...inputs } } },
  },
});

/** The events of a run whose pack judged what it was shown, made by the pack's own rules. */
function honestRun(steps: readonly Seen[], { shown = steps, nonce = EXPECTED.nonce } = {}): Event[] {
  const env = { [PROOF_VARIABLES.nonce]: nonce, [PROOF_VARIABLES.canary]: "refuse" };
  const rules = proofRules(env, ROOT, __filename, RULES, INVENTORY);
  const waivers = new Waivers([], "");
  const inspection = new Inspection({ rules, inventory: INVENTORY, waivers, isDryRun: true, config: {} });
  const views = shown.map((one) => ({
    urn: one.urn,
    type: "forma3d:test:Thing",
    name: "x",
    props: {},
    unknownPaths: [],
    opts: { protect: false, ignoreChanges: [], aliases: [], additionalSecretOutputs: [] },
    dependencies: [],
    propertyDependencies: {},
  }));
  views.forEach((view) => inspection.resource(view));
  const found = inspection.stack({ resources: views, byUrn: new Map() });
  return [
    ...shown.map((one): Event => ({
      policyAnalyzeSummaryEvent: { resourceUrn: one.urn, policyPackName: "forma3d" },
    })),
    ...steps.map((one) => step(one)),
    ...found.map(({ ruleId, message }): Event => {
      const rule = rules.find(({ id }) => id === ruleId);
      return {
        policyEvent: {
          message: `[${ruleId}] ${message}`,
          policyName: rule?.name ?? "",
          policyPackName: "forma3d",
          enforcementLevel: rule?.level ?? "",
        },
      };
    }),
    { policyAnalyzeStackSummaryEvent: { policyPackName: "forma3d" } },
    { diagnosticEvent: { severity: "error", message: "preview failed\n" } },
    { summaryEvent: { result: "failed" } },
  ];
}

const STEPS: Seen[] = [
  { op: "same", urn: urn("stack") },
  { op: "create", urn: urn("one") },
  { op: "read", urn: urn("outside") },
  { op: "delete", urn: urn("old") },
];
const JUDGED = STEPS.slice(0, 2);
const honest = () => honestRun(STEPS, { shown: JUDGED });

describe("evidence that the pack judged", () => {
  const without = (keep: (event: Event) => boolean) => honest().filter(keep);
  const missing = (
    events: readonly Event[],
    over: Partial<Expectation> = {},
    code: number | undefined = 255,
  ) => missingEvidence({ code, events }, { ...EXPECTED, ...over });

  test("an honest preview has all of it, and so has an honest update", () => {
    expect(missing(honest())).toEqual([]);
    const update = without(
      ({ policyEvent, diagnosticEvent }) => !diagnosticEvent && policyEvent?.enforcementLevel !== "mandatory",
    );
    expect(missing(update, { canary: false }, 0)).toEqual([]);
  });

  test("the canary is refused by several kinds of rules, in every stack", () => {
    for (const stack of stackNames(ROOT)) {
      const refusals = canaryRefusals(RULES, INVENTORY, "forma3d", stack);
      expect([stack, refusals.length > 2]).toEqual([stack, true]);
    }
    expect(canaryRefusals(RULES, INVENTORY, "forma3d", "staging")).toContain("ISO-002");
  });

  test.each<[string, () => Event[], RegExp, Partial<Expectation>?, (number | null)?]>([
    [
      "no pack at all",
      () =>
        without(
          ({ policyEvent, policyAnalyzeSummaryEvent, policyAnalyzeStackSummaryEvent }) =>
            !policyEvent && !policyAnalyzeSummaryEvent && !policyAnalyzeStackSummaryEvent,
        ),
      /no receipt/,
    ],
    ["every policy disabled", () => without(({ policyEvent }) => !policyEvent), /canary was not refused/],
    [
      "a canary that passed",
      () => without(({ policyEvent }) => policyEvent?.enforcementLevel !== "mandatory"),
      /canary was not refused/,
    ],
    ["a run that succeeded with its canary", honest, /succeeded although the canary/, {}, 0],
    [
      "a receipt of another run",
      () => honestRun(STEPS, { shown: JUDGED, nonce: "other" }),
      /no receipt for this run/,
    ],
    ["other code", honest, /differs in its code/, { pack: "0".repeat(64) }],
    [
      "another project's configuration",
      honest,
      /differs in its configuration/,
      { root: path.join(ROOT, "..", path.basename(ROOT)), stack: "prod" },
    ],
    [
      "a resource the pack was not shown",
      () => honestRun(STEPS, { shown: JUDGED.slice(0, 1) }),
      /engine had 1 resource\(s\) not judged, the first .*::one/,
    ],
    [
      "a count that differs",
      () => [...honest(), step({ op: "create", urn: urn("late") })],
      /differs in the resources judged/,
    ],
    [
      "a stack rule that never ran",
      () => without(({ policyAnalyzeStackSummaryEvent }) => !policyAnalyzeStackSummaryEvent),
      /stack as a whole not judged/,
    ],
    [
      "another refusal",
      () => [
        ...honest(),
        {
          policyEvent: {
            resourceUrn: urn("one"),
            message: "[ISO-002] no",
            policyName: "x",
            policyPackName: "forma3d",
            enforcementLevel: "mandatory",
          },
        },
      ],
      /::one: \[ISO-002\] no/,
    ],
    [
      "a crash",
      () => [...honest(), { diagnosticEvent: { severity: "error", message: "analyzer crashed\nat x" } }],
      /error: analyzer crashed/,
    ],
    ["a log that was cut off", () => without(({ summaryEvent }) => !summaryEvent), /without a summary/],
    ["an engine that hung", honest, /did not end by itself/, {}, null],
  ])("%s is not accepted", (name, events, expected, over = {}, code = 255) => {
    if (name === "another project's configuration") {
      const copy = fs.mkdtempSync(path.join(os.tmpdir(), "configuration-"));
      try {
        copyConfiguration(copy);
        fs.appendFileSync(path.join(copy, "policies/waivers.yaml"), "\n# changed\n");
        expect(missing(events(), { configuration: configurationDigest(copy) }).join("\n")).toMatch(expected);
      } finally {
        fs.rmSync(copy, { recursive: true });
      }
      return;
    }
    const result = missingEvidence({ code: code ?? undefined, events: events() }, { ...EXPECTED, ...over });
    expect(result.join("\n")).toMatch(expected);
  });
});

test("an event that cannot be read is missed, wherever it stands in the log", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "events-"));
  try {
    const log = path.join(folder, "events.jsonl");
    const lines = honest().map((one) => JSON.stringify(one));
    const told = (written: readonly string[]) => {
      fs.writeFileSync(log, `${written.join("\n")}\n`);
      return missingEvidence({ code: 255, ...readEvents(log) }, EXPECTED).join("\n");
    };
    expect(told(lines)).toBe("");
    const deletion = JSON.stringify(step({ op: "delete", urn: urn("data") }));
    // It is judged by nobody, so that no count differs.
    for (const line of [deletion.slice(0, -3), deletion.replace('"delete"', "1"), "null"])
      expect(told([...lines.slice(0, 1), line, ...lines.slice(1)])).toMatch(
        /^1 event\(s\) .* cannot be read/,
      );
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("a pack or a stack file that is another one after the run is told", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "judges-"));
  try {
    copyConfiguration(folder);
    const pack = path.join(folder, "policies/bin/index.js");
    fs.mkdirSync(path.dirname(pack), { recursive: true });
    fs.writeFileSync(pack, "judge();");
    const judges = { pack: fileDigest(pack), configuration: configurationDigest(folder) };
    expect(changedSince(folder, judges)).toEqual([]);
    fs.appendFileSync(path.join(folder, "Pulumi.staging.yaml"), "# later\n");
    expect(changedSince(folder, judges)).toEqual([expect.stringMatching(/^stack files.* changed/)]);
    fs.rmSync(pack);
    expect(changedSince(folder, judges)).toEqual([
      expect.stringMatching(/^policies\/bin\/index\.js was changed/),
      expect.stringMatching(/^stack files/),
    ]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

describe("what was approved", () => {
  const events = [
    step({ op: "create", urn: urn("one") }, { size: 1 }),
    step({ op: "same", urn: urn("stack") }),
  ];
  const approved = approvalOf("staging", events);

  test("is the same plan again, whatever order it comes in", () => {
    expect(departures(approved, approvalOf("staging", [...events].reverse()))).toEqual([]);
    expect(approved.steps.map(({ op, urn: of }) => [op, of])).toEqual([["create", urn("one")]]);
    expect(JSON.stringify(approved)).not.toContain("size");
  });

  test.each<[string, Event[], RegExp]>([
    [
      "one step more",
      [...events, step({ op: "delete", urn: urn("data") })],
      /delete .*::data was not approved/,
    ],
    ["one step less", events.slice(1), /create .*::one was approved and is not planned/],
    ["another value", [step({ op: "create", urn: urn("one") }, { size: 2 })], /approved with other inputs/],
    [
      "another operation",
      [step({ op: "replace", urn: urn("one") }, { size: 1 })],
      /replace .*::one was not approved/,
    ],
  ])("%s is another plan", (_, now, expected) => {
    expect(departures(approved, approvalOf("staging", now)).join("\n")).toMatch(expected);
  });

  test("is for its own stack, and cannot be edited", () => {
    expect(departures(approved, approvalOf("prod", events)).join("\n")).toMatch(
      /is for the stack staging, not prod/,
    );
    const edited = { ...approved, steps: [] };
    expect(departures(edited, edited).join("\n")).toMatch(/digest is not that of its steps/);
  });

  test("bounds what an update may do", () => {
    expect(unapproved(approved, events)).toEqual([]);
    expect(unapproved(approved, [...events, step({ op: "delete", urn: urn("data") })])).toEqual([
      `delete ${urn("data")} was done and not approved`,
    ]);
  });
});

test("the engine is given what it needs, and nothing that configures it or runs code in it", () => {
  const given = {
    PATH: "/usr/bin",
    HOME: "/root",
    PULUMI_BACKEND_URL: "azblob://x",
    ARM_USE_OIDC: "true",
    AZURE_FEDERATED_TOKEN_FILE: "/run/token",
    ACTIONS_ID_TOKEN_REQUEST_URL: "https://x",
  };
  const kept = allowedEnvironment({
    ...given,
    PULUMI_OPTION_POLICY_PACK_CONFIG: "all.json",
    PULUMI_OPTION_SKIP_PREVIEW: "true",
    PULUMI_DEBUG_PROVIDERS: "azure-native:1",
    PULUMI_EXPERIMENTAL: "true",
    NODE_OPTIONS: "--require ./neuter.js",
    NODE_PATH: "/tmp",
    LD_PRELOAD: "x.so",
    BASH_ENV: "x.sh",
    npm_config_node_options: "--require x",
  });
  expect(kept).toEqual(given);
});

/** Files that configure the pack, in a folder of their own. */
function copyConfiguration(folder: string): void {
  fs.mkdirSync(path.join(folder, "policies"), { recursive: true });
  for (const name of fs.readdirSync(ROOT).filter((file) => /^Pulumi.*\.yaml$/.test(file)))
    fs.copyFileSync(path.join(ROOT, name), path.join(folder, name));
  for (const name of ["inventory.yaml", "waivers.yaml", "PulumiPolicy.yaml", "package.json"])
    fs.copyFileSync(path.join(ROOT, "policies", name), path.join(folder, "policies", name));
}

/** Folders the pack is made of. */
const SOURCES = ["policies", "stacks", "infra", "packages", "bundle.cjs"].filter((name) =>
  fs.existsSync(path.join(ROOT, name)),
);

/** A project with this one's pack and stack files, and a program of components only, which need no provider. */
function project(program: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "engine-gates-"));
  for (const name of SOURCES)
    fs.cpSync(path.join(ROOT, name), path.join(folder, name), {
      recursive: true,
      filter: (file) => !/\/(node_modules|bin)$/.test(file),
    });
  copyConfiguration(folder);
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  fs.writeFileSync(
    path.join(folder, "package.json"),
    JSON.stringify({ name: "forma3d-platform", main: "main.js" }),
  );
  for (const name of ["backend", "home"]) fs.mkdirSync(path.join(folder, name));
  write(folder, program);
  return folder;
}

function write(folder: string, program: string): void {
  fs.writeFileSync(
    path.join(folder, "main.js"),
    `const pulumi = require("@pulumi/pulumi");
class Thing extends pulumi.ComponentResource {
  constructor(name, args) { super("forma3d:test:Thing", name, args); this.registerOutputs({}); }
}
${program}
`,
  );
}

const HONEST = `new Thing("one", { size: 1 });`;
const REACHING = `new Thing("one", { host: "${PROD_HOST}" });`;

describe("the pack's folder", () => {
  test.each([
    [
      "Pulumi.yaml",
      "runtime: { name: nodejs, options: { nodeargs: --require ./neuter.js } }\nname: forma3d\n",
    ],
    ["Pulumi.yaml", "name: forma3d\nruntime: nodejs\nplugins: { analyzers: [{ name: x, path: ./x }] }\n"],
    [
      "policies/PulumiPolicy.yaml",
      "runtime: { name: nodejs, options: { nodeargs: --require ./neuter.js } }\n",
    ],
    ["policies/package.json", '{ "main": "other.js" }'],
    // The engine looks for these first, or where there is no other.
    ["Pulumi.json", '{ "name": "forma3d", "runtime": "nodejs" }'],
    ["Pulumi.yml", "name: forma3d\nruntime: nodejs\n"],
    ["policies/PulumiPolicy.json", '{ "runtime": "nodejs" }'],
    // Packages there come before those of the lock file.
    ["policies/node_modules/@pulumi/policy/index.js", "exports.PolicyPack = class {};"],
  ])("%s that starts something else is refused with its name", (file, content) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pack-folder-"));
    try {
      copyConfiguration(folder);
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), content);
      expect(() => freshPack(folder)).toThrow(file.replace(/(?<=node_modules)\/.*/, ""));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

describe("the engine comes from outside the project", () => {
  let folder: string;
  const root = (): string => path.join(folder, "project");
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "engine-home-"));
    for (const one of ["project/.pulumi", "project/bin", "home/plugins/resource-azure-native-v3.28.0", "bin"])
      fs.mkdirSync(path.join(folder, one), { recursive: true });
    for (const one of ["bin/pulumi", "project/bin/pulumi-language-nodejs"])
      fs.writeFileSync(path.join(folder, one), "", { mode: 0o755 });
    fs.symlinkSync(root(), path.join(folder, "link"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  const at = (place: string): string => path.join(folder, place);

  test("with providers in its home, and packages of the lock file on PATH", () => {
    const PATH = [at("project/node_modules/.bin"), at("bin")].join(path.delimiter);
    expect(() => checkEngineHome(root(), { PATH, HOME: at("home") })).not.toThrow();
    expect(() => checkEngineHome(root(), { PATH, PULUMI_HOME: at("home"), HOME: root() })).not.toThrow();
  });

  test.each([
    ["PULUMI_HOME", () => ({ PULUMI_HOME: at("project/.pulumi") })],
    ["PULUMI_HOME", () => ({ PULUMI_HOME: at("link/.pulumi") })],
    ["PULUMI_HOME", () => ({ PULUMI_HOME: ".pulumi" })],
    ["HOME", () => ({ HOME: root() })],
    ["PATH", () => ({ PATH: `.:${at("bin")}` })],
    ["PATH, pulumi-language-nodejs", () => ({ PATH: [at("bin"), at("project/bin")].join(path.delimiter) })],
    ["PATH, pulumi-language-nodejs", () => ({ PATH: [at("link/bin"), at("bin")].join(path.delimiter) })],
  ])("else %s is refused by name", (name, over) => {
    const env = { HOME: at("home"), PATH: at("bin"), ...over() };
    expect(() => checkEngineHome(root(), env)).toThrow(name);
  });

  test.each(["language-nodejs-v3.0.0", "analyzer-policy-nodejs-v1.0.0", "tool-x-v1.0.0"])(
    "%s in its home stands in for a judge",
    (plugin) => {
      fs.mkdirSync(path.join(folder, "home/plugins", plugin));
      expect(() => checkEngineHome(root(), { HOME: root(), PULUMI_HOME: at("home") })).toThrow(plugin);
    },
  );
});

const hasCli = spawnSync("pulumi", ["version"]).status === 0;
const withCli = hasCli || process.env.REQUIRE_PULUMI === "1" ? describe : describe.skip;

withCli(`the real engine${hasCli ? "" : " (NOT RUN: no pulumi command on PATH)"}`, () => {
  let folder: string;
  const env = () => ({
    ...process.env,
    PULUMI_BACKEND_URL: `file://${folder}/backend`,
    PULUMI_HOME: `${folder}-home`,
    PULUMI_CONFIG_PASSPHRASE: "gates",
  });
  const preview = (over: NodeJS.ProcessEnv = {}, minutes = 5) =>
    previewRun({ root: folder, stack: "staging", minutes, env: { ...env(), ...over } });
  const findings = async (...args: Parameters<typeof preview>) =>
    (await preview(...args)).verdict.findings.join("\n");
  /** Changes one text of the pack's own code. */
  const changePack = (file: string, find: string, replace: string): void => {
    const at = path.join(folder, "policies", file);
    const source = fs.readFileSync(at, "utf8");
    expect(source).toContain(find);
    fs.writeFileSync(at, source.replace(find, replace));
  };

  /** Puts an empty folder in the place of one of the project's packages. */
  const replacePackage = (name: string): string => {
    const packages = path.join(folder, "node_modules");
    fs.rmSync(packages);
    const link = (below: string, left: string): void => {
      fs.mkdirSync(path.join(packages, below), { recursive: true });
      for (const entry of fs
        .readdirSync(path.join(ROOT, "node_modules", below))
        .filter((one) => one !== left))
        fs.symlinkSync(path.join(ROOT, "node_modules", below, entry), path.join(packages, below, entry));
    };
    const [scope = "", rest = ""] = name.split("/");
    link("", scope);
    link(scope, rest);
    fs.mkdirSync(path.join(packages, name));
    return path.join(packages, name);
  };

  beforeEach(() => {
    folder = project(HONEST);
    const args = ["stack", "init", "organization/forma3d/staging"];
    const { status, stderr } = spawnSync("pulumi", args, { cwd: folder, env: env(), encoding: "utf8" });
    expect([status, stderr]).toEqual([0, expect.anything()]);
  }, MINUTES);
  afterEach(() => {
    for (const one of [folder, `${folder}-home`]) fs.rmSync(one, { recursive: true, force: true });
  });

  test(
    "an honest preview is accepted, and the update does what was approved and nothing else",
    async () => {
      const { verdict, approval } = await preview();
      expect(verdict.findings).toEqual([]);
      expect(approval.steps.map(({ op }) => op)).toEqual(["create", "create"]);
      const options = { root: folder, stack: "staging", minutes: 5, env: env() };
      write(folder, `${HONEST}\nnew Thing("two", {});`);
      const changed = await updateRun(options, approval);
      expect(changed.findings.join("\n")).toMatch(/create .*::two was not approved/);
      write(folder, HONEST);
      expect((await updateRun(options, approval)).findings).toEqual([]);
      expect((await preview()).approval.steps).toEqual([]);
    },
    10 * MINUTES,
  );

  test(
    "after a failover the search for drift is believed, though it leaves the endpoint unread",
    async () => {
      const file = path.join(folder, "Pulumi.staging.yaml");
      const text = fs
        .readFileSync(file, "utf8")
        .replace(
          /primary: { location: northeurope, role: serving }/,
          "primary: { location: northeurope, role: standby }\n    secondary: { location: westeurope, role: serving }",
        )
        .replace(
          / +primary: { addressSpace.*\n/,
          (primary) => primary + primary.replace("primary", "secondary").replace(/10\.(\d)/g, "10.2$1"),
        );
      fs.writeFileSync(file, text);
      write(folder, `${HONEST}\nnew Thing("forma3d-staging-database-endpoint", {});`);
      const options = { root: folder, stack: "staging", minutes: 5, env: env() };
      const { approval } = await previewRun(options);
      expect((await updateRun(options, approval)).findings).toEqual([]);
      const drift = await previewRun({ ...options, refresh: true, expectNoChanges: true });
      expect(drift.verdict.findings).toEqual([]);
    },
    10 * MINUTES,
  );

  test(
    "no variable of the environment keeps a finding from being found",
    async () => {
      write(folder, REACHING);
      fs.writeFileSync(path.join(folder, "all.json"), JSON.stringify({ all: "disabled" }));
      fs.writeFileSync(
        path.join(folder, "neuter.js"),
        `const Module = require("node:module"); const load = Module._load;
Module._load = function (name, ...rest) {
  return name === "@pulumi/policy" ? { PolicyPack: class {} } : load.call(this, name, ...rest);
};`,
      );
      for (const attack of [
        { PULUMI_OPTION_POLICY_PACK_CONFIG: path.join(folder, "all.json") },
        { NODE_OPTIONS: `--require ${path.join(folder, "neuter.js")}` },
      ])
        expect(await findings(attack)).toContain("[ISO-002]");
    },
    10 * MINUTES,
  );

  test(
    "a pack that was replaced is built anew",
    async () => {
      write(folder, REACHING);
      fs.mkdirSync(path.join(folder, "policies/bin"), { recursive: true });
      fs.writeFileSync(
        path.join(folder, "policies/bin/index.js"),
        `new (require("@pulumi/policy").PolicyPack)("forma3d", { policies: [] });`,
      );
      expect(await findings()).toContain("[ISO-002]");
    },
    5 * MINUTES,
  );

  test(
    "an SDK that swallows refusals is noticed: the canary is let pass",
    async () => {
      const sdk = replacePackage("@pulumi/policy");
      fs.writeFileSync(
        path.join(sdk, "index.js"),
        `const real = require(${JSON.stringify(path.join(ROOT, "node_modules/@pulumi/policy"))});
const soft = (report) => (one, ...rest) => one.enforcementLevel === "mandatory" ? undefined : report(one, ...rest);
const wrap = (policy, key) => {
  const { get, value } = Object.getOwnPropertyDescriptor(policy, key) ?? {};
  if (get || value) Object.defineProperty(policy, key, { enumerable: true, get() {
    const found = get ? get.call(policy) : value;
    const one = (run) => (args, report) => run.call(policy, args, soft(report));
    return typeof found === "function" ? one(found) : Array.isArray(found) ? found.map(one) : found;
  } });
};
exports.PolicyPack = class extends real.PolicyPack {
  constructor(name, args) {
    const walk = args.policies[Symbol.iterator].bind(args.policies);
    args.policies[Symbol.iterator] = function* () {
      for (const policy of walk()) {
        ["validateResource", "validateStack"].forEach((key) => wrap(policy, key));
        yield policy;
      }
    };
    super(name, args);
  }
};`,
      );
      write(folder, REACHING);
      expect(await findings()).toMatch(/canary was not refused|succeeded although the canary/);
    },
    5 * MINUTES,
  );

  test(
    "a pack that crashes, hangs or leaves out its stack rules is not believed",
    async () => {
      const entry = fs.readFileSync(path.join(folder, "policies/index.ts"), "utf8");
      changePack("index.ts", "new PolicyPack", 'throw new Error("broken");\nnew PolicyPack');
      expect(await findings()).toMatch(/no receipt for this run/);
      fs.writeFileSync(path.join(folder, "policies/index.ts"), `${entry}\nfor (;;);\n`);
      expect(await findings({}, 0.5)).toMatch(/did not end by itself/);
      fs.writeFileSync(path.join(folder, "policies/index.ts"), entry);
      changePack(
        "pack/adapter/dispatch.ts",
        "for (const rule of rules) {",
        'for (const rule of rules.filter(({ scope }) => scope === "resource")) {',
      );
      expect(await findings()).toMatch(/stack as a whole not judged|no receipt for this run/);
    },
    15 * MINUTES,
  );
});
