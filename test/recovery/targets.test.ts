import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { runCopy } from "../../apps/recovery/commands/copy";
import { runList } from "../../apps/recovery/commands/list";
import { runPrune } from "../../apps/recovery/commands/prune";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runStatus } from "../../apps/recovery/commands/status";
import { notifyFailure } from "../../apps/recovery/notify";
import { paced, parseBandwidth } from "../../apps/recovery/pace";
import { parseServerUrl } from "../../apps/recovery/postgres/connection";
import { createProgress } from "../../apps/recovery/progress";
import { Stages } from "../../apps/recovery/stages";
import { runVerify } from "../../apps/recovery/commands/verify";
import { Gauges } from "../../apps/recovery/exporter/gauges";
import { takeReading } from "../../apps/recovery/exporter/reading";
import { proveCopies } from "../../apps/recovery/proveCopies";
import { forTarget, loadSettings, type Settings } from "../../apps/recovery/settings";
import { FanOut } from "../../apps/recovery/store/fanOut";
import { openTargets, type Place } from "../../apps/recovery/store/fleet";
import { takeLease } from "../../apps/recovery/store/lease";
import { encodeName, parseBlobName } from "../../apps/recovery/store/names";
import { ObjectLock } from "../../apps/recovery/store/s3/lock";
import type { S3Store } from "../../apps/recovery/store/s3/client";
import type { Manifest, ManifestSummary } from "../../apps/recovery/types";
import { startS3, type LocalS3 } from "../../packages/local-servers/s3";
import { startAzurite } from "../../packages/local-servers/azurite";
import { makeBackup } from "../support/backup";
import { recovery, verb } from "../support/recoveryCli";
import { labContext, startPlatformLab, type PlatformLab } from "../support/recoveryLab";
import { azureTarget, folderTarget, keyPair, s3Target, temporaryFiles } from "../support/targets";

// Three real servers and whole backups: on a busy machine a test of a few seconds takes most of a minute.
jest.setTimeout(180_000);

const HOUR_MS = 3_600_000;
const files = temporaryFiles();
let lab: PlatformLab;
let s3: LocalS3;
beforeAll(async () => {
  [lab, s3] = await Promise.all([startPlatformLab(), startS3()]);
  await lab.createDatabase("app");
  await lab.sql(
    "app",
    "CREATE TABLE noise AS SELECT g AS id, md5(g::text) || md5((-g)::text) AS body FROM generate_series(1, 150000) g; ALTER TABLE noise ADD PRIMARY KEY (id)",
  );
});
afterAll(async () => {
  await Promise.all([lab?.stop(), s3?.stop()]);
  files.remove();
});

function environment(targets: object[], extra: Record<string, string> = {}): Record<string, string> {
  return {
    DATABASE_URL: lab.server.url("backup", "app"),
    ENVIRONMENT: "test",
    BACKUP_TARGETS: JSON.stringify(targets),
    ...extra,
  };
}
const settingsOf = (targets: object[], extra: Record<string, string> = {}) =>
  loadSettings(environment(targets, extra), ["database", "store"]);
/** As who restores. */
const restoring = () => ({
  DATABASE_URL: lab.server.url(lab.server.administrator, "app"),
  ...lab.probes,
});
const asRestorer = (settings: Settings): Settings => ({
  ...settings,
  server: parseServerUrl(restoring().DATABASE_URL),
  probes: settingsOf([folderTarget("any", files)], restoring()).probes,
});
const everyKind = async () => [
  await azureTarget("west", lab.azurite),
  await s3Target("elsewhere", s3, files, { objectLock: "compliance" }),
  folderTarget("disk", files),
];

const backUp = (settings: Settings, tier: "hourly" | "daily" = "daily") => makeBackup(settings, { tier });

