import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { OutsideWatch, type RequestedResource } from "../../packages/isolation/outside";
import { isolationRules } from "../../packages/isolation/rules";
import { UNKNOWN } from "../../packages/isolation/rule";
import { readFiles } from "../../policies/pack/adapter/assetFiles";
import { toPolicies } from "../../policies/pack/adapter/dispatch";
import { describeFinding, Inspection } from "../../policies/pack/adapter/inspection";
import { catalogue, controlsOf } from "../../policies/pack/catalogue";
import { explain, findRule, listRules, suggestions } from "../../policies/pack/explanation";
import { mendLine, placeOf } from "../../policies/pack/mend";
import { toSarif } from "../../policies/pack/sarif";
import { readWaivers } from "../../policies/pack/waiverFile";
import { Waivers } from "../../policies/pack/waivers";
import {
  canaryRefusals,
  configurationDigest,
  counted,
  fileDigest,
  PROOF_VARIABLES,
  proofRules,
  rulesDigest,
} from "../../policies/proof";
import type { Rule } from "../../packages/isolation/rule";
import { INVENTORY } from "./support/smallInventory";

const rules = catalogue();
const ruleOf = (id: string): Rule => rules.find((rule) => rule.id === id) as Rule;

/** A folder with files, for as long as a test looks into it. */
function withFiles<T>(files: Readonly<Record<string, string>>, look: (folder: string) => T): T {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pack-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
    return look(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

describe("a rule is explained word for word", () => {
  test("one that nobody can lower, and one that configuration may", () => {
    const { description, why, remediation, url } = ruleOf("REC-002");
    const text = explain(ruleOf("REC-002"));
    const lines = text.split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "REC-002  postgres-backup-retention",
      ruleOf("REC-002").title,
      "",
      expect.stringMatching(/^Checks {6}\S/),
    ]);
    const said = text.replace(/\s+/g, " ");
    for (const one of [
      `Checks ${description}`,
      `Why ${why}`,
      `Fix ${remediation}`,
      "Applies to production",
      "Looks at each resource by its inputs, before it is touched",
      "Level mandatory, and no configuration can lower it",
      "Severity critical",
      "Controls MCSB BR-1, WAF RE:09",
      "Risks R02, R10",
      `Read more ${url}`,
    ])
      expect(said).toContain(one);
    // Each line but a link's fills what room there is, and none is longer.
    const wrapped = lines.filter(
      (line, index) => /^ {12}\S/.test(lines[index + 1] ?? "") && line.length > 12,
    );
    expect(wrapped.length).toBeGreaterThan(0);
    for (const line of wrapped) {
      const next = /^ {12}(\S+)/.exec(lines[lines.indexOf(line) + 1] ?? "")?.[1] ?? "";
      expect(line.length + 1 + next.length).toBeGreaterThan(98);
    }
    expect(explain(ruleOf("COST-001"))).toContain(
      "Level       mandatory; the pack's configuration may lower it",
    );
    expect(explain(ruleOf("COST-001"))).toContain("Applies to  environments outside production");
    expect(explain(ruleOf("ISO-021"))).toContain(
      "Looks at    the stack as a whole, at the end of a preview or update",
    );
    expect(explain(ruleOf("ISO-001"))).toContain("Applies to  every environment");
  });

  test("in a list, and found by what it is called", () => {
    const some = [ruleOf("REC-002"), ruleOf("COST-001")];
    const [first = "", second = ""] = listRules(some).split("\n");
    const width = Math.max(...some.map(({ name }) => name.length)) + 2;
    expect(first).toBe(`REC-002  ${some[0]?.name.padEnd(width) ?? ""}${some[0]?.title ?? ""}`);
    expect(second).toBe(`COST-001 ${some[1]?.name.padEnd(width) ?? ""}${some[1]?.title ?? ""}`);
    expect([" rec-002 ", "POSTGRES-backup-RETENTION"].map((query) => findRule(rules, query)?.id)).toEqual([
      "REC-002",
      "REC-002",
    ]);
    expect(findRule(rules, "REC-00")).toBeUndefined();
    expect(suggestions(rules, "postgres-backup-retenton")).toEqual([
      "postgres-backup-retention",
      "postgres-backup-window",
    ]);
    expect(suggestions(rules, "rec-02")[0]).toMatch(/./);
    expect(suggestions(rules, "backup", 3)).toHaveLength(3);
    expect(suggestions(rules, "qqqqqqqqqqqqqqqqqq")).toEqual([]);
  });
});

