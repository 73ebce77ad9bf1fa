import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import { checkControlFile } from "../../stacks/controlFile";
import { readStackFile, stackNames } from "../../stacks/files";
import { ConfigError } from "../../stacks/problems";
import { LINE, ROOT, lines, replaced, type Document } from "./documents";
import { tryNonsense } from "./nonsenseValues";

test.each(stackNames(ROOT))(
  "%s: of every tenth value that is nonsense none is accepted, and each is named with what is allowed",
  (stack) => {
    const { accepted, unclear, tried } = tryNonsense(stack, 0.1);
    expect({ accepted, unclear }).toEqual({ accepted: [], unclear: [] });
    expect(tried).toBeGreaterThan(100);
  },
);

/** Mistakes each of which was once accepted without a word. */
const ONCE_ACCEPTED: readonly (readonly [key: string, value: unknown, message: RegExp])[] = [
  ["shortName", "stg", /found 'stg'; allowed: an abbreviation of environment \(prod\)/],
  ["environment", "staging", /found 'staging'; allowed: prod, the name of the stack/],
  ["edge.dashboardHostName", "api.forma3d.com", /allowed: another name than edge\.apiHostName/],
  ["network.primary.podCidr", "10.128.0.0/24", /allowed: a block of \/20 or larger: 16 nodes/],
  [
    "network.primary.serviceCidr",
    "172.30.0.0/20",
    /does not overlap 172\.30\.0\.0\/16, which AKS uses itself/,
  ],
  ["database.skuName", "Standard_D5ds_v5", /such as Standard_D4ds_v5; of this series Standard_D2ds_v5, /],
  ["database.skuName", "Standard_D4ads_v5", /an Intel size such as Standard_D4ds_v5, because westeurope/],
  [
    "database.skuName",
    "Standard_E4ds_v5",
    /^forma3d:database\.tier: found 'GeneralPurpose'; allowed: MemoryOptimized/,
  ],
  [
    "cluster.userPool.vmSize",
    "Standard_D5ds_v5",
    /a VM size AKS offers, such as Standard_D4ds_v5; of this series/,
  ],
  ["cluster.kubernetesVersion", "1.10", /found '1\.10'; allowed: one of "1\.35", /],
  ["cluster.kubernetesVersion", 1.35, /found 1\.35; allowed: one of "1\.35", /],
  ["database.version", 17, /found 17; allowed: one of "15", "16", "17", "18"/],
  [
    "database.replica",
    undefined,
    /required; allowed: \{\}, because production survives the loss of a region/,
  ],
  [
    "storage.containers.1.tiers",
    [{ tier: "Archive", afterDays: 29 }],
    /Cool or Cold: reading the archive takes up to 15 hours, and recovery\.rtoMinutes is 240/,
  ],
  [
    "database.parameters",
    { max_conections: "100" },
    /^forma3d:database\.parameters\.max_conections: .*did you mean max_connections\?/,
  ],
  [
    "database.parameters",
    { max_connections: "-1" },
    /found '-1'; allowed: a whole number from 25 to 5000, in quotes/,
  ],
  [
    "database.parameters",
    { work_mem: "64MB" },
    /found '64MB'; allowed: a whole number from 4096 to 2097151, in quotes and without a unit/,
  ],
  [
    "database.parameters",
    { require_secure_transport: "off" },
    /allowed: nothing here: the platform sets it to on/,
  ],
  [
    "database.pool.defaultPoolSize",
    4000,
    /at most 1673, the 1718 connections of the server less 15 Azure keeps and 30 for/,
  ],
  ["database.applicationDatabase", "postgres", /a name other than postgres, azure_maintenance, /],
  ["tags.costCenter", "password=Tr0ub4dor", /1-40 letters and digits/],
  ["tags.costCenter", "password-hunter2", /found a text of 16 characters, not shown .*so no secret/],
  ["tags.costCenter", "x".repeat(300), /at most 40 characters/],
  [
    "alerts.emails",
    ["oncall@forma3d.com", "OnCall@forma3d.com"],
    /^forma3d:alerts\.emails\[1\]: found 'OnCall@forma3d.com'; allowed: each entry once/,
  ],
  ["vault.secretsIssued", "2099-01-01", /found '2099-01-01'; allowed: at most two years from today, /],
  ["workloads.api.resources.cpuRequest", "2", /found '2'; allowed: at most cpuLimit \(1000m\)/],
  [
    "workloads.api.resources.memoryLimit",
    "64Gi",
    /at most what a node of cluster\.userPool\.vmSize has: Standard_D4ds_v5, 4 CPUs and 16Gi/,
  ],
  ["cluster.authorizedIpRanges", ["10.0.0.0/8"], /public addresses without host bits, \/24 or smaller/],
  [
    "alerts.emails",
    undefined,
    /^forma3d:alerts\.emails: required; allowed: a list, each entry an e-mail address$/,
  ],
];

