import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import { readStackFile, readStacks, stackFileProblems, stackNames } from "../../stacks/files";
import { ConfigError, problemLine } from "../../stacks/problems";
import { stackSchema } from "../../stacks/schema";

const ROOT = path.join(__dirname, "../..");
const STACKS = stackNames(ROOT);

type Path = readonly (string | number)[];
type Document = { config: Record<string, unknown> };

const LINE = /^[^\s:]+(:[^\s:]+)*: (found .+|required); allowed: .+$/s;

/** A stack file with every default written out, so that a mutation reaches all of its keys. */
function complete(stack: string): Document {
  const file = path.join(ROOT, `Pulumi.${stack}.yaml`);
  const { config } = yaml.load(fs.readFileSync(file, "utf8")) as Document;
  const values = Object.entries(readStackFile(ROOT, stack).config).map(([key, value]) => [
    `forma3d:${key}`,
    value,
  ]);
  return structuredClone({ config: { ...config, ...Object.fromEntries(values) } });
}

const lines = (stack: string, document: unknown): string[] =>
  stackFileProblems(stack, document).map(problemLine);

/** A copy with the value at a path replaced; undefined takes it away. */
function replaced(document: unknown, at: Path, value: unknown): unknown {
  const [first, ...rest] = at;
  if (first === undefined) return value;
  const copy: any = Array.isArray(document) ? [...document] : { ...(document as object) };
  const inner = replaced(copy[first], rest, value);
  if (inner === undefined) delete copy[first];
  else copy[first] = inner;
  return copy;
}

function schemaAt(at: Path): any {
  let here: any = stackSchema;
  for (const key of at) {
    while (!(here instanceof z.ZodObject) && !(here instanceof z.ZodArray) && here?.unwrap)
      here = here.unwrap();
    if (here instanceof z.ZodObject) here = here.shape[key];
    else if (here instanceof z.ZodArray) here = here.element;
    else return undefined;
  }
  return here;
}

/** Random numbers that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const random = seeded(20261129);
const GARBAGE = "!?{}<>\\|^~`\u0007\u2603$%&*+=;";

/** Text no key of the file has a use for. */
function garbage(): string {
  const pick = (letters: string) => letters[Math.floor(random() * letters.length)] ?? "!";
  const core = Array.from({ length: 4 + Math.floor(random() * 8) }, () => pick(GARBAGE)).join("");
  return `${pick("abcxyz0189 ")}${core}${pick("abcxyz0189 ")}`;
}

/** Text people write for people: almost anything is allowed there but length. */
const PROSE = /reason$|costCenter$|principalName$/;
/** Maps whose keys are free, or whose entries may be left out. */
const FREE_KEYS = /parameters$/;

/** Values nobody could mean in place of one. */
function* nonsense(at: Path, value: unknown): Generator<[what: string, value: unknown]> {
  const schema = schemaAt(at);
  const required = schema instanceof z.ZodType && !schema.safeParse(undefined).success;
  if (required && typeof at.at(-1) === "string") yield ["taken away", undefined];
  yield ["null", null];
  if (typeof value === "number") {
    yield ["negative", -1 - value];
    yield ["huge", 1e9];
    // Pulumi itself writes a number at the top in quotes.
    if (at.length > 1) yield ["text", `${value}`];
    yield ["no number", Number.NaN];
    let whole: any = schema;
    while (whole?.unwrap) whole = whole.unwrap();
    if (whole?.isInt !== false) yield ["a fraction", value + 0.5];
  } else if (typeof value === "string") {
    if (at[0] !== "nameSuffix" && at[0] !== "lastingNameSuffix") yield ["empty", ""];
    yield ["300 letters", "x".repeat(300)];
    yield ["a number", 7];
    yield ["true", true];
    yield ["a list of it", [value]];
    if (!PROSE.test(String(at.at(-1)))) {
      yield ["spaces around", ` ${value} `];
      yield ["two lines", `${value}\nx`];
      yield ["garbage", garbage()];
    }
  } else if (typeof value === "boolean") {
    yield ["yes", "yes"];
    yield ["one", 1];
    yield ["a list of it", [value]];
  } else if (Array.isArray(value)) {
    yield ["no list", "x"];
    yield ["a list of nothing", [null]];
    if (value.length > 0) yield ["an entry twice", [...(value as unknown[]), value[0]]];
  } else if (typeof value === "object" && value !== null) {
    yield ["a list", [1]];
    yield ["text", "x"];
    if (!FREE_KEYS.test(String(at.at(-1)))) {
      yield ["a key too many", { ...value, typo: 1 }];
      yield ["a key of the language", { ...value, ["__proto__"]: null, constructor: { x: 1 } }];
    } else yield ["an unknown parameter", { ...value, max_conections: "100" }];
  }
}

