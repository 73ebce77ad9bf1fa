import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { readStacks } from "../../stacks/files";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { bundleProgram, Change } from "../../apps/rehearsal/bundle";
import { findCli } from "../../apps/rehearsal/cli";
import { Run } from "../../apps/rehearsal/engine";
import { dataKept, noChange, operations, refused } from "../../apps/rehearsal/expect";
import { changeConfig, copyProject, readConfig } from "../../apps/rehearsal/project";
import { junit, markdown, table } from "../../apps/rehearsal/report";
import { Outcome, rehearse } from "../../apps/rehearsal/runner";
import { Scenario } from "../../apps/rehearsal/scenario";
import { SCENARIOS } from "../../apps/rehearsal/scenarios";
import { stateOnDisk } from "../../apps/rehearsal/stateFile";
import { Setting } from "../../apps/rehearsal/world";

const ROOT = path.join(__dirname, "../..");
const SERVER = "azure-native:dbforpostgresql:Server";
const MINUTES = 60_000;

const configs = readStacks(ROOT);
const stacks = Object.keys(configs);

let folder: string;
beforeAll(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "forma3d-rehearsal-test-"))));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function command(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, ["packages/command/run.mjs", "apps/rehearsal/rehearse.ts", ...args], {
    cwd: ROOT,
    env,
    encoding: "utf8",
  });
}