test("a finding in one line says rule, place and how it was decoded, and what mends it", () => {
  const finding = { ruleId: "ISO-002", urn: "u", path: "data.x", message: "must not" };
  expect(describeFinding(finding)).toBe("[ISO-002] data.x: must not");
  expect(describeFinding({ ...finding, path: "", decoding: [] })).toBe("[ISO-002] must not");
  expect(describeFinding({ ...finding, decoding: ["base64", "json"] })).toBe(
    "[ISO-002] data.x: must not (found after decoding: base64 → json)",
  );
  expect(["[ISO-002] data.x: must", "[ISO-002] must: not so", "[ISO-002] must"].map(placeOf)).toEqual([
    "data.x",
    "must",
    "",
  ]);
  expect(mendLine({ key: "tags", fix: "Mend", page: "p" })).toBe(" [key: forma3d:tags; fix: Mend; page: p]");
  expect(mendLine({ fix: "Mend", page: "p" })).toBe(" [fix: Mend; page: p]");
});

test("the log for code scanning describes rules, and puts a finding at the line of its key", () => {
  const stackFile = [
    "config:",
    "  forma3d:tags:",
    "    owner: x",
    "  forma3d:database:",
    "    skuName: a",
    "    backupRetentionDays: 7",
    "  forma3d:storage: { redundancy: x }",
  ].join("\n");
  const on = (type: string, place: string) => ({
    policy: "postgres-backup-retention",
    level: "advisory" as const,
    urn: `urn:pulumi:prod::shop::a:b:C$azure-native:${type}::one`,
    message: `[REC-002] ${place}: must`,
  });
  const findings = [
    on("dbforpostgresql:Server", "backup.backupRetentionDays"),
    on("dbforpostgresql:Server", "maintenanceWindow.x"),
    on("storage:StorageAccount", "sku.name"),
    on("storage:BlobServiceProperties", "deleteRetentionPolicy.days"),
    on("keyvault:Vault", "x"),
    on("other:Thing", "x"),
  ];
  const log = toSarif([{ stack: "prod", version: "1.2.3", findings, stackFile }], rules) as {
    $schema: string;
    runs: [
      {
        tool: { driver: { rules: { id: string }[] } };
        results: {
          locations: [{ physicalLocation: { region: { startLine: number } } }];
          partialFingerprints: object;
        }[];
      },
    ];
  };
  const [run] = log.runs;
  expect(run.results.map(({ locations }) => locations[0].physicalLocation.region.startLine)).toEqual([
    6, 4, 7, 7, 1, 1,
  ]);
  expect({
    ...log,
    runs: [{ ...run, results: [], tool: { driver: { ...run.tool.driver, rules: [] } } }],
  }).toEqual({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "forma3d-policies",
            semanticVersion: "1.2.3",
            informationUri: "https://www.pulumi.com/docs/insights/policy/",
            rules: [],
          },
        },
        automationDetails: { id: "policies/prod/" },
        columnKind: "utf16CodeUnits",
        originalUriBaseIds: { "%SRCROOT%": { description: { text: "The project's folder" } } },
        results: [],
      },
    ],
  });
  const described = (id: string) => run.tool.driver.rules.find((rule) => rule.id === id);
  const { why, remediation, title, description, url, name } = ruleOf("SEC-012");
  expect(described("SEC-012")).toEqual({
    id: "SEC-012",
    name,
    shortDescription: { text: title },
    fullDescription: { text: description },
    help: {
      text: `${why}\n\nFix: ${remediation}\n\nPage: docs/policies.md#sec-012`,
      markdown: `${why}\n\n**Fix:** ${remediation}\n\n**Page:** \`docs/policies.md#sec-012\``,
    },
    helpUri: url,
    defaultConfiguration: { level: "error" },
    properties: {
      tags: ["SEC", "cis", ...ruleOf("SEC-012").framework.risks],
      "security-severity": "8.0",
      controls: expect.arrayContaining([
        expect.stringMatching(/^MCSB /),
        expect.stringMatching(/^CIS /),
      ]) as string[],
    },
  });
  expect(described("ISO-000")).toMatchObject({
    defaultConfiguration: { level: "warning" },
    properties: { "security-severity": "2.0", tags: expect.not.arrayContaining(["cis"]) as string[] },
  });
  expect(described("ISO-001")).toMatchObject({ properties: { "security-severity": "9.5" } });
  expect(Object.keys(run.results[0]?.partialFingerprints ?? {})).toEqual(["finding/v1"]);
});

