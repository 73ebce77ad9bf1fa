import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildProgram } from "../../apps/recovery/cli";
import { runPrune } from "../../apps/recovery/commands/prune";
import { judge, runStatus } from "../../apps/recovery/commands/status";
import { decode, encode, seal } from "../../apps/recovery/document";
import { decideRetention } from "../../apps/recovery/retention";
import { loadSettings } from "../../apps/recovery/settings";
import { readCatalogue, readManifest, select, summarise } from "../../apps/recovery/store/catalogue";
import { choose, openTargets, readFleet, type Place } from "../../apps/recovery/store/fleet";
import { openStore } from "../../apps/recovery/store/open";
import { archiveBlob, manifestBlob, newBackupId, newReportBlob } from "../../apps/recovery/store/names";
import {
  manifestSchema,
  VERIFICATION_FORMAT,
  type CatalogueEntry,
  type Manifest,
  type PruneResult,
  type Tier,
  type VerifyReport,
} from "../../apps/recovery/types";
import { makeBackup } from "../support/backup";
import { startBlobProxy } from "../support/blobProxy";
import { folderTarget, temporaryFiles } from "../support/targets";
import { startVersionedBlobs } from "../support/versionedBlobs";
import { verb } from "../support/recoveryCli";
import { labContext, startPlatformLab, type PlatformLab, type LabStore } from "../support/recoveryLab";

const DAY_MS = 86_400_000;

let lab: PlatformLab;
let template: Manifest;
beforeAll(async () => {
  lab = await startPlatformLab();
  await lab.createDatabase("app");
  await lab.sql("app", "CREATE TABLE t AS SELECT 1 AS n");
  template = (await makeBackup((await lab.store("backup", "app")).settings)).manifest;
});
afterAll(() => lab.stop());

const DAYS = { hourly: 7, daily: 30, weekly: 28, monthly: 365 };

/** A backup of some days ago as it would lie in the store, verified or not. */
async function put(
  store: LabStore,
  days: number,
  options: { tier?: Tier; verdict?: "PASS" | "FAIL" | "NOT_RUN"; content?: Partial<Manifest> } = {},
) {
  const tier = options.tier ?? "daily";
  const at = new Date(Date.now() - days * DAY_MS);
  const place = { environment: "test", database: "app", id: newBackupId("app", tier, at) };
  const container = store[tier];
  const archive = { ...template.archive, container: container.containerName, blob: archiveBlob(place) };
  const { digest: _, ...rest } = template;
  const [snapshotAt, finishedAt] = [at.toISOString(), at.toISOString()];
  const storedBytes = "archive".length;
  const dated = { tier, snapshotAt, finishedAt, storedBytes, archive };
  const manifest = seal({ ...rest, ...options.content, ...place, ...dated });
  const upload = (name: string, text: string) =>
    container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
  await upload(archive.blob, "archive");
  await upload(manifestBlob(place), encode(manifest));
  if (options.verdict) {
    const report = seal<Omit<VerifyReport, "digest">>({
      format: VERIFICATION_FORMAT,
      ...place,
      tier,
      verdict: options.verdict,
      through: "L6",
      startedAt: at.toISOString(),
      endedAt: at.toISOString(),
      seconds: 1,
      manifestDigest: manifest.digest,
      scratch: { kind: "none", version: "" },
      stages: [],
      checks: [],
      tables: [],
    });
    await upload(newReportBlob(place, at), encode(report));
  }
  return place.id;
}

async function bytesHeld(store: LabStore): Promise<number> {
  let bytes = 0;
  for (const container of [store.daily, store.monthly])
    for await (const { properties } of container.listBlobsFlat()) bytes += properties.contentLength ?? 0;
  return bytes;
}

async function prune(store: LabStore, ...args: string[]): Promise<PruneResult & { deleted: string[] }> {
  const run = await verb(["prune", "--json", ...args], store.env);
  if (run.code !== 0) throw new Error(run.stderr);
  const result = JSON.parse(run.stdout) as PruneResult;
  return {
    ...result,
    deleted: result.decisions.filter(({ outcome }) => outcome === "deleted").map(({ id }) => id),
  };
}

