import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { keysOf, looksLikeAddress, personalKind } from "../../apps/recovery/mask/catalogue";
import { maskValue } from "../../apps/recovery/mask/masks";
import { checkRules, columnsOf } from "../../apps/recovery/mask/rules";
import type { Manifest, RestoreResult } from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import { verb } from "../support/recoveryCli";
import { startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";

const KEY = "made up for this test, long enough";
const RULES = `columns:
  public.customer.email: email
  public.customer.full_name: shape
  public.customer.phone: { mask: shape }
  public.customer.born: date
  public.customer.seen: date
  public.customer.token: token
  public.customer.country: { mask: constant, value: Łódź }
  public.customer.about: "null"
  public.customer.ref: uuid
  public.order.customer_email: email
  public.order.city: keep
`;

let lab: PlatformLab;
let store: LabStore;
let manifest: Manifest;
let folder: string;
beforeAll(async () => {
  lab = await startPlatformLab();
  await lab.server.sql(
    "migration",
    `create table customer (email text primary key, full_name text not null, phone text, born date, seen timestamptz,
       token text, country text, about text, ref uuid, plain text);
     create table "order" (id int generated always as identity primary key, customer_email text references customer,
       city text, what text);
     insert into customer select 'person' || n || '@shop.example', 'Ann' || n || E' O\\'Tab\\there \\\\ back', '+32 470 ' || n,
       date '1980-05-17' + n, timestamptz '2026-03-04 05:06:07.89+02' + n * interval '1 hour', md5(n::text), 'NL',
       'likes cats', gen_random_uuid(), E'kept\\ttab \\\\. ' || n from generate_series(1, 2000) n;
     insert into customer (email, full_name, phone) values ('', 'Zoë', null);
     -- A text in which every character could begin an address.
     insert into customer (email, full_name, plain) values ('long', 'Bob', repeat('kept', 500000) || ' @');
     comment on column customer.email is 'such as someone@shop.example';
     insert into "order" (customer_email, city, what)
       select 'person' || 1 + n % 2000 || '@shop.example', 'Gent', 'vase' from generate_series(1, 5000) n`,
  );
  store = await lab.store("backup");
  manifest = await backUp();
  folder = mkdtempSync(path.join(tmpdir(), "mask-"));
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function backUp(): Promise<Manifest> {
  return (await makeBackup(store.settings)).manifest;
}

async function masked(
  rules: string,
  to: string,
  id = manifest.id,
  extra: Record<string, string> = { MASK_KEY: KEY },
) {
  const file = path.join(folder, `${to}.yaml`);
  writeFileSync(file, rules);
  const { env } = lab.as(store, lab.server.administrator);
  return verb(["restore", id, "--to", to, "--mask", file, "--json"], { ...env, ...extra });
}

const ask = <T extends object>(sql: string, database: string) =>
  lab.server.sql<T>(lab.server.administrator, sql, database);

test("what is masked never comes back as it was, keys still join, and the same key gives the same values", async () => {
  const run = await masked(RULES, "staging");
  expect([run.code, run.stderr]).toEqual([0, expect.not.stringMatching(/^error/m)]);
  const result = JSON.parse(run.stdout) as RestoreResult;
  expect(result).toMatchObject({ fingerprints: "match", verdict: "PASS" });
  expect(result.warnings).toContain(
    "the definition of comment public.COLUMN customer.email holds an e-mail address, and is not masked",
  );
  expect(result.masked).toContainEqual({ column: "public.order.customer_email", mask: "email" });

  const [sums] = await ask(
    `select count(*)::int as rows, count(distinct email)::int as emails,
       count(*) filter (where email !~ '^[0-9a-f]{20}@example\\.invalid$')::int as odd,
       count(*) filter (where full_name ~ 'Ann\\d' or phone ~ '^\\+32 470')::int as plain,
       count(*) filter (where full_name !~ '^[A-Z][a-z]{2}\\d+ [A-Z]''[A-Z][a-z]{2}\\t[a-z]{4} \\\\ [a-z]{4}$')::int as shapeless,
       array_agg(distinct country) as countries, count(about)::int as about,
       bool_and(extract(doy from born) = 1) as born, bool_and(extract(doy from seen at time zone 'UTC') = 1) as seen,
       count(*) filter (where plain ~ '^kept\\t')::int as kept
     from customer`,
    "staging",
  );
  expect(sums).toEqual({
    rows: 2002,
    emails: 2002,
    odd: 1,
    plain: 0,
    shapeless: 2,
    countries: ["Łódź", null],
    about: 0,
    born: true,
    seen: true,
    kept: 2000,
  });
  expect(await ask(`select full_name, phone from customer where email = ''`, "staging")).toEqual([
    { full_name: expect.stringMatching(/^[A-Z][a-z]x$/) as string, phone: null },
  ]);
  expect(
    await ask(`select count(*)::int as n from "order" join customer on email = customer_email`, "staging"),
  ).toEqual([{ n: 5000 }]);

  const digest = "select md5(string_agg(c::text, ',' order by email, full_name)) as digest from customer c";
  expect((await masked(RULES, "again")).code).toBe(0);
  expect(await ask(digest, "again")).toEqual(await ask(digest, "staging"));
});

test("a column that looks personal and has no rule stops it before anything is done", async () => {
  const without = RULES.split("\n")
    .filter((line) => !/phone|city/.test(line))
    .join("\n");
  const both =
    /public\.order\.city looks like an address and has no rule[^]*public\.customer\.phone looks like a telephone number and has no rule[^]*name column public\.customer\.gone, which the backup/;
  for (const [rules, says, extra] of [
    [`${without}  public.customer.gone: token\n`, both, undefined],
    [
      `${RULES}  public.customer.plain: blur\n`,
      /public\.customer\.plain: expected a mask \(keep, null, constant/,
      undefined,
    ],
    [`${RULES}  public.customer.plain: constant\n`, /value goes with constant alone/, undefined],
    [RULES, /MASK_KEY: missing/, {}],
    [RULES, /MASK_KEY: expected at least 32 characters/, { MASK_KEY: "short" }],
  ] as const) {
    const run = await masked(rules, "rules", manifest.id, extra);
    expect([run.code, run.stderr]).toEqual([2, expect.stringMatching(says)]);
  }
  expect(await ask("select from pg_database where datname like 'rules%'", "postgres")).toEqual([]);
  const constant = {
    columns: new Map([["public.customer.country", { kind: "constant", value: "Łódź" } as const]]),
  };
  const elsewhere = { ...manifest, server: { ...manifest.server, encoding: "LATIN2" } };
  expect(() => checkRules(constant, elsewhere)).toThrow(
    /value for column public\.customer\.country is not ASCII, and the database has encoding LATIN2/,
  );
});

test("a value its mask would leave as it is, and an address in a column without a rule end it, and nothing of it stays", async () => {
  // A date of birth as somebody wrote it is no date to PostgreSQL.
  const written = await masked(
    RULES.replace("country: { mask: constant, value: Łódź }", "country: date"),
    "leaky",
  );
  expect([written.code, written.stderr]).toEqual([
    1,
    expect.stringMatching(
      /column public\.customer\.country holds what is no date or time, which mask date would leave as it is/,
    ),
  ]);
  expect(written.stderr).not.toContain("NL");
  expect(await ask("select from pg_database where datname like 'leaky%'", "postgres")).toEqual([]);
  await lab.server.sql(
    "migration",
    `create table upload (file bytea); insert into upload values ('From: someone@shop.example');
     create table event (body jsonb); insert into event values ('{"a": {"to": "someone@shop.example"}}');
     create table visit (state jsonb); insert into visit values ('{"of": {"lastName": "Somebody"}}')`,
  );
  const { id } = await backUp();
  const holders = {
    "upload.file": "e-mail addresses",
    "event.body": "e-mail addresses",
    "visit.state": "a person's name",
  };
  for (const [column, what] of Object.entries(holders)) {
    const others = Object.keys(holders).filter((one) => one !== column);
    const run = await masked(RULES + others.map((one) => `  public.${one}: keep\n`).join(""), "leaky", id);
    expect([run.code, run.stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`column public\\.${column} holds ${what}.* and has no rule`)),
    ]);
    expect(run.stderr).not.toMatch(/someone|somebody/i);
  }
  expect(await ask("select from pg_database where datname like 'leaky%'", "postgres")).toEqual([]);
  await lab.server.sql(
    "migration",
    "select lo_from_bytea(7, 'a letter'); grant select on large object 7 to backup",
  );
  const objects = await backUp();
  const kept =
    RULES +
    Object.keys(holders)
      .map((one) => `  public.${one}: keep\n`)
      .join("");
  const undecided = await masked(kept, "objects", objects.id);
  expect([undecided.code, undecided.stderr]).toEqual([
    2,
    expect.stringMatching(/1 large objects; largeObjects: keep or drop/),
  ]);
  const dropped = await masked(`${kept}largeObjects: drop\n`, "objects", objects.id);
  expect([dropped.code, dropped.stderr]).toEqual([0, expect.not.stringMatching(/^error/m)]);
  expect(await ask("select from pg_largeobject_metadata", "objects")).toEqual([]);
});

test("parts of composite types count as columns do, whatever holds them, and a rule is the whole column's", async () => {
  await lab.createDatabase("composite");
  await lab.sql(
    "composite",
    `create type place as (line text, postal_code text);
     create type parcel as (weight int, destination place);
     create domain parcels as parcel[];
     create table shipment (id int, one parcel, several parcels, size point);
     insert into shipment values (1, row(5, row('Kerkstraat 7', '9000')), array[row(5, row('Kerkstraat 7', '9000'))::parcel])`,
  );
  const { id } = (await makeBackup(lab.as(store, "backup", "composite").settings)).manifest;
  const refused = await masked("columns: {}", "parts", id);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(
      /part postal_code of column public\.shipment\.one looks like an address[^]*public\.shipment\.several looks like an address/,
    ),
  ]);
  expect(refused.stderr).not.toMatch(/Kerkstraat|column public\.shipment\.size/);
  expect(await ask("select from pg_database where datname like 'parts%'", "postgres")).toEqual([]);
  const rules = "columns: { public.shipment.one: shape, public.shipment.several: 'null' }";
  expect((await masked(rules, "parts", id)).code).toBe(0);
  expect(await ask("select one::text ~ 'Kerk' as kept, several from shipment", "parts")).toEqual([
    { kept: false, several: null },
  ]);
});