async function archiveIn({ store }: Place, { archive }: ManifestSummary): Promise<Buffer> {
  const parts: Buffer[] = [];
  const stream = await store.open(archive.container, archive.blob, new AbortController().signal);
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

async function manifestsIn(settings: Settings, id: string): Promise<Map<string, ManifestSummary>> {
  const { backups } = await runList(settings, {});
  const held = backups.find((backup) => backup.id === id)?.held ?? [];
  return new Map(held.flatMap(({ place, entry }) => (entry.manifest ? [[place.name, entry.manifest]] : [])));
}

test("one stream fills a blob container, a bucket and a folder, and each stands on its own", async () => {
  const settings = settingsOf(await everyKind());
  const { manifest, targets, outages } = await backUp(settings, "hourly");
  expect([targets, outages]).toEqual([["west", "elsewhere", "disk"], []]);
  const manifests = await manifestsIn(settings, manifest.id);
  expect([...manifests.keys()]).toEqual(["west", "elsewhere", "disk"]);
  for (const place of await openTargets(settings)) {
    const own = manifests.get(place.name);
    expect(own?.archive.container).toBe(place.settings.containers.hourly);
    const bytes = await archiveIn(place, own as ManifestSummary);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(manifest.sha256);
  }
  // Proved by one restore, and by reading the others to the end.
  const report = await runVerify(settings, { backup: { id: manifest.id }, through: "L4" }, labContext());
  expect(report.verdict).toBe("PASS");
  const verified = async () =>
    (await runStatus(settings, {}, labContext())).map(({ target, newestVerified }) => [
      target,
      newestVerified?.id,
    ]);
  expect((await verified()).filter(([, id]) => id)).toHaveLength(1);
  const proofs = await proveCopies(settings, report, labContext());
  expect(proofs.map(({ verdict }) => verdict)).toEqual(["PASS", "PASS"]);
  expect(await verified()).toEqual(
    [
      ["disk", manifest.id],
      ["elsewhere", manifest.id],
      ["west", manifest.id],
    ].sort(
      (one, other) =>
        settings.targets.findIndex((t) => t.name === one[0]) -
        settings.targets.findIndex((t) => t.name === other[0]),
    ),
  );

  // What the bucket locked stays until its day has come, and prune says so; the others delete what it decides.
  const later = { ...labContext(), now: () => new Date() };
  const expired = {
    ...settings,
    retention: { days: { hourly: 0, daily: 0, weekly: 0, monthly: 0 }, keepLast: 1 },
  };
  const second = await backUp(settings, "hourly");
  const proof = await runVerify(
    settings,
    { backup: { id: second.manifest.id }, through: "L4" },
    labContext(),
  );
  await proveCopies(settings, proof, labContext());
  const targetsExpired = { ...expired, targets: settings.targets };
  const pruned = await runPrune(targetsExpired, { dryRun: false }, later);
  expect(pruned.failures).toEqual([]);
  const gone = pruned.decisions.filter(({ action }) => action === "delete");
  expect(gone.map(({ target, id, outcome }) => [target, id, outcome])).toEqual([
    ["west", manifest.id, "deleted"],
    ["elsewhere", manifest.id, "refused"],
    ["disk", manifest.id, "deleted"],
  ]);
  expect([...(await manifestsIn(settings, manifest.id)).keys()]).toEqual(["elsewhere"]);
});

test("a dead target keeps the others from nothing, is named by status, and is caught up by copy", async () => {
  const gone = await startAzurite();
  const dead = await azureTarget("dead", gone);
  const alive = folderTarget("disk", files);
  const settings = settingsOf([dead, alive]);
  await gone.stop();
  const run = await verb(["backup", "--json"], environment([dead, alive]));
  const document = JSON.parse(run.stdout) as Manifest & { targets: { name: string; error?: string }[] };
  expect([run.code, run.stderr.includes("target dead: container")]).toEqual([0, true]);
  expect(document.targets).toEqual([
    { name: "disk" },
    { name: "dead", error: expect.stringMatching(/^container "daily-.*" at 127\.0\.0\.1:\d+: /) },
  ]);
  const status = await verb(["status"], environment([dead, alive]));
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/app in dead: it does not answer: container/);
  expect(status.stdout).not.toMatch(/app in disk: (?!there is no verified backup)/);
  const restored = await runRestore(
    asRestorer(settings),
    { backup: { at: new Date() }, to: "from_the_other" },
    labContext(),
  );
  expect(restored.fingerprints).toBe("match");

  // It comes back empty, at another address.
  const back = [await azureTarget("dead", lab.azurite), alive];
  const after = settingsOf(back);
  const minute = 60_000;
  const late = labContext({ now: () => new Date(Date.now() + 11 * minute) });
  const places = await openTargets(after);
  const gauges = new Gauges({ rtoSeconds: 1, rpoSeconds: 1 });
  gauges.update(await takeReading(places, late.now()));
  expect(await gauges.registry.metrics()).toContain('pgbackup_target_behind{target="dead",database="app"} 1');
  const [copied] = await runCopy(after, {}, labContext());
  expect(copied).toMatchObject({ id: document.id, from: "disk", to: "dead", outcome: "copied" });
  gauges.update(await takeReading(places, late.now()));
  expect(await gauges.registry.metrics()).toContain('pgbackup_target_behind{target="dead",database="app"} 0');
  expect(await runCopy(after, {}, labContext())).toEqual([]);
  const report = await runVerify(
    after,
    { backup: { id: document.id }, target: "dead", through: "L1" },
    labContext(),
  );
  expect(report.verdict).toBe("PASS");
});