test.each(ONCE_ACCEPTED)("%s = %j is refused where it stands", (key, value, message) => {
  const [section, ...rest] = key.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const where = ["config", `forma3d:${String(section)}`, ...rest];
  const file = yaml.load(fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8"));
  const said = lines("prod", replaced(file, where, value));
  // An archive tier contradicts the redundancy of the accounts as well, and both are said.
  expect(said).toHaveLength(key === "storage.containers.1.tiers" ? 2 : 1);
  for (const line of said) expect(line).toMatch(LINE);
  expect(said[0]).toMatch(message);
});

test("what Pulumi keeps in a stack file has the form Pulumi gives it", () => {
  const file = yaml.load(fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8")) as Document;
  const secret = { ...file.config, "forma3d:secretValues": { "smtp-password": { secure: "hello" } } };
  expect(
    lines("prod", {
      config: secret,
      secretsprovider: "awskms://key",
      encryptedkey: "rubbish",
      encryptionsalt: "v1:rubbish",
    }).map((line) => line.slice(0, line.indexOf(";"))),
  ).toEqual([
    "secretsprovider: found 'awskms://key'",
    "encryptedkey: found 'rubbish'",
    "encryptionsalt: found 'v1:rubbish'",
    "forma3d:secretValues.smtp-password.secure: found 'text that is no ciphertext'",
  ]);
  const provider = "azurekeyvault://kv-forma3d-state.vault.azure.net/keys/pulumi";
  expect(lines("prod", { ...file, secretsprovider: provider })).toEqual([
    "encryptedkey: required; allowed: the key pulumi stack init wrote beside it",
  ]);
});

test.each([
  ["config:\n  forma3d:shortName: prod\n  forma3d:shortName: prod\n", "forma3d:shortName", 3],
  ["config:\n  forma3d:pool: { a: 1, b: 2, a: 3 }\n", "a", 2],
])("a key that stands twice is named: %j", (text, key, line) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stacks-"));
  try {
    fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), text);
    expect(() => readStackFile(folder, "prod")).toThrow(
      `Pulumi.prod.yaml: 1 problem\n  ${key}: found 'a second time in line ${line}'; allowed: each key once`,
    );
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

describe("the file of what a stack is deployed from has no value of its own", () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "control-"));
  const file = path.join(root, "control/Pulumi.prod.yaml");
  beforeAll(() => fs.mkdirSync(path.dirname(file)));
  afterAll(() => fs.rmSync(root, { recursive: true }));
  const OFF = 'config:\n  pulumi:disable-default-providers: ["*"]\n';

  test.each<[text: string, message: RegExp]>([
    ["", /\(file\): /],
    ["[]", /config: required/],
    ["config: {}", /pulumi:disable-default-providers: required; allowed: \["\*"\]/],
    ['config:\n  pulumi:disable-default-providers: ["kubernetes"]', /allowed: \["\*"\]/],
    [`${OFF}  forma3d:environment: staging`, /forma3d:environment: found 'staging'; allowed: nothing: every/],
    [`${OFF}  azure-native:location: westeurope`, /azure-native:location: .*nothing: every value/],
    [`${OFF}  pulumi:x: 1`, /pulumi:x: found 1; allowed: only pulumi:disable/],
    [`${OFF}foo: 1`, /foo: found 1; allowed: only config, /],
    [
      `${OFF}${OFF.split("\n")[1] ?? ""}`,
      /disable-default-providers: found 'a second time in line 3'; allowed: each/,
    ],
  ])("%j", (text, message) => {
    fs.writeFileSync(file, text);
    const check = () => checkControlFile(root, "prod");
    expect(check).toThrow(message);
    expect(check).toThrow(/^control\/Pulumi\.prod\.yaml: /);
    fs.writeFileSync(file, OFF);
    expect(check).not.toThrow();
  });
});

