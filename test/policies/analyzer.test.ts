import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { RunError } from "@pulumi/pulumi";
import { isolationRules } from "../../packages/isolation/rules";
import { PackProcess } from "../../packages/offline-engine/policies";
import type { PlannedResource } from "../../packages/offline-engine/resource";
import { buildPack } from "../../policies/pack/build";
import { packArgs } from "../../policies/pack/pack";
import { Analyzer } from "./support/analyzer";
import { found, wanted } from "./support/found";
import { innocents, vectors } from "./support/load";
import { ROOT } from "./support/names";
import type { ResourceFixture } from "./support/fixture";
import { type Diagnostic, type Level, urnOf, urnsOf } from "./support/requests";
import { configMap, leaves, prod, staging } from "./support/vectors";

jest.setTimeout(180_000);

const folders: string[] = [];
const running: Analyzer[] = [];

beforeAll(() => buildPack(ROOT));
afterEach(async () => {
  await Promise.all(running.splice(0).map((analyzer) => analyzer.stop()));
});
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

async function start(options: Partial<Parameters<typeof Analyzer.start>[0]> = {}): Promise<Analyzer> {
  const analyzer = await Analyzer.start({ root: ROOT, stack: "staging", ...options });
  running.push(analyzer);
  return analyzer;
}

/** A project with the compiled pack and the committed files, some of them replaced. A file of `undefined` is missing. */
function projectWith(files: Record<string, string | undefined>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pack-"));
  folders.push(folder);
  fs.mkdirSync(path.join(folder, "policies"));
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  fs.cpSync(path.join(ROOT, "policies/bin"), path.join(folder, "policies/bin"), { recursive: true });
  for (const file of [
    "Pulumi.yaml",
    "Pulumi.prod.yaml",
    "Pulumi.staging.yaml",
    "policies/PulumiPolicy.yaml",
    "policies/package.json",
    "policies/inventory.yaml",
    "policies/waivers.yaml",
  ]) {
    const text = file in files ? files[file] : fs.readFileSync(path.join(ROOT, file), "utf8");
    if (text !== undefined) fs.writeFileSync(path.join(folder, file), text);
  }
  return folder;
}

/** Why the pack of a project does not start; it reads the files of the folder it is started in. */
function refusal(project: string): string {
  const before = process.cwd();
  process.chdir(path.join(project, "policies"));
  try {
    packArgs();
    return "the pack started";
  } catch (error) {
    if (RunError.isInstance(error)) return error.message;
    throw error;
  } finally {
    process.chdir(before);
  }
}

/** A fixture and its provider, as a plan has them. */
function plannedFrom(
  place: { stack: string; project: string },
  fixture: ResourceFixture,
  all: readonly ResourceFixture[],
): [PlannedResource, PlannedResource | undefined] {
  const { name, props, outputs = props, provider, opts = {}, propertyDependencies = {} } = fixture;
  const planned = {
    urn: urnOf(place, fixture),
    type: fixture.type.slice(fixture.type.lastIndexOf("$") + 1),
    name,
    external: false,
    parent: "",
    inputs: props,
    inputSecrets: [],
    outputs,
    outputSecrets: [],
    dependencies: [],
    propertyDependencies: Object.fromEntries(
      Object.entries(propertyDependencies).map(([property, names]) => [
        property,
        // A fixture that names nothing means something no policy is shown; the engine sends its URN all the same.
        urnsOf(place, names.length > 0 ? names : ["outside"], all),
      ]),
    ),
    protect: opts.protect ?? false,
    options: {
      ignoreChanges: opts.ignoreChanges ?? [],
      additionalSecretOutputs: [],
      aliases: [],
      customTimeouts: {},
    },
  } as unknown as PlannedResource;
  if (!provider) return [planned, undefined];
  const named = { name: "provider", ...provider };
  return [planned, plannedFrom(place, named, all)[0]];
}

/** One pack for all that leave it as it was. */
const shared = new Map<string, Promise<Analyzer>>();
function packOf(stack: string): Promise<Analyzer> {
  const known = shared.get(stack) ?? Analyzer.start({ root: ROOT, stack });
  shared.set(stack, known);
  return known;
}
afterAll(async () => {
  await Promise.all([...shared.values()].map(async (starting) => (await starting).stop()));
});