/** How many controls each section has that rules cite, as the publishers number them. */
const PUBLISHED: Readonly<Record<string, number>> = {
  // Microsoft cloud security benchmark 1.
  ...{ "MCSB NS-": 10, "MCSB IM-": 9, "MCSB PA-": 8, "MCSB DP-": 8, "MCSB AM-": 5, "MCSB LT-": 7 },
  ...{ "MCSB PV-": 7, "MCSB BR-": 4, "MCSB DS-": 7 },
  // Azure Well-Architected Framework, 2024.
  ...{ "WAF RE:": 10, "WAF SE:": 12, "WAF CO:": 14, "WAF OE:": 12, "WAF PE:": 12 },
  // CIS Microsoft Azure Foundations 2.0.0, and what 2.1.0 adds to storage.
  ...{ "CIS 1.": 25, "CIS 3.": 15, "CIS 4.3.": 8, "CIS 5.1.": 7, "CIS 6.": 7, "CIS 8.": 8, "CIS 10.": 1 },
  "CIS 2.1.0 3.": 16,
  // CIS AKS 1.4 and Kubernetes 1.8.
  ...{ "CIS AKS 5.2.": 2, "CIS AKS 5.4.": 5, "CIS AKS 5.5.": 2 },
  ...{ "CIS Kubernetes 5.": 7, "CIS Kubernetes 5.1.": 13, "CIS Kubernetes 5.2.": 13 },
  ...{ "CIS Kubernetes 5.3.": 2, "CIS Kubernetes 5.4.": 2, "CIS Kubernetes 5.7.": 4 },
};

test("every control a rule names is one its publisher has", () => {
  const cited = new Set(rules.flatMap((rule) => controlsOf(rule)));
  const unheardOf = [...cited].filter((control) => {
    const [, section = "", number = ""] = /^(.*?)(\d+)$/.exec(control) ?? [];
    return !(Number(number) >= 1 && Number(number) <= (PUBLISHED[section] ?? 0));
  });
  expect(unheardOf).toEqual([]);
});

test("policies of the SDK carry what a rule says of itself", () => {
  const inspection = new Inspection({
    rules,
    inventory: INVENTORY,
    waivers: new Waivers([], ""),
    isDryRun: true,
    config: {},
  });
  const [policy] = [...toPolicies([ruleOf("SEC-012")], inspection)];
  const rule = ruleOf("SEC-012");
  expect(policy).toMatchObject({
    name: rule.name,
    displayName: rule.title,
    description: rule.description,
    enforcementLevel: "mandatory",
    severity: rule.severity,
    framework: {
      name: "Microsoft cloud security benchmark",
      specification: expect.stringMatching(/^MCSB \S+, .*CIS [\d.]+, .*WAF SE:\d\d$/) as string,
    },
    tags: ["SEC-012", "applies-to-any", ...rule.framework.risks],
    remediationSteps: rule.remediation,
    url: rule.url,
  });
});

