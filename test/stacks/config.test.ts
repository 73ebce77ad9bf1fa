import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import { readStackFile, readStacks, stackNames, stackPlatformNames } from "../../stacks/files";
import { ConfigError } from "../../stacks/problems";
import { backupWarnings } from "../../stacks/schema/recoveryRules";
import { secretDateWarnings } from "../../stacks/secretDates";
import { supportWarnings } from "../../stacks/supportDates";
import { SDK_KEY_VAULT_API } from "../../packages/azure-facts";
import azureFacts from "../../packages/emulated-azure/facts/azure.json";

const ROOT = path.join(__dirname, "../..");

/** As Pulumi writes them: nonce of 12 bytes, text with its tag; the salt before. */
const CIPHERTEXT = "v1:AAECAwQFBgcICQoL:EBESExQVFhcYGRobHB0eHyAhIiM=";
const SALT = `v1:AAECAwQFBgc=:${CIPHERTEXT}`;

type Document = { config: Record<string, unknown> };

function load(stack: string): Document {
  return yaml.load(fs.readFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), "utf8")) as Document;
}

/** Sets `forma3d:<key>` at a dotted path, or deletes it when the value is undefined. */
function set(document: Document, dotted: string, value: unknown): void {
  const [section, ...rest] = dotted.split(".") as [string, ...string[]];
  let here: Record<string, unknown> = document.config;
  const keys = [`forma3d:${section}`, ...rest];
  for (const key of keys.slice(0, -1)) here = here[key] as Record<string, unknown>;
  const last = keys.at(-1) as string;
  if (value === undefined) delete here[last];
  else here[last] = value;
}

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "stacks-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function write(stack: string, document: Document): void {
  fs.writeFileSync(path.join(folder, `Pulumi.${stack}.yaml`), yaml.dump(document));
}

function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.stack).toBeUndefined();
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

function problems(changes: Record<string, unknown>, stack = "prod"): string[] {
  const document = load(stack);
  for (const [key, value] of Object.entries(changes)) set(document, key, value);
  write(stack, document);
  return problemsOf(() => readStackFile(folder, stack));
}

test("all committed stack files are valid, frozen, and share nothing", () => {
  const stacks = readStacks(ROOT);
  expect(Object.keys(stacks)).toEqual(stackNames(ROOT));
  expect(Object.keys(stacks)).toEqual(expect.arrayContaining(["prod", "staging"]));
  expect(Object.isFrozen(stacks.prod?.storage.containers[0])).toBe(true);
  expect(() => {
    (stacks.prod as { environment: string }).environment = "other";
  }).toThrow(TypeError);
});

test("staging is smaller by its values alone: one region, no replica, its own subscription", () => {
  const { prod, staging } = readStacks(ROOT) as Required<ReturnType<typeof readStacks>>;
  expect(staging?.regions.secondary).toBeUndefined();
  expect(staging?.database.replica).toBeUndefined();
  expect(staging?.azure.subscriptionId).not.toBe(prod?.azure.subscriptionId);
});

describe("one value", () => {
  test.each([
    [
      "database.backupRetentionDays",
      5,
      "forma3d:database.backupRetentionDays: found 5; allowed: a whole number from 7 to 35",
    ],
    [
      "database.backupRetentionDays",
      36,
      "forma3d:database.backupRetentionDays: found 36; allowed: a whole number from 7 to 35",
    ],
    [
      "database.backupRetentionDays",
      "35",
      "forma3d:database.backupRetentionDays: found '35'; allowed: a whole number from 7 to 35, without quotes",
    ],
    [
      "database.storageGB",
      100,
      "forma3d:database.storageGB: found 100; allowed: one of 32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767",
    ],
    [
      "database.highAvailability",
      "Maybe",
      "forma3d:database.highAvailability: found 'Maybe'; allowed: one of ZoneRedundant, SameZone, Disabled",
    ],
    [
      "database.retention",
      35,
      "forma3d:database.retention: found 35; allowed: only version, skuName, tier, storageGB, highAvailability, geoRedundantBackup, backupRetentionDays, replica, withoutReplica, administratorLogin, entraAdministrators, applicationDatabase, restoredAt, generation, geoBackupOf, sslMode, maintenanceWindow, pool, parameters",
    ],
    [
      "database.restoredAt",
      "yesterday",
      "forma3d:database.restoredAt: found 'yesterday'; allowed: an instant in UTC, e.g. 2026-02-05T03:40:00Z",
    ],
    [
      "vault.tokenEncryptionKeys",
      [],
      "forma3d:vault.tokenEncryptionKeys: found []; allowed: at least one date, or stored tokens could not be read",
    ],
    [
      "vault.tokenEncryptionKeys",
      ["2026-11-01", "2027-04-01"],
      "forma3d:vault.tokenEncryptionKeys: found [ '2026-11-01', '2027-04-01' ]; allowed: the newest date first, each once",
    ],
    [
      "vault.tokenEncryptionKeys",
      ["2027-10-01", "2027-04-01", "2026-11-01"],
      "forma3d:vault.tokenEncryptionKeys: found [ '2027-10-01', '2027-04-01', '2026-11-01' ]; allowed: at most two dates: the key in use and, while tokens are re-encrypted, the one before",
    ],
    [
      "azure.subscriptionId",
      "prod",
      "forma3d:azure.subscriptionId: found 'prod'; allowed: a GUID such as 1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809",
    ],
    [
      "azure.tenantId",
      "00000000-0000-0000-0000-000000000000",
      "forma3d:azure.tenantId: found '00000000-0000-0000-0000-000000000000'; allowed: a GUID other than the all-zero one",
    ],
    [
      "environment",
      undefined,
      "forma3d:environment: required; allowed: 2-20 lower-case letters and digits, in words joined by a hyphen, starting with a letter",
    ],
    [
      "network.primary.addressSpace",
      "10.10.0.1/16",
      "forma3d:network.primary.addressSpace: found '10.10.0.1/16'; allowed: an IPv4 CIDR block without host bits, e.g. 10.20.0.0/16",
    ],
    [
      "network.primary.addressSpace",
      "8.8.0.0/16",
      "forma3d:network.primary.addressSpace: found '8.8.0.0/16'; allowed: a block of private address space (RFC 1918)",
    ],
    [
      "cluster.authorizedIpRanges",
      ["0.0.0.0/0"],
      "forma3d:cluster.authorizedIpRanges[0]: found '0.0.0.0/0'; allowed: an IPv4 CIDR block of public addresses without host bits, /24 or smaller, e.g. 203.0.113.0/29",
    ],
    [
      "workloads.api.image",
      "ghcr.io/forma3d/api:latest",
      "forma3d:workloads.api.image: found 'ghcr.io/forma3d/api:latest'; allowed: an image reference pinned by digest: registry/repository[:tag]@sha256:<64 hex digits>",
    ],
  ])("%s = %p", (key, value, message) => {
    expect(problems({ [key]: value })).toEqual([message]);
  });
});