/** What the pack of a stack says of each resource, then of all together; asked once. */
const said = new Map<string, Promise<Diagnostic[]>>();
function judged(stack: string, id: string, resources: readonly ResourceFixture[]): Promise<Diagnostic[]> {
  const ask = async (): Promise<Diagnostic[]> => {
    const analyzer = await packOf(stack);
    const all = [];
    for (const resource of resources) all.push(...(await analyzer.analyze(resource)));
    return [...all, ...(await analyzer.analyzeStack(resources))];
  };
  const known = said.get(`${stack} ${id}`) ?? ask();
  said.set(`${stack} ${id}`, known);
  return known;
}

describe("the compiled pack, over Pulumi's own protocol", () => {
  test("starts, and says what it enforces", async () => {
    const analyzer = await packOf("staging");
    const info = await analyzer.info();
    const policies = info.getPoliciesList();
    for (const rule of isolationRules) {
      const policy = policies.find((candidate) => candidate.getName() === rule.name);
      expect(policy?.getDescription()).toBe(rule.description);
      expect(policy?.getUrl()).toBe(rule.url);
      expect(policy?.getRemediationSteps()).toBe(rule.remediation);
    }
  });

  test.each(["staging", "prod"])(
    "finds every way to reach production from stack %s, and nothing else",
    async (stack) => {
      const here = vectors.filter(
        (vector) =>
          (vector.stack ?? "staging") === stack &&
          !vector.project &&
          !vector.extras &&
          !vector.config &&
          !vector.refuses,
      );
      expect(here.length).toBeGreaterThan(8);
      for (const { id, resources, expect: expected } of here) {
        const entries = await judged(stack, id, resources);
        const isolation = found(entries.filter(({ message }) => message.startsWith("[ISO-")));
        expect({ id, found: isolation }).toEqual({ id, found: wanted(expected, resources).sort() });
      }
      for (const { id, resources, advisories = [] } of innocents.filter(
        (fixture) =>
          (fixture.stack ?? "staging") === stack && !fixture.project && !fixture.extras && !fixture.config,
      )) {
        const entries = await judged(stack, id, resources);
        const isolation = found(entries.filter(({ message }) => message.startsWith("[ISO-")));
        expect({ id, found: isolation }).toEqual({ id, found: wanted(advisories, resources).sort() });
      }
    },
  );

  test("finds the same when it is asked the way a plan asks, without gRPC", async () => {
    const place = { stack: "staging", project: "forma3d" };
    const analyzer = await packOf(place.stack);
    const settings = { ...place, config: {}, secretKeys: [], disabledDefaultProviders: [] };
    const pack = new PackProcess(path.join(ROOT, "policies"), "127.0.0.1:1", settings);
    try {
      expect((await pack.info()).policies).toBe((await analyzer.info()).getPoliciesList().length);
      const compared = vectors.filter(
        ({ stack = "staging", project, extras, config, refuses }) =>
          stack === "staging" && !project && !extras && !config && !refuses,
      );
      let findings = 0;
      for (const { id, resources } of compared) {
        const byGrpc = await judged(place.stack, id, resources);
        const planned = resources.map((fixture) => plannedFrom(place, fixture, resources));
        for (const asked of planned) await pack.analyze(...asked);
        await pack.analyzeStack(planned);
        // Keys of a property map arrive in another order.
        const lines = (all: { rule: string; message: string; urn: string; level: string }[]) =>
          all.map(({ rule, message, urn, level }) => `${rule} ${level} ${urn} ${message}`).sort();
        const found = lines(pack.violations.splice(0).map((one) => ({ ...one, rule: one.policy })));
        expect({ id, found }).toEqual({ id, found: lines(byGrpc) });
        findings += found.length;
      }
      expect(findings).toBeGreaterThan(compared.length);
    } finally {
      pack.close();
    }
  });

  test("judges stack configuration with the root stack", async () => {
    const analyzer = await start({ config: { "forma3d:url": prod.dsn } });
    const entries = found(
      await analyzer.analyze({ type: "pulumi:pulumi:Stack", name: "forma3d-staging", props: {} }),
    );
    expect(entries).toContain("ISO-002 forma3d-staging config.forma3d:url mandatory");
  });

  test("refuses unknown values in an update, and waits in a preview", async () => {
    const subject = configMap({ host: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" });
    expect(found(await (await packOf("staging")).analyze(subject))).toEqual([]);
    expect(found(await (await start({ isDryRun: false })).analyze(subject))).toEqual([
      "ISO-060 subject data.host mandatory",
    ]);
  });

  test("isolation is neither lowered nor disabled by pack configuration", async () => {
    const analyzer = await start();
    const guilty = configMap({ host: prod.host });
    for (const level of ["advisory", "disabled"] as Level[]) {
      await analyzer.configure({ "foreign-database": level });
      expect(found(await analyzer.analyze(guilty))).toEqual(["ISO-002 subject data.host mandatory"]);
    }
    // The first policy in the list, too, is no switch for the others.
    await analyzer.configure({ "listed-stack": "disabled", "foreign-subscription": "disabled" });
    expect(found(await analyzer.analyze(guilty))).toEqual(["ISO-002 subject data.host mandatory"]);
  });

  test("answers requests that overlap, each with its own findings", async () => {
    const analyzer = await packOf("staging");
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        analyzer.analyze(configMap({ host: i % 3 ? staging.host : prod.host }, `map-${i}`)),
      ),
    );
    answers.forEach((diagnostics, i) =>
      expect(found(diagnostics)).toEqual(i % 3 ? [] : [`ISO-002 map-${i} data.host mandatory`]),
    );
  });

  // A hundred times as much of it: `analyzer.long.test.ts`.
  test("survives what nobody writes in good faith", async () => {
    const analyzer = await start();
    const nested = (levels: number): unknown =>
      Array.from({ length: levels }).reduce<unknown>((inner) => ({ a: inner }), prod.host);
    expect(found(await analyzer.analyze(configMap({ deep: nested(400) })))).toHaveLength(1);
    // Deeper than the SDK itself can read on some releases of Node.js: then the call fails, which ends the engine's run.
    const deeper = analyzer.analyze(configMap({ deep: nested(1000) })).then(found, () => ["the call failed"]);
    expect(await deeper).toHaveLength(1);
    expect(found(await analyzer.analyze(configMap({ ...leaves(1_000), host: prod.host })))).toHaveLength(1);
    expect(found(await analyzer.analyze(configMap({ text: "x-".repeat(32 * 1024) })))).toEqual([]);
    const malformed = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", text: "" };
    await expect(analyzer.analyze(configMap({ malformed }))).rejects.toThrow("Invalid asset");
    expect(found(await analyzer.analyze(configMap({ host: prod.host })))).toHaveLength(1);
  });
});