function* places(value: unknown, at: Path = []): Generator<[Path, unknown]> {
  if (at.length > 0) yield [at, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    yield* places(inner, [...at, Array.isArray(value) ? Number(key) : key]);
}

test.each(STACKS)(
  "%s: no value that is nonsense is accepted, and each is named with what is allowed",
  (stack) => {
    const base = complete(stack);
    expect(lines(stack, base)).toEqual([]);
    const accepted: string[] = [];
    const unclear: string[] = [];
    let tried = 0;
    for (const [key, section] of Object.entries(readStackFile(ROOT, stack).config)) {
      for (const [at, value] of places({ [key]: section })) {
        for (const [what, wrong] of nonsense(at, value)) {
          // Half of them, the same ones in every run.
          if (random() < 0.5) continue;
          tried++;
          const [first, ...rest] = at;
          const where = ["config", `forma3d:${String(first)}`, ...rest];
          const said = lines(stack, replaced(base, where, wrong));
          const title = `${at.join(".")} ${what}`;
          if (said.length === 0) accepted.push(title);
          const about = said.some((line) => line.startsWith(`forma3d:${String(first)}`));
          if (!about || !said.every((line) => LINE.test(line))) unclear.push(`${title}: ${said.join(" / ")}`);
        }
      }
    }
    expect({ accepted, unclear }).toEqual({ accepted: [], unclear: [] });
    expect(tried).toBeGreaterThan(500);
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
  ["cluster.kubernetesVersion", "1.10", /found '1\.10'; allowed: one of "1\.34", "1\.35", "1\.36", "1\.37"/],
  ["cluster.kubernetesVersion", 1.35, /found 1\.35; allowed: one of "1\.34", /],
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

const SECOND_TARGET = {
  region: "eu-central-1",
  bucket: "forma3d-backups",
  addresses: ["203.0.113.0/24"],
};
/** The key of age's own documentation, and one with two letters in each other's place. */
const AGE_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const MISTYPED_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5fsn9aqmcac8p";
const API_IMAGE =
  "ghcr.io/forma3d/api@sha256:3b1f6f1c0c5e4a1d9a7e2b8c4d5f6071829304a5b6c7d8e9f0a1b2c3d4e5f607";
const target = (changes: object) => ({
  "recovery.encryption": { recipients: [AGE_KEY] },
  "recovery.s3": { ...SECOND_TARGET, ...changes },
});
const announcement = (changes: object) => ({
  "alerts.maintenance": [
    {
      name: "move",
      startsAt: "2026-12-20T00:00:00Z",
      endsAt: "2026-12-20T01:00:00Z",
      announcedAt: "2026-11-10T00:00:00Z",
      reason: "upgrade",
      ...changes,
    },
  ],
});
const told = (...at: string[]) => ({
  "statusPage.incidents": at.map((when) => ({ at: when, phase: "investigating", service: "Database" })),
});
const windows = (...times: (readonly [startsAt: string, endsAt: string])[]) => ({
  "alerts.maintenance": times.map(([startsAt, endsAt], index) => ({
    name: `move-${index}`,
    startsAt,
    endsAt,
    announcedAt: "2026-11-10T00:00:00Z",
    reason: "upgrade",
  })),
});
const incident = (changes: object) => ({
  "statusPage.incidents": [{ at: "2026-11-01T00:00:00Z", service: "Database", ...changes }],
});
const parameters = (values: Record<string, string>) => ({ "database.parameters": values });
const schedules = (values: Record<string, string>) => ({ "recovery.schedules": values });

/** Values each of which is of the right form, and which together, or for what they are, nobody can mean. */
type Nonsense = [changes: Record<string, unknown>, message: RegExp, stack?: string];

const NONSENSE: Nonsense[] = [
  // One id, name or image in two places.
  [{ "azure.tenantId": "8d2f5c1e-6b0a-4f53-9a57-1c9e3b7d4a10" }, /azure\.tenantId: .*azure\.subscriptionId$/],
  [
    { "cluster.adminGroupObjectIds": ["3f1e9c7a-52d8-4b60-8e4b-7a2c5d9f0b61"] },
    /adminGroupObjectIds\[0\]: .*another id than azure\.tenantId$/,
  ],
  [
    { "controlPlane.deployObjectId": "3f1e9c7a-52d8-4b60-8e4b-7a2c5d9f0b61" },
    /controlPlane\.deployObjectId: .*another id than azure\.tenantId$/,
  ],
  [
    { "database.administratorLogin": "api_weu" },
    /administratorLogin: .*the application's own roles and logins$/,
  ],
  [
    { "database.entraAdministrators.0.principalName": "forma3d_admin" },
    /principalName: .*another name than database\.administratorLogin$/,
  ],
  [
    { "workloads.dashboard.image": API_IMAGE },
    /dashboard\.image: .*another image than workloads\.api\.image$/,
  ],
  [{ "workloads.api.image": `localhost/${API_IMAGE.slice(8)}` }, /a registry with a public name/],
  [
    { "workloads.api.image": `ghcr.io/forma3d/api@sha256:${"0".repeat(64)}` },
    /api\.image: .*never one digit over and over$/,
  ],
  // Names and addresses nobody has.
  [{ "tags.owner": "platform@example.com" }, /an e-mail address somebody reads$/],
  [{ "alerts.emails": ["oncall@forma3d.invalid"] }, /an e-mail address somebody reads$/],
  [{ "edge.apiHostName": "1.2.3.4" }, /apiHostName: .*a domain of your own$/],
  [{ "edge.apiHostName": "api.forma3d.local" }, /a domain of your own$/],
  [{ "edge.apiHostName": "forma3d.azurefd.net" }, /a domain of your own$/],
  [{ "edge.apiHostName": "xn--frma-hra.com" }, /a name without xn--/],
  [{ "edge.apiHostName": `${"a".repeat(60)}.forma3d.com` }, /a name of at most 64 characters/],
  [{ "controlPlane.repository": "../.." }, /a GitHub repository as owner\/name$/],
  [{ "controlPlane.repository": "forma3d/platform.git" }, /a GitHub repository as owner\/name$/],
  [{ "cluster.authorizedIpRanges": ["240.0.0.0/24"] }, /of public addresses/],
  [{ "cluster.authorizedIpRanges": ["203.000.113.0/24"] }, /of public addresses/],
  [
    { "cluster.authorizedIpRanges": ["203.0.113.0/24", "203.0.113.16/29"] },
    /\[1\]: .*a block apart from 203/,
  ],
  [
    target({ endpoint: "https://user:hunter2@s3.forma3d.com" }),
    /found 'https:\/\/…@s3\.forma3d\.com'; .*without a user/,
  ],
  [target({ endpoint: "https://s3.forma3d.com?x=1" }), /an https URL without a path$/],
  [target({ endpoint: "https://localhost" }), /an https URL of a public name/],
  [target({ region: "---" }), /a region such as eu-central-1$/],
  [target({ addresses: ["198.0.0.0/8"] }), /of public addresses/],
  [{ "recovery.encryption": { recipients: [MISTYPED_KEY] } }, /its checksum says that letters are wrong$/],
  // Dates.
  [{ "budget.from": "2099-01-01" }, /budget\.from: .*at most two years from today/],
  [
    { "database.restoredAt": "2199-01-01T00:00:00Z" },
    /restoredAt: .*at most tomorrow: it says what has happened/,
  ],
  [
    announcement({ startsAt: "2099-01-01T00:00:00Z", endsAt: "2099-01-01T01:00:00Z" }),
    /at most two years from today/,
  ],
  [announcement({ reason: "        " }), /reason: .*5-200 characters of text$/],
  [told("2099-01-01T00:00:00Z"), /incidents\[0\]\.at: .*at most tomorrow/],
  [told("2024-11-01T00:00:00Z", "2024-11-02T00:00:00Z"), /incidents\[1\]\.at: .*the newest stands first$/],
  [
    {
      "statusPage.incidents": [
        {
          at: "2026-11-01T00:00:00Z",
          phase: "resolved",
          service: "Database",
          postmortem: "javascript:alert(1)",
        },
      ],
    },
    /postmortem: .*an https address everybody can open$/,
  ],
  // What a region that stands by, and a pool, can hold.
  [
    { "cluster.standby": { userMinCount: 10 } },
    /userMinCount: found 10; allowed: at most userPool\.maxCount \(9\)$/,
  ],
  [{ "cluster.standby": { userMinCount: 1 } }, /0 without regions\.secondary/, "staging"],
  [
    { "cluster.userPool.minCount": 1, "cluster.userPool.maxCount": 1 },
    /at least 3, a node for each of cluster\.zones$/,
  ],
  [{ "cluster.systemPool.count": 2 }, /systemPool\.count: found 2; allowed: at least 3/],
  [
    {
      "regions.primary.location": "norwaywest",
      "monitoring.region": "norwaywest",
      "storage.redundancy": "Standard_LRS",
      "cluster.zones": ["1"],
    },
    /cluster\.zones: .*\[\], because norwaywest has no availability zones$/,
    "staging",
  ],
  [
    { "workloads.api.resources.memoryRequest": "1Gi", "workloads.api.maxReplicas": 100 },
    /api\.maxReplicas: found 100; allowed: at most 17: cluster\.userPool has 3 nodes/,
    "staging",
  ],
  [{ "workloads.api.resources.cpuRequest": "1m" }, /cpuRequest: found '1m'; .*at least 10m/],
  [{ "workloads.api.resources.cpuLimit": "1.12345" }, /a Kubernetes CPU quantity/],
  [{ "workloads.api.resources.memoryRequest": "1Mi" }, /at least 16Mi/],
  [{ "edge.webhookRateLimitPerMinute": 200 }, /at least rateLimitPerMinute \(600\)/],
  // By the way of error reports a region that does not serve would reach a partner.
  [{ "gateway.errorReports": "api.simplyprint.io" }, /errorReports: .*no host of simplyprint: its calls/],
  [{ "gateway.errorReports": "some-shop.myshopify.com" }, /errorReports: .*no host of shopify/],
  [{ "gateway.errorReports": "api.forma3d.com" }, /errorReports: .*another host than those of edge/],
  [
    { "gateway.errorReports": "https://o42.ingest.de.sentry.io" },
    /errorReports: .*allowed: a lower-case DNS name$/,
  ],
  // The database.
  [
    { "database.pool": { defaultPoolSize: 100, maxClientConnections: 10 } },
    /at least defaultPoolSize \(100\)/,
  ],
  [
    {
      "regions.primary.role": "lost",
      "regions.secondary.role": "serving",
      "database.replica": { bootstrap: true },
    },
    /replica\.bootstrap: found true; allowed: false while regions\.secondary serves/,
  ],
  [{ "database.withoutReplica": "because staging never has one" }, /nothing outside prod/, "staging"],
  [parameters({ autovacuum: "off" }), /nothing here: without it tables grow/],
  [parameters({ track_counts: "off" }), /nothing here: autovacuum does not run without it$/],
  [parameters({ password_encryption: "md5" }), /nothing here: scram-sha-256/],
  [parameters({ search_path: "nowhere" }), /search_path: .*nothing here/],
  [parameters({ "pgbouncer.pool_mode": "statement" }), /nothing here: transaction/],
  [parameters({ statement_timeout: "1" }), /0 \(none\), or at least 1000: milliseconds$/],
  [parameters({ lock_timeout: "5" }), /0 \(none\), or at least 100: milliseconds$/],
  [parameters({ max_connections: "0100" }), /a whole number from 25 to 5000/],
  [parameters({ max_connections: "100.0" }), /a whole number from 25 to 5000/],
  [parameters({ shared_buffers: "1073741823" }), /at most 1572864: Standard_D4ds_v5 has 16 GiB of memory$/],
  [parameters({ min_wal_size: "2048" }), /at most 1024, max_wal_size$/],
  [parameters({ max_wal_size: "40" }), /at least 80, min_wal_size$/],
  [parameters({ max_worker_processes: "0" }), /at least 8, max_parallel_workers$/],
  [
    parameters({ ssl_min_protocol_version: "TLSv1.3", ssl_max_protocol_version: "TLSv1.2" }),
    /at least ssl_min/,
  ],
  [parameters({ "azure.extensions": "pgcrypto" }), /a list with amcheck, citext, /],
  [parameters({ shared_preload_libraries: "pgaudit" }), /a list with pg_stat_statements/],
  [
    parameters({ "cron.database_name": "elsewhere" }),
    /postgres or database\.applicationDatabase \(forma3d\)$/,
  ],
  [parameters({ "pgbouncer.min_pool_size": "4000" }), /at most database\.pool\.defaultPoolSize \(50\)$/],
  [
    {
      "database.skuName": "Standard_B2ms",
      "database.tier": "Burstable",
      "database.highAvailability": "Disabled",
      ...parameters({ "pgbouncer.server_idle_timeout": "60" }),
    },
    /nothing on the Burstable tier, which has no PgBouncer$/,
    "staging",
  ],
  // Ids and names that are nobody's, or another environment's.
  [{ "azure.subscriptionId": "11111111-1111-1111-1111-111111111111" }, /never one digit over and over$/],
  [{ "azure.tenantId": "ffffffff-ffff-ffff-ffff-ffffffffffff" }, /never one digit over and over$/],
  ...["pg_monitor", "postgres", "azure_pg_admin", "public", "none"].map((name): Nonsense => [
    { "database.entraAdministrators.0.principalName": name },
    /principalName: .*none PostgreSQL or Azure reserve/,
  ]),
  [{ "database.entraAdministrators.0.principalName": "forma3d-prod-dba " }, /principalName: .*1-63 letters/],
  [
    { "database.entraAdministrators.0.principalType": "User" },
    /principalName: .*the name a User signs in with/,
  ],
  [{ "database.administratorLogin": "none" }, /a login Azure does not reserve/],
  [{ "database.applicationDatabase": "pgbouncer" }, /a name other than postgres, .*, pgbouncer, /],
  ...["forma3d.myshopify.com", "api.simplyprint.io"].map((host): Nonsense => [
    { "edge.apiHostName": host },
    /apiHostName: .*a domain of your own, not of /,
  ]),
  ...[
    "forma3d.github.io",
    "co.uk",
    "forma3d.trafficmanager.net",
    "x.westeurope.cloudapp.azure.com",
    "x.swedencentral.azurecontainerapps.io",
    "forma3d.onmicrosoft.com",
    "d111111abcdef8.cloudfront.net",
  ].map((host): Nonsense => [
    { "edge.dashboardHostName": host },
    /dashboardHostName: .*a domain of your own$/,
  ]),
  ...["login.microsoftonline.com", "management.azure.com", "x.blob.core.windows.net"].map(
    (host): Nonsense => [{ "gateway.errorReports": host }, /none of Microsoft's services$/],
  ),
  ...["https://api.forma3d.com/runbooks", "https://app.forma3d.com", "https://x.myshopify.com/r"].map(
    (address): Nonsense => [
      { "alerts.runbookBaseUrl": address },
      /runbookBaseUrl: .*runbooks are read while those are away$/,
    ],
  ),
  ...[
    "https://docs.forma3d.com/r.html",
    "https://docs.forma3d.com/r/../..",
    "https://docs.forma3d.com:99999/r",
  ].map((address): Nonsense => [
    { "alerts.runbookBaseUrl": address },
    /an https address of a folder, without a slash at its end$/,
  ]),
  ...["noreply", "no-reply", "do-not-reply+oncall", "mailer-daemon", "bounces"].map((name): Nonsense => [
    { "alerts.emails": [`${name}@forma3d.com`] },
    /emails\[0\]: .*an e-mail address somebody reads$/,
  ]),
  [{ "tags.owner": "noreply@forma3d.com" }, /tags\.owner: .*an e-mail address somebody reads$/],
  [{ "alerts.emails": ["oncall@api.forma3d.com"] }, /another host than edge's, which take no mail$/],
  [
    {
      "workloads.api.image":
        "ghcr.io/forma3d/api@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
    /the digest of an image: this one is of nothing$/,
  ],
  [{ "workloads.api.image": `ghcr.io:99999/${API_IMAGE.slice(8)}` }, /a registry's port of at most 65535$/],
  [{ "cluster.authorizedIpRanges": ["168.63.129.16/32"] }, /of public addresses/],
  [{ "cluster.authorizedIpRanges": ["192.88.99.0/24"] }, /of public addresses/],
  [target({ endpoint: "https://api.forma3d.com" }), /s3\.endpoint: .*neither the environment's own host nor/],
  [target({ endpoint: "https://x.blob.core.windows.net" }), /s3\.endpoint: .*nor one of Microsoft's$/],
  [target({ bucket: "backups-s3alias" }), /bucket: .*a name S3 does not keep to itself$/],
  // Sizes that do not hold each other.
  [
    { "database.replica": undefined, "database.withoutReplica": "x".repeat(25) },
    /withoutReplica: .*in words$/,
  ],
  [
    { "database.pool": { maxClientConnections: 60 } },
    /at least 130: 10 for each of workloads\.api\.maxReplicas/,
  ],
  [{ "database.pool": { maxPreparedStatements: 0 } }, /maxPreparedStatements: .*from 1 to 5000$/],
  [
    parameters({ max_connections: "66" }),
    /defaultPoolSize: found 50; allowed: at most 21, the 66 connections/,
  ],
  [
    { "workloads.api.resources.cpuRequest": "4", "workloads.api.resources.cpuLimit": "4" },
    /cpuRequest: found '4'; .*3860m and 14034Mi$/,
  ],
  [
    { "workloads.api.resources.memoryRequest": "14Gi", "workloads.api.resources.memoryLimit": "15Gi" },
    /memoryRequest: found '14Gi'; .*what AKS leaves to pods on a node/,
  ],
  [{ "gateway.timeoutSeconds": 31 }, /timeoutSeconds: found 31; allowed: a whole number from 1 to 30$/],
  [parameters({ work_mem: "2097151" }), /at most 335544: 50 connections of database\.pool\.defaultPoolSize/],
  [
    parameters({ maintenance_work_mem: "2097151", autovacuum_max_workers: "100" }),
    /maintenance_work_mem: .*at most 167772: 100 autovacuum_max_workers/,
  ],
  [parameters({ autovacuum_max_workers: "262143" }), /at most 260406: with max_connections, /],
  [parameters({ max_worker_processes: "262143" }), /starts no more than 262143 processes$/],
  [parameters({ max_wal_size: "65536" }), /at most 16384, half of database\.storageGB \(32\)/, "staging"],
  // Parameters that switch off what is watched, or what ends what.
  ...[
    "metrics.collector_database_activity",
    "metrics.autovacuum_diagnostics",
    "metrics.pgbouncer_diagnostics",
  ].map((name): Nonsense => [parameters({ [name]: "off" }), /nothing here: several alerts could never fire/]),
  ...["log_connections", "log_disconnections", "connection_throttle.enable", "row_security"].map(
    (name): Nonsense => [parameters({ [name]: "off" }), /nothing here: /],
  ),
  [
    parameters({ "pgbouncer.ignore_startup_parameters": "" }),
    /a list with extra_float_digits, statement_timeout/,
  ],
  [parameters({ wal_sender_timeout: "1" }), /0 \(none\), or at least 10000/],
  [parameters({ tcp_user_timeout: "1" }), /0 \(none\), or at least 1000/],
  [parameters({ idle_session_timeout: "1000" }), /0 \(none\), or at least 60000/],
  [
    parameters({ deadlock_timeout: "2147483647" }),
    /less than lock_timeout \(30000\), which ends everything first$/,
  ],
  [parameters({ lock_timeout: "120000" }), /less than statement_timeout \(60000\)/],
  [
    parameters({ statement_timeout: "5000", transaction_timeout: "4000", lock_timeout: "1000" }),
    /statement_timeout: found '5000'; allowed: less than transaction_timeout \(4000\)/,
  ],
  [parameters({ autovacuum_naptime: "2147483" }), /at most 3600: .*as if autovacuum were off$/],
  [parameters({ autovacuum_vacuum_threshold: "2147483647" }), /at most 10000000: /],
  [parameters({ autovacuum_vacuum_scale_factor: "100" }), /at most 1: /],
  [parameters({ log_min_messages: "panic" }), /error or a lower level/],
  [parameters({ log_min_error_statement: "fatal" }), /error or a lower level/],
  [
    { "database.version": "15", ...parameters({ transaction_timeout: "600000" }) },
    /PostgreSQL has it since 17, and version is 15$/,
    "staging",
  ],
  [
    { "database.version": "16", ...parameters({ enable_group_by_reordering: "off" }) },
    /since 17, and version is 16$/,
    "staging",
  ],
  [
    parameters({ "azure.extensions": "amcheck,citext,pg_stat_statements,pg_trgm,pgaudit,pgcrypt,uuid-ossp" }),
    /names of extensions Azure offers, .*; pgcrypt is none, did you mean pgcrypto\?$/,
  ],
  [
    parameters({ shared_preload_libraries: "pg_stat_statements,pgaudit,nonsense" }),
    /libraries Azure offers, .*nonsense is none$/,
  ],
  [parameters({ "pgaudit.log": "none,all" }), /a list without none, which says the opposite$/],
  [parameters({ "cron.max_running_jobs": "5" }), /nothing while shared_preload_libraries has no pg_cron$/],
  // Limits nothing passes, or that everything does.
  ...["databaseConnectionsPercent", "databaseCpuPercent", "memoryPercent"].map((key): Nonsense => [
    { "alerts.thresholds": { [key]: 100 } },
    /a whole number from 10 to 99$/,
  ]),
  [{ "alerts.thresholds": { diskPercent: { urgent: 100 } } }, /from 10 to 99$/],
  [{ "alerts.thresholds": { databaseStoragePercent: { urgent: 95 } } }, /from 10 to 94$/],
  [{ "alerts.thresholds": { databaseWalGiB: 128 } }, /less than database\.storageGB \(128\)/],
  [
    { "alerts.thresholds": { databaseWalGiB: 1 }, ...parameters({ max_wal_size: "8192" }) },
    /more than 8, what database\.parameters\.max_wal_size keeps/,
  ],
  [{ "alerts.thresholds": { certificateDays: { warning: 45 } } }, /a whole number from 1 to 44$/],
  [
    { "alerts.thresholds": { edgeFloodRequests: 3000 } },
    /more than 3000, what one client may send in five minutes/,
  ],
  [
    { "edge.rateLimitPerMinute": 20000, "edge.webhookRateLimitPerMinute": 20000 },
    /edgeFloodRequests: .*more than 100000/,
  ],
  [{ "alerts.thresholds": { backupMaxAgeHours: 49 } }, /at most 48: later, 2 daily backups/],
  [{ "alerts.thresholds": { readinessMaxAgeHours: 49 } }, /at most 48: later, 2 checks/],
  [{ "alerts.thresholds": { drillMaxAgeDays: 92 } }, /at most 62: later, 2 drills/],
  [{ "alerts.thresholds": { backupMaxUnprovedHours: 3 } }, /at least 4, the hours a proof may take/],
  [{ "monitoring.logCapGiB": 67 }, /at most 66: with more, a month of logs alone costs/],
  // Times.
  [schedules({ copy: "0 * * * *" }), /schedules\.copy: .*other minutes than recovery\.schedules\.hourly/],
  [schedules({ verify: "0 5 * * *" }), /schedules\.verify: .*other minutes than recovery\.schedules\.hourly/],
  [{ "storage.containers.4.retentionDays": 30 }, /at least 31, the days until the next drill$/, "staging"],
  [announcement({ endsAt: "2026-12-20T00:00:01Z" }), /endsAt: .*at least 5 minutes after/],
  [announcement({ reason: "....." }), /reason: .*in words$/],
  [
    windows(
      ["2026-12-20T00:00:00Z", "2026-12-20T02:00:00Z"],
      ["2026-12-20T01:00:00Z", "2026-12-20T03:00:00Z"],
    ),
    /maintenance\[1\]\.startsAt: .*a time outside alerts\.maintenance\[0\]/,
  ],
  [
    windows(
      ["2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z"],
      ["2026-12-08T00:00:00Z", "2026-12-15T00:00:00Z"],
    ),
    /maintenance\[1\]\.endsAt: .*windows of 7 days together in any 28/,
  ],
  [
    incident({ phase: "investigating", postmortem: "https://docs.forma3d.com/pm" }),
    /postmortem: .*nothing before it is resolved$/,
  ],
  [incident({ phase: "resolved", hours: 5 }), /hours: found 5; allowed: nothing: it is resolved$/],
  [
    told("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
    /incidents\[1\]\.at: .*each once: statusPage\.incidents\[0\]/,
  ],
  // Backups: when, how long, how watched.
  [{ "recovery.rpoMinutes": 1440 }, /at most 60, which production promises/],
  [{ "recovery.rtoMinutes": 250 }, /at most 240, which production promises/],
  [{ "recovery.rtoMinutes": 1 }, /a whole number from 5 to 2880$/],
  [schedules({ drill: "0 6 29 2 *" }), /schedules\.drill: .*once a quarter at least/],
  [schedules({ drill: "* * * * *" }), /schedules\.drill: .*once a day at most, all year$/],
  [schedules({ daily: "0 3 1 1 *", hourly: "0 * * * *" }), /a schedule that runs once a day, all year$/],
  [schedules({ daily: "0 3 * 1-11 *", hourly: "0 * * * *" }), /a schedule that runs once a day, all year$/],
  [schedules({ daily: "0 3 1-27 * *", hourly: "0 * * * *" }), /a schedule that runs once a day, all year$/],
  [schedules({ hourly: "0 0-2,4-23 * 1-6 *" }), /schedules\.hourly: .*all year$/],
  [schedules({ weekly: "30 12 * * *" }), /a schedule that runs once a week, all year$/],
  [schedules({ monthly: "30 21 31 * *" }), /a schedule that runs once a month, all year$/],
  [schedules({ monthly: "30 21 1 1 *" }), /a schedule that runs once a month, all year$/],
  [schedules({ verify: "0 0 1 1 *" }), /a schedule that runs at least once a day, all year$/],
  [schedules({ copy: "0 0 29 2 *" }), /a schedule that runs at least once a day, all year$/],
  [schedules({ prune: "0 0 1 1 *" }), /a schedule that runs at least once a week, all year$/],
  [{ "recovery.deadlineMinutes": { prune: 1440 } }, /deadlineMinutes\.prune: .*less than 1440, /],
  [{ "alerts.thresholds": { drillMaxAgeDays: 7 } }, /at least 31, the days between two runs/],
  [
    { "readiness.schedule": "30 5 * * 1-5" },
    /readiness\.schedule: .*at least once a day and at most once an hour/,
  ],
  [{ "readiness.schedule": "* * * * *" }, /readiness\.schedule: .*at most once an hour, all year$/],
  [
    { "alerts.thresholds": { readinessMaxAgeHours: 24 } },
    /more than 24, the hours between two runs of readiness/,
  ],
  [{ "alerts.thresholds": { backupMaxAgeHours: 24 } }, /more than 24, the hours between two daily backups$/],
  [{ "alerts.thresholds": { webhookSilenceMinutes: 900 } }, /less than 840, the minutes of businessHours/],
  [{ "alerts.thresholds": { secretDays: 90 } }, /less than 90, the days the shortest-lived secret lives$/],
  [{ "alerts.thresholds": { memoryPercent: 1 } }, /a whole number from 10 to 99$/],
  [{ "storage.containers.1.tiers": [{ tier: "Cool", afterDays: 30 }] }, /less than 30, the retention/],
  [
    {
      "storage.containers.3.tiers": [
        { tier: "Cool", afterDays: 1 },
        { tier: "Cold", afterDays: 2 },
      ],
    },
    /at least 31: Cool is paid for 30 days/,
  ],
  [
    { "storage.containers.3.retentionDays": 30 },
    /at least 31, the days until the next monthly backup$/,
    "staging",
  ],
  [
    { "storage.containers.2.retentionDays": 3 },
    /at least 7, the days until the next weekly backup$/,
    "staging",
  ],
];

/** A stack file with values laid over it. */
function changed(stack: string, changes: Record<string, unknown>): unknown {
  let document: unknown = yaml.load(fs.readFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), "utf8"));
  for (const [key, value] of Object.entries(changes)) {
    const [section, ...rest] = key.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    document = replaced(document, ["config", `forma3d:${String(section)}`, ...rest], value);
  }
  return document;
}

test.each(NONSENSE.map(([changes, message, stack = "prod"]) => [stack, changes, message] as const))(
  "%s with %j is refused where it stands",
  (stack, changes, message) => {
    const said = lines(stack, changed(stack, changes));
    for (const line of said) expect(line).toMatch(LINE);
    // One mistake is one message, so that nobody mends what follows from it.
    expect({ said }).toEqual({ said: [expect.stringMatching(message)] });
  },
);

/** What is fine in one file, and is another's. */
const BORROWED: Nonsense[] = [
  [{ "edge.apiHostName": "api2.staging.forma3d.com" }, /apiHostName: .*a name that is not one of staging$/],
  [
    { "edge.apiHostName": "api-prod.eu.forma3d.com" },
    /apiHostName: .*a name that is not one of prod$/,
    "staging",
  ],
  [{ "gateway.errorReports": "api.staging.forma3d.com" }, /errorReports: .*no host of staging$/],
  [target({ endpoint: "https://app.staging.forma3d.com" }), /s3\.endpoint: .*no host of staging$/],
  [target({ bucket: "staging-backups" }), /s3\.bucket: .*a name that is not one of staging$/],
  [{ "alerts.runbookBaseUrl": "https://api.staging.forma3d.com" }, /runbookBaseUrl: .*no host of staging$/],
  [{ "database.applicationDatabase": "forma3d_staging" }, /a name that is not one of staging$/],
  [
    { "database.entraAdministrators.0.principalName": "forma3d-staging-dba" },
    /principalName: .*a name that is not one of staging$/,
  ],
  [
    { "cluster.adminGroupObjectIds": ["B47A9E60-2C3D-4E8F-8B15-5D0F6A7C9E22"] },
    /adminGroupObjectIds\[0\]: .*not the subscription of staging$/,
  ],
  [
    { "azure.tenantId": "b47a9e60-2c3d-4e8f-8b15-5d0f6a7c9e22" },
    /tenantId: .*not the subscription of staging$/,
  ],
];

test.each(BORROWED.map(([changes, message, stack = "prod"]) => [stack, changes, message] as const))(
  "%s with %j is refused beside the other environments",
  (stack, changes, message) => {
    const document = changed(stack, changes) as Document;
    expect(lines(stack, document)).toEqual([]);
    let said: string[] = [];
    try {
      readStacks(ROOT, { [stack]: document });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      said = error.problems.map(problemLine);
    }
    expect({ said }).toEqual({ said: [expect.stringMatching(message)] });
    expect(said[0]).toMatch(new RegExp(`^Pulumi\\.${stack}\\.yaml: forma3d:`));
  },
);

test.each(["production", "prd", "live"])("no environment is called %s: production is prod", (environment) => {
  const document = changed("staging", { environment, shortName: "pr" });
  expect(stackFileProblems(environment, document).map(problemLine)).toContainEqual(
    expect.stringMatching(
      /^forma3d:environment: .*a name that does not mean production, whose stack is prod$/,
    ),
  );
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