describe("rules across fields", () => {
  test("the regions differ", () => {
    expect(problems({ "regions.secondary.location": "westeurope" })).toEqual([
      "forma3d:regions.secondary.location: found 'westeurope'; allowed: a region other than the primary",
    ]);
  });

  test("geo-redundant backups need the Azure pair", () => {
    expect(
      problems({
        "regions.secondary.location": "swedencentral",
        serving: { witness: "francecentral" },
        "statusPage.outsideRegion": "francecentral",
      }),
    ).toEqual([
      "forma3d:regions.secondary.location: found 'swedencentral'; allowed: northeurope, the Azure pair of westeurope, because backups are geo-redundant",
    ]);
    expect(
      problems({
        "regions.secondary.location": "swedencentral",
        "database.geoRedundantBackup": false,
        "serving.witness": "francecentral",
        "statusPage.outsideRegion": "francecentral",
      }),
    ).toEqual([]);
  });

  test("customers are told, whichever region is lost", () => {
    for (const region of ["westeurope", "northeurope"])
      expect(problems({ "statusPage.outsideRegion": region })).toEqual([
        `forma3d:statusPage.outsideRegion: found '${region}'; allowed: a region other than westeurope and northeurope, or the page would be lost with the one that serves`,
      ]);
  });

  test("two regions have a third that witnesses who serves", () => {
    const allowed = "a region other than westeurope and northeurope";
    expect(problems({ serving: undefined })).toEqual([
      `forma3d:serving.witness: required; allowed: ${allowed}: without a third place a region that is cut off goes on calling partners`,
    ]);
    expect(problems({ "serving.witness": "northeurope" })).toEqual([
      `forma3d:serving.witness: found 'northeurope'; allowed: ${allowed}`,
    ]);
    expect(problems({ "serving.witness": "swedensouth" })).toEqual([
      "forma3d:serving.witness: found 'swedensouth'; allowed: a region with availability zones",
    ]);
  });

  test("a secondary region and its address plan come together", () => {
    expect(problems({ "network.secondary": undefined })).toEqual([
      "forma3d:network.secondary: required; allowed: an address plan, because there is a secondary region",
    ]);
    expect(problems({ "regions.secondary": undefined })).toEqual([
      "forma3d:regions.secondary: required; allowed: a second region, because production survives the loss of one",
      "forma3d:serving.witness: found 'swedencentral'; allowed: nothing without regions.secondary",
      "forma3d:network.secondary: found 'an address plan'; allowed: nothing without regions.secondary",
      "forma3d:database.replica: found 'set'; allowed: nothing without regions.secondary",
      "forma3d:storage.copy.location: required; allowed: a region other than westeurope: a backup is kept in two accounts in two regions",
    ]);
    const failedOver = { "regions.primary.role": "lost", "regions.secondary.role": "serving" };
    const reason = "a major upgrade, for this week";
    expect(
      problems({ ...failedOver, "database.replica": undefined, "database.withoutReplica": reason }),
    ).toEqual([
      "forma3d:regions.secondary.role: found 'serving'; allowed: standby or lost without database.replica: there would be no database to serve with",
    ]);
  });

  test("a promoted replica has a standby in another zone only where there are zones", () => {
    const standby = { "database.replica.highAvailability": "ZoneRedundant" };
    expect(problems(standby)).toEqual([]);
    expect(
      problems({
        ...standby,
        "regions.secondary.location": "ukwest",
        "storage.copy": { redundancy: "Standard_LRS" },
        "cluster.zones": [],
        "database.geoRedundantBackup": false,
      }),
    ).toEqual([
      "forma3d:database.replica.highAvailability: found 'ZoneRedundant'; allowed: SameZone or Disabled, because ukwest has no availability zones",
    ]);
  });

  test("roles are a state of the platform, and what is not one names the transition that was meant", () => {
    const roles = (primary: string, secondary: string) =>
      problems({ "regions.primary.role": primary, "regions.secondary.role": secondary });
    for (const [primary, secondary] of [
      ["serving", "standby"],
      ["standby", "serving"],
      ["lost", "serving"],
      ["serving", "lost"],
    ] as const) {
      expect(roles(primary, secondary)).toEqual([]);
    }
    expect(roles("serving", "serving")).toEqual([
      "forma3d:regions.secondary.role: found 'serving'; allowed: one serving region: after a failover set the region that gave over to standby, or to lost while it does not answer",
    ]);
    for (const [primary, secondary] of [
      ["lost", "standby"],
      ["standby", "standby"],
      ["standby", "lost"],
      ["lost", "lost"],
    ] as const) {
      expect(roles(primary, secondary)).toEqual([
        `forma3d:regions.secondary.role: found '${secondary}'; allowed: serving for one of the two (primary is ${primary}): a failover makes the region that takes over serving`,
      ]);
    }
    expect(problems({ "regions.primary.role": "lost" }, "staging")).toEqual([
      "forma3d:regions.primary.role: found 'lost'; allowed: serving, because there is no other region; one that is lost is rebuilt",
    ]);
    expect(roles("active", "standby")).toEqual([
      "forma3d:regions.primary.role: found 'active'; allowed: one of serving, standby, lost",
    ]);
    expect(problems({ "regions.writer": "secondary" })).toEqual([
      "forma3d:regions.writer: found 'secondary'; allowed: only primary, secondary",
    ]);
  });

  test("copies of backups are the first server's until an adoption has made another pair", () => {
    const second = { "database.generation": 2, "database.geoBackupOf": "secondary" };
    expect(problems(second)).toEqual([]);
    expect(problems({ ...second, "database.geoBackupOf": "neither" })).toEqual([]);
    for (const found of ["secondary", "neither"])
      expect(problems({ "database.geoBackupOf": found })).toEqual([
        `forma3d:database.geoBackupOf: found '${found}'; allowed: primary until an adoption makes another pair (database.generation)`,
      ]);
    expect(problems(second, "staging")).toEqual([
      "forma3d:database.geoBackupOf: found 'secondary'; allowed: primary or neither without database.replica",
    ]);
  });

  test("with two regions, monitoring is not lost with the primary; with one it may stand there", () => {
    expect(problems({ "monitoring.region": "westeurope" })).toEqual([
      "forma3d:monitoring.region: found 'westeurope'; allowed: a region other than the primary, or alerts, logs and the public entry would be lost with it",
    ]);
    expect(problems({ "monitoring.region": "swedencentral" })).toEqual([]);
    const failedOver = { "regions.primary.role": "standby", "regions.secondary.role": "serving" };
    expect(problems({ ...failedOver, "monitoring.region": "northeurope" })).toEqual([]);
    const { staging } = readStacks(ROOT);
    expect(staging?.monitoring.region).toBe(staging?.regions.primary.location);
  });

  test("Azure restarts the database in no hour in which a backup may run", () => {
    const window = (dayOfWeek: string, startHour: number) => ({
      "database.maintenanceWindow": { dayOfWeek, startHour },
    });
    const daily = {
      "recovery.schedules": { hourly: "0 0-2,4-23 * * *", daily: "0 3 * * *", monthly: "30 9 1 * *" },
    };
    for (const hour of [1, 2, 5, 8]) expect(problems({ ...daily, ...window("Sunday", hour) })).toEqual([]);
    expect(problems({ ...daily, ...window("Sunday", 13) })).toEqual([
      'forma3d:database.maintenanceWindow.startHour: found 13; allowed: an hour on Sunday in which no weekly backup runs: one begins at "30 12 * * 0" and may take 120 minutes',
    ]);
    expect(problems({ ...daily, ...window("Sunday", 4) })).toEqual([
      'forma3d:database.maintenanceWindow.startHour: found 4; allowed: an hour on Sunday in which no daily backup runs: one begins at "0 3 * * *" and may take 120 minutes',
    ]);
    // A month begins on every weekday sooner or later.
    expect(problems({ ...daily, ...window("Wednesday", 10) })).toHaveLength(1);
    const late = {
      "recovery.schedules": { hourly: "0 0-2,4-23 * * *", weekly: "0 23 * * 6", monthly: "30 9 1 * *" },
    };
    const otherDay = { "cluster.upgradeWindow": { dayOfWeek: "Tuesday", startHour: 21 } };
    expect(problems({ ...late, ...otherDay, ...window("Sunday", 0) })).toHaveLength(1);
    expect(problems({ ...late, ...otherDay, ...window("Monday", 0) })).toEqual([]);
  });

  test("a monthly backup never meets a daily one, whose lease would cost a month's backup", () => {
    const schedules = (daily: string, monthly: string) =>
      problems({ "recovery.schedules": { hourly: "5 * * * *", daily, monthly } }).filter((text) =>
        text.includes("recovery.schedules"),
      );
    expect(schedules("0 3 * * *", "30 3 1 * *")).toEqual([
      "forma3d:recovery.schedules.monthly: found '30 3 1 * *'; allowed: at least 180 minutes from every daily backup (the deadline, and 60 it may start late); on 2026-01-01 one would be skipped",
    ]);
    expect(schedules("0 3 * * *", "0 3 1 * *")).toHaveLength(1);
    expect(schedules("0 23 * * *", "30 1 1 * *")).toHaveLength(1);
    expect(schedules("0 3 * * *", "0 6 1 * *")).toEqual([]);
    expect(schedules("0 3 * * *", "0 0 1 * *")).toEqual([]);
    // On Sundays alone, and the first of a month is one sooner or later.
    expect(schedules("0 3 * * 0", "0 4 1 * *")).toContainEqual(
      expect.stringContaining("monthly: found '0 4 1 * *'; allowed: at least 180 minutes"),
    );
  });

  test("a weekly backup meets neither a daily nor a monthly one", () => {
    const weekly = (schedule: string) => problems({ "recovery.schedules": { weekly: schedule } });
    expect(weekly("30 12 * * 0")).toEqual([]);
    expect(weekly("0 4 * * 0")).toEqual([
      "forma3d:recovery.schedules.weekly: found '0 4 * * 0'; allowed: at least 180 minutes from every daily backup (the deadline, and 60 it may start late); on 2026-01-04 one would be skipped",
    ]);
    expect(weekly("0 22 * * 0")).toEqual([
      expect.stringContaining("at least 180 minutes from every monthly backup"),
    ]);
  });

  test("the backups leave no gap longer than the recovery point, and an hourly one ends before the next", () => {
    expect(problems({ "recovery.schedules": { hourly: "0 */2 * * *" } })).toEqual([
      "forma3d:recovery.schedules.hourly: found '0 */2 * * *'; allowed: runs that, with the daily ones, leave no gap longer than recovery.rpoMinutes (60); the longest is 120 minutes",
    ]);
    // The daily one fills the hour that the hourly ones leave to it.
    expect(problems({ "recovery.schedules": { hourly: "0 0-2,4-23 * * *", daily: "0 4 * * *" } })).toEqual([
      expect.stringContaining("other minutes than recovery.schedules.daily (0 4 * * *)"),
      expect.stringContaining("the longest is 120 minutes"),
    ]);
    expect(problems({ "recovery.schedules": { hourly: "0 0-2,5-23 * * *" } })).toEqual([
      expect.stringContaining("the longest is 120 minutes"),
    ]);
    expect(problems({ "recovery.rpoMinutes": 30 })).toEqual([
      expect.stringContaining("forma3d:recovery.schedules.hourly: found '0 0-2,4-23 * * *'"),
    ]);
    expect(
      problems({
        "recovery.rpoMinutes": 30,
        "recovery.schedules": { hourly: "10,40 * * * *", copy: "*/20 * * * *" },
      }),
    ).toEqual([
      "forma3d:recovery.deadlineMinutes.hourly: found 55; allowed: less than 30, the minutes between two hourly backups",
    ]);
  });

  test("a disk may outgrow what an hour can dump, and a plan says so", () => {
    const grown = load("prod");
    const larger = {
      "database.storageGB": 256,
      "recovery.scratchGiB": 512,
      "recovery.deadlineMinutes": { backup: 64, verify: 128, drill: 360 },
    };
    for (const [key, value] of Object.entries(larger)) set(grown, key, value);
    write("prod", grown);
    const said = (config: Parameters<typeof backupWarnings>[0]) =>
      backupWarnings(config).filter((warning) => warning.includes("deadlineMinutes.hourly"));
    expect(said(readStackFile(folder, "prod").config)).toEqual([
      expect.stringContaining(
        "hourly: 55, but a full disk of database.storageGB (256) takes about 64 minutes",
      ),
    ]);
    expect(said(readStackFile(ROOT, "prod").config)).toEqual([]);
  });

  test("a bucket of another provider needs encryption, a public address, and keys that are keys", () => {
    const s3 = { region: "eu-central-1", bucket: "forma3d-prod", addresses: ["203.0.113.0/24"] };
    const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    expect(problems({ "recovery.s3": s3 })).toEqual([
      "forma3d:recovery.s3: found 'a target with another provider'; allowed: nothing without recovery.encryption.recipients: no backup leaves Azure readable",
    ]);
    expect(problems({ "recovery.s3": s3, "recovery.encryption": { recipients: [recipient] } })).toEqual([]);
    expect(problems({ "recovery.encryption": { recipients: ["AGE-SECRET-KEY-1QQQ"] } })).toHaveLength(1);
    const wrong = { ...s3, addresses: ["10.0.0.0/8"], endpoint: "http://s3.example.com" };
    expect(problems({ "recovery.s3": wrong, "recovery.encryption": { recipients: [recipient] } })).toEqual([
      expect.stringContaining("forma3d:recovery.s3.endpoint: found 'http://s3.example.com'"),
      expect.stringContaining("forma3d:recovery.s3.addresses[0]: found '10.0.0.0/8'"),
    ]);
  });

  test("there are two accounts for backups in two regions, as safe as each region allows", () => {
    expect(problems({ "storage.copy": { location: "swedencentral" } })).toEqual([
      "forma3d:storage.copy.location: found 'swedencentral'; allowed: nothing: the second account stands in regions.secondary (northeurope)",
    ]);
    for (const location of [undefined, "northeurope"]) {
      expect(problems({ "storage.copy": { location } }, "staging")).toEqual([
        expect.stringContaining(
          "allowed: a region other than northeurope: a backup is kept in two accounts in two regions",
        ),
      ]);
    }
    expect(problems({ "storage.copy": { location: "ukwest" } }, "staging")).toEqual([
      "forma3d:storage.copy.redundancy: found 'Standard_ZRS'; allowed: Standard_LRS, because ukwest has no availability zones",
    ]);
    expect(
      problems({ "storage.copy": { location: "ukwest", redundancy: "Standard_LRS" } }, "staging"),
    ).toEqual([]);
    expect(problems({ "storage.redundancy": "Standard_RAGRS" })).toEqual([
      "forma3d:storage.redundancy: found 'Standard_RAGRS'; allowed: one of Standard_ZRS, Standard_LRS",
    ]);
  });

  test("a run has time and room for the database it works on", () => {
    expect(
      problems({ "recovery.deadlineMinutes": { backup: 5, verify: 63 }, "recovery.scratchGiB": 100 }),
    ).toEqual([
      "forma3d:recovery.deadlineMinutes.backup: found 5; allowed: at least 32, a minute for every 4 GiB of database.storageGB (128)",
      "forma3d:recovery.deadlineMinutes.verify: found 63; allowed: at least 64, a minute for every 2 GiB of database.storageGB (128)",
      "forma3d:recovery.scratchGiB: found 100; allowed: at least database.storageGB (128), or a backup could not be restored in it",
    ]);
  });

  test.each([
    ["99 99 * * *", "values that exist"],
    ["0 3 31 2 *", "values that exist"],
    ["0 3 * *", "a cron expression of five fields"],
    ["0 3 L * *", "numbers, *, lists, ranges and steps only"],
    ["0 3 * * 7", "0 (Sunday) to 6 as the day of the week"],
  ])("a schedule Kubernetes would refuse or never reach is refused: %s", (prune, allowed) => {
    expect(problems({ "recovery.schedules": { prune } })[0]).toContain(
      `forma3d:recovery.schedules.prune: found '${prune}'; allowed: ${allowed}`,
    );
  });

  test("a version nobody mends any more is warned about and stops nothing", () => {
    const { prod } = readStacks(ROOT) as Required<ReturnType<typeof readStacks>>;
    if (!prod) throw new Error("there is no prod");
    const old = { ...prod, cluster: { ...prod.cluster, kubernetesVersion: "1.35" } as const };
    const warnings = (today: string) =>
      supportWarnings(old, new Date(`${today}T12:00:00Z`)).filter((one) => !one.startsWith("@pulumi"));
    expect(warnings("2027-02-28")).toEqual([]);
    expect(warnings("2027-03-01")).toEqual([
      expect.stringMatching(/^cluster\.kubernetesVersion: 1\.35 has had no security fixes since 2027-02-28/),
    ]);
    expect(warnings("2029-11-09")).toEqual([
      expect.stringContaining("kubernetesVersion"),
      expect.stringMatching(/^database\.version: 17 has had no security fixes since 2029-11-08/),
    ]);
  });

  test("the SDK's management API of vaults is warned about in time, by the version the SDK speaks", () => {
    const { prod } = readStacks(ROOT) as Required<ReturnType<typeof readStacks>>;
    if (!prod) throw new Error("there is no prod");
    for (const type of ["Vault", "Secret", "Key"] as const)
      expect(azureFacts.resources[`azure-native:keyvault:${type}`].apiVersion).toBe(SDK_KEY_VAULT_API);
    const warnings = (today: string) => supportWarnings(prod, new Date(`${today}T00:00:00Z`));
    expect(warnings("2026-12-28")).toEqual([]);
    expect(warnings("2026-12-29")).toEqual([
      expect.stringMatching(/^@pulumi\/azure-native speaks .*2024-11-01.* until 2027-02-26: .*2026-02-01$/),
    ]);
  });

  test("a day of issue in the future, or one that has let a secret expire, is warned about and stops nothing", () => {
    const { prod } = readStacks(ROOT) as Required<ReturnType<typeof readStacks>>;
    const warnings = (today: string) =>
      prod ? secretDateWarnings(prod, new Date(`${today}T12:00:00Z`)) : undefined;
    expect(warnings("2026-11-01")).toEqual([]);
    expect(warnings("2027-01-29")).toEqual([]);
    expect(warnings("2026-10-31")).toEqual([
      expect.stringMatching(/^vault\.secretsIssued: 2026-11-01 is after today \(2026-10-31\)/),
      expect.stringMatching(/^vault\.tokenEncryptionKeys: 2026-11-01 is after today/),
    ]);
    const [expired, ...others] = warnings("2027-01-30") ?? [];
    expect(others).toEqual([]);
    expect(expired).toContain("secrets past their longest life: database-api-password, ");
    expect(expired).not.toContain("shopify-token-encryption-key");
  });

  test("the Burstable tier has neither standby nor replica", () => {
    expect(problems({ "database.tier": "Burstable", "database.skuName": "Standard_B2ms" })).toEqual([
      "forma3d:database.highAvailability: found 'ZoneRedundant'; allowed: Disabled on the Burstable tier",
      "forma3d:database.replica: found 'set'; allowed: nothing on the Burstable tier",
    ]);
  });

  const container = (changes: object, purpose = "monthly") => {
    const { containers } = load("prod").config["forma3d:storage"] as { containers: { purpose: string }[] };
    return {
      "storage.containers": containers.map((c) => (c.purpose === purpose ? { ...c, ...changes } : c)),
    };
  };

  test("no lifecycle ends backups or the chain of drill reports: it would delete the last good one when backups stop", () => {
    for (const [index, purpose] of ["hourly", "daily", "weekly", "monthly"].entries()) {
      expect(problems(container({ immutabilityDays: undefined, deleteAfterDays: 3000 }, purpose))).toEqual([
        `forma3d:storage.containers[${index}].deleteAfterDays: found 3000; allowed: nothing: only the runner's prune ends backups, and only those with a verified successor`,
      ]);
    }
    expect(problems(container({ immutabilityDays: undefined, deleteAfterDays: 3000 }, "evidence"))).toEqual([
      "forma3d:storage.containers[4].deleteAfterDays: found 3000; allowed: nothing: drill reports are a chain, which the lifecycle would cut",
    ]);
    expect(problems(container({ immutabilityDays: undefined, deleteAfterDays: 3000 }, "incidents"))).toEqual(
      [],
    );
  });

  test("tiers strictly rise in days and coldness", () => {
    expect(
      problems(
        container({
          tiers: [
            { tier: "Cold", afterDays: 30 },
            { tier: "Cool", afterDays: 30 },
          ],
        }),
      ),
    ).toEqual([
      "forma3d:storage.containers[3].tiers[1].afterDays: found 30; allowed: more than 30, the days of the tier before",
      "forma3d:storage.containers[3].tiers[1].tier: found 'Cool'; allowed: a tier colder than Cold",
    ]);
  });

  test("the lifecycle never deletes before the promised retention", () => {
    expect(problems(container({ immutabilityDays: undefined, deleteAfterDays: 1095 }, "incidents"))).toEqual([
      "forma3d:storage.containers[5].deleteAfterDays: found 1095; allowed: at least 1096: the promised 1096 days, and later than the last tier",
    ]);
  });

  test("immutability never outlasts the retention, and excludes lifecycle deletion", () => {
    expect(problems(container({ immutabilityDays: 1097, deleteAfterDays: 1100 }, "incidents"))).toEqual([
      "forma3d:storage.containers[5].immutabilityDays: found 1097; allowed: at most 1096, the retention, or nothing could ever end it",
      "forma3d:storage.containers[5].deleteAfterDays: found 1100; allowed: nothing on an immutable container: the lifecycle never deletes there",
    ]);
  });

  test("the archive tier excludes zone-redundant storage", () => {
    expect(
      problems(
        {
          ...container({ tiers: [{ tier: "Archive", afterDays: 29 }] }),
          "storage.softDeleteDays": 30,
          "recovery.rtoMinutes": 1000,
          "recovery.deadlineMinutes": { drill: 1100 },
        },
        "staging",
      ),
    ).toEqual([
      "forma3d:storage.redundancy: found 'Standard_ZRS'; allowed: Standard_LRS, because a container uses the Archive tier",
    ]);
  });

  test("every purpose has one container", () => {
    const containers = (load("prod").config["forma3d:storage"] as { containers: object[] }).containers;
    expect(problems({ "storage.containers": [containers[1], containers[1], containers[4]] })).toEqual([
      "forma3d:storage.containers[1].purpose: found 'daily'; allowed: each purpose once",
      ...["hourly", "weekly", "monthly", "incidents"].map(
        (purpose) =>
          `forma3d:storage.containers: found [ 'daily', 'evidence' ]; allowed: a container for ${purpose}`,
      ),
    ]);
  });

  test("fewest pods and nodes are not above the most", () => {
    expect(problems({ "workloads.api.minReplicas": 13, "cluster.userPool.minCount": 10 })).toEqual([
      "forma3d:workloads.api.minReplicas: found 13; allowed: at most maxReplicas (12)",
      "forma3d:cluster.userPool.minCount: found 10; allowed: at most maxCount (9)",
    ]);
  });

  test("a drill may run longer than the objective it measures", () => {
    expect(problems({ "recovery.rtoMinutes": 300 }, "staging")).toEqual([
      "forma3d:recovery.deadlineMinutes.drill: found 300; allowed: more than rtoMinutes (300), or a missed RTO could not be measured",
    ]);
  });

  test("no address range overlaps another, in any region", () => {
    expect(problems({ "network.secondary.podCidr": "10.10.128.0/17" })).toEqual([
      "forma3d:network.secondary.podCidr: found '10.10.128.0/17'; allowed: a block that does not overlap network.primary.addressSpace (10.10.0.0/16)",
    ]);
  });

  test("a network too small for its subnets is refused", () => {
    expect(problems({ "network.primary.addressSpace": "10.10.0.0/20" })).toEqual([
      "forma3d:network.primary.addressSpace: found '10.10.0.0/20'; allowed: a block large enough for all subnets: /19 or larger",
    ]);
  });

  test("a name too long for Azure is refused before Azure sees it", () => {
    expect(
      problems({ nameSuffix: "abcde", shortName: "prod", "regions.primary.location": "westeurope" }),
    ).toEqual([
      `forma3d:shortName: found 'prod'; allowed: values whose derived names Azure accepts; westeurope.vault: "kv-forma3d-prod-weu-abcde" has 25 characters, vault names have at most 24`,
      `forma3d:shortName: found 'prod'; allowed: values whose derived names Azure accepts; northeurope.vault: "kv-forma3d-prod-neu-abcde" has 25 characters, vault names have at most 24`,
    ]);
  });

  test("a field's own problem hides no problem of another section", () => {
    expect(problems({ "tags.owner": "nobody", "workloads.api.minReplicas": 13 })).toEqual([
      "forma3d:tags.owner: found 'nobody'; allowed: an e-mail address",
      "forma3d:workloads.api.minReplicas: found 13; allowed: at most maxReplicas (12)",
    ]);
  });
});