test("what nobody has proved is proved from the copy nobody has tried, once", async () => {
  const one = folderTarget("one", files);
  const two = folderTarget("two", files);
  const { manifest } = await backUp(settingsOf([one, two]));
  const file = path.join(one.path, manifest.archive.container, manifest.archive.blob);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
  // The first copy is known to be damaged, and of the second nothing is known.
  const backup = { id: manifest.id };
  const tried = await runVerify(settingsOf([one, two]), { backup, target: "one" }, labContext());
  expect(tried.verdict).toBe("FAIL");
  const gauges = new Gauges({ rtoSeconds: 1, rpoSeconds: 1 });
  const unproved = async () => {
    gauges.update(await takeReading(await openTargets(settingsOf([one, two])), new Date()));
    return /^pgbackup_unproved_backups.*$/m.exec(await gauges.registry.metrics())?.[0];
  };
  expect(await unproved()).toBe('pgbackup_unproved_backups{database="app"} 1');
  const prove = () => verb(["verify", "--unproved", "--through", "L4", "--json"], environment([one, two]));
  const first = await prove();
  // The damaged copy is told again: whoever proves one looks at all.
  expect(JSON.parse(first.stdout)).toMatchObject([
    { id: manifest.id, verdict: "PASS", copies: [{ target: "one", verdict: "FAIL" }] },
  ]);
  expect(await unproved()).toBe('pgbackup_unproved_backups{database="app"} 0');
  expect(JSON.parse((await prove()).stdout)).toEqual([]);
});

test("a copy refuses a damaged archive, takes it from elsewhere, and completes what a killed run left", async () => {
  const targets = [folderTarget("one", files), folderTarget("two", files)];
  const settings = settingsOf(targets);
  const { manifest } = await backUp(settings);
  const [one] = (await openTargets(settings)) as [Place, Place];
  const file = path.join(one.store.location, manifest.archive.container, ...manifest.archive.blob.split("/"));
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(1_000) ^ 1, 1_000);
  rmSync(file);
  writeFileSync(file, bytes);

  const third = folderTarget("three", files);
  const wider = settingsOf([...targets, third]);
  const from = await runCopy(wider, { from: "one" }, labContext());
  expect(from).toMatchObject([
    {
      to: "three",
      outcome: "failed",
      problem: expect.stringMatching(/from one: the archive is damaged there: it has \d+ bytes with SHA-256/),
    },
  ]);
  expect(await runCopy(wider, {}, labContext())).toMatchObject([
    { from: "two", to: "three", outcome: "copied" },
  ]);
  // Without its manifest it is what a kill between archive and manifest leaves.
  const [, , place] = (await openTargets(wider)) as [Place, Place, Place];
  const own = (await manifestsIn(wider, manifest.id)).get("three") as ManifestSummary;
  const name = manifest.archive.blob.replace(/[^/]+$/, "manifest.json");
  await place.store.erase(own.archive.container, name);
  expect([...(await manifestsIn(wider, manifest.id)).keys()]).toEqual(["one", "two"]);
  expect(await runCopy(wider, {}, labContext())).toMatchObject([{ to: "three", outcome: "copied" }]);
  expect([...(await manifestsIn(wider, manifest.id)).keys()]).toEqual(["one", "two", "three"]);
  // A restore passes over the damaged copy, whatever its place in the list.
  const report = await runVerify(
    wider,
    { backup: { id: manifest.id }, target: "one", through: "L1" },
    labContext(),
  );
  expect(report.verdict).toBe("FAIL");
  const result = await runRestore(
    asRestorer(wider),
    { backup: { id: manifest.id }, to: "passed_over" },
    labContext(),
  );
  expect(result.fingerprints).toBe("match");
});

