import fs from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { architectureOf } from "../../apps/tools/render/architecture";
import { drawArchitecture } from "../../apps/tools/render/drawing";
import { stackNames } from "../../stacks/files";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { Tree, UNKNOWN } from "../../packages/emulated-azure/model/types";
import type { PlannedResource } from "../../packages/offline-engine/resource";
import { aliasUrn, buildUrn } from "../../packages/wire/urn";
import { dangersInWords } from "../../apps/tools/render/danger";
import { finish } from "../../apps/tools/plan/planOutput";
import type { PlanCommand } from "../../apps/tools/plan/planCommand";
import { outcomeOf } from "../../apps/tools/render/verdict";
import type { Plan } from "../../packages/offline-engine/planner";
import { diffPlans, renderDiff } from "../../apps/tools/render/diff";
import { renderMermaid } from "../../apps/tools/render/mermaid";
import { PlanDocument, renderProperties, ResourceDocument } from "../../apps/tools/render/plan";
import { renderFindings } from "../../apps/tools/render/findings";
import { commandLines, indented } from "../../packages/command/terminal";
import { renderCounts, renderTree } from "../../apps/tools/render/tree";

const model = sandboxModel();
const SERVER = "azure-native:dbforpostgresql:Server";
const POOL = "azure-native:containerservice:AgentPool";
const STACK = "pulumi:pulumi:Stack";

function documentOf(type: string, name: string, over: Partial<ResourceDocument> = {}): ResourceDocument {
  return {
    urn: `urn:pulumi:s::p::${type}::${name}`,
    custom: true,
    type,
    inputs: {},
    protect: false,
    dependencies: [],
    propertyDependencies: {},
    options: {},
    ...over,
  };
}

const plan = (...resources: ResourceDocument[]): PlanDocument => ({ resources });
const compare = (before: ResourceDocument[], after: ResourceDocument[]) =>
  diffPlans(plan(...before), plan(...after), model);
const text = (before: ResourceDocument[], after: ResourceDocument[]) =>
  stripVTControlCharacters(renderDiff(compare(before, after)));

