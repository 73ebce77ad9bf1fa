import fc from "../support/property";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { Client } from "pg";
import { buildProgram } from "../../apps/recovery/cli";
import { runBackup } from "../../apps/recovery/commands/backup";
import { EXIT_CODE_HELP } from "../../packages/command/errors";
import { ArchiveScanner } from "../../apps/recovery/postgres/archive";
import type { RowLimits } from "../../apps/recovery/postgres/longRows";
import { PART_BYTES } from "../../apps/recovery/postgres/piece";
import { AHEAD_BYTES } from "../../apps/recovery/postgres/tableReaders";
import { dumpProgram, findProgram } from "../../packages/programs/postgres";
import { RowDigest } from "../../apps/recovery/postgres/rows";
import { redact } from "../../apps/recovery/redact";
import { SETTING_HELP } from "../../apps/recovery/settingHelp";
import { loadSettings, type Settings } from "../../apps/recovery/settings";
import { openStore } from "../../apps/recovery/store/open";
import { blockBytesAt, uploadNew } from "../../apps/recovery/store/upload";
import type { Manifest } from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import { recovery, verb } from "../support/recoveryCli";
import {
  createEveryKind,
  labContext,
  startPlatformLab,
  type PlatformLab,
  type LabStore,
} from "../support/recoveryLab";
import { until } from "../support/until";

const MIB = 1024 * 1024;

let lab: PlatformLab;
beforeAll(async () => {
  lab = await startPlatformLab();
  await createEveryKind(lab, "app");
});
afterAll(() => lab.stop());

async function backUp(store: LabStore, options = {}): Promise<Manifest> {
  return (await makeBackup(store.settings, options)).manifest;
}