test("prune deletes what is past its retention, only when told to, and all of it", async () => {
  const store = await lab.store("backup", "app", { RETENTION_KEEP_LAST: "1" });
  const expired = [await put(store, 45), await put(store, 31, { verdict: "PASS" })];
  const kept = [await put(store, 29), await put(store, 1, { verdict: "PASS" })];
  const monthly = [await put(store, 366, { tier: "monthly" }), await put(store, 300, { tier: "monthly" })];
  const before = await store.blobs();
  const dry = await prune(store);
  expect(dry).toMatchObject({ dryRun: true, deletedBytes: 0 });
  const planned = dry.decisions.filter(({ outcome }) => outcome === "planned").map(({ id }) => id);
  expect(planned.sort()).toEqual([...expired, monthly[0]].sort());
  expect(await store.blobs()).toEqual(before);

  const held = await bytesHeld(store);
  const done = await prune(store, "--no-dry-run");
  expect(done.deleted.sort()).toEqual([...expired, monthly[0]].sort());
  expect(done.deletedBytes).toBe(held - (await bytesHeld(store)));
  const left = (await store.blobs()).filter((name) => !name.includes("/locks/"));
  expect(new Set(left.map((name) => name.split("/")[2]))).toEqual(new Set([...kept, monthly[1]]));
});

test("where the store keeps versions, prune deletes those as well, and what an ended run left of them", async () => {
  const store = await lab.store("backup", "app", { RETENTION_KEEP_LAST: "1" });
  const old = await put(store, 40);
  const kept = await put(store, 1, { verdict: "PASS" });
  const versioned = await startVersionedBlobs(lab.azurite.connectionString);
  const through = {
    ...store,
    env: { ...store.env, BACKUP_STORE_CONNECTION_STRING: versioned.connectionString },
  };
  // A run that was killed between the two deletions of a blob.
  const half = archiveBlob({ environment: "test", database: "app", id: old });
  versioned.previous.add(`${store.daily.containerName}/${half}`);
  const result = await prune(through, "--no-dry-run");
  await versioned.stop();
  expect(result.deleted).toEqual([old]);
  expect(result.deletedBytes).toBeGreaterThan("archive".length);
  // The lock's own versions hold no bytes.
  expect([...versioned.previous].filter((name) => !name.includes("/locks/"))).toEqual([]);
  const left = (await store.blobs()).filter((name) => !name.includes("/locks/"));
  expect(new Set(left.map((name) => name.split("/")[2]))).toEqual(new Set([kept]));
});

test("prune ends what drills made of made-up data, a retention after it was made", async () => {
  const store = await lab.store("backup", "app");
  const drilled = archiveBlob({
    environment: "test-drill",
    database: "drill_shop",
    id: newBackupId("drill_shop", "daily", new Date()),
  });
  await store.daily.getBlockBlobClient(drilled).upload("made up", 7);
  expect((await prune(store, "--no-dry-run")).deletedBytes).toBe(0);
  expect(await store.blobs()).toContain(drilled);
  const later = new Date(Date.now() + 31 * DAY_MS).toUTCString();
  const proxy = await startBlobProxy(lab.azurite.connectionString, () => ({ headers: { date: later } }));
  const settings = loadSettings({ ...store.env, BACKUP_STORE_CONNECTION_STRING: proxy.connectionString }, [
    "store",
  ]);
  const context = labContext({ now: () => new Date(later) });
  const ended = await runPrune(settings, { dryRun: false }, context);
  await proxy.stop();
  expect(ended.deletedBytes).toBe(7);
  expect(await store.blobs()).not.toContain(drilled);
});

test("prune deletes nothing at all while nothing is verified", async () => {
  const store = await lab.store("backup", "app", { RETENTION_KEEP_LAST: "1" });
  await put(store, 400);
  await put(store, 100, { verdict: "FAIL" });
  await put(store, 50, { verdict: "NOT_RUN" });
  await put(store, 1);
  const before = await store.blobs();
  const result = await prune(store, "--no-dry-run");
  expect(result.deleted).toEqual([]);
  expect(
    result.decisions.filter(({ reason }) => reason === "no backup of this database is verified"),
  ).toHaveLength(3);
  expect(await store.blobs()).toEqual(before);
});