describe("input that cannot be used stops the pack before anything is judged", () => {
  const valid = fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8");
  const waiver = (lines: string[]): string => `waivers:\n  - ${lines.join("\n    ")}\n`;
  const whole = [
    "rule: ISO-006",
    "resource: urn:pulumi:staging::forma3d::kubernetes:core/v1:ConfigMap::x",
    "reason: only displayed until the page is rebuilt",
    "owner: someone@forma3d.com",
  ];

  test.each([
    ["a stack file that is no YAML", { "Pulumi.prod.yaml": "config: [" }, "Pulumi.prod.yaml"],
    [
      "a stack file with an unknown key",
      { "Pulumi.prod.yaml": `${valid}\n  forma3d:colour: red\n` },
      "forma3d:colour",
    ],
    [
      "no stack file at all",
      { "Pulumi.prod.yaml": undefined, "Pulumi.staging.yaml": undefined },
      "inventory is empty",
    ],
    ["no production environment", { "Pulumi.prod.yaml": undefined }, "names no production environment"],
    [
      "an inventory with an unknown key",
      { "policies/inventory.yaml": "shared:\n  - subscriptions: []\n" },
      "shared[0].subscriptions",
    ],
    [
      "an inventory with a bad value",
      { "policies/inventory.yaml": "shared:\n  - subscriptionIds: [abc]\n" },
      "shared[0].subscriptionIds[0]: found 'abc'; allowed: a GUID",
    ],
    ["a missing inventory", { "policies/inventory.yaml": undefined }, "policies/inventory.yaml"],
    ["a waiver without an owner", { "policies/waivers.yaml": waiver(whole.slice(0, 3)) }, "waivers[0].owner"],
    [
      "a waiver that runs too long",
      { "policies/waivers.yaml": waiver([...whole, "expires: 2099-01-01"]) },
      "waivers[0].expires: found '2099-01-01'; allowed: a date at most 30 days ahead",
    ],
  ] as [string, Record<string, string | undefined>, string][])("%s", (_, files, message) => {
    const error = refusal(projectWith(files));
    expect(error).toContain("The policy pack does not start");
    expect(error).toContain(message);
  });

  test("Pulumi shows the reason alone, without a stack trace", async () => {
    const root = projectWith({ "Pulumi.prod.yaml": "config: [" });
    const error = await Analyzer.start({ root, stack: "staging" }).then(
      (analyzer) => {
        running.push(analyzer);
        return "the pack started";
      },
      (reason: Error) => reason.message,
    );
    expect(error).toContain(refusal(root));
    expect(error).not.toMatch(/\n\s+at .*\(/);
  });

  /** Who answers for an entry; it holds until tomorrow. */
  const answered = (expires = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)): string =>
    `    reason: an entry that somebody has looked at\n    owner: someone@example.org\n    expires: ${expires}\n`;

  test.each([
    [
      "a server of prod for staging",
      `environments:\n  - name: staging\n    servers: [${prod.server}]\n${answered()}`,
      "servers[0] belongs to prod",
    ],
    ["a block of prod for all", `shared:\n  - cidrs: [10.0.0.0/8]\n${answered()}`, "cidrs[0] belongs to"],
    [
      "staging's stack for prod",
      `environments:\n  - name: prod\n    stacks: [forma3d/staging]\n${answered()}`,
      "belongs to staging",
    ],
    [
      "the outputs of prod for all",
      `shared:\n  - stackReferences: [forma3d/prod]\n${answered()}`,
      "the outputs of forma3d/prod belong to prod",
    ],
    ["an entry nobody answers for", `shared:\n  - hostNames: [db.internal.example]\n`, "shared[0].reason"],
    [
      "an entry that has ended",
      `shared:\n  - hostNames: [db.internal.example]\n${answered("2020-01-31")}`,
      "shared[0].expires",
    ],
  ])("the inventory refuses %s", (_, content, message) => {
    expect(refusal(projectWith({ "policies/inventory.yaml": content }))).toContain(message);
  });

  test("an alias and a shared subscription from policies/inventory.yaml take effect", async () => {
    const shared = "44444444-1111-4222-8333-444444444444";
    const root = projectWith({
      "policies/inventory.yaml": `environments:\n  - name: prod\n    hostNames: [db.internal.example]\n${answered()}shared:\n  - subscriptionIds: [${shared}]\n${answered()}`,
    });
    const analyzer = await start({ root });
    expect(found(await analyzer.analyze(configMap({ host: "db.internal.example" })))).toEqual([
      "ISO-002 subject data.host mandatory",
    ]);
    expect(
      found(await analyzer.analyze(configMap({ id: `/subscriptions/${shared}/resourceGroups/x` }))),
    ).toEqual([]);
  });
});