test("names and values", () => {
  for (const name of [
    "email",
    "customerEmail",
    "Customer E-Mail",
    "contact_name",
    "shippingAddress",
    "ip",
    "accessToken",
    "postalCode",
    // Written together, numbered, or with words between.
    "customeremail",
    "emailaddress",
    "email2",
    "phonenumber",
    "MobilePhone",
    "firstname",
    "streetname",
    "address3",
    "birthplace",
    "user_password_digest",
  ])
    expect([name, personalKind(name)]).toEqual([name, expect.any(String)]);
  for (const name of [
    "id",
    "created_at",
    "skip",
    "recipe",
    "capacity",
    "product_name",
    "tokenizer",
    "ship_by",
    "description",
    "telemetry",
    "border_width",
    "mailbox_count",
  ])
    expect([name, personalKind(name)]).toEqual([name, undefined]);
  expect(columnsOf(`COPY public."Order Line" ("say ""hi""", plain, "a,b") TO STDOUT`)).toEqual({
    table: "public.Order Line",
    columns: ['say "hi"', "plain", "a,b"],
  });
  expect(columnsOf(`COPY "my.schema".t (a) FROM stdin;`)).toEqual({ table: "my.schema.t", columns: ["a"] });
  for (const text of ["a@shop.example", "info@müller.example", "пример@почта.рф", "?to=a%40shop.example"])
    expect([text, looksLikeAddress(Buffer.from(text).toString("latin1"))]).toEqual([text, true]);
  expect(looksLikeAddress(String.raw`{"to": "a\\u0040shop.example"}`)).toBe(true);
  for (const text of ["@", "a@b", "a @shop.example", "3.5 @ 7.50"])
    expect(looksLikeAddress(text)).toBe(false);
  expect([...keysOf(`{"a": {"lastName" : ["x", {"b c":1}]}, "d": "\\\\"no\\\\": 1"}`)]).toEqual([
    ...["a", "lastName", "b c", "d"],
  ]);
  expect([
    ...keysOf(String.raw`{"(1,\\"{\\"\\"phone\\"\\": 1}\\")"}`),
    ...keysOf(`(1,"{""born"": 1}")`),
  ]).toEqual([...["phone", "born"]]);
  expect([...keysOf(`"phone"=>"1", "e"=>NULL`)]).toEqual(["phone", "e"]);
  const key = Buffer.from(KEY);
  const email = (by: string) => maskValue({ kind: "email" }, "a@b.example", Buffer.from(by));
  expect(email(KEY)).not.toBe(email(`${KEY}!`));
  expect(maskValue({ kind: "date" }, "infinity", key)).toBe("infinity");
  expect(maskValue({ kind: "date" }, "0044-03-15 BC", key)).toBe("0044-01-01 BC");
  for (const text of ["17/05/1980", "[1980-05-17,1981-01-01)", "{1980-05-17}", "1980", "17 May 1980"])
    expect(() => maskValue({ kind: "date" }, text, key)).toThrow("holds what is no date or time");
  expect(maskValue({ kind: "shape" }, "x".repeat(500), key)).toMatch(/^[a-z]{500}$/);
});