test.each(["is missing", "has 4 bytes"])(
  "prune deletes nothing on the word of a verified backup whose archive %s",
  async (what) => {
    const store = await lab.store("backup", "app", { RETENTION_KEEP_LAST: "1" });
    const kept = [await put(store, 50, { verdict: "PASS" }), await put(store, 1, { verdict: "PASS" })];
    const old = await put(store, 60, { verdict: "PASS" });
    const newest = archiveBlob({ environment: "test", database: "app", id: kept[1] ?? "" });
    const archive = store.daily.getBlockBlobClient(newest);
    await (what === "is missing" ? archive.delete() : archive.upload("half", 4));
    const run = await verb(["prune", "--json", "--no-dry-run"], store.env);
    expect([run.code, run.stderr]).toEqual([
      0,
      expect.stringMatching(`archive of ${kept[1]} ${what}: although it was verified, it lets none go`),
    ]);
    const { decisions } = JSON.parse(run.stdout) as PruneResult;
    const deleted = decisions.filter(({ outcome }) => outcome === "deleted").map(({ id }) => id);
    expect(deleted).toEqual([old]);
    const left = (await store.blobs()).filter((name) => !name.includes("/locks/"));
    expect(new Set(left.map((name) => name.split("/")[2]))).toEqual(new Set(kept));
  },
);

test("prune keeps the newest verified backup, everything newer, and the last N, however old", () => {
  const now = new Date("2026-06-30T00:00:00Z");
  const entry = (days: number, verdict?: "PASS" | "FAIL", tier: Tier = "daily"): CatalogueEntry => {
    const at = new Date(now.getTime() - days * DAY_MS);
    return {
      id: newBackupId("app", tier, at),
      container: tier,
      blob: "",
      database: "app",
      tier,
      manifest: { ...summarise(template), finishedAt: at.toISOString() },
      verification: verdict ? { verdict, at: "", through: "L6", report: "" } : null,
    };
  };
  const backups = [entry(40), entry(50), entry(60, "PASS"), entry(70, "FAIL"), entry(80, "PASS"), entry(90)];
  const gone = (keepLast: number) =>
    decideRetention(backups, { days: DAYS, keepLast }, now)
      .map((decision, index) => (decision.delete ? index : -1))
      .filter((index) => index >= 0);
  expect(gone(1)).toEqual([3, 4, 5]);
  expect(gone(5)).toEqual([5]);
  expect(gone(6)).toEqual([]);

  // Only content that was compared counts: a run up to L3 proves no row.
  const shallow = {
    ...entry(1, "PASS"),
    verification: { verdict: "PASS" as const, at: "", through: "L3" as const, report: "" },
  };
  expect(
    decideRetention([shallow, entry(99)], { days: DAYS, keepLast: 1 }, now).some((one) => one.delete),
  ).toBe(false);
});

test("prune leaves alone what is still immutable, and says so", async () => {
  const store = await lab.store("backup", "app", { RETENTION_KEEP_LAST: "1" });
  const old = await put(store, 31);
  await put(store, 1, { verdict: "PASS" });
  const proxy = await startBlobProxy(lab.azurite.connectionString, ({ method, url }) =>
    method === "DELETE" && url?.includes(old)
      ? {
          answer: {
            status: 409,
            headers: { "x-ms-error-code": "BlobImmutableDueToPolicy", "content-type": "application/xml" },
            body: "<?xml version='1.0'?><Error><Code>BlobImmutableDueToPolicy</Code><Message>no</Message></Error>",
          },
        }
      : undefined,
  );
  const result = await prune(
    { ...store, env: { ...store.env, BACKUP_STORE_CONNECTION_STRING: proxy.connectionString } },
    "--no-dry-run",
  );
  await proxy.stop();
  expect(result.decisions.find(({ id }) => id === old)).toMatchObject({
    outcome: "refused",
    reason: expect.stringContaining("still immutable, kept"),
  });
  expect((await store.blobs()).filter((name) => name.includes(old))).toHaveLength(2);
});

