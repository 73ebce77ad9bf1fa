import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { buildSync } from "esbuild";
import { readStacks } from "../../stacks/files";
import { readInventory } from "../../stacks/inventory";
import type { RegionRole } from "../../stacks/schema";
import { OutsideWatch } from "../../packages/isolation/outside";
import { UNKNOWN } from "../../packages/isolation/rule";
import { judgePackConfig } from "../../apps/gates/packConfig";
import { judgePreview, previewSchema } from "../../apps/gates/preview";
import { refreshFlags } from "../../apps/gates/refreshing";
import { judgeState, stateSchema } from "../../apps/gates/state";
import { viewOf } from "../../apps/gates/views";
import { oneByOne } from "../support/oneByOne";
import { vectors } from "./support/load";
import { ROOT } from "./support/names";
import { prod, staging } from "./support/vectors";

const watch = (stack = "staging", project = "forma3d") =>
  new OutsideWatch(readInventory(ROOT), project, stack);
const unseen = vectors.filter((vector) => vector.unseen);
const having = (part: keyof NonNullable<(typeof vectors)[number]["unseen"]>) =>
  unseen
    .filter((vector) => vector.unseen?.[part])
    .map((vector) => [`${vector.id} ${vector.title}`, vector] as const);

describe("reading back", () => {
  const { prod: whole, staging: single } = readStacks(ROOT);
  const flags = (primary: RegionRole, secondary: RegionRole): string[] => {
    const { regions } = whole!;
    return refreshFlags({
      regions: {
        primary: { ...regions.primary, role: primary },
        secondary: { ...regions.secondary!, role: secondary },
      },
    });
  };

  test("all of it while the first region serves; after a failover all but the endpoint below a server that follows", () => {
    expect(refreshFlags(single!)).toEqual(["--refresh"]);
    expect(flags("serving", "standby")).toEqual(["--refresh"]);
    expect(flags("standby", "serving")).toEqual(["--refresh", "--exclude", "**-database-endpoint"]);
  });

  test.each([
    ["lost", "serving", "westeurope"],
    ["serving", "lost", "northeurope"],
  ] as const)("nothing while a region is lost: %s, %s", (primary, secondary, region) => {
    expect(() => flags(primary, secondary)).toThrow(
      `nothing was read back: ${region} is lost, and what stands there does not answer`,
    );
  });
});

const preview = (steps: object[]) => judgePreview(ROOT, previewSchema.parse({ steps }));
const state = (resources: object[]) =>
  judgeState(ROOT, stateSchema.parse({ version: 3, deployment: { resources } }));
const urn = (type: string, name: string, stack = "staging") =>
  `urn:pulumi:${stack}::forma3d::${type}::${name}`;

describe("what no policy pack is shown", () => {
  test.each(having("resource"))("tripwire: %s", (_, { unseen: given }) => {
    const { resource } = given ?? {};
    const problem = watch().resource({ ...resource, importId: resource?.import } as never);
    expect(problem).toBeDefined();
    expect(problem).not.toContain(prod.server);
  });

  test.each(having("invoke"))("tripwire, function: %s", (_, { unseen: given }) => {
    const { token = "", args } = given?.invoke ?? {};
    expect(watch().invoke(token, args)).toContain("something of prod");
  });

  test.each(having("steps"))("preview gate: %s", (_, { unseen: given }) => {
    const { findings } = preview(given?.steps ?? []);
    expect(findings.join("\n")).toMatch(/\[GATE-(?:READ|IMPORT|REFERENCE)\]/);
    expect(findings.join("\n")).not.toContain(prod.server);
  });

  test.each(having("state"))("state gate: %s", (_, { unseen: given }) => {
    expect(state(given?.state ?? []).findings.join("\n")).toMatch(/\[GATE-(?:READ|REFERENCE)\]/);
  });

  test("every way the pack cannot see has a gate, and a fixture where a gate can be run", () => {
    for (const { id, seen, gates, unseen: given } of vectors) {
      if (seen !== "X") continue;
      expect({ id, gates: gates.length }).not.toEqual({ id, gates: 0 });
      const runnable = gates.some((gate) => ["G2", "G3", "G4"].includes(gate));
      expect({ id, given: !runnable || given !== undefined }).toEqual({ id, given: true });
    }
  });
});