describe("between stacks", () => {
  function shared(changes: Record<string, unknown>): string[] {
    write("prod", load("prod"));
    const staging = load("staging");
    for (const [key, value] of Object.entries(changes)) set(staging, key, value);
    write("staging", staging);
    return problemsOf(() => readStacks(folder));
  }

  const prod = load("prod").config["forma3d:azure"] as { subscriptionId: string };

  test.each([
    [
      { "azure.subscriptionId": prod.subscriptionId.toUpperCase() },
      `Pulumi.staging.yaml: forma3d:azure.subscriptionId: found '${prod.subscriptionId}'; allowed: a value that Pulumi.prod.yaml does not use`,
    ],
    [
      { "network.primary.addressSpace": "10.20.0.0/17" },
      "Pulumi.staging.yaml: forma3d:network.primary.addressSpace: found '10.20.0.0/17'; allowed: a block that does not overlap forma3d:network.secondary.addressSpace of Pulumi.prod.yaml (10.20.0.0/16)",
    ],
    [
      { "edge.apiHostName": "api.forma3d.com" },
      "Pulumi.staging.yaml: forma3d:edge.apiHostName: found 'api.forma3d.com'; allowed: a value that Pulumi.prod.yaml does not use",
    ],
  ])("%p", (changes, message) => {
    expect(shared(changes)).toEqual([message]);
  });

  test("a shared name shares server, vault, storage account and endpoint, and is said once", () => {
    expect(shared({ shortName: "prod", nameSuffix: "", lastingNameSuffix: "" })).toEqual([
      "Pulumi.staging.yaml: forma3d:shortName: found 'prod'; allowed: an abbreviation of environment (staging): its first letter and others of it in order",
      "Pulumi.staging.yaml: forma3d:shortName: found 'prod'; allowed: a value that Pulumi.prod.yaml does not use: both would have the database virtual endpoint forma3d-prod-db, the storage account stforma3dprodbkpneu, the storage account stforma3dprodbkpweu, the vault kv-forma3d-prod-neu, the server psql-forma3d-prod-neu",
    ]);
  });

  test("problems of several files are listed together", () => {
    const broken = load("prod");
    set(broken, "environment", "PROD");
    write("prod", broken);
    const staging = load("staging");
    set(staging, "vault.secretsIssued", "yesterday");
    write("staging", staging);
    const found = problemsOf(() => readStacks(folder));
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(/^Pulumi\.prod\.yaml: forma3d:environment: found 'PROD'/);
    expect(found[1]).toMatch(/^Pulumi\.staging\.yaml: forma3d:vault\.secretsIssued: found 'yesterday'/);
  });

  test("a mistake in one file does not hide what it shares with another", () => {
    write("prod", load("prod"));
    const staging = load("staging");
    set(staging, "database.storageGB", 33);
    set(staging, "network.primary.addressSpace", "10.10.0.0/16");
    write("staging", staging);
    expect(problemsOf(() => readStacks(folder))).toEqual([
      expect.stringMatching(/^Pulumi\.staging\.yaml: forma3d:database\.storageGB: found 33; allowed: /),
      expect.stringMatching(
        /^Pulumi\.staging\.yaml: forma3d:network\.primary\.addressSpace: found '10\.10\.0\.0\/16'; allowed: a block that does not overlap forma3d:network\.primary\.addressSpace of Pulumi\.prod\.yaml /,
      ),
    ]);
  });
});

