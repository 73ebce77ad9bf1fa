import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { bundle } from "../../packages/command/bundle.cjs";
import { projectRoot } from "../../packages/command/root";
import { asClient } from "../../packages/offline-engine/rpc";
import { PlanChoices, planStack, preparePlans } from "../support/plan";
import { stackNames } from "../../stacks/files";

const root = path.join(__dirname, "../fixtures/plan");
const plan = (scenario: string, choices: PlanChoices = {}) =>
  planStack("dev", { ...choices, root, config: { scenario, ...choices.config } });
const PREFIX = "urn:pulumi:dev::fixture::";

const SCENARIOS = [
  "plain",
  "bad-name",
  "bad-secret",
  "bad-size",
  "unknown-type",
  "twice",
  "default-provider",
  "crash",
  "read",
  "cluster",
  "transform",
];

beforeAll(async () => {
  const wanted = [
    ...SCENARIOS.map((scenario) => ({ config: { scenario } })),
    { config: { scenario: "plain", "limits.replicas": 5 } },
    ...["plain", "orphan"].map((scenario) => ({ config: { scenario }, resolve: true })),
  ];
  await preparePlans(wanted.map((choices) => ({ stack: "dev", root, ...choices })));
});

describe("the emulated engine", () => {
  test("names resources as the engine does: types of nested components, and of custom parents", async () => {
    const { errors, resources } = await plan("plain");
    expect(errors).toEqual([]);
    expect(resources.map(({ urn }) => urn.slice(PREFIX.length))).toEqual([
      "azure-native:authorization:ManagementLockByScope::lock",
      "azure-native:dbforpostgresql:Server::server",
      "azure-native:resources:ResourceGroup::group",
      "fixture:storage:Store$fixture:storage:Shelf$azure-native:storage:StorageAccount$azure-native:storage:BlobContainer::store-shelf-container",
      "fixture:storage:Store$fixture:storage:Shelf$azure-native:storage:StorageAccount::store-shelf-account",
      "fixture:storage:Store$fixture:storage:Shelf::store-shelf",
      "fixture:storage:Store::store",
      "pulumi:providers:azure-native::azure",
      "pulumi:providers:random::default_4_21_2",
      "pulumi:pulumi:Stack::fixture-dev",
      "random:index/randomPassword:RandomPassword::password",
    ]);
  });

  test("leaves what only an update knows unknown, down to single properties", async () => {
    const { one, outputs } = await plan("plain");
    expect(one("azure-native:dbforpostgresql:Server").inputs).toMatchObject({
      resourceGroupName: "[unknown]",
      administratorLoginPassword: "[secret]",
      location: "westeurope",
      storage: { storageSizeGB: 64 },
    });
    expect(one("azure-native:authorization:ManagementLockByScope").inputs).toEqual({
      level: "CanNotDelete",
      lockName: expect.stringMatching(/^lock-[0-9a-f]{8}$/),
      scope: "[unknown]",
    });
    expect(outputs).toMatchObject({ host: "[unknown]", replicas: 2 });
  });

  test("fills in ids and computed values when asked", async () => {
    const { one, outputs, errors } = await plan("plain", { resolve: true });
    expect(errors).toEqual([]);
    expect(outputs).toMatchObject({ host: "psql-fixture.postgres.database.azure.com" });
    expect(one("azure-native:authorization:ManagementLockByScope").inputs).toMatchObject({
      scope:
        "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-fixture/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-fixture",
    });
    expect(one("azure-native:dbforpostgresql:Server").inputs).toMatchObject({
      administratorLoginPassword: "[secret]",
    });
  });

  test("hands configuration over as the engine does, with a fixture for what is encrypted", async () => {
    const { one, outputs } = await plan("plain", { config: { "limits.replicas": 5 } });
    expect(one("azure-native:resources:ResourceGroup").inputs).toMatchObject({ tags: { zones: "1+2" } });
    expect(outputs).toMatchObject({ replicas: 5, token: "[secret]" });
  });

  test("records dependencies, also those on everything in a component, and options", async () => {
    const { one } = await plan("plain");
    const server = one("azure-native:dbforpostgresql:Server");
    expect(server.dependencies).toContain(
      `${PREFIX}fixture:storage:Store$fixture:storage:Shelf$azure-native:storage:StorageAccount::store-shelf-account`,
    );
    expect(server.propertyDependencies).toEqual({
      administratorLoginPassword: [`${PREFIX}random:index/randomPassword:RandomPassword::password`],
      location: [`${PREFIX}azure-native:resources:ResourceGroup::group`],
      resourceGroupName: [`${PREFIX}azure-native:resources:ResourceGroup::group`],
    });
    expect(server.provider).toBe(`${PREFIX}pulumi:providers:azure-native::azure::[unknown]`);
    expect(one("azure-native:storage:StorageAccount")).toMatchObject({
      protect: true,
      options: {
        aliases: [
          `${PREFIX}fixture:storage:Store$fixture:storage:Shelf$azure-native:storage:StorageAccount::old-account`,
        ],
      },
    });
    expect(one("azure-native:storage:BlobContainer")).toMatchObject({
      protect: true,
      options: { retainOnDelete: true, ignoreChanges: ["metadata"] },
    });
    expect(one("azure-native:resources:ResourceGroup").protect).toBe(false);
  });

  test("applies transforms the program registers", async () => {
    const { one, errors } = await plan("transform");
    expect(errors).toEqual([]);
    expect(one("random:index/randomString:RandomString")).toMatchObject({
      inputs: { length: 9 },
      protect: true,
    });
  });

  test.each([
    ["a name Azure refuses", "bad-name", /accountName: must be 3 to 24 lower-case letters and digits/],
    ["a size no disk has", "bad-size", /storage\.storageSizeGB: must be one of 32, 64, .*, not 100/],
    [
      "a type no table holds",
      "unknown-type",
      /does not know resource type azure-native:quantum:Workspace; add it to packages\/emulated-azure\/model\/azure/,
    ],
    ["a URN twice", "twice", /Duplicate resource URN/],
    ["a disabled default provider", "default-provider", /Default provider for 'kubernetes' disabled/],
    ["a program that breaks", "crash", /the program broke[\s\S]*index\.ts:\d+/],
  ])("reports %s", async (_what, scenario, message) => {
    const { errors } = await plan(scenario);
    expect(errors.join("\n")).toMatch(message);
  });

  test("says once of a type that no table holds it", async () => {
    expect((await plan("unknown-type")).errors).toHaveLength(1);
  });

  test("keeps a secret out of what it says about it", async () => {
    const { errors } = await plan("bad-secret");
    expect(errors.join("\n")).toMatch(/accountName: is not valid; it is secret, so it is not shown/);
    expect(errors.join("\n")).not.toContain("sandbox value of");
  });

  test("finds a parent that does not exist once ids are known", async () => {
    const { errors } = await plan("orphan", { resolve: true });
    expect(errors.join("\n")).toMatch(/ParentResourceNotFound: .*rg-nowhere does not exist/);
  });

  test("checks what runs in a cluster that does not exist yet", async () => {
    const { errors, one } = await plan("cluster");
    expect(errors.join("\n")).toMatch(/metadata\.name: must be lower-case/);
    expect(one("kubernetes:core/v1:ConfigMap").inputs).toMatchObject({ metadata: { name: "UPPER" } });
  });

  test("says what it cannot read", async () => {
    const { diagnostics, resources } = await plan("read");
    const warnings = diagnostics.filter((d) => d.severity === "warning").map((d) => d.message);
    expect(warnings.sort()).toEqual([
      expect.stringContaining("reads /subscriptions/x/resourceGroups/elsewhere"),
      expect.stringContaining("reads organization/other/prod"),
    ]);
    expect(resources.filter((r) => r.external).map((r) => r.type)).toEqual([
      "azure-native:resources:ResourceGroup",
      "pulumi:pulumi:StackReference",
    ]);
  });
});