describe("a comparison of plans", () => {
  const server = (inputs: ResourceDocument["inputs"], over: Partial<ResourceDocument> = {}) =>
    documentOf(SERVER, "db", { inputs, protect: true, ...over });

  test("lists what is added, removed and changed, with the values", () => {
    const before = [documentOf(POOL, "old"), documentOf(POOL, "same", { inputs: { maxCount: 3 } })];
    const after = [documentOf(POOL, "new"), documentOf(POOL, "same", { inputs: { maxCount: 5 } })];
    expect(text(before, after)).toBe(
      [
        "1 added, 1 changed, 0 replaced, 1 removed",
        "+ added containerservice:AgentPool new",
        "- removed containerservice:AgentPool old",
        "~ changed containerservice:AgentPool same",
        "    maxCount: 3 → 5",
      ].join("\n"),
    );
    expect(text(before, before)).toBe("no change");
  });

  test("knows what replaces, and that a protected server must not be", () => {
    const [change] = compare([server({ location: "a" })], [server({ location: "b" })]);
    expect(change).toMatchObject({
      kind: "replaced",
      danger: "protected, holds data: would be replaced; what to do instead: docs/changing.md",
      properties: [{ path: "location", before: "a", after: "b", replaces: true }],
    });
    const [pool] = compare(
      [documentOf(POOL, "p", { inputs: { vmSize: "a" } })],
      [documentOf(POOL, "p", { inputs: { vmSize: "b" } })],
    );
    expect(pool).toMatchObject({ kind: "replaced", danger: "" });
    // Where somebody works there, the new nodes come after the old ones are gone.
    const [working] = compare(
      [documentOf(POOL, "p", { inputs: { vmSize: "a", count: 3 } })],
      [documentOf(POOL, "p", { inputs: { vmSize: "b", count: 3 } })],
    );
    expect(working?.danger).toMatch(/^would be replaced: its nodes go before the new ones come/);
    expect([working, pool].map((one) => one?.stops ?? false)).toEqual([true, false]);
    const plan = { settings: { stack: "prod" }, deployment: { diagnostics: [] }, violations: [] };
    expect(outcomeOf(plan as unknown as Plan, [working!, pool!, change!])).toEqual({
      code: 1,
      sentence:
        "prod must not be deployed as it is: 1 change would lose data or be refused, 1 change would stop what runs (exit code 1).",
    });
  });

  test("says where a step by hand comes before the update, and nowhere else", () => {
    const sized = (name: string, size: string) =>
      documentOf(SERVER, name, { protect: true, inputs: { sku: { name: size } } });
    const plan = { settings: { stack: "prod" }, deployment: { diagnostics: [] }, violations: [] };
    const ends = (before: ResourceDocument[], after: ResourceDocument[]) =>
      outcomeOf(plan as unknown as Plan, compare(before, after)).sentence;
    const [fine, step] = [
      "prod is fine: no error, no policy forbids it, no data would be lost",
      "; a step by hand comes before the update (exit code 0).",
    ];
    const small = [sized("primary", "Standard_D4ds_v5"), sized("replica", "Standard_D4ds_v5")];
    const large = [sized("primary", "Standard_D8ds_v5"), sized("replica", "Standard_D8ds_v5")];
    expect(ends(small, large)).toBe(fine + step);
    expect(ends(large, small)).toBe(fine + step);
    expect(ends(small.slice(0, 1), large.slice(0, 1))).toBe(`${fine} (exit code 0).`);
  });

  test("is not there where the program broke, and the verdict does not say that nothing changed", () => {
    const broken = {
      settings: { project: "p", stack: "prod" },
      deployment: {
        resources: new Map(),
        outputs: {},
        diagnostics: [{ severity: "error", urn: "", message: "the program broke" }],
      },
      pack: "not asked: the program did not finish",
      violations: [],
      model,
    } as unknown as Plan;
    const earlier = { file: "prod.json", plan: plan(server({})) };
    const said = stripVTControlCharacters(finish(broken, {} as PlanCommand, earlier, 80).text);
    expect(said).toMatch(/^Error +the program broke$/m);
    expect(said).toMatch(/^Cost +0 USD a month at list prices of [\d-]+$/m);
    expect(said).toContain("The plan is not complete: it was not compared.");
    expect(said).not.toMatch(/^Changes/m);
  });

  test("warns when data would go, be refused, or lose its protection", () => {
    const kept = { options: { retainOnDelete: true } };
    expect(compare([server({}, kept)], [])[0]?.danger).toBe(
      "protected, holds data: would be removed, though Azure keeps it",
    );
    expect(
      compare(
        [server({ backup: { geoRedundantBackup: "Enabled" } })],
        [server({ backup: { geoRedundantBackup: "Disabled" } })],
      )[0]?.danger,
    ).toMatch(/^would be refused: backup\.geoRedundantBackup/);
    const replica = documentOf(SERVER, "replica", { inputs: { sourceServerResourceId: "[unknown]" } });
    const raised = (...beside: ResourceDocument[]) =>
      compare([server({ version: "16" }), ...beside], [server({ version: "17" })]).find(
        ({ kind }) => kind === "changed",
      )?.danger;
    expect(raised()).toBe("");
    // Taken away in the same update it would still follow when the version is raised.
    expect(raised(replica)).toMatch(
      /^would be refused: version is not raised .* while a read replica follows/,
    );
    expect(compare([server({})], [server({}, { protect: false })])[0]?.danger).toBe(
      "would no longer be protected",
    );
    expect(compare([server({}, kept)], [server({})])[0]?.danger).toBe(
      "would no longer be retained when deleted",
    );
  });

  test("says what Azure refuses of a change that is planned as an update, and nothing of what is ignored", () => {
    const CLUSTER = "azure-native:containerservice:ManagedCluster";
    const version = (kubernetesVersion: string) =>
      documentOf(CLUSTER, "one", { inputs: { kubernetesVersion } });
    expect(compare([version("1.35")], [version("1.34")])[0]?.danger).toBe(
      "would be refused: kubernetesVersion must be at least 1.35, but is 1.34: versions only go up",
    );
    expect(compare([version("1.35")], [version("1.37")])[0]?.danger).toMatch(/a minor version at a time$/);
    expect(compare([version("1.35")], [version("1.36")])[0]?.danger).toBe("");
    const pool = (orchestratorVersion: string) =>
      documentOf(POOL, "one", {
        inputs: { orchestratorVersion },
        options: { ignoreChanges: ["orchestratorVersion"] },
      });
    expect(compare([pool("1.35")], [pool("1.34")])[0]).toMatchObject({ kind: "ignored", danger: "" });
    // A disk never shrinks, and is not asked to where its size is Azure's.
    const disk = (storageSizeGB: number, ...ignoreChanges: string[]) =>
      server({ storage: { storageSizeGB } }, { options: { ignoreChanges } });
    expect(compare([disk(256)], [disk(128)])[0]?.danger).toMatch(/^would be refused: storage/);
    for (const ignored of ["storage.storageSizeGB", "*"])
      expect(compare([disk(256, ignored)], [disk(128, ignored)])[0]).toMatchObject({
        kind: "ignored",
        danger: "",
      });
  });

  test("says what fewer days drop, and addresses that are not taken from what uses them", () => {
    type Inputs = ResourceDocument["inputs"];
    const said = (type: string, was: Inputs, is: Inputs, options = {}, name = "one") =>
      compare(
        [documentOf(type, name, { inputs: was, options })],
        [documentOf(type, name, { inputs: is, options })],
      )[0]?.danger;
    const backup = (backupRetentionDays: number) => ({ backup: { backupRetentionDays } });
    expect(said(SERVER, backup(35), backup(34))).toBe("restore points older than 34 days would be dropped");
    expect(said(SERVER, backup(34), backup(35))).toBe("");
    const kept = (days: number) => ({ deleteRetentionPolicy: { days, enabled: true } });
    const blobs = "azure-native:storage:BlobServiceProperties";
    expect(said(blobs, kept(30), kept(7))).toBe(
      "what was deleted more than 7 days ago could not be brought back",
    );
    const policy = "azure-native:storage:BlobContainerImmutabilityPolicy";
    const locked = (days: number) => ({ immutabilityPeriodSinceCreationInDays: days });
    expect(said(policy, locked(365), locked(30))).toBe(
      "blobs older than 30 days could be changed and deleted",
    );
    const rules = (...actions: Inputs[]): Inputs => ({
      policy: {
        rules: actions.map((baseBlob, index) => ({
          name: `rule-${index}`,
          definition: { actions: { baseBlob } },
        })),
      },
    });
    const deletes = { delete: { daysAfterModificationGreaterThan: 9 } };
    const cools = { tierToCool: { daysAfterModificationGreaterThan: 1 } };
    const lifecycle = "azure-native:storage:ManagementPolicy";
    expect(said(lifecycle, rules(cools), rules({ ...cools, ...deletes }))).toBe(
      "blobs older than 9 days would be dropped",
    );
    expect(said(lifecycle, rules(cools), rules(cools, { ...cools, ...deletes }))).toBe(
      "blobs older than 9 days would be dropped",
    );
    expect(said(lifecycle, rules(deletes), rules(cools))).toBe("");
    const prune = (days: string) => ({
      spec: { containers: [{ name: "a", env: [{ name: "RETENTION_DAILY_DAYS", value: days }] }] },
    });
    const job = "kubernetes:batch/v1:CronJob";
    expect(said(job, prune("30"), prune("9"), {}, "a-prune")).toBe(
      "backups older than 9 days would be dropped",
    );
    expect(said(job, prune("9"), prune("30"), {}, "a-prune")).toBe("");
    expect(said(job, prune("30"), prune("9"), {}, "a-copy")).toBe("");
    const subnet = "azure-native:network:Subnet";
    const moved = [{ addressPrefix: "10.1.0.0/24" }, { addressPrefix: "10.2.0.0/24" }] as const;
    expect(said(subnet, ...moved)).toMatch(/^would be refused: addressPrefix is not changed while/);
    expect(said(subnet, ...moved, { ignoreChanges: ["addressPrefix"] })).toBe("");
    const space = (...addressPrefixes: string[]) => ({ addressSpace: { addressPrefixes } });
    const network = "azure-native:network:VirtualNetwork";
    expect(said(network, space("10.1.0.0/16"), space("10.2.0.0/16"))).toMatch(
      /^would be refused: addressSpace/,
    );
    expect(said(network, space("10.1.0.0/16"), space("10.1.0.0/16", "10.2.0.0/16"))).toBe("");
  });

  test("does not call refused what is made anew under another name", () => {
    const file = (name: string, text: string) =>
      documentOf("kubernetes:core/v1:ConfigMap", "gateway-files", {
        inputs: { metadata: { name }, immutable: true, data: { "envoy.json": text } },
      });
    expect(compare([file("files-a", "1")], [file("files-b", "2")])).toMatchObject([
      { kind: "replaced", danger: "" },
    ]);
    expect(compare([file("files-a", "1")], [file("files-a", "2")])[0]?.danger).toMatch(
      /^would be refused: data cannot be changed while immutable is true/,
    );
  });

  test("says in one line what would happen to all of a kind, and names some of them", () => {
    const dangers = dangersInWords([
      ...["a", "b", "c", "d"].flatMap((name) =>
        compare(
          [documentOf(SERVER, name, { protect: true })],
          [documentOf(SERVER, name, { protect: false })],
        ),
      ),
      ...compare([server({ location: "a" })], [server({ location: "b" })]),
      ...compare([documentOf(POOL, "p", { protect: true })], []),
    ]);
    // What loses data first, whatever the order of names.
    expect(dangers).toEqual([
      "database server db: protected, holds data: would be replaced because location changes; what to do instead: docs/changing.md",
      "nodes p: protected: would be removed",
      "4 database servers a, b, c and 1 more: would no longer be protected",
    ]);
  });

  test("says what is ignored, and follows an alias", () => {
    const ignoring = { options: { ignoreChanges: ["availabilityZone"] } };
    expect(
      compare([server({ availabilityZone: "1" }, ignoring)], [server({ availabilityZone: "2" }, ignoring)]),
    ).toEqual([
      expect.objectContaining({
        kind: "ignored",
        properties: [{ path: "availabilityZone", before: "1", after: "2", replaces: false, ignored: true }],
      }),
    ]);
    const renamed = documentOf(SERVER, "database", {
      protect: true,
      options: { aliases: [`urn:pulumi:s::p::${SERVER}::db`] },
    });
    expect(compare([server({})], [renamed])).toEqual([
      expect.objectContaining({
        kind: "changed",
        formerUrn: `urn:pulumi:s::p::${SERVER}::db`,
        danger: "",
      }),
    ]);
  });

  test("compares lists by name: one more alert is one difference, wherever it stands", () => {
    const group = (...alerts: string[]) =>
      documentOf(POOL, "g", { inputs: { rules: alerts.map((alert) => ({ alert, for: "PT5M" })) } });
    expect(compare([group("A", "B")], [group("New", "A", "B")])[0]?.properties).toEqual([
      { path: "rules[New]", before: undefined, after: { alert: "New", for: "PT5M" }, replaces: false },
    ]);
    expect(compare([group("A", "B")], [group("B", "A")])).toEqual([]);
    const ranges = (...list: string[]) => documentOf(POOL, "r", { inputs: { list } });
    expect(text([ranges("a", "b", "c")], [ranges("a", "c")])).toContain('    list: removed "b"');
  });

  test("compares a file in one value by its lines, and misses no other order of them", () => {
    const file = (...lines: string[]) =>
      documentOf(POOL, "f", { inputs: { data: { "envoy.yaml": `${lines.join("\n")}\n` } } });
    const at = "data.envoy.yaml";
    expect(text([file("a: 1", "b: 2", "c: 3")], [file("a: 1", "b: 4", "c: 3")])).toContain(
      `    ${at}[1]: "b: 2" → "b: 4"`,
    );
    expect(compare([file("a", "b")], [file("a", "new", "b")])[0]?.properties).toEqual([
      { path: at, before: undefined, after: "new", replaces: false },
    ]);
    expect(compare([file("a", "b")], [file("b", "a")])[0]?.properties).toHaveLength(2);
  });

  test("takes a provider's move to another subscription for a replacement", () => {
    const provider = (subscriptionId: string) =>
      documentOf("pulumi:providers:azure-native", "azure", { inputs: { subscriptionId } });
    expect(compare([provider("a")], [provider("b")])[0]?.kind).toBe("replaced");
  });
});