test("a slow reader holds the others back for its patience and no longer", async () => {
  async function* source() {
    for (let index = 0; index < 64; index += 1) yield Buffer.alloc(1024 * 1024, index);
  }
  const fanOut = new FanOut(source(), 300);
  let left: Error | undefined;
  const fast = fanOut.branch("fast", () => undefined);
  const slow = fanOut.branch("slow", (error) => (left = error));
  const read = async (branch: AsyncIterable<Buffer>, wait: number) => {
    let bytes = 0;
    for await (const part of branch) {
      bytes += part.length;
      if (wait > 0) await sleep(wait);
    }
    return bytes;
  };
  const reading = [read(fast, 0), read(slow, 10_000).catch((error: Error) => error)];
  const whole = await fanOut.run();
  expect(whole.bytes).toBe(64 * 1024 * 1024);
  expect(await reading[0]).toBe(whole.bytes);
  expect(left?.message).toMatch(/held the other targets back .* left behind/);
  expect(slow.waited).toBeGreaterThanOrEqual(300);
  expect(fast.waited).toBe(0);
});

describe("encryption", () => {
  test("what leaves the pod is age's format; verify and restore decrypt it, a backup cannot", async () => {
    const key = keyPair(files);
    const targets = await everyKind();
    const writer = settingsOf(targets, { BACKUP_RECIPIENTS: key.recipient });
    const { manifest } = await backUp(writer);
    expect(manifest.archive).toMatchObject({
      blob: expect.stringMatching(/archive\.pgdump\.zst\.age$/),
      encryption: { format: "age/v1", recipients: [key.recipient] },
    });
    for (const place of await openTargets(writer)) {
      const own = (await manifestsIn(writer, manifest.id)).get(place.name) as ManifestSummary;
      const bytes = await archiveIn(place, own);
      expect(bytes.subarray(0, 21).toString()).toBe("age-encryption.org/v1");
      // The published format, so that nobody needs this program.
      const plain = execFileSync("sh", ["-c", `age --decrypt --identity '${key.identityFile}' | zstd -d`], {
        input: bytes,
        maxBuffer: 1e9,
      });
      expect([plain.subarray(0, 5).toString(), plain.length]).toEqual(["PGDMP", manifest.rawBytes]);
    }
    const reader = settingsOf(targets, { BACKUP_IDENTITY_FILE: key.identityFile });
    const report = await runVerify(
      reader,
      { backup: { id: manifest.id }, target: "elsewhere", through: "L4" },
      labContext(),
    );
    expect(report.verdict).toBe("PASS");
    const result = await runRestore(
      asRestorer(reader),
      { backup: { id: manifest.id }, target: "disk", to: "decrypted" },
      labContext(),
    );
    expect(result.fingerprints).toBe("match");
  });

  test("a missing or a wrong key is one line and says nothing about the backup; old keys go on opening old backups", async () => {
    const [old, current, stranger] = [keyPair(files), keyPair(files), keyPair(files)];
    const targets = [folderTarget("disk", files)];
    const first = await backUp(settingsOf(targets, { BACKUP_RECIPIENTS: old.recipient }));
    const second = await backUp(
      settingsOf(targets, { BACKUP_RECIPIENTS: `${current.recipient},${stranger.recipient}` }),
    );
    const verify = (extra: Record<string, string>) =>
      verb(["verify", first.manifest.id, "--through", "L1"], environment(targets, extra));
    const missing = await verify({});
    expect([missing.code, missing.stdout]).toEqual([
      3,
      expect.stringMatching(
        new RegExp(
          `NOT_RUN +not run: ${first.manifest.id} cannot be read: it is encrypted for ${old.recipient}; BACKUP_IDENTITY_FILE: missing; file with the private key\n`,
        ),
      ),
    ]);
    const wrong = await verify({ BACKUP_IDENTITY_FILE: current.identityFile });
    expect([wrong.code, wrong.stdout]).toEqual([
      3,
      expect.stringContaining(
        `no key in ${current.identityFile} opens ${first.manifest.id}: it is encrypted for ${old.recipient}`,
      ),
    ]);
    expect(wrong.stdout + wrong.stderr).not.toContain("AGE-SECRET-KEY");
    const restore = await verb(
      ["restore", first.manifest.id, "--to", "wrong_key"],
      environment(targets, { BACKUP_IDENTITY_FILE: current.identityFile, ...restoring() }),
    );
    expect([restore.code, restore.stderr]).toEqual([3, expect.stringContaining("error: no key in")]);
    const names = await lab.sql<{ datname: string }>("postgres", "SELECT datname FROM pg_database");
    expect(names.map(({ datname }) => datname)).not.toContain("wrong_key");

    const both = path.join(files.folder, "both");
    writeFileSync(both, current.identity + old.identity);
    const settings = settingsOf(targets, { BACKUP_IDENTITY_FILE: both });
    for (const { manifest } of [first, second]) {
      const report = await runVerify(settings, { backup: { id: manifest.id }, through: "L1" }, labContext());
      expect(report.verdict).toBe("PASS");
    }
  });

  test("a program that dies while it encrypts ends the backup, and nothing is stored", async () => {
    const key = keyPair(files);
    const directory = path.join(files.folder, "dying");
    execFileSync("mkdir", [directory]);
    const program = path.join(directory, "age");
    writeFileSync(
      program,
      `#!/bin/sh\n[ "$1" = --version ] && echo 1.1.1 && exit\nhead -c 1000000; kill -9 $$\n`,
    );
    chmodSync(program, 0o755);
    const targets = [folderTarget("disk", files)];
    const run = await recovery(["backup"], {
      ...environment(targets, { BACKUP_RECIPIENTS: key.recipient }),
      PATH: `${directory}:${process.env.PATH ?? ""}`,
    });
    expect([run.code, run.stderr]).toEqual([
      1,
      expect.stringMatching(/error: backup of .*: age was ended by SIGKILL/),
    ]);
    expect((await runList(settingsOf(targets), {})).backups).toEqual([]);
    const next = await verb(["backup"], environment(targets));
    expect(next.code).toBe(0);
  });
});