describe("what no pack is shown is judged in words", () => {
  const watch = new OutsideWatch(INVENTORY, "shop", "trial");
  const own = "/subscriptions/66666666-2222-4333-8444-555555555555";
  test.each<[RequestedResource, string | undefined]>([
    [{ type: "azure-native:a:B", name: "x", id: `${own}/x` }, undefined],
    [{ type: "azure-native:a:B", name: "x", id: own }, undefined],
    [
      {
        type: "azure-native:a:B",
        name: "x",
        id: ` ${own.toUpperCase().replace("SUBSCRIPTIONS", "subscriptions")}/x `,
      },
      undefined,
    ],
    [
      { type: "azure-native:a:B", name: "x", id: `${own}0/x` },
      'azure-native:a:B "x" reads something outside this stack\'s own subscription',
    ],
    [
      { type: "azure:a:B", name: "x", importId: "other" },
      'azure:a:B "x" adopts something outside this stack\'s own subscription',
    ],
    [
      { type: "azure-native_a_v1:a:B", name: "x", id: "other" },
      'azure-native_a_v1:a:B "x" reads something outside this stack\'s own subscription',
    ],
    [{ type: "azured:a:B", name: "x", id: "other" }, undefined],
    [{ type: "random:a:B", name: "x", id: "other" }, undefined],
    [{ type: "random:a:B", name: "x", id: "psql-shop-live1" }, 'random:a:B "x" reads something of live1'],
    [
      { type: "random:a:B", name: "psql-shop-live1", importId: "kv-shop-live1" },
      "random:a:B (name withheld) adopts something of live1",
    ],
    [{ type: "random:a:B", name: "x" }, undefined],
    [
      { type: "pulumi-nodejs:dynamic:Resource", name: "x" },
      'pulumi-nodejs:dynamic:Resource "x" is a dynamic resource, whose code no policy sees; declare a resource instead',
    ],
    [
      { type: "pulumi-python:dynamic/x:Resource", name: "x" },
      'pulumi-python:dynamic/x:Resource "x" is a dynamic resource, whose code no policy sees; declare a resource instead',
    ],
    [{ type: "pulumi:pulumi:StackReference", name: "trial" }, undefined],
    [{ type: "pulumi:pulumi:StackReference", name: "org/shop/trial" }, undefined],
    [
      { type: "pulumi:pulumi:StackReference", name: "x", id: "org/shop/live1" },
      "stack trial references another stack, whose outputs it would get with all secrets; list it under shared.stackReferences in policies/inventory.yaml if that is meant",
    ],
  ])("%j", (requested, problem) => expect(watch.resource(requested)).toBe(problem));

  test("functions, too; and production may have dynamic resources", () => {
    expect(watch.invoke("a:b:get", { deep: { name: "kv-shop-live1" } })).toBe(
      "function a:b:get is asked about something of live1 (deep.name)",
    );
    expect(watch.invoke("a:b:get", { host: "orders.vault.azure.net" })).toBe(
      "function a:b:get is asked about something of an environment outside the inventory (host)",
    );
    expect(watch.invoke("a:b:get", { name: "own", unknown: UNKNOWN })).toBeUndefined();
    const prod = new OutsideWatch(INVENTORY, "shop", "live1");
    expect(prod.resource({ type: "pulumi-nodejs:dynamic:Resource", name: "x" })).toBeUndefined();
  });
});

describe("waivers are read as they are written", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  const waiver = (more: Readonly<Record<string, string>> = {}): string =>
    JSON.stringify({
      waivers: [
        {
          rule: "ISO-006",
          resource: "urn:pulumi:trial::shop::a:b:C::d",
          reason: "a reason of twenty letters",
          owner: "a@b.example",
          expires: "2026-01-31",
          ...more,
        },
      ],
    });
  const read = (text: string) =>
    withFiles({ "policies/waivers.yaml": text }, (root) => readWaivers(root, now));

  test("up to 30 days ahead, and none where there is none", () => {
    expect(read(waiver())).toEqual((JSON.parse(waiver()) as { waivers: unknown }).waivers);
    expect(read("{}")).toEqual([]);
    expect(read(waiver({ rule: "REC-052", path: "the alert ReplicaLagging" }))).toHaveLength(1);
  });

  test.each([
    [{ expires: "2026-02-01" }, "a date at most 30 days ahead, 2026-01-31 today"],
    [{ expires: "soon" }, "a date such as 2026-01-31"],
    [{ rule: "iso-006" }, "the id of a rule, such as ISO-006"],
    [{ rule: "xISO-006" }, "the id of a rule, such as ISO-006"],
    [{ rule: "ISO-006x y" }, "the id of a rule, such as ISO-006"],
    [{ resource: "d" }, "the full URN of one resource"],
    [{ resource: "xurn:pulumi:trial::shop::a:b:C::d" }, "the full URN of one resource"],
    [{ resource: "urn:pulumi:trial::shop::" }, "the full URN of one resource"],
    [{ reason: "nineteen letters it" }, "a reason of at least 20 characters"],
    [{ owner: "somebody" }, "an e-mail address"],
    [{ rule: "REC-052" }, "waivers[0].path: required; allowed: what a finding of REC-052 begins with"],
    [{ more: "x" }, "more"],
  ])("%j is refused", (more, message) => {
    expect(() => read(waiver(more as Record<string, string>))).toThrow(message);
    expect(() => read(waiver(more as Record<string, string>))).toThrow("waivers.yaml");
  });
});

test("files of an asset are read whole or not at all", () => {
  const files = { "one.txt": "1", "folder/two.txt": "22", "folder/deep/three.txt": "333" };
  const b64 = (text: string): string => Buffer.from(text).toString("base64");
  withFiles(files, (root) => {
    expect(readFiles(path.join(root, "one.txt"))).toEqual({ "0/one.txt": b64("1") });
    expect(Object.values(readFiles(path.join(root, "folder")) ?? {}).sort()).toEqual([b64("22"), b64("333")]);
    expect(readFiles(path.join(root, "missing"))).toBeUndefined();
    fs.writeFileSync(path.join(root, "one.txt"), Buffer.alloc(4 * 1024 * 1024));
    expect(readFiles(path.join(root, "one.txt"))).toBeDefined();
    fs.writeFileSync(path.join(root, "one.txt"), Buffer.alloc(4 * 1024 * 1024 + 1));
    expect(readFiles(path.join(root, "one.txt"))).toBeUndefined();
  });
});

