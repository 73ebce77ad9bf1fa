import { runBackup } from "../../apps/recovery/commands/backup";
import type { DiffResult, RestoreResult } from "../../apps/recovery/types";
import { recovery } from "../support/recoveryCli";
import { labContext, startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";

let lab: PlatformLab;
let store: LabStore;
let id: string;
beforeAll(async () => {
  lab = await startPlatformLab();
  await lab.server.sql(
    "migration",
    `create type size as enum ('small', 'large');
     create function known(size) returns bool language sql immutable as 'select $1 is not null';
     create function stamp() returns trigger language plpgsql as $$ begin return new; end $$;
     create table customer (id int generated always as identity primary key, name text);
     create table orders (id bigserial primary key, customer int not null references customer, size size check (known(size)),
       twice int generated always as (customer * 2) stored);
     create table line (orders bigint references orders, no int, primary key (orders, no));
     create table log (day date not null, what text) partition by range (day);
     create table log_2025 partition of log for values from ('2025-01-01') to ('2026-01-01');
     create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01');
     create index on log (what);
     create index on orders (customer);
     create trigger stamping before insert on orders for each row execute function stamp();
     alter table orders enable row level security;
     create policy everybody on orders using (true);
     create view recent as select * from orders where id > 10;
     create schema reports;
     create table reports.daily (day date primary key, orders bigint references orders);
     create view reports.last as select max(day) from reports.daily;
     create table reports.other (day date primary key);
     insert into customer (name) select 'c' || n from generate_series(1, 50) n;
     insert into orders (customer, size) select 1 + n % 50, 'large' from generate_series(1, 300) n;
     insert into line select n, 1 from generate_series(1, 300) n;
     insert into log select date '2025-12-01' + n, 'x' from generate_series(1, 60) n;
     insert into reports.daily select date '2026-01-01' + n, n from generate_series(1, 30) n`,
  );
  await lab.server.sql(lab.server.administrator, "alter role backup bypassrls");
  store = await lab.store("backup");
  const [outcome] = await runBackup(store.settings, {}, labContext());
  if (!outcome || "error" in outcome) throw outcome?.error ?? new Error("no outcome");
  ({ id } = outcome.manifest);
});
afterAll(() => lab?.stop());

async function restore(to: string, ...args: string[]) {
  const { env } = lab.as(store, lab.server.administrator);
  return recovery(["restore", id, "--to", to, "--json", ...args], env);
}

const relations = async (database: string) =>
  (
    await lab.server.sql<{ name: string }>(
      lab.server.administrator,
      `select format('%s %s.%s', relkind, nspname, relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace
       where nspname in ('public', 'reports') order by 1`,
      database,
    )
  ).map(({ name }) => name);

test("one table comes with what it needs, compared, and says which of its parts cannot", async () => {
  const run = await restore("one", "--table", "public.orders");
  expect([run.code, run.stderr]).toEqual([0, expect.not.stringMatching(/^error/m)]);
  const result = JSON.parse(run.stdout) as RestoreResult;
  expect(result).toMatchObject({ database: "one", verdict: "PASS", fingerprints: "match" });
  expect(result.tables.map(({ name, rows }) => [name, rows])).toEqual([["public.orders", 300]]);
  expect(result.leftOut).toEqual([
    {
      kind: "fk-constraint",
      name: "public.orders orders_customer_fkey",
      reason: "it needs a table that was not asked for",
    },
  ]);
  expect(await relations("one")).toEqual([
    "S public.orders_id_seq",
    "i public.orders_customer_idx",
    "i public.orders_pkey",
    "r public.orders",
  ]);
  const [row] = await lab.server.sql(
    lab.server.administrator,
    `select relowner::regrole::text as owner, relrowsecurity as secured, has_table_privilege('api', oid, 'UPDATE') as api,
       (select count(*)::int from pg_policy) as policies, (select count(*)::int from pg_trigger where not tgisinternal) as triggers,
       nextval('public.orders_id_seq')::int as next from pg_class where oid = 'public.orders'::regclass`,
    "one",
  );
  expect(row).toEqual({ owner: "migration", secured: true, api: true, policies: 1, triggers: 1, next: 301 });
});

test("tables that reference each other keep their keys, and partitions come with their table", async () => {
  const run = await restore("several", "--table", "orders", "--table", "customer", "--table", "log");
  const result = JSON.parse(run.stdout) as RestoreResult;
  expect(result.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
  expect([run.code, result.leftOut]).toEqual([0, []]);
  expect(result.tables.map(({ name }) => name).sort()).toEqual([
    "public.customer",
    "public.log_2025",
    "public.log_2026",
    "public.orders",
  ]);
  expect(
    await lab.server.sql(
      lab.server.administrator,
      "select (select count(*)::int from log) as log, (select count(*)::int from pg_constraint where contype = 'f') as keys",
      "several",
    ),
  ).toEqual([{ log: 60, keys: 1 }]);
});

test("a schema comes with its tables and views; what the backup does not have is refused", async () => {
  const run = await restore("schema", "--schema", "reports");
  const result = JSON.parse(run.stdout) as RestoreResult;
  expect([run.code, result.leftOut.map(({ name }) => name)]).toEqual([
    0,
    ["reports.daily daily_orders_fkey"],
  ]);
  expect(await relations("schema")).toEqual([
    "i reports.daily_pkey",
    "i reports.other_pkey",
    "r reports.daily",
    "r reports.other",
    "v reports.last",
  ]);
  for (const [args, says] of [
    [["--table", "nothing"], /--table nothing: the backup has no such table/],
    [["--schema", "nothing"], /--schema nothing: the backup has no such schema/],
    [["--table", "orders", "--replace", "--confirm", "forma3d"], /cannot replace one/],
  ] as const) {
    const wrong = await restore(args.length > 2 ? "forma3d" : "wrong", ...args);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(says)]);
  }
});