test.each(["west", "elsewhere", "disk"])(
  "in target %s one holder at a time, and a dead one's lock runs out",
  async (name) => {
    const settings = forTarget(settingsOf(await everyKind()), name);
    const [place] = (await openTargets(settings, name)) as [Place];
    const { store } = place;
    const container = place.settings.containers.daily ?? "";
    const [first, second] = [
      store.lock(container, "test/locks/app"),
      store.lock(container, "test/locks/app"),
    ];
    expect([await first.acquire(), await second.acquire(), await second.state()]).toEqual([
      true,
      false,
      "held",
    ]);
    await first.renew();
    await first.release();
    expect(await second.acquire()).toBe(true);
    await expect(first.renew()).rejects.toThrow();
    // Against a live holder a run gives up, whatever its own clock says.
    let calls = 0;
    const hurried = labContext({ now: () => new Date(Date.now() + (calls++ > 0 ? HOUR_MS : 0)) });
    await expect(takeLease(store, container, "test/locks/app", hurried)).rejects.toMatchObject({
      exitCode: 4,
    });

    if (name === "disk") {
      const file = path.join(store.location, container, "test/locks/app");
      utimesSync(file, new Date(Date.now() - 16_000), new Date(Date.now() - 16_000));
    }
    const third =
      name === "elsewhere"
        ? new ObjectLock(store as S3Store, container, "test/locks/app", () => new Date(Date.now() + 61_000))
        : first;
    if (name === "west") return;
    expect(await third.acquire()).toBe(true);
    await expect(second.renew()).rejects.toThrow(/somebody else holds it/);
  },
);