describe("tripwire", () => {
  test("lets the stack's own resources and stacks pass", () => {
    expect(
      watch().resource({ type: "azure-native:keyvault:Vault", name: "v", id: staging.vaultId }),
    ).toBeUndefined();
    expect(
      watch().resource({ type: "pulumi:pulumi:StackReference", name: "organization/forma3d/staging" }),
    ).toBeUndefined();
    expect(
      watch().resource({ type: "kubernetes:core/v1:Namespace", name: "n", id: "kube-system" }),
    ).toBeUndefined();
    expect(watch().invoke("azure-native:keyvault:getVault", { vaultName: staging.vault })).toBeUndefined();
    expect(watch("prod").resource({ type: "pulumi-nodejs:dynamic:Resource", name: "x" })).toBeUndefined();
  });

  test("refuses other stacks whatever they are called, and prod what belongs to staging", () => {
    for (const name of ["prod", "forma3d/prod", "acme/forma3d/prod", "organization/other/dev"]) {
      expect(watch().resource({ type: "pulumi:pulumi:StackReference", name })).toContain(
        "references another stack",
      );
    }
    expect(
      watch("prod").resource({ type: "azure-native:keyvault:Vault", name: "v", id: staging.vaultId }),
    ).toContain("reads something of staging");
    expect(watch().resource({ type: "azure-native:keyvault:Vault", name: "v", id: "elsewhere" })).toContain(
      "outside this stack's own subscription",
    );
  });

  test("an id that only a stack of the same name in another project owns is foreign", () => {
    expect(
      watch("prod", "playground").resource({
        type: "azure-native:keyvault:Vault",
        name: "v",
        id: prod.vaultId,
      }),
    ).toContain("something of prod");
  });
});

describe("preview gate", () => {
  const type = "azure-native:keyvault:Vault";

  test("refuses reads and imports of the stack's own resources too, unless they are waived", () => {
    const { findings } = preview([
      { op: "read", urn: urn(type, "own"), newState: { type, id: staging.vaultId } },
      { op: "import", urn: urn(type, "adopted"), newState: { type, id: staging.vaultId } },
    ]);
    expect(findings).toEqual([
      expect.stringMatching(/::own: \[GATE-READ\] id: reads an existing resource/) as string,
      expect.stringMatching(/::adopted: \[GATE-IMPORT\] id: adopts an existing resource/) as string,
    ]);
  });

  test("judges what is created by the isolation rules", () => {
    const { findings } = preview([
      {
        op: "create",
        urn: urn("kubernetes:core/v1:ConfigMap", "c"),
        newState: { type: "kubernetes:core/v1:ConfigMap", inputs: { data: { h: prod.host } } },
      },
    ]);
    expect(findings).toEqual([expect.stringContaining("[ISO-002] data.h") as string]);
  });

  test("has nothing to say about an honest preview, deletions included", () => {
    const { findings } = preview([
      {
        op: "same",
        urn: urn("kubernetes:core/v1:ConfigMap", "c"),
        newState: { type: "kubernetes:core/v1:ConfigMap", inputs: { data: { h: staging.host } } },
      },
      {
        op: "delete",
        urn: urn("kubernetes:core/v1:ConfigMap", "old"),
        oldState: { type: "kubernetes:core/v1:ConfigMap", inputs: { data: { h: prod.host } } },
      },
    ]);
    expect(findings).toEqual([]);
  });
});

test.each(["azure", "azure::of::prod"])("the provider of a resource is judged with it, called %s", (name) => {
  const provider = urn("pulumi:providers:azure-native", name);
  const { type, inputs } = {
    type: "azure-native:keyvault:Vault",
    inputs: { vaultName: staging.region.vault },
  };
  const given = { type, inputs, provider: `${provider}::7a1c` };
  const made = { type: "pulumi:providers:azure-native", inputs: { subscriptionId: prod.subscriptionId } };
  const found = [
    preview([
      { op: "create", urn: provider, newState: made },
      { op: "create", urn: urn(type, "v"), newState: given },
    ]),
    state([
      { urn: provider, ...made, outputs: {} },
      { urn: urn(type, "v"), ...given, outputs: {} },
    ]),
  ];
  for (const { findings } of found)
    expect(findings).toContainEqual(expect.stringMatching(/::v: \[ISO-\d+\] provider\.subscriptionId/));
});

