import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import Ajv from "ajv";
import { catalogue, FAMILIES, familyOf } from "../../policies/pack/catalogue";
import { explain, findRule, suggestions } from "../../policies/pack/explanation";
import { renderPolicies } from "../../policies/pack/reference";
import { explained, mentionedKeys } from "../../policies/pack/mend";
import type { PackFinding } from "../../policies/pack/finding";
import { toSarif } from "../../policies/pack/sarif";
import { THRESHOLDS } from "../../policies/rules/thresholds";

const ROOT = path.join(__dirname, "../..");
const rules = catalogue();

/** What is wrong with a document by the schema of SARIF 2.1.0; empty when nothing is. */
function sarifProblems(document: unknown): string[] {
  const file = path.join(ROOT, "test/fixtures/sarif/sarif-2.1.0.schema.json");
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    unicodeRegExp: false,
    // The schema's formats: of a URI reference it matters that it has no spaces, of a moment that it is one in UTC.
    formats: {
      uri: /^[a-z][a-z+.-]*:\S+$/i,
      "uri-reference": /^\S*$/,
      "date-time": /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    },
  });
  ajv.validate(JSON.parse(fs.readFileSync(file, "utf8")) as object, document);
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ""}`);
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const done = await promisify(execFile)(
      process.execPath,
      ["packages/command/run.mjs", "policies/pack/explain.ts", ...args],
      {
        cwd: ROOT,
      },
    );
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

describe("policy:explain", () => {
  test("explains a rule by name or identifier", async () => {
    const byName = await run("postgres-backup-retention");
    expect(byName).toEqual(await run("rec-002"));
    expect(byName).toMatchObject({ code: 0, stderr: "" });
    const rule = findRule(rules, "REC-002");
    expect(byName.stdout.replace(/\s+/g, " ")).toContain(rule?.remediation);
    for (const label of [
      "Checks",
      "Why",
      "Fix",
      "Applies to",
      "Level",
      "Severity",
      "Controls",
      "Risks",
      "Read more",
    ]) {
      expect(byName.stdout).toMatch(new RegExp(`^${label} `, "m"));
    }
  });

  test("lists every rule when none is named", async () => {
    const { code, stdout } = await run();
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(rules.length);
  });

  test("answers a misspelt name with exit code 2 and those that were meant", async () => {
    expect(await run("postgres-backup-retenton")).toEqual({
      code: 2,
      stdout: "",
      stderr:
        'error: no rule is called "postgres-backup-retenton". Did you mean postgres-backup-retention, postgres-backup-window?\n',
    });
  });

  test("answers nonsense and too many words with exit code 2", async () => {
    expect(await run("xyzzy")).toMatchObject({
      code: 2,
      stderr: 'error: no rule is called "xyzzy". npm run policy:explain without a name lists them.\n',
    });
    expect(await run("one", "two")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("too many arguments"),
    });
  });

  test("keeps every rule within 100 columns", () => {
    const lines = rules.flatMap((rule) => explain(rule).split("\n"));
    expect(lines.filter((line) => line.length > 100 && !line.includes("http"))).toEqual([]);
  });

  test("finds a rule by a name with two letters swapped", () => {
    const some = rules.filter((_, index) => index % 12 === 0);
    const lost = some.filter(({ name }) => {
      const swapped = name.slice(0, 3) + name.charAt(4) + name.charAt(3) + name.slice(5);
      return !suggestions(rules, swapped).includes(name);
    });
    expect(lost.map(({ name }) => name)).toEqual([]);
  });
});

describe("the reference", () => {
  const page = renderPolicies();

  test("is docs/policies.md, word for word", () =>
    expect(page).toBe(fs.readFileSync(path.join(ROOT, "docs/policies.md"), "utf8")));

  test("has a row for every rule and every threshold, and a family for each", () => {
    for (const { id, name } of rules)
      expect(page).toMatch(
        new RegExp(`^\\| <a id="${id.toLowerCase()}"></a>\\[${id}\\]\\(\\S+\\) \\| \`${name}\` \\|`, "m"),
      );
    for (const name of Object.keys(THRESHOLDS)) expect(page).toContain(`| \`${name}\` |`);
    expect([...new Set(rules.map(familyOf))].sort()).toEqual(Object.keys(FAMILIES).sort());
  });

  test("has the same number of cells in every row of a table", () => {
    const rows = page.split("\n").map((line) => (line.startsWith("|") ? line.split(/(?<!\\)\|/).length : 0));
    rows.forEach((cells, index) => {
      const before = rows[index - 1] ?? 0;
      if (cells > 0 && before > 0) expect([index, cells]).toEqual([index, before]);
    });
  });
});