test("a webhook is told what failed, and a target a backup missed; success and a held lease are not told", async () => {
  const told: { text: string; verb: string; exitCode: number }[] = [];
  const server = http.createServer((request, response) => {
    void text(request).then((body) => {
      told.push(JSON.parse(body) as (typeof told)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    const hook = { NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${port}/hook/secret-path` };
    const good = [folderTarget("disk", files)];
    const gone = { ...folderTarget("gone", files), path: path.join(files.folder, "nowhere") };
    expect((await verb(["backup"], environment(good, hook))).code).toBe(0);
    expect(told).toEqual([]);
    expect((await verb(["backup"], environment([...good, gone], hook))).code).toBe(0);
    const failed = await verb(["backup", "--database", "nothing"], environment(good, hook));
    expect(failed.code).toBe(1);
    expect(told).toEqual([
      expect.objectContaining({
        text: expect.stringMatching(
          /^recovery backup of test: app-daily-\S+ is not in target gone: folder "daily-/,
        ),
        verb: "backup",
        exitCode: 0,
      }),
      expect.objectContaining({
        text: expect.stringMatching(/database "nothing" does not exist/),
        exitCode: 1,
      }),
    ]);
    const run = { verb: "backup", exitCode: 4 as const, endedAt: new Date() };
    await notifyFailure(hook, run, "held", () => undefined);
    expect(told).toHaveLength(2);
    const warnings: string[] = [];
    await notifyFailure(
      { NOTIFY_WEBHOOK_URL: "http://chat.example/x" },
      { ...run, exitCode: 1 },
      "failed",
      (warning) => warnings.push(warning),
    );
    expect(warnings).toEqual([
      "warning: the webhook could not be told: NOTIFY_WEBHOOK_URL: expected an https URL",
    ]);
  } finally {
    server.close();
  }
}, 180_000);

test("a limit of bandwidth holds on the whole, and progress says how long it will go on", async () => {
  async function* source() {
    for (let index = 0; index < 8; index += 1) yield Buffer.alloc(64 * 1024);
  }
  const began = performance.now();
  let bytes = 0;
  for await (const part of paced(source(), 1024 * 1024, new AbortController().signal)) bytes += part.length;
  expect(bytes).toBe(512 * 1024);
  expect(performance.now() - began).toBeGreaterThan(450);
  expect([parseBandwidth("50MiB"), parseBandwidth("50MB"), parseBandwidth("0KiB")]).toEqual([
    50 * 1024 * 1024,
    undefined,
    undefined,
  ]);

  let now = 0;
  let out = "";
  const progress = createProgress({ write: (line: string) => (out += line) } as never, () => now);
  progress.stage("dump app", 100 * 1024 * 1024);
  now = 20_000;
  progress.bytes(25 * 1024 * 1024);
  expect(out).toContain("dump app · 25.0 MiB of ~100.0 MiB · 1.3 MiB/s · ~1 min 00 s left");
  progress.done();
  expect(out).toMatch(/ dump app · 25\.0 MiB of ~100\.0 MiB · 1\.3 MiB\/s · 20\.0 s · done\n$/);
});

test("a stage that failed or was interrupted is not called done", async () => {
  let out = "";
  const progress = createProgress({ write: (line: string) => (out += line) } as never);
  const stop = new AbortController();
  const stages = new Stages({ progress, signal: stop.signal, now: () => new Date() });
  await stages.run("count", async () => undefined);
  await expect(stages.run("dump", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  stop.abort(new Error("interrupted"));
  await expect(stages.run("upload", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(
    out.split("\n").flatMap((line) => / (\w+) · .* · (\w+)$/.exec(line)?.slice(1).join(" ") ?? []),
  ).toEqual(["count done", "dump failed", "upload interrupted"]);
  expect(stages.list.map(({ name }) => name)).toEqual(["count", "dump", "upload"]);
});

test("every name a database can have is a name in every kind of target, and leads nowhere else", async () => {
  const settings = settingsOf(await everyKind());
  for (const { store, settings: own } of await openTargets(settings)) {
    const container = own.containers.daily ?? "";
    for (const database of ["..", ".", "a/b", "ä ö", ".unfinished"]) {
      const name = `test/${encodeName(database)}/app-daily-20260205T030000000Z-9f3c/manifest.json`;
      expect(await store.create(container, name, Buffer.from(database), { contentType: "text/plain" })).toBe(
        true,
      );
      expect(await store.create(container, name, Buffer.from("other"), { contentType: "text/plain" })).toBe(
        false,
      );
      expect(String(await store.read(container, name))).toBe(database);
      const listed: string[] = [];
      for await (const object of store.list(container, "test/")) listed.push(object.name);
      expect(listed.map((one) => parseBlobName(one)?.database)).toContain(database);
      expect((await store.erase(container, name)).outcome).toBe("deleted");
      expect(await store.find(container, name)).toBeUndefined();
    }
  }
});
