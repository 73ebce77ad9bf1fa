import { Client } from "pg";
import type { Ground } from "../../apps/operations/ground/types";
import { Extraction } from "../../apps/operations/pitr/extract";
import type { PitrAssessment } from "../../apps/operations/pitr/assess";
import { tablesOf } from "../../apps/operations/pitr/tables";
import type { Platform } from "../../apps/operations/platform";
import { databaseLogins, type LoginRegions } from "../../infra/data/databaseLogins";
import { rolesScript } from "../../infra/data/rolesScript";
import { startFlexibleServer, type FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { usePrograms } from "../../packages/local-servers/postgresPrograms";

const REGIONS: LoginRegions = { serving: { code: "weu", location: "westeurope" } };

let server: FlexibleServer;
/** Two databases stand for the live server and for the one with what there was; the verb on two real ones: `verbs.test.ts`. */
const platform = { writerHost: "live" } as Platform;
const ground = { database: { query: ask } } as unknown as Ground;
const { signal } = new AbortController();
let incident = "";
let number = 0;

beforeAll(async () => {
  usePrograms();
  server = await startFlexibleServer({
    roles: { script: rolesScript(REGIONS), logins: databaseLogins(REGIONS) },
  });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  incident = `INC-${(number += 1)}`;
  for (const database of ["live", "then"]) {
    await server.asMicrosoft(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`, "postgres");
    await server.createDatabase(database);
    server.makeRoles(database);
  }
});

async function ask<T extends object>(host: string, text: string, values: unknown[] = []): Promise<T[]> {
  const client = new Client({ connectionString: server.url(server.administrator, host) });
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

const as = (host: string, text: string) => server.sql("migration", text, host);
const both = async (text: string) => {
  for (const host of ["live", "then"]) await as(host, text);
};
const live = (text: string) => server.sql(server.administrator, text, "live");

async function bringBack(...names: string[]): Promise<Extraction> {
  const tables = await tablesOf(platform, ground, names);
  const found = { tables, restoredHost: "then" } as unknown as PitrAssessment;
  const extraction = new Extraction(platform, ground, found, incident);
  await extraction.run(signal);
  expect(await extraction.done()).toBe(true);
  return extraction;
}

test("rows come back by the names of their columns, whatever a migration has done to the table since", async () => {
  // Named like what stands for a whole row in a statement.
  await as(
    "then",
    "CREATE TABLE part (t text, id int PRIMARY KEY, line text, old text, live text, gone text)",
  );
  await as(
    "then",
    "INSERT INTO part VALUES ('t', 1, 'line', 'old', 'live', 'gone'), ('t', 2, 'l', 'o', 'v', 'g')",
  );
  await as(
    "live",
    "CREATE TABLE part (id int PRIMARY KEY, line text, live text, old text, fresh int DEFAULT 7, t text)",
  );
  await as("live", "INSERT INTO part VALUES (2, 'another', 'v', 'o', 8, 't')");
  const extraction = await bringBack("part");
  expect(await live("SELECT * FROM part ORDER BY id")).toEqual([
    { id: 1, line: "line", live: "live", old: "old", fresh: 7, t: "t" },
    { id: 2, line: "another", live: "v", old: "o", fresh: 8, t: "t" },
  ]);
  expect(await extraction.undecided()).toEqual([{ table: "public.part", rows: 1, taken: 0 }]);
  expect(await live(`SELECT gone FROM restored_inc_${number}.part ORDER BY id`)).toEqual([
    { gone: "gone" },
    { gone: "g" },
  ]);
});

test("a child may be named before its parent, and two that refer to each other come back together", async () => {
  await both(`CREATE TABLE parent (id int PRIMARY KEY, head int);
    CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent);
    ALTER TABLE parent ADD FOREIGN KEY (head) REFERENCES child DEFERRABLE`);
  await as(
    "then",
    "BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (1, 1); COMMIT",
  );
  await both("CREATE TABLE leaf (id int PRIMARY KEY, child int REFERENCES child)");
  await as("then", "INSERT INTO leaf VALUES (1, 1)");
  await expect(bringBack("leaf")).rejects.toThrow(
    /^no row came back: .*violates foreign key constraint.* \(Key \(child\)=\(1\) is not present in table "child"\)$/,
  );
  await bringBack("leaf", "parent", "child");
  expect(
    await live(
      "SELECT leaf.id, head FROM leaf JOIN child ON child = child.id JOIN parent ON parent = parent.id",
    ),
  ).toEqual([{ id: 1, head: 1 }]);
});

test("a row whose place another one has taken is told, and waited for by nobody", async () => {
  await both("CREATE TABLE coupon (id int PRIMARY KEY, code text UNIQUE)");
  await as("then", "INSERT INTO coupon VALUES (1, 'spring'), (2, 'summer')");
  await as("live", "INSERT INTO coupon VALUES (9, 'spring')");
  const extraction = await bringBack("coupon");
  expect(await live("SELECT id FROM coupon ORDER BY id")).toEqual([{ id: 2 }, { id: 9 }]);
  expect(await extraction.undecided()).toEqual([{ table: "public.coupon", rows: 0, taken: 1 }]);
});

test("keys of several columns, parts of a table and rows of every length come back, in turns of a bounded size", async () => {
  await both(`CREATE TABLE "Print Jobs" (at date, "No" text, document text, size int GENERATED ALWAYS AS (length(document)) STORED,
      seq int GENERATED ALWAYS AS IDENTITY, PRIMARY KEY ("No", at)) PARTITION BY RANGE (at);
    CREATE TABLE jobs_1 PARTITION OF "Print Jobs" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE jobs_2 PARTITION OF "Print Jobs" FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')`);
  await as(
    "then",
    `INSERT INTO "Print Jobs" (at, "No", document) SELECT date '2026-01-01' + n % 50, 'a, "' || n, repeat('x', CASE n % 100 WHEN 0 THEN 1000000 ELSE n END)
       FROM generate_series(1, 3000) n`,
  );
  await bringBack('"Print Jobs"');
  const sum = `SELECT count(*), sum(hashtextextended((j.*)::text, 0)) FROM "Print Jobs" j`;
  expect(await live(sum)).toEqual(await server.sql(server.administrator, sum, "then"));
});

test("what cannot be brought back is refused before anything is made", async () => {
  await as("live", "CREATE UNLOGGED TABLE quick (id int PRIMARY KEY)");
  const asked = (name: string) => tablesOf(platform, ground, [name]);
  for (const [name, why] of [
    ["a.b.c.d", "there is no such table in live"],
    ['"', "there is no such table in live"],
    ["", "there is no such table in live"],
    ["postgres.public.quick", "there is no such table in live"],
    ["quick; DROP TABLE quick", "there is no such table in live"],
    ["pg_catalog.pg_class", "it is PostgreSQL's own"],
    ["quick", "it is unlogged"],
  ] as const)
    await expect(asked(name)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`--extract ${name}: ${why}`),
    });
  await as(
    "live",
    "CREATE TABLE young (id int PRIMARY KEY); CREATE TABLE keyed (id int, other int PRIMARY KEY)",
  );
  await as("then", "CREATE TABLE keyed (id int PRIMARY KEY)");
  await expect(bringBack("young")).rejects.toThrow(/^public.young was not there at the moment/);
  await expect(bringBack("keyed")).rejects.toThrow(/^public.keyed had no other at the moment/);
});