test("assets and archives nobody knows yet are unknown to the gates too", () => {
  for (const marker of ["030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a"]) {
    const { props, unknownPaths } = viewOf(
      { urn: urn("a:b:C", "x"), type: "a:b:C", props: { code: marker } },
      { secrets: 0 },
    );
    expect([marker, props.code, unknownPaths]).toEqual([marker, UNKNOWN, ["code"]]);
  }
});

describe("state gate", () => {
  const type = "kubernetes:core/v1:Secret";
  const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

  test("opens secrets that were exported in clear text, and says how many were not", () => {
    const { findings, notes } = state([
      {
        urn: urn(type, "open"),
        type,
        inputs: { stringData: { ...SECRET, plaintext: JSON.stringify({ url: prod.dsn }) } },
        outputs: {},
      },
      {
        urn: urn(type, "closed"),
        type,
        inputs: { stringData: { ...SECRET, ciphertext: "AAABAFtcnzlA" } },
        outputs: {},
      },
    ]);
    expect(findings).toEqual([expect.stringContaining("[ISO-002] stringData.url") as string]);
    expect(notes).toEqual([expect.stringContaining("1 secret value(s)") as string]);
  });

  test("finds what drifted into an output", () => {
    const { findings } = state([
      { urn: urn(type, "s"), type, inputs: {}, outputs: { data: { h: prod.host } } },
    ]);
    expect(findings).toEqual([expect.stringContaining("[ISO-012] data.h") as string]);
  });

  test("an empty stack is clean", () => {
    expect(state([]).findings).toEqual([]);
  });
});

describe("pack configuration gate", () => {
  test("refuses to lower or disable isolation, or everything at once", () => {
    expect(judgePackConfig({ all: "disabled" }).findings).toEqual([
      expect.stringContaining("all: found disabled; allowed: mandatory") as string,
    ]);
    expect(
      judgePackConfig({ "foreign-database": "advisory", "foreign-vault": { enforcementLevel: "disabled" } })
        .findings,
    ).toHaveLength(2);
    expect(judgePackConfig({ "foreign-databse": "mandatory" }).findings).toEqual([
      expect.stringContaining("is no rule of the pack") as string,
    ]);
  });

  test("accepts a configuration that changes nothing", () => {
    expect(
      judgePackConfig({ all: "mandatory", "foreign-database": { enforcementLevel: "mandatory" } }).findings,
    ).toEqual([]);
  });
});

describe("commands", () => {
  let folder: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "gates-"));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Exit codes and what was printed of command lines, one after another. */
  const gate = async (...lines: string[][]): Promise<{ code: number; text: string }[]> =>
    (await oneByOne(lines.map((line) => ["apps/gates/cli.ts", ...line]))).map(({ code, stdout, stderr }) => ({
      code,
      text: stdout + stderr,
    }));

  const write = (name: string, content: unknown): string => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  };

  test("end with 0, 1 or 2", async () => {
    const step = { op: "read", urn: urn("a:b:C", "x"), newState: { type: "a:b:C", id: "1" } };
    const [clean, found, state, previw, help, ...wrong] = await gate(
      ["preview", write("clean.json", { steps: [] })],
      ["preview", write("found.json", { steps: [step] })],
      ["state", write("state.json", { version: 3, deployment: {} })],
      ["previw"],
      ["--help"],
      ...[
        "missing.json",
        write("text.json", "Previewing update"),
        write("other.json", { resources: [] }),
      ].map((file) => ["preview", path.resolve(folder, file)]),
    );
    expect(clean).toEqual({ code: 0, text: "preview gate: clean\n" });
    expect([found, state, previw, help].map((ended) => ended?.code)).toEqual([1, 0, 2, 0]);
    expect(wrong).toEqual(
      ["missing.json: 1 problem", "allowed: one JSON document", "steps: required; allowed: a list"].map(
        (message) => ({ code: 2, text: expect.stringContaining(message) as string }),
      ),
    );
    for (const { text } of wrong) expect(text).not.toMatch(/ at .*\.js:/);
  });
});