test("prune refuses to run while this machine's clock and the blob service's disagree", async () => {
  const store = await lab.store("backup", "app");
  await put(store, 2);
  await put(store, 1, { verdict: "PASS" });
  for (const skew of [400 * DAY_MS, -DAY_MS]) {
    const context = labContext({ now: () => new Date(Date.now() + skew) });
    await expect(runPrune(store.settings, { dryRun: false }, context)).rejects.toThrow(
      /clock is .* the blob service's; nothing is deleted/,
    );
  }
  expect((await store.blobs()).length).toBe(5);
});

test("prune removes orphans of killed runs once they are past retention, and no younger ones", async () => {
  const store = await lab.store("backup", "app");
  const orphan = archiveBlob({
    environment: "test",
    database: "app",
    id: newBackupId("app", "daily", new Date(0)),
  });
  await store.daily.getBlockBlobClient(orphan).upload("half", 4);
  await prune(store, "--no-dry-run");
  expect(await store.blobs()).toContain(orphan);
  const later = new Date(Date.now() + 31 * DAY_MS).toUTCString();
  const proxy = await startBlobProxy(lab.azurite.connectionString, () => ({ headers: { date: later } }));
  const settings = loadSettings({ ...store.env, BACKUP_STORE_CONNECTION_STRING: proxy.connectionString }, [
    "store",
  ]);
  await runPrune(settings, { dryRun: false }, labContext({ now: () => new Date(later) }));
  await proxy.stop();
  expect(await store.blobs()).not.toContain(orphan);
});

test("a backup is as young as its making, however far behind the database server's clock was", () => {
  const now = new Date("2026-06-30T12:00:00Z");
  const entry = (takenDaysAgo: number, madeDaysAgo: number, verdict?: "PASS"): CatalogueEntry => {
    const before = (days: number) => new Date(now.getTime() - days * DAY_MS);
    const [id, at] = [newBackupId("app", "daily", before(takenDaysAgo)), before(madeDaysAgo).toISOString()];
    const manifest = { ...summarise(template), id, finishedAt: at };
    const verification = verdict ? { verdict, at, through: "L6" as const, report: "" } : null;
    return { id, container: "daily", blob: "", database: "app", tier: "daily", manifest, verification };
  };
  const retention = { days: DAYS, keepLast: 0 };
  const decide = (...entries: CatalogueEntry[]) =>
    decideRetention(entries, retention, now).map((decision) => decision.delete);
  expect(decide(entry(2, 2, "PASS"), entry(400, 400))).toEqual([false, true]);
  expect(decide(entry(2, 2, "PASS"), entry(400, 1))).toEqual([false, false]);
});

test("a backup from a clock that was ahead lets no older one go, proved as it may be, and is none of the last N", () => {
  const now = new Date("2026-06-30T12:00:00Z");
  const entry = (days: number, verdict?: "PASS"): CatalogueEntry => {
    const at = new Date(now.getTime() - days * DAY_MS);
    const id = newBackupId("app", "daily", at);
    const manifest = { ...summarise(template), id, finishedAt: at.toISOString() };
    const verification = verdict ? { verdict, at: "", through: "L6" as const, report: "" } : null;
    return { id, container: "daily", blob: "", database: "app", tier: "daily", manifest, verification };
  };
  const decide = (...entries: CatalogueEntry[]) =>
    decideRetention(entries, { days: DAYS, keepLast: 1 }, now).map((one) => one.delete);
  expect(decide(entry(-365, "PASS"), entry(40, "PASS"), entry(41))).toEqual([false, false, true]);
  expect(decide(entry(-365, "PASS"), entry(40), entry(41))).toEqual([false, false, false]);
});