describe("URNs", () => {
  const stack = buildUrn("s", "p", "", STACK, "p-s");

  test("carry the types of all parents but the stack", () => {
    const outer = buildUrn("s", "p", stack, "x:y:Outer", "o");
    const inner = buildUrn("s", "p", outer, "x:y:Inner", "i");
    expect(outer).toBe("urn:pulumi:s::p::x:y:Outer::o");
    expect(buildUrn("s", "p", inner, "x:y:Leaf", "l")).toBe(
      "urn:pulumi:s::p::x:y:Outer$x:y:Inner$x:y:Leaf::l",
    );
  });

  test("of aliases take from the resource what the alias leaves open", () => {
    const own = { stack: "s", project: "p", parent: stack, type: "x:y:Leaf", name: "new" };
    const alias = { name: "", type: "", stack: "", project: "", parentUrn: "", noParent: false };
    expect(aliasUrn({ ...alias, name: "old" }, own)).toBe("urn:pulumi:s::p::x:y:Leaf::old");
    expect(aliasUrn({ ...alias, type: "x:y:Was" }, own)).toBe("urn:pulumi:s::p::x:y:Was::new");
  });
});

function planned(
  type: string,
  name: string,
  inputs: Tree = {},
  over: Partial<PlannedResource> = {},
): PlannedResource {
  return {
    urn: buildUrn("s", "p", over.parent ?? "", type, name),
    type,
    name,
    custom: !type.startsWith("x:") && type !== STACK,
    external: false,
    parent: "",
    provider: "",
    id: "",
    inputs,
    inputSecrets: [],
    outputs: {},
    outputSecrets: [],
    dependencies: [],
    propertyDependencies: {},
    protect: false,
    options: {
      ignoreChanges: [],
      replaceOnChanges: [],
      additionalSecretOutputs: [],
      aliases: [],
      customTimeouts: {},
      replaceWith: [],
    },
    ...over,
  };
}