describe("what the file itself may hold", () => {
  const base = fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8");
  /** What is said of a file with some content; nothing when it is accepted. */
  const said = (content: string | Buffer): string[] => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stacks-"));
    try {
      fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), content);
      readStackFile(folder, "prod");
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.message
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  };
  const value = (key: string, text: string): string => {
    const changed = base.replace(new RegExp(`^( +${key}: )\\S+`, "m"), `$1${text}`);
    expect(changed).not.toBe(base);
    return changed;
  };

  test.each<[what: string, content: string | Buffer, message: RegExp | undefined]>([
    ["a byte order mark", `\ufeff${base}`, undefined],
    ["lines of another system", base.replaceAll("\n", "\r\n"), undefined],
    ["a number in another base that both read alike", value("storageGB", "0x80"), undefined],
    [
      "a number Pulumi reads as octal",
      value("backupRetentionDays", "035"),
      /^forma3d:database\.backupRetentionDays: found '035'; allowed: .*without leading zeros/,
    ],
    [
      "a day Pulumi reads as a moment",
      value("secretsIssued", "2026-11-01"),
      /^forma3d:vault\.secretsIssued: found '2026-11-01'; allowed: the same in quotes/,
    ],
    [
      "a number with underscores",
      value("storageGB", "1_28"),
      /^forma3d:database\.storageGB: found '1_28'; allowed: /,
    ],
    ...["0b11", "0x1_f", "1_0.5", "0o1_7"].map((text): [string, string, RegExp] => [
      `a name Pulumi reads as a number, ${text}`,
      value("costCenter", text),
      /^forma3d:tags\.costCenter: found '0\S+|^forma3d:tags\.costCenter: found '1_0\.5'/,
    ]),
    [
      "a number in quotes, of several that are taken",
      value("storageGB", '"128"'),
      /^forma3d:database\.storageGB: found '128'; allowed: one of 32, .*, without quotes$/,
    ],
    [
      "a tab",
      base.replace("\n  forma3d:", "\n\tforma3d:"),
      /^\(file\): found 'tab characters must not be used in indentation/,
    ],
    ["an alias of nothing", value("forma3d:shortName", "*a"), /^\(file\): found 'unidentified alias "a"/],
    [
      "a merge",
      base.replace("config:", "config:\n  <<: { a: 1 }"),
      /^<<: found \{ a: 1 \}; allowed: keys of forma3d: and pulumi: only/,
    ],
    [
      "an alias of what holds it",
      `config: &c\n  forma3d:tags: *c\n`,
      /^pulumi:disable-default-providers: required/,
    ],
    [
      "aliases of aliases",
      `a: &a [${"x,".repeat(9)}x]\nb: &b [${"*a,".repeat(9)}*a]\nc: [${"*b,".repeat(9)}*b]\nconfig: {}\n`,
      /^a: found \[ 'x', .*\]; allowed: only config, /,
    ],
    ["a second document", `${base}---\nconfig: {}\n`, /^\(file\): found 'expected a single document/],
    [
      "a tag of a language",
      `${base}  forma3d:x: !!js/function 'x'\n`,
      /^\(file\): found 'unknown scalar tag/,
    ],
    [
      "the language's own names",
      `${base}  forma3d:__proto__: { x: 1 }\n`,
      /^forma3d:__proto__: found \{ x: 1 \}; allowed: only environment/,
    ],
    ...["{ __proto__: on }", "{ constructor: on }"].map((text): [string, string, RegExp] => [
      `the same among values of any name, ${text}`,
      base.replace("replica: {}", `replica: {}\n    parameters: ${text}`),
      /^forma3d:database\.parameters\.\w+: found 'on'; allowed: (another name|a server parameter Azure lets one set)$/,
    ]),
    [
      "and their text form",
      `${base}  forma3d:toString: x\n`,
      /^forma3d:toString: found 'x'; allowed: only environment/,
    ],
    [
      "another encoding",
      Buffer.from(`# caf\u00e9\n${base}`, "latin1"),
      /^\(file\): found 'bytes that are no UTF-8'; allowed: a text in UTF-8$/,
    ],
    [
      "a line without a colon",
      base.replace("storageGB: 128", "storageGB 128"),
      /^\(file\): found 'can not read a block mapping entry.*; allowed: valid YAML \(line 4\d\)$/,
    ],
    [
      "a word that is no truth value, and has no quotes to leave out",
      base.replace("protectData: true", "protectData: yes"),
      /^forma3d:protectData: found 'yes'; allowed: true or false$/,
    ],
    ["nothing", "", /^\(file\): found 'expected a document, but the input is empty'/],
  ])("%s", (_, content, message) => {
    const lines = said(content);
    if (message === undefined) expect(lines).toEqual([]);
    else {
      expect(lines[0]).toMatch(message);
      for (const line of lines) expect(line).toMatch(/^[^\n]+: (required|found .+); allowed: .+/);
    }
  });
});