describe("the catalogue", () => {
  test("shows sound backups, whatever else lies beside them, and takes nothing for one that is filed elsewhere", async () => {
    const store = await lab.store("backup", "app");
    const id = await put(store, 1, { verdict: "PASS" });
    const at = { environment: "test", database: "app", id };
    const { daily } = store;
    const upload = (name: string, text: string) =>
      daily.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
    const text = (await daily.getBlockBlobClient(manifestBlob(at)).downloadToBuffer()).toString();
    const { digest: _, ...sound } = decode(manifestSchema, text);
    // Somebody moved a folder, and somebody else names files as no runner does.
    await upload(manifestBlob({ ...at, database: "aapp" }), text);
    await upload(`test/%E0%A4%A/${id}/manifest.json`, text);
    await upload(`test/%zz/${id}/archive.pgdump.zst`, "archive");
    const forged: Record<string, (other: typeof at) => object> = {
      "archive.blob": () => ({ archive: sound.archive }),
      "archive.container": (other) => ({
        archive: { ...sound.archive, blob: archiveBlob(other), container: "../.." },
      }),
      snapshotAt: (other) => ({
        archive: { ...sound.archive, blob: archiveBlob(other) },
        snapshotAt: new Date().toISOString(),
      }),
      format: () => ({ format: "forma3d-backup/2", archive: "other" }),
    };
    const ids = new Map<string, string>();
    for (const [name, forge] of Object.entries(forged)) {
      const day = new Date(Date.now() - 3 * DAY_MS);
      const other = { ...at, id: newBackupId("app", "daily", day) };
      ids.set(name, other.id);
      const whole = { ...sound, id: other.id, snapshotAt: day.toISOString(), ...forge(other) };
      await upload(manifestBlob(other), encode(seal(whole)));
    }
    const entries = await readCatalogue(await openStore(store.settings), store.settings);
    expect(entries.find((entry) => entry.database === "app" && entry.id === id)).toMatchObject({
      manifest: { id },
      verification: { verdict: "PASS" },
    });
    expect(select(entries, { id }, new Date()).database).toBe("app");
    const problem = (wanted?: string, database = "app") =>
      entries.find((entry) => entry.id === wanted && entry.database === database)?.problem;
    expect(problem(id, "aapp")).toMatch(/is of another backup \(database app\)/);
    for (const field of ["archive.blob", "archive.container", "snapshotAt"])
      expect(problem(ids.get(field))).toContain(`is of another backup (${field} `);
    expect(problem(ids.get("format"))).toMatch(
      /^the manifest is of format forma3d-backup\/2, which this runner does not know: take a newer one$/,
    );
    const list = await verb(["list", "--json"], store.env);
    expect([list.code, list.stderr]).toEqual([1, expect.stringContaining("is of another backup")]);
    expect((JSON.parse(list.stdout) as Manifest[]).map((one) => one.id)).toEqual([id]);
    const [status] = await runStatus(store.settings, { database: "app" }, labContext());
    expect(status).toMatchObject({ newestVerified: { id } });
  });

  test("shows sound backups beside those whose manifest cannot be read, and proves none by what an unread report may deny", async () => {
    const store = await lab.store("backup", "app");
    const [sound, archived, doubted, torn] = [
      await put(store, 1, { verdict: "PASS" }),
      await put(store, 2, { verdict: "PASS" }),
      await put(store, 3, { verdict: "PASS" }),
      await put(store, 4, { verdict: "PASS" }),
    ];
    const at = (id: string) => ({ environment: "test", database: "app", id });
    const newest = newReportBlob(at(doubted), new Date());
    for (const name of [newest, newReportBlob(at(torn), new Date())])
      await store.daily.getBlockBlobClient(name).upload("{}", 2);
    // As a rule of a lifecycle does that somebody made for all of a container.
    for (const name of [manifestBlob(at(archived)), newest])
      await store.daily.getBlobClient(name).setAccessTier("Archive");
    const entries = await readCatalogue(await openStore(store.settings), store.settings);
    expect(entries.map(({ id, verification }) => [id, verification?.verdict])).toEqual([
      [sound, "PASS"],
      [archived, undefined],
      [doubted, undefined],
      [torn, undefined],
    ]);
    expect(entries[1]?.problem).toMatch(/^the manifest cannot be read: blob .*: 409 BlobArchived$/);
    const list = await verb(["list"], store.env);
    expect([list.code, list.stdout]).toEqual([1, expect.stringContaining(sound)]);
  });

  test("is read for no other backup where one is meant by its id, which is chosen and proved as among all", async () => {
    const store = await lab.store("backup", "app");
    const [meant] = [await put(store, 5, { verdict: "PASS" }), await put(store, 1), await put(store, 2)];
    const places = await openTargets(store.settings);
    const [place] = places as [Place];
    const read = jest.spyOn(place.store, "read");
    const backup = { id: meant };
    const chosen = await choose(
      places,
      backup,
      (all) => select(all, backup, new Date()),
      () => undefined,
    );
    expect(chosen.entry).toMatchObject({ id: meant, verification: { verdict: "PASS" } });
    // Its manifest once, and its report.
    expect(read.mock.calls.map(([, name]) => name.includes(`/${meant}/`))).toEqual([true, true]);
    const unknown = { id: newBackupId("app", "daily", new Date()) };
    const pick = (all: CatalogueEntry[]) => select(all, unknown, new Date());
    await expect(choose(places, unknown, pick, () => undefined)).rejects.toThrow(
      /^no backup ".*" in the catalogue; see the verb list$/,
    );
  });

  test("keeps as little of a backup with many tables as of one with few, and gives the one that is chosen whole", async () => {
    const store = await lab.store("backup", "app");
    const { tables, server, inventory } = template;
    const some = <T>(make: (name: string) => T) =>
      Array.from({ length: 2500 }, (_, index) => make(`public."Table ${index}"`));
    const role = { login: true, inherit: true, createRole: false, createDatabase: false };
    const content: Partial<Manifest> = {
      tables: some((name) => ({ ...(tables[0] as Manifest["tables"][number]), name })),
      sequences: some((name) => ({ name, value: "1", called: true })),
      notDumped: some((name) => ({ kind: "publication", name, reason: "not dumped" })),
      nullable: some((table) => ({ table, column: "n" })),
      inventory: {
        ...inventory,
        objects: Object.fromEntries(some((name) => [name, 1])),
        extensions: some((name) => ({ name, version: "1", schema: "public" })),
        roles: some((name) => ({ ...role, name, bypassRowSecurity: false, memberOf: [] })),
      },
    };
    const few = await put(store, 1, { verdict: "PASS" });
    const many = await put(store, 2, { verdict: "PASS", content });
    const places = await openTargets(store.settings);
    const { backups } = await readFleet(places);
    expect(backups.map(({ id, held }) => [id, held[0]?.entry.manifest])).toMatchObject([
      [few, { tableCount: tables.length, server }],
      [many, { tableCount: 2500, server }],
    ]);
    const [small, large] = backups.map(({ held }) => JSON.stringify(held[0]?.entry).length);
    expect((large as number) - (small as number)).toBeLessThan(10);
    const chosen = await choose(
      places,
      { at: new Date(Date.now() - 1.5 * DAY_MS) },
      (all) => select(all, { id: many }, new Date()),
      () => undefined,
    );
    const { id, tables: whole, inventory: all } = chosen.manifest as Manifest;
    expect([id, whole.length, all.roles.length]).toEqual([many, 2500, 2500]);
    const list = await verb(["list", "--json"], store.env);
    expect((JSON.parse(list.stdout) as Manifest[]).map((one) => [one.id, one.tables.length])).toEqual([
      [few, tables.length],
      [many, 2500],
    ]);
    // Each is printed before the next but a few is read, and held no longer.
    const pieces: string[] = [];
    await new Promise<number>((end, fail) => {
      const out = { write: (text: string, written: () => void) => (pieces.push(text), written()) };
      buildProgram({ env: store.env, out, err: { write: () => true }, end })
        .parseAsync(["list", "--json"], { from: "user" })
        .catch(fail);
    });
    expect(pieces.filter((piece) => piece.includes('"archive"'))).toHaveLength(2);
    expect(pieces.join("")).toBe(list.stdout);
    // What is replaced between the two reads is not taken for what was chosen.
    const entry = { ...chosen.entry, manifest: { ...summarise(template), digest: "0".repeat(64) } };
    const [place] = places as [Place];
    await expect(readManifest(place.store, place.settings, entry)).rejects.toThrow(
      `the manifest of backup ${many} was replaced meanwhile`,
    );
    await store.daily.getBlockBlobClient(entry.blob).delete();
    await expect(readManifest(place.store, place.settings, entry)).rejects.toThrow(
      `backup ${many} was deleted meanwhile`,
    );
  });

  test("of a folder passes over what is no file, and what is too large for a manifest", async () => {
    const files = temporaryFiles();
    const target = folderTarget("disk", files);
    const settings = loadSettings(
      {
        ENVIRONMENT: "test",
        DATABASE_URL: lab.server.url("backup", "app"),
        BACKUP_TARGETS: JSON.stringify([target]),
      },
      ["database", "store"],
    );
    const { manifest } = await makeBackup(settings);
    const { daily } = target.containers as Record<string, string>;
    const beside = (days: number) => {
      const id = newBackupId("app", "daily", new Date(Date.now() - days * DAY_MS));
      const file = path.join(
        target.path,
        daily ?? "",
        manifestBlob({ environment: "test", database: "app", id }),
      );
      mkdirSync(path.dirname(file), { recursive: true });
      return file;
    };
    execFileSync("mkfifo", [beside(1)]);
    symlinkSync(files.folder, beside(2));
    const large = beside(3);
    writeFileSync(large, "");
    truncateSync(large, 300 * 1024 * 1024);
    const [place] = await openTargets(settings);
    const entries = await readCatalogue((place as Place).store, (place as Place).settings);
    expect(
      entries.map(({ id, problem }) => (problem ? problem.replace(/^.*(?=is no file|it has)/, "") : id)),
    ).toEqual([manifest.id, "is no file", "is no file", `it has more than ${256 * 1024 * 1024} bytes`]);
    files.remove();
  });
});