describe("the pack proves what it judged", () => {
  const nonce = "a-nonce";
  const files = {
    "Pulumi.yaml": "name: shop",
    "Pulumi.trial.yaml": "config: {}",
    "policies/inventory.yaml": "{}",
    "policies/waivers.yaml": "{}",
    "code.js": "1",
  };
  const context = { project: "shop", stack: "trial" } as never;
  const urns = ["urn:b", "urn:a", "urn:b"];
  const stack = { resources: ["urn:a", "urn:c"].map((urn) => ({ urn })) } as never;

  test("only in a gate's own run, and what it says follows what it judged", () => {
    withFiles(files, (root) => {
      const code = path.join(root, "code.js");
      const of = (env: NodeJS.ProcessEnv) => proofRules(env, root, code, isolationRules, INVENTORY);
      expect(of({})).toEqual([]);
      const [seen, proof, canary] = of({ [PROOF_VARIABLES.nonce]: nonce });
      expect(
        [seen, proof, canary].map((rule) => [rule?.id, rule?.name, rule?.level, rule?.levelCanBeLowered]),
      ).toEqual([
        ["GATE-SEEN", "seen-by-the-pack", "advisory", false],
        ["GATE-PROOF", "proof-of-life", "advisory", false],
        ["GATE-CANARY", "canary-refused", "mandatory", false],
      ]);
      for (const urn of urns) expect(seen?.check({ urn } as never, context)).toEqual([]);
      const [told] = proof?.check(stack, context) ?? [];
      expect(told?.path).toBe("");
      expect(JSON.parse(told?.message ?? "")).toEqual({
        nonce,
        pack: fileDigest(code),
        configuration: configurationDigest(root),
        rules: rulesDigest(isolationRules),
        canary: canaryRefusals(isolationRules, INVENTORY, "shop", "trial"),
        resources: counted(["urn:a", "urn:b"]),
        stack: counted(["urn:c", "urn:a"]),
      });
      expect(canary?.check(stack, context)).toEqual([]);
      const [, , refusing] = of({ [PROOF_VARIABLES.nonce]: nonce, [PROOF_VARIABLES.canary]: "refuse" });
      expect(refusing?.check(stack, context)).toEqual([
        { path: "", message: "a-nonce the canary is refused by ISO-002" },
      ]);
      const [, , none] = proofRules(
        { [PROOF_VARIABLES.nonce]: nonce, [PROOF_VARIABLES.canary]: "refuse" },
        root,
        code,
        [],
        INVENTORY,
      );
      expect(none?.check(stack, context)).toEqual([]);
    });
  });

  test("the canary is refused by what it is", () => {
    expect(canaryRefusals(rules, INVENTORY, "shop", "trial")).toEqual(
      expect.arrayContaining(["ISO-002", "WRK-010"]),
    );
    expect(canaryRefusals(rules, INVENTORY, "shop", "live1")).toEqual(
      expect.arrayContaining(["ISO-002", "WRK-010"]),
    );
  });

  test("digests change with each thing they are of, and with nothing else", () => {
    const digest = (more: Readonly<Record<string, string>>) =>
      withFiles({ ...files, ...more }, (root) => configurationDigest(root));
    expect(digest({ "Pulumi.txt": "x", "xPulumi.yaml": "x", "Pulumi.a.yaml.bak": "x" })).toBe(digest({}));
    for (const name of Object.keys(files).filter((one) => one !== "code.js"))
      expect(digest({ [name]: "changed" })).not.toBe(digest({}));
    expect(digest({ "Pulumi.more.yaml": "x" })).not.toBe(digest({}));
    expect(counted(["b", "a", "a"])).toEqual(counted(["a", "b"]));
    expect(counted(["a", "b"]).count).toBe(2);
    expect(counted(["ab"]).digest).not.toBe(counted(["a", "b"]).digest);
    const [first, ...others] = isolationRules;
    expect(rulesDigest(others)).not.toBe(rulesDigest(isolationRules));
    expect(rulesDigest([{ ...(first as Rule), level: "advisory" }])).not.toBe(
      rulesDigest([{ ...(first as Rule), level: "mandatory" }]),
    );
  });
});