const stack = planned(STACK, "p-s");
const component = (name: string) => planned(`x:y:${name}`, name.toLowerCase(), {}, { parent: stack.urn });
const database = component("Database");
const api = component("Api");
const db = planned(
  SERVER,
  "db",
  { serverName: "psql-one", location: "westeurope", sku: { name: "Standard_D4ds_v5" } },
  { parent: database.urn, protect: true },
);
const settings = ["a", "b", "c", "d"].map((name) =>
  planned(
    "azure-native:dbforpostgresql:Configuration",
    `db-${name}`,
    { configurationName: `log_${name}` },
    { parent: database.urn },
  ),
);
const workload = planned(
  "kubernetes:apps/v1:Deployment",
  "api",
  { metadata: { name: "api", namespace: "shop" }, spec: { replicas: 3 } },
  { parent: api.urn, dependencies: [db.urn] },
);
const everything = [stack, database, api, db, ...settings, workload];

describe("a picture of a plan", () => {
  test("as a tree shows names, regions, sizes and what is protected, and groups what only has a name", () => {
    expect(stripVTControlCharacters(renderTree(everything, model, 100))).toBe(
      [
        "p-s",
        "├─ x:y:Api api",
        "│  └─ Deployment shop/api  ×3",
        "└─ x:y:Database database",
        "   ├─ dbforpostgresql:Configuration ×4",
        "   └─ dbforpostgresql:Server psql-one  westeurope · Standard_D4ds_v5 · protected",
      ].join("\n"),
    );
  });

  test("counts types, most first", () => {
    expect(renderCounts(everything).split("\n")[0]).toBe("  4  azure-native:dbforpostgresql:Configuration");
  });

  test("as a flowchart has a box for each component and an arrow to what it needs", () => {
    const chart = renderMermaid(everything, model);
    expect(chart).toContain('subgraph r1["westeurope"]');
    expect(chart).toContain('b1["<b>database</b><br/>Server psql-one (Standard_D4ds_v5)"]');
    expect(chart).toContain("  b0 --> b1");
  });
});