describe("status", () => {
  const now = new Date("2026-06-30T12:00:00Z");
  const limits = { maxAgeSeconds: 26 * 3_600, maxVerifiedAgeSeconds: 35 * 86_400 };
  const entry = (hours: number, verdict?: "PASS" | "FAIL"): CatalogueEntry => {
    const at = new Date(now.getTime() - hours * 3_600_000);
    return {
      id: newBackupId("app", "daily", at),
      container: "daily",
      blob: "",
      database: "app",
      tier: "daily",
      manifest: { ...summarise(template), snapshotAt: at.toISOString() },
      verification: verdict ? { verdict, at: at.toISOString(), through: "L6", report: "" } : null,
    };
  };
  const problems = (...entries: CatalogueEntry[]) => judge("app", entries, limits, now).problems.join("; ");

  test("compares ages with their limits, from the snapshot", () => {
    expect(judge("app", [entry(3, "PASS")], limits, now)).toMatchObject({
      ok: true,
      newest: { ageSeconds: 10_800 },
    });
    expect(problems(entry(27, "PASS"))).toBe("the backup is 1 d 3 h old, the limit is 1 d 2 h");
    expect(problems(entry(3), entry(36 * 24, "PASS"))).toMatch(/the verified backup is 36 d 0 h old/);
    expect(problems(entry(3))).toBe("there is no verified backup");
    expect(problems()).toBe("there is no backup; there is no verified backup");
    expect(problems(entry(3, "FAIL"), entry(20, "PASS"))).toMatch(
      /^the newest backup .* failed verification$/,
    );
  });

  test("does not take a backup from the future for a fresh one", () => {
    expect(problems(entry(-1, "PASS"))).toContain("in the future: a clock is wrong");
    expect(problems(entry(-0.05, "PASS"))).toBe("");
  });

  test("fails with exit code 1 while there is no backup", async () => {
    const store = await lab.store("backup", "app");
    const run = await verb(["status", "--json"], store.env);
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject([{ database: "app", ok: false, newest: null }]);
  });
});
