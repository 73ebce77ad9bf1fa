import { execFile } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { BlobServiceClient } from "@azure/storage-blob";
import { buildProgram } from "../../apps/recovery/cli";
import { EXIT_CODE_HELP } from "../../packages/command/errors";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import type { FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { cleanEnvironment, recovery, root, verb, type CliRun } from "../support/recoveryCli";
import { startPlatformServer } from "../support/recoveryLab";

const VERBS = [
  "backup",
  "catalogue",
  "copy",
  "diff",
  "list",
  "status",
  "verify",
  "restore",
  "prune",
  "drill",
  "guard",
  "metrics",
  "serving",
];
/** Issue's limit for wrong hosts and the like. */
const LIMIT_SECONDS = 30;

let postgres: FlexibleServer;
let azurite: LocalAzurite;
let silent: net.Server;
let env: Record<string, string>;
let folder: string;

const silentPort = () => (silent.address() as net.AddressInfo).port;
const blobs = async (): Promise<string[]> => {
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const names: string[] = [];
  for await (const container of service.listContainers()) {
    const client = service.getContainerClient(container.name);
    for await (const { name } of client.listBlobsFlat({ includeUncommitedBlobs: true })) {
      names.push(`${container.name}/${name}`);
    }
  }
  return names.sort();
};

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "recovery-cli-"));
  silent = net.createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  [postgres, azurite] = await Promise.all([startPlatformServer(), startAzurite()]);
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  for (const name of ["daily", "monthly", "evidence"]) await service.getContainerClient(name).create();
  await postgres.sql(
    "migration",
    `create table "Order" as select n as id, md5(n::text) as note from generate_series(1, 700) n`,
  );
  env = {
    DATABASE_URL: postgres.url("backup"),
    BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
    BACKUP_CONTAINER_DAILY: "daily",
    BACKUP_CONTAINER_MONTHLY: "monthly",
    BACKUP_CONTAINER_EVIDENCE: "evidence",
    ENVIRONMENT: "prod",
  };
});