describe("the file itself", () => {
  test("an unknown stack names the known ones", () => {
    write("prod", load("prod"));
    expect(() => readStackFile(folder, "dev")).toThrow(
      "stack dev: 1 problem\n  (file): found 'dev'; allowed: one of prod",
    );
    expect(() => readStackFile(folder, "../prod")).toThrow(ConfigError);
    expect(stackNames(folder)).toEqual(["prod"]);
  });

  test("malformed YAML is one readable line", () => {
    fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), "config:\n  a: [1\n");
    expect(() => readStackFile(folder, "prod")).toThrow(
      /^Pulumi\.prod\.yaml: 1 problem\n {2}\(file\): found '.+'; allowed: valid YAML \(line \d\)$/,
    );
  });

  test("a file without config, and settings of providers, are refused", () => {
    fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), "hello\n");
    expect(problemsOf(() => readStackFile(folder, "prod").config)).toEqual([
      "config: required; allowed: a mapping of forma3d:<key> entries",
    ]);
    const document = load("prod");
    document.config["azure-native:subscriptionId"] = "x";
    write("prod", document);
    expect(problemsOf(() => readStackFile(folder, "prod").config)).toEqual([
      "azure-native:subscriptionId: found 'x'; allowed: keys of forma3d: and pulumi: only; providers are pinned by the program",
    ]);
  });

  test("default providers cannot be let in, and no key around the values goes unread", () => {
    const document = { ...load("prod"), environment: ["shared"], confg: {}, encryptionsalt: SALT };
    delete document.config["pulumi:disable-default-providers"];
    write("prod", document);
    expect(problemsOf(() => readStackFile(folder, "prod").config)).toEqual([
      "environment: found [ 'shared' ]; allowed: nothing: values imported from elsewhere are seen by no plan and no policy; write them below config",
      "confg: found {}; allowed: only config, secretsprovider, encryptedkey, encryptionsalt",
      'pulumi:disable-default-providers: required; allowed: ["*"]: no default provider at all',
    ]);
  });

  test("a file that pulumi config set rewrote, numbers and booleans in quotes, reads the same", () => {
    const before = load("prod");
    write("prod", before);
    const { config } = readStackFile(folder, "prod");
    expect(problems({ protectData: "true", logRetentionDays: String(config.logRetentionDays) })).toEqual([]);
    expect(readStackFile(folder, "prod").config).toEqual(config);
    expect(problems({ protectData: "maybe" })).toEqual([
      "forma3d:protectData: found 'maybe'; allowed: true or false",
    ]);
  });

  test("a secret in the clear is refused with the command that encrypts it", () => {
    expect(
      problems({ secretValues: { "smtp-password": "hunter2", colour: { secure: CIPHERTEXT } } }),
    ).toEqual([
      "encryptedkey: required; allowed: the key of the encrypted values, as pulumi stack init --secrets-provider writes it",
      "forma3d:secretValues.smtp-password: found 'a plain value'; allowed: an encrypted one: pulumi config set --stack prod --secret --path 'forma3d:secretValues.smtp-password'",
      expect.stringMatching(/^forma3d:secretValues\.colour: found 'an entry'; allowed: only smtp-password, /),
    ]);
    const document = { ...load("prod"), encryptionsalt: SALT };
    document.config["forma3d:secretValues"] = { "smtp-password": { secure: CIPHERTEXT } };
    write("prod", document);
    expect(readStackFile(folder, "prod").secretValues).toEqual(["smtp-password"]);
  });
});

test("names of an environment derive from its file", () => {
  const names = stackPlatformNames(readStackFile(ROOT, "prod").config);
  expect([
    names.primary.server,
    names.secondary?.server,
    names.virtualEndpoint,
    names.backups.primary.storageAccount,
    names.backups.secondary?.storageAccount,
  ]).toEqual([
    "psql-forma3d-prod-weu",
    "psql-forma3d-prod-neu",
    "forma3d-prod-db",
    "stforma3dprodbkpweu",
    "stforma3dprodbkpneu",
  ]);
});