describe("a backup", () => {
  test("prints one JSON document, tells what it holds, and is in the catalogue", async () => {
    const store = await lab.store("backup", "app");
    const run = await recovery(["backup", "--json"], store.env);
    expect(run.code).toBe(0);
    const manifest = JSON.parse(run.stdout) as Manifest;
    expect(manifest).toMatchObject({ database: "app", tier: "daily", environment: "test" });
    expect(manifest.sha256).toMatch(/^[0-9a-f]{64}$/);
    const stored = await store.daily.getBlobClient(manifest.archive.blob).downloadToBuffer();
    expect(createHash("sha256").update(stored).digest("hex")).toBe(manifest.sha256);
    expect(stored.length).toBe(manifest.storedBytes);
    expect(Math.abs(Date.parse(manifest.snapshotAt) - Date.now())).toBeLessThan(60_000);

    const list = await verb(["list", "--json"], store.env);
    expect(list.code).toBe(0);
    expect((JSON.parse(list.stdout) as Manifest[]).map(({ id }) => id)).toEqual([manifest.id]);
    expect((await store.blobs()).filter((name) => name.includes("locks/"))).toEqual([]);
  });

  test("counts every table's rows, partitions and inherited tables on their own", async () => {
    const manifest = await backUp(await lab.store("backup", "app"));
    const rows = Object.fromEntries(manifest.tables.map((table) => [table.name, table.rows]));
    expect(rows).toMatchObject({
      "public.ragged": 6900,
      '"Sales"."Order Line"': 3004,
      "public.animal": 1,
      "public.bird": 1,
      "public.session": 50,
      "public.nothing_in_it": 0,
      "public.no_columns": 1,
    });
    const partitions = Object.entries(rows).filter(([name]) => name.startsWith("public.measurement"));
    expect(partitions.map(([name]) => name).sort()).toEqual([
      "public.measurement_2025",
      "public.measurement_2026_one",
      "public.measurement_rest",
    ]);
    expect(partitions.reduce((sum, [, count]) => sum + count, 0)).toBe(600);
    expect(manifest.largeObjects).toMatchObject({ count: 3, bytes: 12 + 140_000 });
    expect(manifest.sequences).toContainEqual({ name: "public.counter", value: "11", called: true });
    expect(manifest.sequences).toContainEqual({ name: 'public."Never Used"', value: "1", called: false });
    expect(manifest.inventory.extensions.map(({ name }) => name)).toEqual(["pg_trgm", "plpgsql"]);
    expect(manifest.inventory.roles.map(({ name }) => name)).toContain(lab.server.administrator);
    expect(manifest.inventory.objects).toMatchObject({
      "materialized view": 1,
      domain: 1,
      enum: 1,
      policy: 1,
      rule: 1,
    });
  });

  test("has the same fingerprints when nothing changed, and others when one byte did", async () => {
    await createEveryKind(lab, "twin");
    const store = await lab.store("backup", "twin");
    const digests = (manifest: Manifest) =>
      new Map(manifest.tables.map(({ name, sha256 }) => [name, sha256]));
    const before = digests(await backUp(store));
    expect(digests(await backUp(store))).toEqual(before);
    await lab.sql("twin", "UPDATE bird SET name = 'own' WHERE id = 2");
    const after = digests(await backUp(store));
    expect(after.get("public.bird")).not.toBe(before.get("public.bird"));
    expect(after.get("public.animal")).toBe(before.get("public.animal"));
  });

  test("--all backs up every database that holds data; a failing one does not stop the others", async () => {
    const store = await lab.store("backup", "app");
    for (const name of ["locked", "other"]) {
      await lab.createDatabase(name);
      await lab.sql(name, "CREATE TABLE t (n int)");
    }
    await lab.sql("app", "ALTER TABLE session DISABLE ROW LEVEL SECURITY");
    await lab.sql("locked", "ALTER TABLE t ENABLE ROW LEVEL SECURITY");
    await lab.sql("postgres", "ALTER ROLE backup NOBYPASSRLS");
    try {
      const run = await verb(["backup", "--all", "--json"], store.env);
      expect(run.code).toBe(1);
      const outcomes = JSON.parse(run.stdout) as (Manifest & { error?: { message: string } })[];
      const names = outcomes.map(({ database }) => database);
      // Roles are inventoried without their passwords, by a role that may not read them.
      const other = outcomes.find(({ database }) => database === "other");
      expect(other?.inventory.roles).toContainEqual(
        expect.objectContaining({ name: "backup_weu", login: true, memberOf: ["backup"] }),
      );
      expect(run.stdout).not.toMatch(/SCRAM/);
      for (const password of lab.server.passwords.values()) expect(run.stdout).not.toContain(password);
      expect(names).toContain("app");
      // Those of the server, and those of Azure that nobody but Microsoft may connect to.
      expect(names.filter((name) => /^(template|azure_)/.test(name))).toEqual([]);
      expect(names).not.toContain("postgres");
      const failed = outcomes.filter(({ error }) => error);
      expect(failed.find(({ database }) => database === "locked")?.error?.message).toMatch(
        /row-level security hides rows of public\.t .* ALTER ROLE "backup" BYPASSRLS/,
      );
      expect(names.filter((name) => !failed.some(({ database }) => database === name))).toContain("other");
    } finally {
      await lab.sql("postgres", "ALTER ROLE backup BYPASSRLS");
      await lab.sql("app", "ALTER TABLE session ENABLE ROW LEVEL SECURITY");
    }
  });

  test("never replaces a blob, and commits nothing when its producer failed", async () => {
    const store = await lab.store("backup", "app");
    const blob = store.daily.getBlockBlobClient("taken");
    const options = { expectedBytes: 10, signal: new AbortController().signal };
    const target = await openStore(store.settings);
    const sink = (name: string) =>
      target.blocks(store.daily.containerName, name, { contentType: "application/zstd" });
    const digest = "0".repeat(64);
    await uploadNew(sink("taken"), "taken", Readable.from([Buffer.from("first")]), {
      ...options,
      beforeCommit: async () => ({ sha256: digest }),
    });
    const second = uploadNew(sink("taken"), "taken", Readable.from([Buffer.from("other")]), {
      ...options,
      beforeCommit: async () => ({ sha256: digest.replaceAll("0", "1") }),
    });
    await expect(second).rejects.toThrow("an object of this name exists already; it was left as it is");
    expect((await blob.downloadToBuffer()).toString()).toBe("first");

    const failing = store.daily.getBlockBlobClient("failing");
    const upload = uploadNew(sink("failing"), "failing", Readable.from([Buffer.from("half of it")]), {
      ...options,
      beforeCommit: () => Promise.reject(new Error("producer exit 1")),
    });
    await expect(upload).rejects.toThrow("producer exit 1");
    expect(await failing.exists()).toBe(false);

    const dying = new Readable({ read() {} });
    dying.push("x");
    setTimeout(() => dying.destroy(), 50);
    const cut = uploadNew(sink("failing"), "failing", dying, {
      ...options,
      beforeCommit: async () => ({ sha256: digest }),
    });
    await expect(cut).rejects.toThrow(/Premature close/);
    expect(await failing.exists()).toBe(false);
  });

  test("keeps to small blocks up to 312 GiB and fits any size into 50,000 of them", () => {
    const limits = { blocks: 50_000, smallest: 1, largest: 4_000 * MIB };
    expect(blockBytesAt(0, 10 * 1024 * MIB, limits)).toBe(8 * MIB);
    expect(blockBytesAt(0, 400 * 1024 * MIB, limits)).toBe(11 * MIB);
    const capacity = (expected: number) => {
      const sizes = [0, 40_000, 48_000].map((index) => blockBytesAt(index, expected, limits));
      return sizes.reduce((sum, size, step) => sum + size * ([40_000, 8_000, 2_000][step] ?? 0), 0);
    };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 64 }), (tib) => {
        const expected = tib * 1024 * 1024 * MIB;
        expect(capacity(expected)).toBeGreaterThan(expected * 1.5);
      }),
    );
  });
});