describe("the platform", () => {
  test.each(stackNames(projectRoot(__dirname)))(
    "plans %s without a refusal, and as a first update would go",
    async (stack) => {
      const preview = await planStack(stack);
      expect(preview.errors).toEqual([]);
      const update = await planStack(stack, { resolve: true });
      expect(update.errors).toEqual([]);
      expect(update.resources.map((r) => r.urn)).toEqual(preview.resources.map((r) => r.urn));
      expect(JSON.stringify(update.resources.map((r) => r.inputs))).not.toContain("[unknown]");
    },
  );
});

describe("what is built once", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bundle-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const outfile = path.join(folder, "out/entry.js");
  const build = (): boolean =>
    bundle({ absWorkingDir: folder, entryPoints: ["entry.ts"], outfile, logLevel: "silent" });
  const save = (name: string, text: string): void => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, text);
    // Saved before the compiler started, as far as a file's time can tell.
    fs.utimesSync(file, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
  };

  test("is compiled again when a source, an imported one included, or the result changed, and only then", () => {
    save("entry.ts", 'import { value } from "./value"; console.log(value);');
    save("value.ts", 'export const value = "first";');
    expect([build(), build()]).toEqual([true, false]);
    save("value.ts", 'export const value = "second one";');
    expect([build(), build()]).toEqual([true, false]);
    expect(fs.readFileSync(outfile, "utf8")).toContain("second one");
    fs.appendFileSync(outfile, "// touched");
    expect([build(), build()]).toEqual([true, false]);
    fs.rmSync(outfile);
    expect([build(), build()]).toEqual([true, false]);
  });

  test("is compiled again when a folder that it takes files from by name has another one, and only then", () => {
    const named = path.join(folder, "named");
    const add = (name: string, secondsAgo: number): void => {
      save(`named/${name}.ts`, `export const value = "${name}";`);
      fs.utimesSync(named, Date.now() / 1000, Date.now() / 1000 - secondsAgo);
    };
    fs.mkdirSync(named);
    add("one", 60);
    save(
      "entry.ts",
      "for (const name of process.argv.slice(2)) console.log(require(`./named/${name}.ts`).value);",
    );
    expect([build(), build()]).toEqual([true, false]);
    add("another", 50);
    expect([build(), build()]).toEqual([true, false]);
    const { stdout } = spawnSync(process.execPath, [outfile, "another"], { encoding: "utf8" });
    expect(stdout).toBe("another\n");
    save("entry.ts", 'import { value } from "./value"; console.log(value);');
  });

  test("of packages is compiled again when npm has installed anything", () => {
    fs.mkdirSync(path.join(folder, "node_modules/value"), { recursive: true });
    const install = (value: string): void => {
      save("node_modules/value/index.js", `exports.value = "${value}";`);
      save("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/value": value } }));
    };
    install("1.0.0");
    save("entry.ts", 'import { value } from "value"; console.log(value);');
    expect([build(), build()]).toEqual([true, false]);
    install("1.0.10");
    expect([build(), build()]).toEqual([true, false]);
    expect(fs.readFileSync(outfile, "utf8")).toContain("1.0.10");
    save("entry.ts", 'import { value } from "./value"; console.log(value);');
  });

  test("may be as large as a whole server with all its packages", () => {
    const large = "x".repeat(18 * 1024 * 1024);
    save("value.ts", `export const value = "${large}";`);
    expect(build()).toBe(true);
    expect(fs.statSync(outfile).size).toBeGreaterThan(large.length);
  });

  test("is not taken for fresh after it failed to compile", () => {
    save("value.ts", "export const value = ;");
    expect(build).toThrow(/value\.ts:1:21/);
    expect(build).toThrow(/value\.ts:1:21/);
    save("value.ts", 'export const value = "third";');
    expect(build()).toBe(true);
  });
});

