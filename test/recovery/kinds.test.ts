import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { runBackup } from "../../apps/recovery/commands/backup";
import { runDiff } from "../../apps/recovery/commands/diff";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import { parseSkip } from "../../apps/recovery/leaveOut";
import { compareTables } from "../../apps/recovery/postgres/compare";
import { planRestore } from "../../apps/recovery/postgres/restorePlan";
import type { TocEntry } from "../../apps/recovery/postgres/toc";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { clientProgram } from "../../packages/local-servers/postgresPrograms";
import type { Manifest, RestoreResult } from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import { labContext, startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";

/** Objects whose return depends on who owns what, made by the roles that would make them. */
const script = (name: string) => readFileSync(path.join(__dirname, "../support", name), "utf8");

/**
 * Tables of the database of many. By default few, on a server with as many fewer places for locks; with
 * `RECOVERY_TABLES=10000` a server as PostgreSQL comes, which has room for about 7,000 locks.
 */
const asked = process.env.RECOVERY_TABLES;
const many = Number(asked ?? 450);

let lab: PlatformLab;
let store: LabStore;
beforeAll(async () => {
  lab = await startPlatformLab({
    settings:
      asked === undefined
        ? { max_locks_per_transaction: "10", max_connections: "30" }
        : { max_connections: "100" },
  });
  store = await lab.store("backup");
});
// Some ten thousand files are deleted with the server.
afterAll(() => lab?.stop(), 60_000 + many * 60);

async function backUp(from: LabStore = store): Promise<Manifest> {
  return (await makeBackup(from.settings)).manifest;
}

const restore = (id: string, to: string): Promise<RestoreResult> =>
  runRestore(lab.as(store, lab.server.administrator).settings, { backup: { id }, to }, labContext());

const serverAt = (database: string) => parseServerUrl(lab.server.url(lab.server.administrator, database));

/** Every statement that would make the database again: owners, rights, policies, comments and all. */
function definitionOf(database: string): string[] {
  const program = clientProgram("pg_dump", lab.server.version);
  const text = execFileSync(program, ["--schema-only", "--dbname", lab.server.url("backup", database)], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return text
    .split("\n")
    .filter((line) => line && !line.startsWith("--") && !/^\\(un)?restrict/.test(line))
    .sort();
}

describe("objects of every kind", () => {
  test("come back with their owners, rights and policies, for a role that is no superuser", async () => {
    for (const [, role = "", text = ""] of script("unkind.sql").matchAll(
      /^-- as (\w+)\n([^]*?)(?=^-- as |$(?![^]))/gm,
    )) {
      if (role === "microsoft") await lab.server.asMicrosoft(text);
      else await lab.server.sql(role === "administrator" ? lab.server.administrator : role, text);
    }
    const manifest = await backUp();
    const result = await restore(manifest.id, "kinds");
    expect(result.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
    expect(result.leftOut).toEqual([]);
    expect(definitionOf("kinds")).toEqual(definitionOf(lab.server.database));
    expect(await lab.server.sql("migration", "select n::int from aa_reads_last", "kinds")).toEqual([
      { n: 3 },
    ]);
    const report = await runVerify(
      store.settings,
      { backup: { id: manifest.id }, through: "L4" },
      labContext(),
    );
    expect(report.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
  });
});

test(
  "as many tables as pg_dump itself has locks for: nothing else of a backup or a restore keeps one to the end",
  async () => {
    await lab.server.createDatabase("wide");
    lab.server.makeRoles("wide");
    const body = `do $$ begin for n in 1..${many} loop
      execute format('create table t%s (id int primary key, what text); create index on t%1$s (what)', n);
      execute format('insert into t%s values (1, ''x'')', n);
      if n % 50 = 0 then commit; end if; end loop; end $$`;
    await lab.server.sql("migration", body, "wide");
    const probes = {
      PROBE_API_URL: lab.server.url("api"),
      PROBE_MIGRATION_URL: lab.server.url("migration"),
      PROBE_BACKUP_URL: lab.server.url("backup"),
    };
    const wide = lab.as(store, "backup", "wide");
    const { id } = await backUp(wide);
    const own = lab.as(store, lab.server.administrator, "wide", probes);
    const result = await runRestore(own.settings, { backup: { id }, to: "wide_back" }, labContext());
    expect(result.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
    expect(result.tables).toHaveLength(many);
  },
  60_000 + many * 100,
);

test("a database that is not as others: proved, and restored with what cannot come back named", async () => {
  const { administrator } = lab.server;
  await lab.createDatabase("estate", "owner migration");
  // What api may write has no column; each check asks a table that is loaded after its own, or by a name without schema.
  await lab.server.sql(
    "migration",
    `create schema app; grant usage on schema app to api, backup; set search_path = app;
     create type kind as enum ('a', 'b');
     create table z_kinds (kind kind); insert into z_kinds values ('a');
     create function known(text) returns boolean language plpgsql as $$ declare found kind; begin
       select kind into strict found from app.z_kinds where kind = $1::kind; return true; end $$;
     create table b_things (kind text check (known(kind))); insert into b_things values ('a');
     create function any_thing() returns int language plpgsql as $$ declare n int; begin
       select 1 into strict n from app.b_things; return n; end $$;
     create table a_lists (n int check (any_thing() = n)); insert into a_lists values (1);
     create table nothing (); insert into nothing default values;
     grant select, update on nothing to api; grant select on all tables in schema app to backup, api`,
    "estate",
  );
  const settled = "alter database estate set search_path = app; drop schema public cascade";
  await lab.server.sql(administrator, settled, "estate");
  // Nobody but a superuser can make any of these; on Azure the administrator may make some.
  await lab.server.asMicrosoft(
    `create foreign data wrapper beyond;
     create server elsewhere foreign data wrapper beyond;
     create user mapping for public server elsewhere options (password 'not to be seen');
     create user mapping for api server elsewhere options (password 'not to be seen');
     create subscription orders connection 'host=localhost dbname=none' publication p with (connect = false, slot_name = none);
     create function app.no_changes() returns event_trigger language plpgsql as $$ begin raise exception 'no changes'; end $$;
     create event trigger no_changes on ddl_command_start execute function app.no_changes()`,
    "estate",
  );
  await lab.server.sql(administrator, "alter database estate set default_transaction_read_only = on");
  const own = lab.as(store, "backup", "estate");
  const manifest = await backUp(own);
  const hidden = "its options, such as a password, are hidden from the role that backs up";
  expect(manifest.notDumped).toEqual([
    { kind: "subscription", name: "orders", reason: expect.stringMatching(/makes none/) as string },
    { kind: "user-mapping", name: "api SERVER elsewhere", reason: hidden },
    { kind: "user-mapping", name: "public SERVER elsewhere", reason: hidden },
  ]);
  const verified = await runVerify(
    own.settings,
    { backup: { id: manifest.id }, through: "L5" },
    labContext(),
  );
  expect(verified.checks.filter(({ status }) => status !== "PASS")).toEqual([]);

  const probes = {
    PROBE_API_URL: lab.server.url("api"),
    PROBE_MIGRATION_URL: lab.server.url("migration"),
    PROBE_BACKUP_URL: lab.server.url("backup"),
  };
  const result = await runRestore(
    lab.as(store, administrator, "postgres", probes).settings,
    {
      backup: { id: manifest.id },
      to: "estate=back \\'x",
      skip: [
        { kind: "foreign-data-wrapper", name: "beyond" },
        { kind: "event-trigger", name: "no_changes" },
      ],
    },
    labContext(),
  );
  expect(result.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
  expect(result.leftOut).toEqual(expect.arrayContaining(manifest.notDumped ?? []));
  expect(result.warnings).toContainEqual(
    expect.stringMatching(/^subscription orders is not in the backup: a restore makes none/),
  );
  const owner = `select datdba::regrole::text as owner,
      (select array_agg(x::text order by x::text) from unnest(datacl) x) as rights
    from pg_database where datname like 'estate%'`;
  const [one, other] = await lab.server.sql<{ owner: string }>(administrator, owner, "postgres");
  expect(one).toEqual(other);
  expect(one?.owner).toBe("migration");
});

test("names that are no UTF-8 are refused by name where any bytes are a name", async () => {
  await lab.createDatabase("bytes", "template template0 encoding 'SQL_ASCII' locale 'C'");
  const statement = Buffer.from("create table t (l\u00e9 text, f\u00fcr int)", "latin1").toString("hex");
  await lab.server.sql(
    "migration",
    `do $$ begin execute convert_from('\\x${statement}', 'SQL_ASCII'); end $$`,
    "bytes",
  );
  await expect(backUp(lab.as(store, "backup", "bytes"))).rejects.toThrow(
    String.raw`has encoding SQL_ASCII, and names in it that are no UTF-8: "f\xfcr", "l\xe9"; a restore`,
  );
});

describe("rows longer than pg_dump could hold", () => {
  let models: LabStore;
  let cut: Manifest;
  let whole: Manifest;

  beforeAll(async () => {
    await lab.createDatabase("models");
    // Rows of every length around the pieces of 1,001 bytes, and one as long as needs no more than the default.
    await lab.server.sql(
      "migration",
      String.raw`create table model (id int primary key, note text, shape bytea);
       alter table model alter shape set storage external;
       insert into model select n, repeat('\\', n / 4) || repeat('x', n - n / 4 * 2), null from generate_series(980, 3020) n;
       insert into model values (1, E'\\', decode(repeat('00ff', 1000000), 'hex')), (2, 'a', ''), (3, '', null)`,
      "models",
    );
    models = lab.as(store, "backup", "models");
    const limited = { rowLimits: { longRow: 1_000 } };
    const [made] = await runBackup(models.settings, {}, labContext(limited));
    if (!made || "error" in made) throw made?.error ?? new Error("no backup");
    cut = made.manifest;
    whole = await backUp(models);
  });

  test("are dumped in pieces, and their content is the same", () => {
    expect(cut.longRowBytes).toBe(1_000);
    expect(whole.longRowBytes).toBeUndefined();
    expect(cut.tables[0]).toMatchObject({ rows: 2_044, bytes: whole.tables[0]?.bytes });
    // More chunks, each with its length.
    expect(cut.rawBytes).toBeGreaterThan(whole.rawBytes + 4_000);
  });

  test("come back, and are compared with what was dumped", async () => {
    expect(await restore(cut.id, "models_again")).toMatchObject({ fingerprints: "match", verdict: "PASS" });
    const digest = "select md5(string_agg(m::text, '' order by id)) as all from model m";
    expect(await lab.sql("models_again", digest)).toEqual(await lab.sql("models", digest));
    await lab.server.sql("migration", "update model set shape = shape || '1' where id = 1", "models_again");
    const settings = lab.as(store, lab.server.administrator, "models_again").settings;
    const differs = await runDiff(settings, { id: cut.id, database: "models_again" }, labContext());
    expect(differs.tables[0]).toMatchObject({ state: "differs", ranges: [{ from: null }] });
    expect(
      await compareTables(serverAt("models_again"), cut, { jobs: 1, signal: labContext().signal }),
    ).toMatchObject({
      match: false,
    });
    const same = await runDiff(models.settings, { id: cut.id }, labContext());
    expect(same.same).toBe(true);
  });

  test("are told by their text where they are stored compressed", async () => {
    await lab.createDatabase("documents");
    await lab.server.sql(
      "migration",
      `create table document (id int, content jsonb);
       insert into document values (1, jsonb_build_object('of', repeat('same', 2000000)))`,
      "documents",
    );
    const documents = lab.as(store, "backup", "documents").settings;
    // Of 8 MB it stores a hundredth.
    const backedUp = async (longRow: number) =>
      (await runBackup(documents, {}, labContext({ rowLimits: { longRow } })))[0];
    expect(await backedUp(7_900_000)).toMatchObject({ manifest: { longRowBytes: 1024 * 1024 } });
    expect(await backedUp(8_100_000)).not.toHaveProperty("manifest.longRowBytes");
  });

  test("are refused by name where the server itself gives out none", async () => {
    const [refused] = await runBackup(models.settings, {}, labContext({ rowLimits: { noText: 4_000_000 } }));
    expect(refused).toHaveProperty(
      "error.message",
      expect.stringMatching(
        /table public\.model has a row of 3\.8 MiB as text, and PostgreSQL gives out none of 3\.8 MiB/,
      ),
    );
  });
});

test("rows that break what keeps them right stop a restore, unless it is named: then they come back", async () => {
  await lab.createDatabase("broken");
  await lab.server.sql(
    "migration",
    `create function positive(n int) returns bool language sql immutable as 'select n > 0';
     create table base (id int constraint base_key primary key, n int constraint "n ok" check (positive(n)));
     create table heir () inherits (base);
     create table part (n int, constraint part_ok check (positive(n))) partition by list (n);
     create table part_1 partition of part for values in (1);
     create domain amount as int constraint amount_ok check (positive(value));
     create table paid (amount amount);
     create table other (id int primary key);
     create table line (other int constraint line_other references other, base int constraint line_base references base);
     create view names as select id, n from base group by id;
     comment on constraint "n ok" on base is 'more than nothing';
     insert into base values (1, 1); insert into heir values (2, 2); insert into other values (1);
     insert into part values (1); insert into paid values (1); insert into line values (1, 1)`,
    "broken",
  );
  // What a sort order that changed does to an index, and what happens while triggers do not run.
  for (const statement of [
    "update pg_index set indisready = false where indexrelid = 'base_key'::regclass",
    "insert into base values (1, 1)",
    "update pg_index set indisready = true where indexrelid = 'base_key'::regclass",
    "alter table line disable trigger all",
    "insert into line values (7, 1)",
    "alter table line enable trigger all",
  ])
    await lab.server.asMicrosoft(statement, "broken");
  const later =
    "create or replace function positive(n int) returns bool language sql immutable as 'select n > 5'";
  await lab.server.sql("migration", later, "broken");
  const { id } = await backUp(lab.as(store, "backup", "broken"));
  const { settings } = lab.as(store, lab.server.administrator);
  const attempt = (named: string[], to = "broken_again") =>
    runRestore(settings, { backup: { id }, to, skip: named.map(parseSkip) }, labContext());

  // Each way round is the one that the error before it told of.
  const named: string[] = [];
  let outcome: RestoreResult | string = "";
  while (typeof outcome === "string") {
    outcome = await attempt(named).catch((error: Error) => error.message);
    if (typeof outcome !== "string") break;
    const hint = /; to restore with the rows that break it: --skip '(.+)'$/.exec(outcome)?.[1] ?? outcome;
    expect(named).not.toContain(hint);
    named.push(hint);
  }
  // Which table's rows come first is nobody's business.
  expect(named.map((hint) => hint.replace("heir", "base").replace("public.", "")).sort()).toEqual([
    ...["constraint:amount.amount_ok", "constraint:base.n ok", "constraint:base_key"],
    ...["constraint:line_other", "constraint:part_1.part_ok"],
  ]);
  expect(outcome).toMatchObject({ fingerprints: "match", verdict: "PASS" });
  const reasonOf = new Map(outcome.leftOut.map(({ kind, name, reason }) => [`${kind} ${name}`, reason]));
  expect(reasonOf.get("fk-constraint public.line line_other")).toMatch(
    /^--skip: for new rows only \(NOT VALID\)/,
  );
  expect(reasonOf.get("constraint public.base base_key")).toBe("--skip");
  // With a key goes what needs it; a view, rather than one that answers without its query.
  for (const gone of ["fk-constraint public.line line_base", "view public.names"])
    expect(reasonOf.get(gone)).toBe("it needs constraint base base_key");
  expect(
    await lab.server.sql(
      "migration",
      `select conname, convalidated, coninhcount, obj_description(oid) as said from pg_catalog.pg_constraint
       where connamespace = 'public'::regnamespace and contype in ('c', 'f') order by 1, coninhcount`,
      "broken_again",
    ),
  ).toEqual([
    { conname: "amount_ok", convalidated: false, coninhcount: 0, said: null },
    { conname: "line_other", convalidated: false, coninhcount: 0, said: null },
    { conname: "n ok", convalidated: false, coninhcount: 0, said: "more than nothing" },
    { conname: "n ok", convalidated: false, coninhcount: 1, said: null },
    { conname: "part_ok", convalidated: false, coninhcount: 0, said: null },
    { conname: "part_ok", convalidated: false, coninhcount: 1, said: null },
  ]);
  await expect(attempt(["constraint:nobodys"], "broken_more")).rejects.toThrow(
    "--skip constraint:nobodys: the backup has no such constraint",
  );
  expect(() => parseSkip("constraint:all")).toThrow(/by its own name, not all of a kind/);
});

describe("rows that a restore puts elsewhere", () => {
  test("partitions hashed by an enum: the hash of a value is another one in every database", async () => {
    await lab.server.sql(
      "migration",
      `create type state as enum ('new', 'printed', 'sent', 'lost');
       create table job (state state, id int, what text) partition by hash (state);
       create table job_0 partition of job for values with (modulus 3, remainder 0);
       create table job_1 partition of job for values with (modulus 3, remainder 1);
       create table "Job 2" partition of job for values with (modulus 3, remainder 2);
       insert into job select (enum_range(null::state))[1 + n % 4], n, 'job ' || n from generate_series(1, 400) n`,
    );
    const manifest = await backUp();
    const result = await restore(manifest.id, "hashed");
    expect(result).toMatchObject({ fingerprints: "match", verdict: "PASS" });
    expect(
      await lab.server.sql("api", "select count(*)::int as n, sum(id)::int as sum from job", "hashed"),
    ).toEqual([{ n: 400, sum: 80_200 }]);
    const verified = await runVerify(
      store.settings,
      { backup: { id: manifest.id }, through: "L4" },
      labContext(),
    );
    expect(verified.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
    const { settings } = lab.as(store, lab.server.administrator);
    const difference = () => runDiff(settings, { id: manifest.id, database: "hashed" }, labContext());
    expect(await difference()).toMatchObject({ same: true });

    // One row that is another, wherever it lies, is found.
    const text = "update job set what = 'forged' where id = 7";
    await lab.server.sql("migration", text, "hashed");
    expect((await difference()).tables.filter(({ state }) => state !== "same")).toMatchObject([
      { name: "public.job", state: "differs", backup: 400, database: 400 },
    ]);
    const compared = await compareTables(serverAt("hashed"), manifest, {
      jobs: 2,
      signal: new AbortController().signal,
    });
    expect(compared).toMatchObject({
      match: false,
      actual: expect.stringMatching(/public\.job: 400 rows/) as string,
    });
    expect(compared.tables.filter(({ match }) => !match).map(({ name }) => name)).toEqual([
      '"public"."Job 2"',
      '"public"."job_0"',
      '"public"."job_1"',
    ]);
  });

  test("tables of an extension, of which a dump holds what was added", async () => {
    const [{ setting: share = "" } = {}] = await lab.server.asMicrosoft<{ setting: string }>(
      "select setting from pg_config where name = 'SHAREDIR'",
    );
    const version = (name: string, rows: string, own: string) => {
      const folder = path.join(share, "extension");
      writeFileSync(path.join(folder, "places.control"), `default_version = '${name}'\ntrusted = true\n`);
      writeFileSync(
        path.join(folder, `places--${name}.sql`),
        `create table place (id int primary key, name text);
         insert into place values ${rows};
         grant select, insert on place to public;
         select pg_extension_config_dump('place', 'where id > ${own}')`,
      );
    };
    version("1.0", "(1, 'here'), (2, 'there')", "2");
    const { administrator } = lab.server;
    await lab.server.sql(administrator, "create extension places");
    await lab.server.sql(
      "migration",
      "insert into place select n, 'own ' || n from generate_series(100, 400) n",
    );
    const manifest = await backUp();
    expect(manifest.tables.find(({ name }) => name === "public.place")?.rows).toBe(301);
    const scratch = { SCRATCH_DATABASE_URL: lab.server.url(administrator, "postgres") };
    const proving = lab.as(store, "backup", undefined, scratch).settings;
    for (const release of ["the same", "a newer"]) {
      if (release === "a newer") version("1.1", "(1, 'here'), (2, 'there'), (3, 'new')", "3");
      const verified = await runVerify(proving, { backup: { id: manifest.id }, through: "L4" }, labContext());
      expect(verified.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
    }
    await lab.server.sql(administrator, "drop extension places");
  });
});

test("what locks several tables is not built beside anything else: the server would end one of two in a deadlock", () => {
  const entry = (dumpId: number, kind: string, ...dependencies: number[]): TocEntry => ({
    ...{ dumpId, kind, dependencies, section: /^(TABLE|SEQ)/.test(kind) ? "pre-data" : "post-data" },
    ...{ schema: "public", name: `n${dumpId}`, owner: "migration", definition: "", dropStatement: "" },
    ...{ copyStatement: "", hasData: false, offsetField: 0 },
  });
  const [parent, partition, plain, other] = [1, 2, 3, 4];
  const entries = [
    ...[parent, partition, plain, other].map((id) => entry(id, "TABLE")),
    entry(5, "TABLE ATTACH", partition, parent),
    entry(10, "CONSTRAINT", parent),
    entry(11, "CONSTRAINT", plain),
    entry(12, "INDEX", partition),
    entry(13, "INDEX ATTACH", 12, 10),
    // From a partitioned table, to one, and between two that are not.
    entry(20, "FK CONSTRAINT", 11, parent),
    entry(21, "FK CONSTRAINT", 10, plain),
    entry(22, "FK CONSTRAINT", 11, other),
    entry(30, "TRIGGER", plain),
    entry(31, "POLICY", plain),
    // What needs one of them comes behind it.
    entry(40, "COMMENT", 31),
    entry(41, "COMMENT", 11),
  ];
  expect([...planRestore(entries, []).oneByOne]).toEqual([13, 20, 21, 30, 31, 40]);
});