/** A project of its own with the committed stack files and a program that does one thing. */
function project(program: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sweep-"));
  fs.mkdirSync(path.join(folder, "policies"));
  for (const file of [
    "Pulumi.yaml",
    "Pulumi.prod.yaml",
    "Pulumi.staging.yaml",
    "policies/inventory.yaml",
    "policies/waivers.yaml",
  ]) {
    fs.copyFileSync(path.join(ROOT, file), path.join(folder, file));
  }
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  fs.writeFileSync(
    path.join(folder, "package.json"),
    JSON.stringify({ name: "forma3d-platform", main: "main.ts" }),
  );
  fs.writeFileSync(
    path.join(folder, "main.ts"),
    `import * as pulumi from "@pulumi/pulumi";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity";
import { getVault, getVaultOutput } from "@pulumi/azure-native/keyvault";
import { Provider } from "@pulumi/azure-native/provider";
import { armTripwire } from "${ROOT}/stacks/tripwire";
const provider = (): Provider => new Provider("azure", { subscriptionId: "${staging.subscriptionId}" });
${program}`,
  );
  return folder;
}

const identityId = (of: typeof prod): string =>
  of.id("Microsoft.ManagedIdentity/userAssignedIdentities", "x");
const unused = "void [pulumi, UserAssignedIdentity, getVault, getVaultOutput, provider, armTripwire];";

describe("the program itself", () => {
  const programs: [string, string, RegExp][] = [
    [
      "reads by id",
      `UserAssignedIdentity.get("x", "${identityId(prod)}", { provider: provider() });`,
      /reads something of prod|GATE-READ/,
    ],
    [
      "reads by a value known later",
      `UserAssignedIdentity.get("x", pulumi.output("${identityId(prod)}"), { provider: provider() });`,
      /reads something of prod|GATE-READ/,
    ],
    [
      "adopts",
      `new UserAssignedIdentity("x", { resourceGroupName: "rg" }, { provider: provider(), import: "${identityId(prod)}" });`,
      /adopts something of prod|GATE-IMPORT/,
    ],
    [
      "references a stack",
      `new pulumi.StackReference("organization/forma3d/prod");`,
      /references another stack|GATE-REFERENCE/,
    ],
    [
      "references a stack under another name",
      `new pulumi.StackReference("base", { name: pulumi.output("organization/forma3d/prod") });`,
      /references another stack|GATE-REFERENCE/,
    ],
    [
      "asks a function",
      `getVault({ vaultName: "${prod.vault}", resourceGroupName: "rg" }, { provider: provider() });`,
      /asked about something of prod/,
    ],
    [
      "asks a function about a secret value",
      `getVaultOutput({ vaultName: pulumi.secret("${prod.vault}"), resourceGroupName: "rg" }, { provider: provider() });`,
      /asked about something of prod/,
    ],
  ];

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sweeper-"));
  const sweeper = path.join(folder, "sweep.js");

  beforeAll(() => {
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
    buildSync({
      stdin: {
        contents: `import { sweepStack } from "${ROOT}/apps/gates/sweep";
void (async () => {
  for (const project of process.argv.slice(2)) console.log(JSON.stringify((await sweepStack(project, "staging")).findings));
  process.exit(0);
})();`,
        resolveDir: ROOT,
        loader: "ts",
      },
      outfile: sweeper,
      bundle: true,
      packages: "external",
      platform: "node",
      logLevel: "error",
    });
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** What is found of each program, all swept by one process. */
  const sweep = async (all: string[]): Promise<string[]> => {
    const subjects = all.map((program) => project(`${program}\n${unused}\n`));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [sweeper, ...subjects], { cwd: folder });
      return stdout.trimEnd().split("\n");
    } finally {
      for (const subject of subjects) fs.rmSync(subject, { recursive: true });
    }
  };
  const expected = programs.map(([, , found]) => expect.stringMatching(found) as string);

  test("does what it must not: the tripwire stops it", async () => {
    expect(await sweep(programs.map(([, program]) => `armTripwire();\n${program}`))).toEqual(expected);
  });

  test("does what it must not: the sweep finds it without the tripwire", async () => {
    expect(await sweep(programs.map(([, program]) => program))).toEqual(expected);
  });

  test("an honest program is left alone", async () => {
    const program = `new UserAssignedIdentity("x", { resourceName: "id-x", resourceGroupName: "${staging.region.resourceGroup}", location: "northeurope" }, { provider: provider() });`;
    expect(await sweep([`armTripwire();\n${program}`])).toEqual([
      expect.not.stringMatching(/isolation:|\[ISO|GATE/),
    ]);
  });
});