describe("diff", () => {
  async function diff(...args: string[]) {
    return recovery(["diff", id, "--json", ...args], store.env);
  }

  test("names tables and ranges of keys that differ, and only those", async () => {
    const same = await diff();
    expect([same.code, JSON.parse(same.stdout)]).toEqual([
      0,
      expect.objectContaining({ same: true, added: [] }),
    ]);
    expect((await recovery(["diff", id], store.env)).stdout).toMatch(/holds what backup .* holds: 7 tables/);

    for (const text of [
      "update orders set customer = 9 where id = 150",
      "delete from line where orders = 300",
      "insert into log values ('2026-05-05', 'new')",
      "drop view reports.last; drop table reports.daily",
      "alter table customer drop column name",
      "create table later (id int)",
    ])
      await lab.server.sql("migration", text);
    const other = await diff();
    expect(other.code).toBe(1);
    const result = JSON.parse(other.stdout) as DiffResult;
    expect(result.tables.map(({ name, state }) => [name, state]).sort()).toEqual([
      ["public.customer", "other columns"],
      ["public.line", "differs"],
      ["public.log_2025", "same"],
      ["public.log_2026", "differs"],
      ["public.orders", "differs"],
      ["reports.daily", "missing"],
      ["reports.other", "same"],
    ]);
    expect(result.added).toEqual(["public.later"]);
    const of = (name: string) => result.tables.find((one) => one.name === name);
    expect(of("public.log_2026")).toMatchObject({
      key: null,
      backup: 30,
      database: 31,
      ranges: [{ from: null, before: null, backup: 30, database: 31 }],
    });
    expect(of("public.line")).toMatchObject({ key: "orders", backup: 300, database: 299 });
    const [range, ...rest] = of("public.orders")?.ranges ?? [];
    expect([range?.backup, range?.database, rest]).toEqual([range?.database, range?.backup, []]);
    expect(Number(range?.from)).toBeLessThanOrEqual(150);
    expect(Number(range?.before)).toBeGreaterThan(150);
    expect(other.stdout).not.toMatch(/new|"c7"/);

    const text = await recovery(["diff", id, "--table", "public.orders"], store.env);
    expect([text.code, text.stdout]).toEqual([
      1,
      expect.stringMatching(/public\.orders +differs +300 +300[^]*id from \d+, id before \d+/),
    ]);
    const wrong = await diff("--table", "public.nothing");
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/--table public\.nothing: the backup has no such/),
    ]);
  });
});