describe("the command", () => {
  test("without the pulumi command it was not run (3) and says what to install", () => {
    const { status, stderr } = command([], { ...process.env, PATH: folder });
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /rehearsal not run: the pulumi command was not found on PATH; install Pulumi 3\.248\.0/,
    );
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    [["sandbox"], /stack "sandbox" has no file; allowed: .*prod, .*staging/],
    [["--only", "11"], /"11" is no scenario; allowed: 1\.1, 1\.2/],
    [["--parallel", "0"], /"0" is not a whole number from 1 to 8/],
  ])("%j exits 2 and says what is allowed", (args, message) => {
    const { status, stderr } = command(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe("the copied project", () => {
  test("has the stack's values, none of its encrypted ones, and leaves the repository alone", () => {
    const project = path.join(folder, "project");
    copyProject(ROOT, project);
    const values = readConfig(project, "prod");
    expect(values["environment"]).toBe("prod");
    expect(values).not.toHaveProperty("secretValues");
    const before = fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8");
    changeConfig(project, "prod", { "database.skuName": "Standard_D8ds_v5", "database.replica": undefined });
    expect(readConfig(project, "prod")["database"]).toMatchObject({ skuName: "Standard_D8ds_v5" });
    expect(readConfig(project, "prod")["database"]).not.toHaveProperty("replica");
    expect(fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8")).toBe(before);
  });

  test("an edit that finds its text no longer, or twice, is an error instead of a rehearsal of nothing", async () => {
    const outfile = path.join(folder, "program.js");
    const edit = (find: string) =>
      bundleProgram(ROOT, outfile, [{ file: "infra/data/database.ts", find, replace: "" }]);
    await expect(edit("no such text")).rejects.toThrow(/holds "no such text" 0 times/);
    await expect(edit("this.link(")).rejects.toThrow(/holds "this\.link\(" \d+ times/);
    await bundleProgram(ROOT, outfile);
    expect(fs.readFileSync(outfile, "utf8")).toContain("forma3d:database:Database");
  });
});

describe("what a scenario asserts", () => {
  const run = (steps: [op: string, type: string, name: string][], ok = true): Run => ({
    command: "up",
    ok,
    steps: steps.map(([op, type, name]) => ({ op, type, name, urn: `urn::${name}`, diffs: [] })),
    diagnostics: ok ? [] : ["error: it is protected"],
    policies: [],
    seconds: 1,
    output: "",
  });

  test("exactly the operations asked for: one more or one less fails, and is named", () => {
    const update: [string, string, string] = ["update", SERVER, "primary"];
    operations(run([update]), [`update ${SERVER} primary`]);
    operations(run([update]), ["update *"]);
    expect(() => noChange(run([update]))).toThrow(/not asked for: update .*Server primary/);
    expect(() => operations(run([]), [`update ${SERVER} primary`])).toThrow(
      /missing: update .*Server primary/,
    );
    expect(() => operations(run([update], false), ["update *"])).toThrow(/failed/);
  });

  test("engine bookkeeping is no operation, and a refusal must give the reason", () => {
    noChange(
      run([
        ["update", "pulumi:providers:kubernetes", "k"],
        ["create", "forma3d:x:Y", "y"],
      ]),
    );
    refused(run([], false), /protected/);
    expect(() => refused(run([], false), /something else/)).toThrow(/did not say/);
    expect(() => refused(run([]), /protected/)).toThrow(/succeeded; it should have been stopped/);
  });

  test("what a command failed by is told in the words of the policies that stopped it", () => {
    const policy = { policyName: "REC-001", policyPackName: "pack", policyPackVersion: "1" };
    const said = (enforcementLevel: "mandatory" | "warning") => ({
      ...{ ...policy, policyPackVersionTag: "1", color: "never", enforcementLevel },
      ...{ message: `a ${enforcementLevel} one\n`, resourceUrn: "urn:pulumi:prod::forma3d::a:b:C::api" },
    });
    const stopped = { ...run([], false), policies: [said("mandatory"), said("warning")] };
    expect(() => noChange(stopped)).toThrow(
      /^pulumi up failed:\nerror: it is protected\napi: REC-001: a mandatory one$/,
    );
  });

  test.each(["delete", "replace", "create-replacement", "delete-replaced"])(
    "%s of a server is a loss",
    (op) => {
      expect(() => dataKept(sandboxModel(), run([[op, SERVER, "primary"]]))).toThrow(/would lose data/);
      dataKept(sandboxModel(), run([[op, "azure-native:network:Subnet", "nodes"]]));
    },
  );
});

test("a state is on the disk once the file and its attributes are whole", () => {
  const states = path.join(folder, "backend/.pulumi/stacks/forma3d");
  fs.mkdirSync(states, { recursive: true });
  const write = (name: string, text: string) => fs.writeFileSync(path.join(states, name), text);
  const found = () => stateOnDisk(path.join(folder, "backend"), "prod");
  expect(found()).toBeUndefined();
  const whole = JSON.stringify({ checkpoint: { latest: { pending_operations: [{ type: "creating" }] } } });
  write("prod.json", whole);
  expect(found()).toBeUndefined();
  for (const [file, attributes] of [
    [whole, ""],
    [whole.slice(0, -9), "{}"],
  ] as const) {
    write("prod.json", file);
    write("prod.json.attrs", attributes);
    expect(found()).toBeUndefined();
  }
  write("prod.json", whole);
  expect(found()).toEqual({ pending_operations: [{ type: "creating" }] });
  write("prod.json", JSON.stringify({ checkpoint: {} }));
  expect(found()).toEqual({});
});

describe("the report", () => {
  const outcome = (over: Partial<Outcome>): Outcome => ({
    stack: "prod",
    id: "1.1",
    title: "a | b",
    result: "passed",
    operations: "up: no change",
    seconds: 1.25,
    ...over,
  });
  const outcomes = [
    outcome({}),
    outcome({
      id: "1.2",
      result: "failed",
      message: 'lost <data> & "more"\nsecond\u0007 line',
      transcript: "t.txt",
    }),
    outcome({ id: "1.3", result: "not applicable", message: "there is no replica", operations: "" }),
  ];

  test("the table has a line for each scenario, the reasons of failures, and the totals", () => {
    const text = table(outcomes);
    expect(text).toMatch(/^prod +1\.1 a \| b +up: no change +passed +1\.3$/m);
    expect(text).toMatch(/^FAILED prod 1\.2/m);
    expect(text).toContain("  second");
    expect(text).toContain("transcript: t.txt");
    expect(text).toMatch(/there is no replica +not applicable/);
    expect(text).toMatch(/1 passed, 1 failed, 1 not applicable$/);
  });

  test("JUnit is well-formed whatever was printed", () => {
    const xml = junit(outcomes, 3);
    expect(xml).toContain('tests="3" failures="1" skipped="1"');
    expect(xml).toContain("lost &lt;data&gt; &amp; &quot;more&quot;");
    expect(xml).not.toContain("\u0007");
  });

  test("Markdown keeps its table whole", () => {
    expect(markdown(outcomes, 3)).toContain("| prod | 1.1 a \\| b | up: no change | passed | 1.3 |");
    expect(markdown(outcomes, 3)).toContain("1 passed, 1 failed, 1 not applicable in 3 s");
  });
});

test("every scenario has a number of its own and all ten groups are rehearsed", () => {
  const ids = SCENARIOS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...new Set(ids.map((id) => id.split(".")[0]))]).toEqual([
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
  ]);
});

const engineFound = spawnSync("pulumi", ["version"], {
  env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
});
const required = process.env.REQUIRE_PULUMI === "1";
const runs = engineFound.status === 0 || required;
const engineTest = runs ? test : test.skip;
const named = (title: string): string => (runs ? title : `NOT RUN, pulumi is not on PATH: ${title}`);

async function setting(changes: readonly Change[] = []): Promise<Setting> {
  const cli = await findCli();
  if ("missing" in cli) throw new Error(`REQUIRE_PULUMI is set, but ${cli.missing}`);
  return {
    root: ROOT,
    configs,
    model: sandboxModel(),
    command: cli.command,
    seed: "test",
    sdk: "quiet",
    changes,
  };
}

async function perform(
  name: string,
  scenarios: readonly Scenario[],
  on: readonly string[],
  changes: readonly Change[] = [],
) {
  const outcomes = new Map<string, Outcome>();
  await rehearse({
    setting: await setting(changes),
    stacks: Object.fromEntries(Object.entries(configs).filter(([stack]) => on.includes(stack))),
    scenarios,
    folder: path.join(folder, name),
    transcripts: path.join(folder, `${name}-transcripts`),
    keep: false,
    onOutcome: (outcome) => outcomes.set(`${outcome.stack} ${outcome.id}`, outcome),
  });
  return outcomes;
}

describe("with the real engine", () => {
  let all: Promise<Map<string, Outcome>> | undefined;

  test("REQUIRE_PULUMI=1 is not set where the engine is missing", () => {
    expect(required && engineFound.status !== 0).toBe(false);
  });

  for (const stack of stacks) {
    for (const { id, title } of SCENARIOS) {
      engineTest(
        named(`${stack} ${id}: ${title}`),
        async () => {
          all ??= perform("all", SCENARIOS, stacks);
          const outcome = (await all).get(`${stack} ${id}`);
          expect(
            outcome?.message === undefined || outcome.result === "not applicable" ? "" : outcome.message,
          ).toBe("");
          expect(["passed", "not applicable"]).toContain(outcome?.result);
        },
        60 * MINUTES,
      );
    }
  }

  engineTest(
    named("without ignoreChanges on the server, the rehearsal of an Azure failover fails"),
    async () => {
      const changes = [{ file: "infra/data/database.ts", find: '  "availabilityZone",\n', replace: "" }];
      const outcomes = await perform(
        "unguarded",
        SCENARIOS.filter(({ id }) => id === "4.1"),
        ["prod"],
        changes,
      );
      expect(outcomes.get("prod 4.1")?.message).toMatch(/unable to replace resource .*database-primary/s);
    },
    20 * MINUTES,
  );

  /** Taken out once the stack is deployed. */
  const MECHANISMS: readonly [id: string, where: string, change: Change, fails: RegExp][] = [
    [
      "5.2",
      "a region that gave over runs pods",
      {
        file: "infra/workloads/workload.ts",
        find: "if (this.args.standby) return { replicas: 0 };",
        replace: "",
      },
      /pods run in the region that gave over/,
    ],
    [
      "5.1",
      "the edge is changed once a region is lost",
      {
        file: "stacks/entry.ts",
        find: "args.regions.map((region) => origin(region, site))",
        replace: 'args.regions.filter(({ role }) => role !== "lost").map((region) => origin(region, site))',
      },
      /the failover did otherwise\s+delete azure-native:cdn:AFDOrigin/,
    ],
    [
      "5.7",
      "alerts that stand in a lost region follow the roles all the same",
      {
        file: "stacks/roles.ts",
        find: "regions[place].location === monitoring.region",
        replace: "monitoring.region === undefined",
      },
      /region northeurope does not answer/,
    ],
    [
      "5.6",
      "a region that stands by runs pods",
      {
        file: "infra/workloads/workload.ts",
        find: "if (this.args.standby) return { replicas: 0 };",
        replace: "",
      },
      /standby-service-serves-elsewhere: \[REC-060\] spec\.replicas: must be 0 where the region stands by/,
    ],
    [
      "5.8",
      "a pair made anew is not locked",
      {
        file: "infra/data/database.ts",
        find: "    if (args.protect) {\n      deleteLock(",
        replace: '    if (args.protect && args.geoBackupOf === "primary") {\n      deleteLock(',
      },
      /\[REC-052\] the lock of each dbforpostgresql:Server: is missing/,
    ],
    [
      "5.8",
      "the server a pair is made anew from is declared without copies of its backups",
      {
        file: "infra/data/replica.ts",
        find: 'args.geoBackupOf === "secondary"',
        replace: "false",
      },
      /backup\.geoRedundantBackup cannot be changed/,
    ],
  ];
  const crippled = MECHANISMS.map(([id, , change], index) => {
    const [whole] = SCENARIOS.filter((scenario) => scenario.id === id);
    return { ...whole!, id: `${id}.${index}`, without: [change] };
  });
  let outcomes: Promise<Map<string, Outcome>> | undefined;
  MECHANISMS.forEach(([id, where, , fails], index) =>
    engineTest(
      named(`${id} fails where ${where}`),
      async () => {
        outcomes ??= perform("mechanisms", crippled, ["prod"]);
        expect((await outcomes).get(`prod ${id}.${index}`)?.message).toMatch(fails);
      },
      60 * MINUTES,
    ),
  );

  /** Taken out from the first deployment on: what stands in the state by then decides too. */
  const FROM_THE_FIRST: readonly [
    id: string,
    where: string,
    change: Change,
    fails: RegExp,
    stack?: string,
  ][] = [
    [
      "1.1",
      "Front Door's origins do not wait for the services they lead to",
      {
        file: "stacks/entry.ts",
        find: "{ ...opts, dependsOn: args.computing.flatMap(({ sites }) => SITES.map((site) => sites[site].service)) }",
        replace: "opts",
      },
      /PrivateEndpointProvisioning Failed/,
    ],
    [
      "5.4",
      "what is made anew keeps the name Azure still holds",
      { file: "infra/naming.ts", find: "vault: `kv-${unique}`", replace: "vault: `kv-${stem}`" },
      /exists in deleted state/,
      "staging",
    ],
    [
      "5.1",
      "a cluster that does not answer has to be left out of the state by hand",
      { file: "infra/providers.ts", find: "      deleteUnreachable: true,\n", replace: "" },
      /region westeurope does not answer/,
    ],
    [
      "5.1",
      "a failover gives the region's identities their trust",
      {
        file: "stacks/compute.ts",
        find: "identities: [...IDENTITIES],",
        replace: 'identities: region.role === "standby" ? [] : [...IDENTITIES],',
      },
      /the failover did otherwise\s+create azure-native:managedidentity:FederatedIdentityCredential/,
    ],
    [
      "5.5",
      "the copy of the state keeps the key of what was copied",
      { file: ".github/scripts/copy-state.sh", find: "| rekeyed | copy", replace: "| copy" },
      /the copy is encrypted with the key that was lost/,
    ],
    [
      "5.9",
      "nobody asks whether the runners' address is admitted",
      {
        file: "infra/control/runners.ts",
        find: "if (allowedRanges.some((range) => contains(range, own))) return;",
        replace: "return;",
      },
      /was stopped, but did not say .*authorizedIpRanges/s,
    ],
    [
      "5.9",
      "the right to the runners' key hangs below the vault, whose lock would keep it",
      {
        file: "infra/control/runners.ts",
        find: "scope: home.groupId,",
        replace:
          "scope: pulumi.interpolate`${home.groupId}/providers/Microsoft.KeyVault/vaults/${this.args.vault}`,",
      },
      /\[REC-052\] scope: must be as infra\/control\/runners\.ts says for the one right/,
    ],
    [
      "5.10",
      "a right gets another name in each update",
      {
        file: "infra/control/runners.ts",
        find: "key: `${names.resourceGroup}/runners/keyVaultSecretsUser`,",
        replace: "key: String(Date.now()),",
      },
      /not asked for: \S+ azure-native:authorization:RoleAssignment \S+-runners-fetches/,
    ],
  ];
  FROM_THE_FIRST.forEach(([id, where, change, fails, stack = "prod"], index) =>
    engineTest(
      named(`${id} fails where ${where}`),
      async () => {
        const only = SCENARIOS.filter((scenario) => scenario.id === id);
        const outcomes = await perform(`first-${index}`, only, [stack], [change]);
        expect(outcomes.get(`${stack} ${id}`)?.message).toMatch(fails);
      },
      20 * MINUTES,
    ),
  );

  engineTest(
    named("an endpoint whose members the program goes on naming is refused once its server no longer writes"),
    async () => {
      const changes = [
        {
          file: "infra/data/database.ts",
          find: 'this.next({ ignoreChanges: ["members"] })',
          replace: "this.next({})",
        },
      ];
      const only = SCENARIOS.filter(({ id }) => id === "5.3");
      const outcomes = await perform("named", only, ["prod"], changes);
      expect(outcomes.get("prod 5.3")?.message).toMatch(/ServerNotActive/);
    },
    20 * MINUTES,
  );

  engineTest(
    named("without protect on what holds data, the rehearsal of destroy fails"),
    async () => {
      const changes = [
        {
          file: "infra/data/protection.ts",
          find: "return { ...opts, protect, retainOnDelete: protect };",
          replace: "return { ...opts };",
        },
      ];
      const outcomes = await perform(
        "unprotected",
        SCENARIOS.filter(({ id }) => id === "1.4"),
        ["staging"],
        changes,
      );
      expect(outcomes.get("staging 1.4")?.message).toMatch(
        /hold data and are not protected: .*forma3d-stg-database-primary/,
      );
    },
    20 * MINUTES,
  );

  engineTest(
    named("a scenario that breaks its promise fails, with a transcript of the engine and the cloud"),
    async () => {
      const scenario: Scenario = {
        id: "0.1",
        title: "nothing is ever created",
        async run(stage) {
          const world = await stage.empty();
          noChange(await stage.preview(world, { policies: false }));
        },
      };
      const outcome = (await perform("broken", [scenario], ["staging"])).get("staging 0.1");
      expect(outcome).toMatchObject({
        result: "failed",
        message: expect.stringMatching(/not asked for: create/) as string,
      });
      const transcript = fs.readFileSync(outcome?.transcript as string, "utf8");
      expect(transcript).toMatch(/\$ pulumi preview/);
      expect(transcript).toMatch(/Operations the emulated cloud saw/);
      expect(fs.existsSync(path.join(folder, "broken"))).toBe(false);
    },
    20 * MINUTES,
  );
});