describe("properties", () => {
  test("hide secrets, mark unknowns and are sorted", () => {
    const tree: Tree = { b: { secret: "hush", open: 1 }, a: [UNKNOWN, "x"] };
    const shown = renderProperties(tree, [["b", "secret"]]);
    expect(JSON.stringify(shown)).toBe('{"a":["[unknown]","x"],"b":{"open":1,"secret":"[secret]"}}');
  });
});

describe("violations", () => {
  test("come worst first, each message once with the resources it is about", () => {
    const urn = (name: string) => `urn:pulumi:s::p::t::${name}`;
    const one = { policy: "tls", severity: "high", message: "TLS is off" } as const;
    const lines = renderFindings(
      [
        { ...one, policy: "tags", level: "advisory", urn: urn("x"), message: "no owner" },
        { ...one, level: "mandatory", urn: urn("a") },
        { ...one, level: "mandatory", urn: urn("b") },
      ],
      100,
      "  ",
    ).map(stripVTControlCharacters);
    expect(lines).toEqual([
      "  mandatory tls on a, b",
      "    TLS is off",
      "  advisory  tags on x",
      "    no owner",
    ]);
  });
});

describe("text", () => {
  test.each([80, 100, 200])(
    "of %i columns breaks between words, and a command so that a shell reads it",
    (columns) => {
      const words = "word ".repeat(60).trim();
      const long = "x".repeat(columns + 20);
      for (const line of indented(`${words} ${long} ${words}`, columns, "    ", "  ")) {
        expect(line.length <= columns || line.trim() === long).toBe(true);
        expect(line).toMatch(/^ {4}/);
      }
      expect(indented(words, columns, "").join(" ")).toBe(words);
      const schedules = Array.from({ length: 20 }, (_, i) => `run${i} "0 ${i} * * *"`).join(", ");
      for (const line of indented(schedules, columns, "")) {
        expect(line.length).toBeLessThanOrEqual(columns);
        expect(line.split('"').length % 2).toBe(1);
      }
      const command = `pulumi config set --stack prod --secret --path '${"x".repeat(40)}'`;
      const lines = commandLines(command, columns, "    ");
      expect(lines.every((line) => line.length <= columns)).toBe(true);
      expect(lines.map((line) => line.trim().replace(/ \\$/, "")).join(" ")).toBe(command);
    },
  );
});