afterAll(async () => {
  await Promise.all([postgres?.stop(), azurite?.stop()]);
  silent?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** The one JSON document on stdout; anything else there makes this throw. */
function document<T>(run: CliRun, code: number): T {
  expect({ code: run.code, stderr: run.code === code ? "" : run.stderr }).toEqual({ code, stderr: "" });
  return JSON.parse(run.stdout) as T;
}

test("every verb explains itself and every exit code", () => {
  const program = buildProgram();
  const verbs = program.commands.flatMap((verb) => (verb.commands.length > 0 ? verb.commands : [verb]));
  expect(verbs.map((verb) => verb.name()).sort()).toEqual([...VERBS, "verify"].sort());
  for (const verb of verbs) {
    let help = "";
    verb.configureOutput({ writeOut: (text) => (help += text) });
    verb.outputHelp();
    for (const [number, meaning] of Object.entries(EXIT_CODE_HELP)) {
      expect(help).toContain(`  ${number}  ${meaning}\n`);
    }
    expect(help).toContain("--json");
  }
});

test("a backup's life, from the command line", async () => {
  const backup = document<{ id: string; tables: unknown[] }>(await recovery(["backup", "--json"], env), 0);
  expect(backup).toMatchObject({
    database: "forma3d",
    tier: "daily",
    snapshotAt: expect.any(String),
    rawBytes: expect.any(Number),
    storedBytes: expect.any(Number),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    seconds: expect.any(Number),
  });
  const monthly = await verb(["backup", "--all", "--tier", "monthly", "--json"], env);
  expect(document<{ tier: string }[]>(monthly, 0)).toMatchObject([{ database: "forma3d", tier: "monthly" }]);
  const listed = document<{ id: string }[]>(await verb(["list", "--tier", "daily", "--json"], env), 0);
  expect(listed.map(({ id }) => id)).toEqual([backup.id]);
  expect((await verb(["status"], env)).code).toBe(1);

  const verified = await recovery(["verify", backup.id, "--json"], env);
  expect(document(verified, 0)).toMatchObject({
    id: backup.id,
    verdict: "PASS",
    checks: expect.arrayContaining([expect.objectContaining({ level: "L4", status: "PASS" })]),
    tables: [{ name: `public."Order"`, rows: 700, match: true }],
  });
  expect(document(await verb(["status", "--json"], env), 0)).toMatchObject([
    { database: "forma3d", ok: true },
  ]);

  const administering = { ...env, DATABASE_URL: postgres.url(postgres.administrator) };
  const restored = await recovery(["restore", backup.id, "--to", "back", "--json"], administering);
  expect(document(restored, 0)).toMatchObject({ id: backup.id, database: "back", fingerprints: "match" });
  const pruned = await verb(["prune", "--json"], env);
  expect(document(pruned, 0)).toMatchObject({ dryRun: true, deletedBytes: 0 });
  expect(document<unknown[]>(await verb(["metrics", "--once", "--json"], env), 0)).toContainEqual(
    expect.objectContaining({ name: "pgbackup_verified_backups" }),
  );
  expect(document(await verb(["guard", "--mark", "--json"], administering), 0)).toMatchObject({
    marker: "set",
  });
  const drill = document<{ stored: { sha256: string } }>(
    await recovery(["drill", "--scenario", "backup-only", "--json"], env),
    0,
  );
  const evidence = await verb(["evidence", "verify", "--head", drill.stored.sha256, "--json"], env);
  expect(document(evidence, 0)).toMatchObject({ verdict: "PASS", reports: 1 });
});

test("npm run -s recovery prints the document and nothing else", async () => {
  const { stdout } = await promisify(execFile)("npm", ["run", "-s", "recovery", "--", "list", "--json"], {
    cwd: root,
    env: cleanEnvironment({ ...env, ENVIRONMENT: "elsewhere" }),
  });
  expect(JSON.parse(stdout)).toEqual([]);
});

describe("bad input ends within seconds, with one line that names what and where, and leaves no blob", () => {
  const store = (url: string) =>
    `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0LWtleQ==;BlobEndpoint=${url}/a;`;
  type Case = [
    name: string,
    args: string[],
    change: () => Record<string, string>,
    code: number,
    says: RegExp,
  ];
  const cases: Case[] = [
    [
      "an unknown host",
      ["backup"],
      () => ({ DATABASE_URL: "postgresql://app:hidden-word@no-such-host.invalid/app" }),
      1,
      /cannot connect to PostgreSQL at no-such-host\.invalid:5432\/app as "app": the host name is unknown/,
    ],
    [
      "a port nobody listens on",
      ["backup", "--all"],
      () => ({ DATABASE_URL: "postgresql://app:hidden-word@127.0.0.1:1/app" }),
      1,
      /PostgreSQL at 127\.0\.0\.1:1\/app as "app": nobody listens there/,
    ],
    [
      "a server that never answers",
      ["backup"],
      () => ({ DATABASE_URL: `postgresql://app:hidden-word@127.0.0.1:${silentPort()}/app` }),
      1,
      /PostgreSQL at 127\.0\.0\.1:\d+\/app as "app": timeout/,
    ],
    [
      "a wrong password",
      ["backup"],
      () => ({ DATABASE_URL: env.DATABASE_URL?.replace(/:[^:@]+@/, ":hidden-word@") ?? "" }),
      1,
      /password authentication failed/,
    ],
    [
      "an unknown database",
      ["backup", "--database", "nope"],
      () => ({}),
      1,
      /database "nope" does not exist/,
    ],
    [
      "an unknown container",
      ["backup"],
      () => ({ BACKUP_CONTAINER_DAILY: "nowhere" }),
      1,
      /container "nowhere" at 127\.0\.0\.1:\d+: the container does not exist/,
    ],
    [
      "a wrong account key",
      ["backup"],
      () => ({
        BACKUP_STORE_CONNECTION_STRING: azurite.connectionString.replace(
          /AccountKey=[^;]+/,
          "AccountKey=aGlkZGVuLXdvcmQ=",
        ),
      }),
      1,
      /container "daily" at 127\.0\.0\.1:\d+: access denied/,
    ],
    [
      "a store nobody listens at",
      ["list"],
      () => ({ BACKUP_STORE_CONNECTION_STRING: store("http://127.0.0.1:1") }),
      1,
      /container "daily" at 127\.0\.0\.1:1: /,
    ],
    ...["list", "status", "prune"].map((verb): Case => [
      `a store that never answers, asked by ${verb}`,
      [verb],
      () => ({ BACKUP_STORE_CONNECTION_STRING: store(`http://127.0.0.1:${silentPort()}`) }),
      1,
      /container "daily" at 127\.0\.0\.1:\d+: no answer within 15 s/,
    ]),
    [
      "an evidence store that never answers",
      ["drill"],
      () => ({ BACKUP_STORE_CONNECTION_STRING: store(`http://127.0.0.1:${silentPort()}`) }),
      3,
      /container "evidence" at 127\.0\.0\.1:\d+: no answer/,
    ],
    [
      "a backup nobody made",
      ["verify", "forma3d-daily-20200101T000000000Z-0000"],
      () => ({}),
      2,
      /no backup "forma3d-daily-2020/,
    ],
    [
      "a database in use as target",
      ["restore", "--at", "2999-01-01T00:00:00Z", "--to", "forma3d"],
      () => ({}),
      2,
      /not empty/,
    ],
    [
      "a folder that cannot be made",
      ["drill", "--out", "/proc/nope"],
      () => ({}),
      2,
      /--out \/proc\/nope: cannot be written/,
    ],
    ...["nonsense", " ", "ftp://account"].map((url): Case => [
      `an account whose URL is "${url}"`,
      ["list"],
      () => ({ BACKUP_STORE_CONNECTION_STRING: "", BACKUP_STORE_URL: url }),
      2,
      /^error: BACKUP_STORE_URL: expected an https URL$/,
    ]),
    ...["BACKUP_STALL_TIMEOUT", "BACKUP_TARGET_PATIENCE"].map((setting): Case => [
      `a ${setting} that no timer takes`,
      ["backup"],
      () => ({ [setting]: "25d" }),
      2,
      new RegExp(`^error: ${setting}: expected a duration of at most 24d$`),
    ]),
    ["an unknown verb", ["explode"], () => ({}), 2, /unknown command 'explode'/],
    [
      "an unknown tier",
      ["backup", "--tier", "yearly"],
      () => ({}),
      2,
      /expected one of hourly, daily, weekly, monthly/,
    ],
  ];

  test("all of them", async () => {
    await recovery(["backup"], env);
    const before = await blobs();
    const queue = [...cases];
    const failures: unknown[] = [];
    // Side by side, because most of the time is spent waiting for somebody who does not answer.
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [name, args, change, code, says] = next;
        // What is refused before a verb begins needs a process.
        const run = await (code === 2 ? recovery : verb)(args, { ...env, ...change() });
        const errors = run.stderr.split("\n").filter((line) => line.startsWith("error: "));
        const problems = [
          run.code === code ? "" : `exit code ${run.code} instead of ${code}`,
          errors.length === 1 && says.test(errors[0] ?? "") ? "" : `errors: ${run.stderr}`,
          run.seconds < LIMIT_SECONDS ? "" : `took ${run.seconds} s`,
          /\n\s+at .+:\d+/.test(run.stderr) ? "a stack trace" : "",
          /hidden-word|aGlkZGVuLXdvcmQ|c2VjcmV0LWtleQ/.test(run.stderr + run.stdout) ? "a secret" : "",
        ].filter(Boolean);
        if (problems.length > 0) failures.push({ name, problems });
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect(failures).toEqual([]);
    expect(await blobs()).toEqual(before);
  }, 180_000);

  test("a failed run is a metric, and with --json an error document", async () => {
    const file = path.join(folder, "recovery.prom");
    const run = await recovery(["backup", "--json"], {
      ...env,
      DATABASE_URL: "postgresql://app:hidden-word@127.0.0.1:1/app",
      METRICS_FILE: file,
    });
    expect(document(run, 1)).toEqual({
      error: {
        kind: "FailedError",
        exitCode: 1,
        message: expect.stringMatching(/^cannot connect to PostgreSQL/),
      },
    });
    const metrics = fs.readFileSync(file, "utf8");
    expect(metrics).toMatch(/^pgbackup_last_run_success\{verb="backup",environment="prod"\} 0$/m);
    expect(metrics).toMatch(/^pgbackup_last_run_exit_code\{verb="backup",environment="prod"\} 1$/m);
  });

  test("every missing and malformed setting is named at once", async () => {
    const run = await recovery(["backup"], {
      BACKUP_STORE_URL: "http://store.example",
      BACKUP_CONTAINER_DAILY: "No Container",
      RESTORE_JOBS: "many",
      RTO_TARGET: "soon",
      GUARD_TLS: "maybe",
    });
    expect(run.code).toBe(2);
    const named = run.stderr
      .split("\n")
      .filter(Boolean)
      .map((line) => /^error: (\w+): /.exec(line)?.[1]);
    expect(named.sort()).toEqual([
      "BACKUP_CONTAINER_DAILY",
      "BACKUP_STORE_URL",
      "DATABASE_URL",
      "ENVIRONMENT",
      "GUARD_TLS",
      "RESTORE_JOBS",
      "RTO_TARGET",
    ]);
  });
});

test("output that nobody reads to its end is no failure", async () => {
  const shell = `"${process.execPath}" packages/command/run.mjs apps/recovery/cli.ts --help | head -n 1`;
  const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-c", shell], { cwd: root });
  expect(stdout).toMatch(/^Usage: recovery/);
  expect(stderr).toBe("");
});
