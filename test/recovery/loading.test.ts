import http from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { runRestore } from "../../apps/recovery/commands/restore";
import { compareRestored } from "../../apps/recovery/compareRestored";
import { Ladder } from "../../apps/recovery/ladder";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { findProgram } from "../../packages/programs/postgres";
import { startRestore } from "../../apps/recovery/postgres/restoreArchive";
import type { RestoreTask } from "../../apps/recovery/postgres/restoreTask";
import { loadSettings } from "../../apps/recovery/settings";
import { Slots } from "../../apps/recovery/slots";
import { startSpool } from "../../apps/recovery/spool";
import { Stages } from "../../apps/recovery/stages";
import type { Manifest } from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import {
  createEveryKind,
  labContext,
  startPlatformLab,
  type PlatformLab,
  type LabStore,
} from "../support/recoveryLab";
import { until } from "../support/until";

const { signal } = new AbortController();

let lab: PlatformLab;
let directory: string;

beforeAll(async () => {
  lab = await startPlatformLab();
  directory = mkdtempSync(path.join(tmpdir(), "loading-test-"));
});
afterAll(async () => {
  await lab.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function backUp(database: string): Promise<{ store: LabStore; manifest: Manifest; stored: Buffer }> {
  const store = await lab.store("backup", database);
  const { manifest } = await makeBackup(store.settings);
  return {
    store,
    manifest,
    stored: await store.daily.getBlobClient(manifest.archive.blob).downloadToBuffer(),
  };
}

function spoolOf(source: Readable, manifest: Manifest) {
  return startSpool({ source, manifest, directory, zstd: findProgram("zstd"), signal });
}

async function restoreTask(
  database: string,
  manifest: Manifest,
  archive: RestoreTask["archive"],
): Promise<RestoreTask> {
  await lab.createDatabase(database);
  const server = parseServerUrl(lab.server.url(lab.server.administrator, database));
  const pgRestore = findProgram("pg_restore");
  return { pgRestore, server, archive, directory, manifest, jobs: 2, compare: true, signal };
}

test("work waits for a slot, the most urgent first, and a failure frees its slot", async () => {
  const slots = new Slots(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const work = (rank: number) =>
    slots.run(rank, async () => {
      most = Math.max(most, (running += 1));
      order.push(rank);
      await sleep(5);
      running -= 1;
      if (rank === 3) throw new Error("broken");
    });
  const outcomes = await Promise.allSettled([5, 3, 4, -1, 9, 0].map(work));
  expect(order).toEqual([-1, 0, 3, 4, 5, 9]);
  expect(most).toBe(2);
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});

test("what is said of the only key of a database whose one table is large comes back", async () => {
  await lab.createDatabase("said");
  await lab.sql(
    "said",
    `CREATE TABLE one (id int CONSTRAINT first PRIMARY KEY); INSERT INTO one VALUES (1);
     COMMENT ON CONSTRAINT first ON one IS 'built alone, with nothing after it'`,
  );
  const { manifest, stored } = await backUp("said");
  const tables = manifest.tables.map((table) => ({ ...table, bytes: 2 ** 30 }));
  const { archive, spooled } = spoolOf(Readable.from([stored]), manifest);
  const task = await restoreTask("said_back", { ...manifest, tables }, archive);
  await startRestore(task).compared;
  (await spooled).remove();
  const remark =
    "SELECT obj_description(oid, 'pg_constraint') AS remark FROM pg_constraint WHERE conname = 'first'";
  expect(await lab.server.sql(lab.server.administrator, remark, "said_back")).toEqual([
    { remark: "built alone, with nothing after it" },
  ]);
});

test("every kind of object comes back when each table is large enough to have its indexes built on their own", async () => {
  await createEveryKind(lab, "app");
  await lab.sql(
    "app",
    `CREATE TABLE keyed (id int PRIMARY KEY, code text UNIQUE, parent int REFERENCES keyed, tags int[]);
     CREATE INDEX keyed_tags ON keyed USING gin (tags); CREATE INDEX keyed_parent ON keyed (parent);
     COMMENT ON INDEX keyed_tags IS 'built alone'; COMMENT ON CONSTRAINT keyed_pkey ON keyed IS 'built alone, too';
     ALTER TABLE keyed CLUSTER ON keyed_parent; ALTER TABLE keyed REPLICA IDENTITY USING INDEX keyed_pkey;
     INSERT INTO keyed SELECT g, 'c' || g, nullif(g / 2, 0), ARRAY[g, g + 1] FROM generate_series(1, 20000) g;`,
  );
  const { manifest, stored } = await backUp("app");
  const large = {
    ...manifest,
    tables: manifest.tables.map((table) => ({ ...table, bytes: table.bytes + 2 ** 30 })),
  };
  const { archive, spooled } = spoolOf(Readable.from([stored]), manifest);
  const task = await restoreTask("back", large, archive);
  const { built, compared } = startRestore(task);
  await built;
  const context = labContext();
  const ladder = new Ladder("L4", context.signal);
  const place = () => ({ server: task.server, manifest });
  await compareRestored(ladder, new Stages(context), place, { jobs: 2, signal, begun: compared });
  expect(ladder.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
  expect((await compared).tables).toHaveLength(manifest.tables.length);
  const definitions = `SELECT c.relname, pg_get_indexdef(i.indexrelid) AS definition, i.indisclustered, i.indisreplident,
      i.indisvalid, obj_description(i.indexrelid, 'pg_class') AS remark
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1, 2`;
  expect(await lab.sql("back", definitions)).toEqual(await lab.sql("app", definitions));
  const constraints = `SELECT conname, pg_get_constraintdef(oid) AS definition, convalidated,
      obj_description(oid, 'pg_constraint') AS remark FROM pg_constraint ORDER BY 1, 2`;
  expect(await lab.sql("back", constraints)).toEqual(await lab.sql("app", constraints));
  (await spooled).remove();
});

test("rows are frozen as they are loaded, so that nobody has to write every page again", async () => {
  const { server } = lab;
  await server.sql(server.administrator, "ANALYZE", "back");
  const [row] = await server.sql(
    server.administrator,
    // A table is extended by several pages at a time: those behind the last row are empty.
    `SELECT count(*)::int AS tables, array_agg(relname) FILTER (WHERE relallvisible < used) AS unfrozen
     FROM pg_class c, LATERAL (SELECT (xpath('//n/text()', query_to_xml(format(
         'SELECT 1 + max((ctid::text::point)[0])::int AS n FROM ONLY %s', c.oid::regclass), false, true, '')))[1]::text::int) x(used)
     WHERE relkind = 'r' AND relpages > 0 AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
       AND relname <> 'totals'`,
    "back",
  );
  expect(row).toMatchObject({ unfrozen: null });
  expect((row as { tables: number }).tables).toBeGreaterThan(10);
});

describe("an archive that is still being fetched", () => {
  let backup: { store: LabStore; manifest: Manifest; stored: Buffer };
  beforeAll(async () => {
    await lab.createDatabase("slow");
    await lab.sql(
      "slow",
      `CREATE TABLE noise AS SELECT g AS id, md5(g::text) || md5((-g)::text) AS body
       FROM generate_series(1, 60000) g`,
    );
    backup = await backUp("slow");
  });

  /** Starts a restore with half of the archive, waits until rows are being loaded, and then sends the rest. */
  async function inTwoHalves(database: string, rest: (bytes: Buffer) => Buffer) {
    const { manifest, stored } = backup;
    const half = Math.floor(stored.length / 2);
    const source = new Readable({ read() {} });
    source.push(stored.subarray(0, half));
    const { archive, spooled } = spoolOf(source, manifest);
    const { built, compared } = startRestore(await restoreTask(database, manifest, archive));
    const loads = () =>
      lab.sql(
        "postgres",
        `SELECT FROM pg_stat_activity WHERE datname = '${database}' AND state = 'active' AND query ~ '^COPY public.noise'`,
      );
    await until("rows are being loaded", async () => (await loads()).length > 0);
    source.push(rest(stored.subarray(half)));
    source.push(null);
    const archived = await spooled;
    const outcome = await built.then(
      () => "built",
      (error: Error) => error.message,
    );
    archived.remove();
    return { outcome, archived, compared };
  }

  test("is loaded while it arrives", async () => {
    const { outcome, compared } = await inTwoHalves("early", (bytes) => bytes);
    expect(outcome).toBe("built");
    expect(await compared).toMatchObject({ match: true, tables: [{ name: "public.noise", rows: 60_000 }] });
  });

  test.each([
    [
      "flipped",
      (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length - 200 ? byte ^ 1 : byte)) as Buffer,
    ],
    ["missing", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  ])(
    "whose later bytes are %s: the restore fails, commits no row, and the archive is known to be damaged",
    async (name, rest) => {
      const { outcome, archived, compared } = await inTwoHalves(`late_${name}`, rest);
      expect(outcome).not.toBe("built");
      expect(archived.sha256).not.toBe(backup.manifest.sha256);
      await expect(compared).rejects.toThrow();
      const { server } = lab;
      const rows = "SELECT count(*)::int AS rows FROM noise";
      expect(await server.sql(server.administrator, rows, `late_${name}`)).toEqual([{ rows: 0 }]);
      // A server notices that its client is gone a moment after it is.
      await until("nothing of it runs on", async () => {
        const left = await lab.sql(
          "postgres",
          `SELECT FROM pg_stat_activity WHERE datname = 'late_${name}' AND state = 'active'`,
        );
        return left.length === 0;
      });
    },
  );

  /** A blob server that delivers half of an archive, waits for `then`, and delivers the rest with one bit flipped. */
  async function flippingProxy(then: () => Promise<void>) {
    const connection = lab.azurite.connectionString;
    const endpoint = new URL(/BlobEndpoint=([^;]+)/.exec(connection)?.[1] ?? "");
    const server = http.createServer((request, response) => {
      const { method, headers, url } = request;
      const onward = http.request({
        host: endpoint.hostname,
        port: endpoint.port,
        method,
        headers,
        path: url,
      });
      request.pipe(onward);
      onward.once("response", (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (method !== "GET" || !url?.includes("archive.pgdump.zst")) return void answer.pipe(response);
        void answer.toArray().then(async (parts: Buffer[]) => {
          const bytes = Buffer.concat(parts);
          const half = bytes.length / 2;
          response.write(bytes.subarray(0, half));
          await then();
          bytes[bytes.length - 200] = (bytes[bytes.length - 200] as number) ^ 1;
          response.end(bytes.subarray(half));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    return {
      connectionString: connection.replace(`:${endpoint.port}/`, `:${port}/`),
      stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
    };
  }

  test.each([
    ["new", {}],
    ["live", { replace: "live" }],
  ])(
    "and turns out to be damaged when its rows are being loaded: nothing of it stays, nothing is switched (%s)",
    async (to, replace) => {
      const { store, manifest } = backup;
      if (to === "live") {
        await lab.createDatabase(to);
        await lab.sql(to, "CREATE TABLE precious AS SELECT 1 AS n");
      }
      const names = async () =>
        (await lab.sql<{ datname: string }>("postgres", "SELECT datname FROM pg_database ORDER BY 1")).map(
          ({ datname }) => datname,
        );
      const before = await names();
      const meanwhile: string[] = [];
      const proxy = await flippingProxy(async () => {
        const loading =
          "SELECT datname FROM pg_stat_activity WHERE query ~ '^COPY public.noise' AND state = 'active'";
        const found = await until("rows are being loaded", async () => {
          const [first] = await lab.sql<{ datname: string }>("postgres", loading);
          return first?.datname;
        });
        meanwhile.push(found);
      });
      const settings = loadSettings(
        { ...lab.restoring(store).env, BACKUP_STORE_CONNECTION_STRING: proxy.connectionString },
        ["database", "store"],
      );
      const restored = runRestore(settings, { backup: { id: manifest.id }, to, ...replace }, labContext());
      await expect(restored).rejects.toThrow(/is damaged: the archive has .*; nothing was restored/);
      await proxy.stop();
      expect(meanwhile).toEqual([expect.stringMatching(new RegExp(`^${to}(_restore_.*)?$`))]);
      expect(await names()).toEqual(before);
      if (to === "live") expect(await lab.sql(to, "SELECT n FROM precious")).toEqual([{ n: 1 }]);
    },
  );
});