describe("the architecture", () => {
  const root = path.join(__dirname, "../..");
  const planOf = (stack: string): PlanDocument =>
    JSON.parse(fs.readFileSync(path.join(root, `test/expected/${stack}.json`), "utf8")) as PlanDocument;

  test.each(stackNames(root))(
    "of %s has a place for every component: PLACES in render/architecture.ts",
    (stack) => {
      expect(architectureOf(planOf(stack)).unplaced).toEqual([]);
    },
  );

  test("is drawn from the plan: who comes, the edge, each region with its role, servers, backups", () => {
    const prod = planOf("prod");
    const { regions, hosts } = architectureOf(prod);
    const picture = drawArchitecture(architectureOf(prod), "prod");
    expect(regions.filter(({ role }) => role === "serving")).toHaveLength(1);
    for (const { name, role, databases, accounts } of regions) {
      expect(picture).toContain(`>${name}: ${role}<`);
      for (const { server } of databases) expect(picture).toContain(`>${server}<`);
      for (const account of accounts) expect(picture).toContain(`>${account.name}<`);
      // Of each account its own, not those of both.
      expect(accounts.map(({ held }) => held)).toEqual(accounts.map(() => 6));
    }
    for (const host of hosts) expect(picture).toContain(host);
    // An account that only records who serves is no region, and holds no backups.
    const { witnesses } = architectureOf(prod);
    expect(regions.map(({ role }) => role)).toEqual(["serving", "standby"]);
    for (const { name, region } of witnesses)
      expect(picture).toContain(`>${name} in ${region}, beside one in each region`);
    expect(picture.match(/<path class="failover"/g) ?? []).toHaveLength(
      regions.filter(({ role }) => role === "standby").length,
    );
    expect(picture).toContain('<path class="copy"');
    const opened = [...picture.matchAll(/<(\w+)[^>]*?(\/?)>/g)].filter(([, , closed]) => closed === "");
    expect(opened.map(([, tag]) => tag).sort()).toEqual(
      [...picture.matchAll(/<\/(\w+)>/g)].map(([, tag]) => tag).sort(),
    );
  });

  test("says after a failover who serves now, and which server follows", () => {
    const { resources } = planOf("prod");
    const swapped = { resources: structuredClone(resources) };
    const places = swapped.resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs?.[
      "regions"
    ] as Record<string, { region: string; role: string }>;
    expect(Object.values(places).map(({ role }) => role)).toEqual(["serving", "standby"]);
    const [first, second] = Object.values(places).map(({ region }) => region);
    for (const place of Object.values(places)) place.role = place.role === "serving" ? "standby" : "serving";
    expect(
      architectureOf(swapped).regions.map(({ name, role, databases: [database] }) => [
        name,
        role,
        database?.replica,
        database?.version,
      ]),
    ).toEqual([
      [second, "serving", false, "17"],
      [first, "standby", true, "17"],
    ]);
  });

  test("shows a component nobody has placed yet apart, so that it is not missed", () => {
    const { resources } = planOf("prod");
    const added = documentOf("forma3d:queue:Queue", "queue", { custom: false });
    const architecture = architectureOf({ resources: [...resources, added] });
    expect(architecture.unplaced).toEqual(["forma3d:queue:Queue"]);
    expect(drawArchitecture(architecture, "prod")).toContain(">forma3d:queue:Queue<");
  });
});