describe("SARIF", () => {
  const PROD = fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8").split("\n");
  const urn = "urn:pulumi:prod::forma3d::azure-native:dbforpostgresql:Server::primary";
  const finding: PackFinding = {
    policy: "postgres-backup-retention",
    level: "mandatory",
    urn,
    message: "[REC-002] backup.backupRetentionDays: must be at least 35 days, but is 34",
  };
  const log = (findings: PackFinding[]) =>
    toSarif([{ stack: "prod", version: "1.0.0", findings, stackFile: PROD.join("\n") }], rules) as Log;

  interface Log {
    runs: {
      tool: { driver: { rules: { id: string; properties: Record<string, unknown> }[] } };
      results: {
        ruleId: string;
        ruleIndex: number;
        level: string;
        message: { text: string };
        locations: {
          physicalLocation: { artifactLocation: { uri: string } };
          logicalLocations?: unknown[];
        }[];
        partialFingerprints: Record<string, string>;
      }[];
    }[];
  }

  test("is what the published schema allows, with findings and without", () => {
    expect(sarifProblems(log([]))).toEqual([]);
    expect(sarifProblems(log([finding, { ...finding, urn: "", level: "advisory" }]))).toEqual([]);
    expect(sarifProblems(toSarif([], rules))).toEqual([]);
    expect(sarifProblems({ ...log([]), version: "2.0.0" })).toEqual([
      "/version must be equal to one of the allowed values",
    ]);
  });

  test("names rule, resource and the file a fix begins in", () => {
    const [result] = log([finding]).runs[0]?.results ?? [];
    expect(result).toMatchObject({
      ruleId: "REC-002",
      level: "error",
      message: {
        text: expect.stringMatching(
          /^primary: \[REC-002\] backup\.backupRetentionDays: must be at least 35 days, but is 34\nKey: forma3d:database\.backupRetentionDays in Pulumi\.prod\.yaml\nFix: .*npm run policy:explain -- postgres-backup-retention.*\nPage: docs\/policies\.md#rec-002$/,
        ) as string,
      },
      properties: { key: "database.backupRetentionDays", page: "docs/policies.md#rec-002" },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "Pulumi.prod.yaml" },
            region: { startLine: PROD.findIndex((line) => line.includes("backupRetentionDays:")) + 1 },
          },
          logicalLocations: [{ fullyQualifiedName: urn, name: "primary", kind: "resource" }],
        },
      ],
    });
    const { rules: described = [] } = log([finding]).runs[0]?.tool.driver ?? {};
    expect(described[result?.ruleIndex ?? -1]).toMatchObject({
      id: "REC-002",
      properties: { "security-severity": "9.5", tags: ["REC", "R02", "R10"] },
    });
  });

  test("every key a finding can lead to is one of the stack file", () => {
    const schema = JSON.parse(fs.readFileSync(path.join(ROOT, "docs/stack.schema.json"), "utf8")) as unknown;
    const properties = (node: unknown, name: string): unknown => {
      if (typeof node !== "object" || node === null) return undefined;
      const own = (node as { properties?: Record<string, unknown> }).properties?.[name];
      return (
        own ??
        Object.values(node).reduce<unknown>((found, inner) => found ?? properties(inner, name), undefined)
      );
    };
    const missing = mentionedKeys().filter((key) => {
      const [top = "", ...below] = key.split(".");
      return below.reduce(properties, properties(schema, `forma3d:${top}`)) === undefined;
    });
    expect(missing).toEqual([]);
    expect(mentionedKeys().length).toBeGreaterThan(25);
  });

  test("a finding as the plan shows it has key, fix and page too", () => {
    const [shown, whole] = explained([finding, { ...finding, urn: "" }], rules, "prod");
    expect(shown).toMatchObject({ key: "database.backupRetentionDays", page: "docs/policies.md#rec-002" });
    expect(shown?.fix).toContain("npm run plan -- prod");
    expect(whole).not.toHaveProperty("key");
    // An option of all that is protected, whatever holds the resource.
    const [unprotected] = explained([{ ...finding, policy: "data-protected" }], rules, "prod");
    expect(unprotected).toMatchObject({ key: "protectData" });
    expect(() => explained([{ ...finding, policy: "unheard-of" }], rules, "prod")).toThrow("unheard-of");
  });

  test("gives the stack as a whole no resource, and advice a warning", () => {
    const [result] = log([{ ...finding, urn: "", level: "advisory" }]).runs[0]?.results ?? [];
    expect(result).toMatchObject({
      level: "warning",
      message: { text: expect.stringContaining(`${finding.message}\nFix: `) as string },
    });
    expect(result?.locations[0]).not.toHaveProperty("logicalLocations");
  });

  test("keeps the fingerprint of a finding from run to run, and gives another to another", () => {
    const print = (one: PackFinding) => log([one]).runs[0]?.results[0]?.partialFingerprints["finding/v1"];
    expect(print(finding)).toBe(print({ ...finding }));
    for (const other of [{ urn: `${urn}2` }, { message: "else" }, { policy: "postgres-autogrow" }]) {
      expect(print({ ...finding, ...other })).not.toBe(print(finding));
    }
  });

  test("refuses a finding of a rule it does not know", () => {
    expect(() => log([{ ...finding, policy: "unheard-of" }])).toThrow(
      "a finding names the rule unheard-of, which the catalogue does not have",
    );
  });
});