test("calls the engine does not know are answered UNIMPLEMENTED, as gRPC answers them", async () => {
  const method = (name: string) => ({ path: `/pulumirpc.ResourceMonitor/${name}` }) as never;
  const service = { known: method("Known"), madeLater: method("MadeLater") };
  const handlers = {
    greeting: "hello",
    known(_request: unknown, answer: (error: null, message: string) => void) {
      answer(null, this.greeting);
    },
  };
  const client = asClient(service, handlers) as Record<string, (...args: unknown[]) => void>;
  expect(Object.keys(client)).toEqual(["known", "madeLater"]);
  const call = (name: string, ...args: unknown[]): Promise<unknown[]> =>
    new Promise((resolve) => client[name]?.(...args, (...answer: unknown[]) => resolve(answer)));
  expect(await call("known", {})).toEqual([null, "hello"]);
  for (const args of [[{}], [{}, new grpc.Metadata(), {}]]) {
    const [error] = await call("madeLater", ...args);
    expect(error).toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
      details: expect.stringMatching(/MadeLater$/),
    });
  }
});

test("the quiet SDK leaves out the names of other API versions and keeps the program's own", () => {
  const quiet = path.join(projectRoot(__dirname), "packages/offline-engine/quietSdk.cjs");
  const look = (isQuiet: boolean): unknown => {
    const script = `
      const { quietSdk } = require(${JSON.stringify(quiet)});
      if (${isQuiet}) quietSdk();
      const { mergeOptions, runtime } = require("@pulumi/pulumi");
      const merged = (alias) => mergeOptions({}, { aliases: [alias] }).aliases?.length ?? 0;
      const captured = 42;
      const version = merged({ type: "azure-native:storage/v20230101:StorageAccount" });
      const own = [merged({ name: "old" }), merged({ type: "azure-native:storage:Account" })];
      runtime.serializeFunction(() => captured).then(({ text }) =>
        console.log(JSON.stringify({ version, own, captured: text.includes("captured: 42") })));`;
    // Loading it alone does nothing in a process that runs no program.
    const { stdout } = spawnSync(process.execPath, ["--require", quiet, "-e", script], {
      cwd: projectRoot(__dirname),
      encoding: "utf8",
    });
    return JSON.parse(stdout);
  };
  const rest = { own: [1, 1], captured: true };
  expect(look(false)).toEqual({ version: 1, ...rest });
  expect(look(true)).toEqual({ version: 0, ...rest });
});