describe("in any other Azure project the pack knows what its inventory says", () => {
  const DEV = "1f0e2d3c-4b5a-4697-8877-665544332211";
  const LIVE = "9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d";
  const belongings = (subscription: string, word: string): string => `subscriptionIds: [${subscription}]
    tenantIds: [6b5c4d3e-2f1a-4b0c-9d8e-7f6a5b4c3d2e]
    servers: [psql-shop-${word}]
    vaults: [kv-shop-${word}]
    storageAccounts: [stshop${word}]
    clusters: [aks-shop-${word}]
    resourceGroups: [rg-shop-${word}]
    reason: What the team's platform page lists for ${word}
    owner: platform@example.com
    expires: "${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}"`;
  const shop = (): string =>
    projectWith({
      "Pulumi.yaml": "name: shop\nruntime: nodejs\n",
      // Another project's stack files say other things, and are left alone.
      "Pulumi.prod.yaml": "config:\n  shop:size: large\n",
      "Pulumi.staging.yaml": undefined,
      "policies/inventory.yaml": `environments:
  - name: live
    isProd: true
    stacks: [shop/live]
    ${belongings(LIVE, "live")}
  - name: dev
    stacks: [shop/dev]
    ${belongings(DEV, "dev")}
shared: []
types: []
`,
    });
  const provider = (subscriptionId: string): ResourceFixture["provider"] => ({
    type: "pulumi:providers:azure-native",
    name: "azure",
    props: { subscriptionId, tenantId: "6b5c4d3e-2f1a-4b0c-9d8e-7f6a5b4c3d2e" },
  });
  const azure = (type: string, name: string, props: Record<string, unknown>): ResourceFixture => ({
    type: `azure-native:${type}`,
    name,
    props: { resourceGroupName: "rg-shop-dev", location: "westeurope", ...props },
    provider: provider(DEV),
  });

  /** A web site with its plan, database, cache and vault. */
  const site = (host: string): ResourceFixture[] => [
    azure("web:AppServicePlan", "plan", { name: "plan-shop-dev", sku: { name: "B1", tier: "Basic" } }),
    azure("dbforpostgresql:Server", "database", {
      serverName: "psql-shop-dev",
      sku: { name: "Standard_B1ms", tier: "Burstable" },
    }),
    azure("redis:Redis", "cache", {
      name: "redis-shop-dev",
      minimumTlsVersion: "1.2",
      sku: { name: "Basic", family: "C", capacity: 0 },
    }),
    azure("web:WebApp", "site", {
      name: "app-shop-dev",
      siteConfig: {
        appSettings: [
          { name: "DATABASE_URL", value: `postgresql://shop@${host}:5432/shop?sslmode=require` },
          { name: "CACHE", value: "redis-shop-dev.redis.cache.windows.net:6380" },
          { name: "SECRETS", value: "https://kv-shop-dev.vault.azure.net" },
        ],
      },
    }),
  ];
  /** A cluster that works off a queue and keeps results in blobs. */
  const workers = (account: string): ResourceFixture[] => [
    azure("servicebus:Namespace", "bus", { namespaceName: "sb-shop-dev", sku: { name: "Basic" } }),
    azure("storage:StorageAccount", "results", {
      accountName: "stshopdev",
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
    }),
    {
      type: "kubernetes:apps/v1:Deployment",
      name: "worker",
      props: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "worker", namespace: "work" },
        spec: {
          selector: { matchLabels: { app: "worker" } },
          template: {
            metadata: { labels: { app: "worker" } },
            spec: {
              containers: [
                {
                  name: "worker",
                  image: "ghcr.io/example/worker@sha256:0",
                  env: [
                    { name: "QUEUE", value: "sb-shop-dev.servicebus.windows.net" },
                    { name: "RESULTS", value: `https://${account}.blob.core.windows.net/results` },
                  ],
                },
              ],
            },
          },
        },
      },
    },
  ];

  test("two programs of its own pass, and are refused where they reach into the other environment", async () => {
    const analyzer = await start({ root: shop(), stack: "dev", project: "shop" });
    const reaches = async (program: readonly ResourceFixture[]): Promise<string[]> => {
      const diagnostics = [
        ...(await Promise.all(program.map((one) => analyzer.analyze(one)))).flat(),
        ...(await analyzer.analyzeStack(program)),
      ];
      return found(diagnostics).filter((line) => line.startsWith("ISO") && line.endsWith("mandatory"));
    };
    expect(await reaches(site("psql-shop-dev.postgres.database.azure.com"))).toEqual([]);
    expect(await reaches(workers("stshopdev"))).toEqual([]);
    expect(await reaches(site("psql-shop-live.postgres.database.azure.com"))).toContain(
      "ISO-002 site siteConfig.appSettings[0].value mandatory",
    );
    expect(await reaches(workers("stshoplive"))).toContain(
      "ISO-004 worker spec.template.spec.containers[0].env[1].value mandatory",
    );
  });

  test("and a project without a production environment is refused before anything is judged", async () => {
    const folder = shop();
    const inventory = path.join(folder, "policies/inventory.yaml");
    fs.writeFileSync(inventory, fs.readFileSync(inventory, "utf8").replace("isProd: true", "isProd: false"));
    await expect(Analyzer.start({ root: folder, stack: "dev", project: "shop" })).rejects.toThrow(
      /names no production environment/,
    );
  });
});