describe("the archive's fingerprints", () => {
  async function dump(database: string): Promise<Buffer> {
    const child = spawn(findProgram("pg_dump").path, ["-Fc", "-Z0", lab.server.url("backup", database)]);
    const parts: Buffer[] = [];
    for await (const part of child.stdout) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }
  const scan = (parts: Buffer[]) => {
    const scanner = new ArchiveScanner();
    for (const part of parts) scanner.push(part);
    return scanner.finish();
  };

  test("do not depend on where the stream is cut", async () => {
    const archive = await dump("app");
    const whole = scan([archive]);
    expect(whole.tables.length).toBeGreaterThan(10);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        const parts: Buffer[] = [];
        for (let at = 0, index = 0; at < archive.length; index += 1) {
          const size = sizes[index % sizes.length] as number;
          parts.push(archive.subarray(at, at + size));
          at += size;
        }
        const cut = scan(parts);
        expect(cut.tables).toEqual(whole.tables);
        expect(cut.largeObjects).toEqual(whole.largeObjects);
      }),
      { numRuns: 15 },
    );
  });

  test("are refused for an archive that ends early, wherever that is", async () => {
    const archive = await dump("app");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: archive.length - 1 }), (length) => {
        expect(() => scan([archive.subarray(0, length)])).toThrow(/the archive ends/);
      }),
      { numRuns: 40 },
    );
  });

  test("come with the position of every block, so that connections of a restore find theirs", async () => {
    const archive = await dump("app");
    const { offsets, entries } = scan([archive]);
    expect(offsets.length).toBe(entries.filter(({ hasData }) => hasData).length);
    for (const { field, position } of offsets) {
      expect(archive[field]).toBe(1); // "not known", which a dump to a pipe writes
      const dumpId = archive.readUInt32LE(position + 2);
      expect([1, 3]).toContain(archive[position]); // a block of a table, or of large objects
      expect(entries.find((entry) => entry.dumpId === dumpId)?.offsetField).toBe(field);
    }
  });

  test("are the same whether rows come one by one or gathered", () => {
    const rows = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\\t", "9") }), { maxLength: 30 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 17 }), (texts, size) => {
        const single = new RowDigest();
        for (const text of texts) {
          const line = Buffer.from(`${text}\n`);
          const header = Buffer.alloc(5);
          header.writeUInt32LE(line.length, 1);
          single.framed(Buffer.concat([header, line]));
        }
        const gathered = new RowDigest();
        const all = Buffer.from([...texts, "\\.\n\n"].map((text) => `${text}\n`).join(""));
        for (let at = 0; at < all.length; at += size) gathered.text(all.subarray(at, at + size));
        expect(gathered.rows).toBe(texts.length);
        expect(gathered.digest()).toBe(single.digest());
      }),
    );
  });

  test("tell rows apart that are only cut differently", () => {
    const digest = (lines: string[]) => {
      const rows = new RowDigest();
      for (const line of lines) rows.text(Buffer.from(line));
      return rows.digest();
    };
    expect(digest(["a\n", "b\n"])).not.toBe(digest(["b\n", "a\n"]));
    expect(digest(["a\n", "a\n"])).not.toBe(digest(["a\n"]));
  });

  test("stdbuf makes a dump faster where it is installed, and is not needed", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "few-programs-"));
    symlinkSync(findProgram("zstd").path, path.join(directory, "zstd"));
    try {
      const stdbuf = path.join(directory, "stdbuf");
      const store = await lab.store("backup", "app", { PATH: directory });
      const without = await recovery(["backup", "--json"], store.env);
      expect(without.code).toBe(0);
      writeFileSync(stdbuf, `#!/bin/sh\necho "$1" >>${directory}/used\nshift\nexec "$@"\n`);
      chmodSync(stdbuf, 0o755);
      const withIt = await recovery(["backup", "--json"], store.env);
      expect(withIt.code).toBe(0);
      expect(readFileSync(path.join(directory, "used"), "utf8")).toBe("--output=1048576\n");
      const tablesOf = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as Manifest).tables;
      expect(tablesOf(withIt)).toEqual(tablesOf(without));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("bad input", () => {
  /** Every case ends within 30 s with one clear line, no blob, and a failure metric. */
  async function refused(store: LabStore, env: Record<string, string>, code: number, line: RegExp) {
    const directory = mkdtempSync(path.join(tmpdir(), "metrics-"));
    const metrics = path.join(directory, "metrics.prom");
    try {
      const run = await verb(["backup", "--json"], { ...store.env, ...env, METRICS_FILE: metrics });
      const errors = run.stderr.split("\n").filter((text) => text.startsWith("error: "));
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatch(line);
      expect(run.stderr).not.toMatch(/\n\s+at /);
      expect(run.code).toBe(code);
      expect(run.seconds).toBeLessThan(30);
      expect(await store.blobs()).toEqual([]);
      expect(JSON.parse(run.stdout)).toMatchObject({ error: { exitCode: code } });
      expect(readFileSync(metrics, "utf8")).toContain(
        'pgbackup_last_run_success{verb="backup",environment="test"} 0',
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test("wrong host, port, password, database, container or account key: one clear line, nothing stored", async () => {
    const store = await lab.store("backup", "app");
    const url = (change: (url: URL) => void) => {
      const changed = new URL(store.env.DATABASE_URL as string);
      change(changed);
      return { DATABASE_URL: changed.href };
    };
    await refused(
      store,
      url((to) => (to.hostname = "db.invalid")),
      1,
      /db\.invalid:\d+\/app .*host name/,
    );
    await refused(
      store,
      url((to) => (to.port = "1")),
      1,
      /localhost:1\/app .*nobody listens there/,
    );
    await refused(
      store,
      url((to) => (to.password = "wrong-password")),
      1,
      /password authentication failed/,
    );
    await refused(
      store,
      url((to) => (to.pathname = "/nope")),
      1,
      /\/nope .*database "nope" does not exist/,
    );
    await refused(store, { BACKUP_CONTAINER_DAILY: "nowhere" }, 1, /container "nowhere" .*does not exist/);
    const key = {
      BACKUP_STORE_CONNECTION_STRING: (store.env.BACKUP_STORE_CONNECTION_STRING as string).replace(
        /AccountKey=[^;]+/,
        `AccountKey=${Buffer.from("wrong key").toString("base64")}`,
      ),
    };
    await refused(store, key, 1, /access denied/);
  });

  test("an older client on PATH is passed over for one that knows the server; without one both versions are named", async () => {
    const store = await lab.store("backup", "app");
    const directory = mkdtempSync(path.join(tmpdir(), "old-client-"));
    const program = path.join(directory, "pg_dump");
    writeFileSync(program, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.22'\n");
    chmodSync(program, 0o755);
    try {
      const env = { ...store.env, PATH: `${directory}:${process.env.PATH ?? ""}` };
      expect((await recovery(["backup"], env)).code).toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
    expect(() => dumpProgram(99, "db.example:5432/app")).toThrow(
      /^pg_dump \d+ \(.*\) is older than the server db\.example:5432\/app, version 99; install postgresql-client-99 or newer$/,
    );
  });

  test("every wrong setting is named at once, with what is allowed, without its value", async () => {
    const run = await recovery(["backup"], {
      DATABASE_URL: "mysql://u:hunter2secret@h/d",
      BACKUP_CONTAINER_DAILY: "Not_A_Container",
      ENVIRONMENT: "Prod!",
      RETENTION_DAILY_DAYS: "0",
      BACKUP_MAX_AGE: "26",
    });
    expect(run.code).toBe(2);
    for (const name of ["DATABASE_URL", "BACKUP_STORE_URL", "BACKUP_CONTAINER_DAILY", "ENVIRONMENT"]) {
      expect(run.stderr).toContain(`error: ${name}`);
    }
    expect(run.stderr).toContain("RETENTION_DAILY_DAYS: expected a whole number from 1 to 3650");
    expect(run.stderr).toContain("BACKUP_MAX_AGE: expected a duration such as 90s, 30m, 26h or 7d");
    expect(run.stderr).not.toContain("hunter2secret");
    expect(run.stdout).toBe("");
  });

  test("wrong usage is exit code 2: unknown verb, unknown option, wrong tier, two selections", async () => {
    const store = await lab.store("backup", "app");
    const program = buildProgram().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    for (const verb of program.commands) verb.configureOutput({ writeErr: () => undefined });
    for (const args of [
      ["frobnicate"],
      ["backup", "--fast"],
      ["backup", "--tier", "yearly"],
      ["list", "extra"],
    ]) {
      await expect(program.parseAsync(args, { from: "user" })).rejects.toThrow(/error: /);
    }
    expect((await recovery(["backup", "--fast"], store.env)).code).toBe(2);
    expect((await recovery(["verify"], store.env)).code).toBe(2);
    expect((await verb(["backup", "--all", "--database", "app"], store.env)).code).toBe(2);
    const nameless = await verb(["backup", "--database", ""], store.env);
    expect([nameless.code, nameless.stderr]).toEqual([2, "error: --database: a database has a name\n"]);
  });

  test("secrets never reach a line of output", () => {
    loadSettings(
      {
        ENVIRONMENT: "test",
        DATABASE_URL: "postgresql://app:pass%2Fword@localhost/app",
      },
      ["database"],
    );
    expect(redact("password is pass/word or pass%2Fword")).toBe("password is [redacted] or [redacted]");
    expect(redact("AccountKey=abcd1234==;x and https://h/?sig=Zm9v&x=1")).not.toMatch(/abcd1234|Zm9v/);
    expect(redact("postgresql://u:other@h/d")).toBe("postgresql://u:[redacted]@h/d");
  });

  test("the outcome is pushed to a Pushgateway, and an unreachable one fails nothing", async () => {
    const bodies: string[] = [];
    const gateway = http.createServer((request, response) => {
      request.setEncoding("utf8").on("data", (text: string) => bodies.push(`${request.url ?? ""}\n${text}`));
      request.on("end", () => response.end());
    });
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
    const { port } = gateway.address() as { port: number };
    const store = await lab.store("backup", "empty");
    try {
      const good = await verb(["list"], { ...store.env, PUSHGATEWAY_URL: `http://127.0.0.1:${port}` });
      expect(good.code).toBe(0);
      expect(bodies.join("")).toContain("/metrics/job/recovery/verb/list/environment/test");
      expect(bodies.join("")).toContain('pgbackup_last_run_success{verb="list",environment="test"} 1');
    } finally {
      gateway.close();
    }
    const bad = await verb(["list"], { ...store.env, PUSHGATEWAY_URL: "http://127.0.0.1:1" });
    expect(bad.code).toBe(0);
    expect(bad.stderr).toContain("the outcome could not be published");
  });
});

describe("the user guide and --help", () => {
  // The formatter pads the columns of tables.
  const guide = readFileSync(path.join(__dirname, "../../docs/recovery.md"), "utf8").replace(/ +/g, " ");
  const program = buildProgram();
  const documented = program.commands.filter((verb) =>
    ["backup", "verify", "restore", "prune", "status", "list"].includes(verb.name()),
  );

  test("name the same exit codes, for every verb", () => {
    for (const verb of documented) {
      let help = "";
      verb.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      for (const [code, meaning] of Object.entries(EXIT_CODE_HELP)) {
        expect([verb.name(), help]).toEqual([verb.name(), expect.stringContaining(`  ${code}  ${meaning}`)]);
        expect(guide).toContain(`| ${code} | ${meaning} |`);
      }
    }
    expect(documented).toHaveLength(6);
  });

  test("name every setting and every option that changes what a verb does", () => {
    for (const name of Object.keys(SETTING_HELP)) expect(guide).toContain(`| \`${name}\` |`);
    for (const verb of documented) {
      for (const { long } of verb.options) {
        if (long !== "--tier" || verb.name() === "backup") expect(guide).toContain(long);
      }
    }
  });
});

/** Every table is large. */
const ALL: RowLimits = { largeTable: 0 };
const SEVERAL = { BACKUP_JOBS: "3" };

async function backUpWith(settings: Settings, rowLimits?: RowLimits): Promise<Manifest> {
  const [made] = await runBackup(settings, {}, labContext({ rowLimits }));
  if (!made || "error" in made) throw made?.error ?? new Error("no outcome");
  return made.manifest;
}

describe("large tables that several sessions read", () => {
  let store: LabStore;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "stubs-"));
    await lab.createDatabase("big");
    // 38 MiB in nineteen pieces, with gaps; and values that are stored apart.
    await lab.sql(
      "big",
      `create table noise (id int, gone text, body text, doubled int generated always as (id * 2) stored);
       insert into noise select n, 'x', repeat(encode(sha512(n::text::bytea), 'hex'), 14) from generate_series(1, 20000) n;
       alter table noise drop column gone; delete from noise where id % 10 = 3; update noise set body = upper(body) where id % 50 = 0;
       create table "Odd ""Name" (id int, "Select" text);
       insert into "Odd ""Name" select n, string_agg(md5(n::text || m), '') from generate_series(1, 40) n, generate_series(1, 400) m group by n;
       create table parent (id int); create table child () inherits (parent);
       insert into parent values (1); insert into child values (2), (3);
       create table void ()`,
    );
    await lab.server.asMicrosoft("vacuum analyze", "big");
    store = await lab.store("backup", "big");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A PATH on which a script stands before the program of that name, whose version it tells. */
  function stub(name: "zstd" | "pg_dump", script: string): string {
    const stubs = mkdtempSync(path.join(folder, name));
    const version = `case "$1" in --version) exec "${findProgram(name).path}" --version;; esac`;
    writeFileSync(path.join(stubs, name), `#!/bin/sh\n${version}\n${script}\n`, { mode: 0o755 });
    return `${stubs}:${process.env.PATH ?? ""}`;
  }

  /** Sessions that read ranges of pages. */
  const readers = () =>
    lab.server.asMicrosoft<{ pid: number }>(
      "select pid from pg_stat_activity where query like 'COPY (SELECT%'",
    );

  async function nothingIsLeft(): Promise<void> {
    const left = "select query from pg_stat_activity where application_name = 'recovery'";
    await until("every session has ended", async () => (await lab.server.asMicrosoft(left)).length === 0);
    // A lease that is still held would make this one end with exit code 4.
    expect((await verb(["backup"], { ...store.env, ...SEVERAL })).code).toBe(0);
  }

  test("are in the archive as pg_dump writes them, of every kind", async () => {
    await lab.createDatabase("latin", "encoding 'LATIN1' locale 'C' template template0");
    await lab.sql(
      "latin",
      `create table "größe" ("länge" text); insert into "größe" values ('ä'), ('ö'); create table plain as table "größe"`,
    );
    for (const database of ["big", "app", "latin"]) {
      const several = lab.as(store, "backup", database, SEVERAL).settings;
      const alone = await backUpWith(lab.as(store, "backup", database).settings);
      const { tables, sequences, largeObjects, rawBytes } = alone;
      const made = jest.spyOn(Buffer, "allocUnsafeSlow");
      expect(await backUpWith(several, ALL)).toMatchObject({ tables, sequences, largeObjects, rawBytes });
      // Of each session what it reads ahead, of one what is being written; each used again, however large a table is.
      const parts = made.mock.calls.filter(([bytes]) => bytes === PART_BYTES);
      made.mockRestore();
      expect(parts.length).toBeLessThanOrEqual((3 + 1) * (AHEAD_BYTES / PART_BYTES + 2));
    }
  });

  test("are read side by side, and a session that breaks off ends the backup", async () => {
    // A compressor that takes 2 MB a second: what is read before the session ends is not all there is.
    const PATH = stub("zstd", "while head -c 200000 >/dev/null; do sleep 0.1; done");
    const backup = recovery(["backup"], { ...store.env, ...SEVERAL, PATH });
    await until("three sessions read", async () => (await readers()).length === 3);
    const [, second] = await readers();
    await lab.server.asMicrosoft(`select pg_terminate_backend(${String(second?.pid)})`);
    const run = await backup;
    expect(run.stderr).toMatch(/backup of .*\/big: .*(terminating connection|connection .* was lost)/);
    expect(run.code).toBe(1);
    await nothingIsLeft();
  });

  test("do not hide that pg_dump has died meanwhile", async () => {
    // It has written everything when it dies, and what others read is on its way for half an hour.
    const PATH = stub("pg_dump", `"${findProgram("pg_dump").path}" "$@"\nkill -9 $$`);
    const run = await recovery(["backup"], {
      ...store.env,
      ...SEVERAL,
      PATH,
      BACKUP_BANDWIDTH_LIMIT: "1KiB",
    });
    expect(run.stderr).toMatch(/pg_dump was ended by SIGKILL/);
    expect(run.code).toBe(1);
    await nothingIsLeft();
  });

  test("are read anew when one is emptied while the snapshot is taken", async () => {
    await lab.sql(
      "big",
      "create table prices (id int, cents int); insert into prices select n, n from generate_series(1, 5000) n",
    );
    const rewriting = new Client({ connectionString: lab.server.url("migration", "big") });
    await rewriting.connect();
    await rewriting.query(
      "begin; truncate prices; insert into prices select n, n from generate_series(1, 5000) n",
    );
    const backup = backUpWith(lab.as(store, "backup", "big", SEVERAL).settings, ALL);
    backup.catch(() => undefined);
    const waiting =
      "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%LOCK TABLE ONLY%'";
    await until("the first session waits", async () => (await lab.server.asMicrosoft(waiting)).length > 0);
    await rewriting.query("commit");
    await rewriting.end();
    expect((await backup).tables.find(({ name }) => name === "public.prices")?.rows).toBe(5000);
  });
});
