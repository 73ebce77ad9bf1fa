import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import path from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { ListMultipartUploadsCommand, ListPartsCommand } from "@aws-sdk/client-s3";
import { runCatalogue } from "../../apps/recovery/commands/catalogue";
import { runCopy } from "../../apps/recovery/commands/copy";
import { runPrune } from "../../apps/recovery/commands/prune";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import { replicatedEvidence } from "../../apps/recovery/evidence/replicated";
import { folderEvidence, type EvidenceStore } from "../../apps/recovery/evidence/store";
import { loadSettings } from "../../apps/recovery/settings";
import { readCatalogue } from "../../apps/recovery/store/catalogue";
import { lockContainer } from "../../apps/recovery/store/containers";
import { openTargets } from "../../apps/recovery/store/fleet";
import { takeLease } from "../../apps/recovery/store/lease";
import { copyLockBlob, lockBlob, manifestBlob } from "../../apps/recovery/store/names";
import type { S3Store } from "../../apps/recovery/store/s3/client";
import type { Manifest } from "../../apps/recovery/types";
import { startS3, type LocalS3 } from "../../packages/local-servers/s3";
import { makeBackup } from "../support/backup";
import { startBlobProxy } from "../support/blobProxy";
import { cleanEnvironment, root, verb } from "../support/recoveryCli";
import { labContext, startPlatformLab, type PlatformLab } from "../support/recoveryLab";
import { azureTarget, folderTarget, s3Target, temporaryFiles } from "../support/targets";
import { until } from "../support/until";

jest.setTimeout(180_000);

const MIB = 1024 * 1024;
const files = temporaryFiles();
let lab: PlatformLab;
let s3: LocalS3;
beforeAll(async () => {
  [lab, s3] = await Promise.all([startPlatformLab(), startS3()]);
  // A block and most of another when it is compressed.
  await lab.server.sql(
    "migration",
    `create table noise (id int primary key, body text);
     insert into noise select n, md5(n::text) || md5((-n)::text) from generate_series(1, 450000) n`,
  );
});
afterAll(async () => {
  await Promise.all([lab?.stop(), s3?.stop()]);
  files.remove();
});

type Target = { name: string; containers: Record<string, string> } & Record<string, unknown>;

function environment(targets: object[], extra: Record<string, string> = {}): Record<string, string> {
  return {
    DATABASE_URL: lab.server.url("backup"),
    ENVIRONMENT: "test",
    BACKUP_TARGETS: JSON.stringify(targets),
    ...extra,
  };
}
const settingsOf = (targets: object[], extra: Record<string, string> = {}) =>
  loadSettings(environment(targets, extra), ["database", "store"]);

const targetOf = {
  azure: async () => (await azureTarget("other", lab.azurite)) as Target,
  s3: async () => (await s3Target("other", s3, files, { objectLock: "compliance" })) as Target,
  folder: () => folderTarget("other", files) as unknown as Target,
};

/** Whole blocks of an archive that are stored and not yet visible. */
async function storedBlocks(target: Target, { archive, tier }: Manifest): Promise<number> {
  const container = target.containers[tier] ?? "";
  if (target.kind === "azure") {
    const blob = BlobServiceClient.fromConnectionString(lab.azurite.connectionString)
      .getContainerClient(container)
      .getBlockBlobClient(archive.blob);
    const list = await blob.getBlockList("uncommitted").catch(() => undefined);
    return list?.uncommittedBlocks?.length ?? 0;
  }
  const [place] = await openTargets(settingsOf([target]));
  const { client } = place?.store as S3Store;
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: container }));
  const [upload] = Uploads;
  if (!upload) return 0;
  const where = { Bucket: container, Key: archive.blob, UploadId: upload.UploadId };
  return (await client.send(new ListPartsCommand(where))).Parts?.length ?? 0;
}

describe("a copy", () => {
  let first: Target;
  let manifest: Manifest;
  beforeAll(async () => {
    first = folderTarget("first", files) as unknown as Target;
    ({ manifest } = await makeBackup(settingsOf([first])));
    expect(manifest.storedBytes).toBeGreaterThan(9 * MIB);
  });

  /** The next copy, and what it says. */
  async function goesOn(target: Target, stored: number): Promise<void> {
    expect(stored).toBeGreaterThan(0);
    const settings = settingsOf([first, target]);
    expect(await runCopy(settings, {}, labContext())).toEqual([
      {
        id: manifest.id,
        from: "first",
        to: "other",
        outcome: "copied",
        bytes: manifest.storedBytes,
        resumedBytes: Math.min(stored * 8 * MIB, manifest.storedBytes),
      },
    ]);
    expect(await storedBlocks(target, manifest)).toBe(0);
    const backup = { id: manifest.id };
    const report = await runVerify(settings, { backup, target: "other", through: "L1" }, labContext());
    expect(report.verdict).toBe("PASS");
  }

  test("that was killed is gone on with by the next one", async () => {
    const target = await targetOf.azure();
    const args = ["packages/command/run.mjs", "apps/recovery/cli.ts", "copy"];
    const env = cleanEnvironment(environment([first, target], { BACKUP_BANDWIDTH_LIMIT: "6MiB" }));
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: "ignore" });
    await until("a part is stored", async () => (await storedBlocks(target, manifest)) > 0);
    child.kill("SIGKILL");
    await once(child, "close");
    // As if the seconds were over for which a lease outlives its holder.
    await BlobServiceClient.fromConnectionString(lab.azurite.connectionString)
      .getContainerClient(target.containers.daily ?? "")
      .getBlobClient(copyLockBlob("test", "forma3d"))
      .getBlobLeaseClient()
      .breakLease(0);
    await goesOn(target, await storedBlocks(target, manifest));
  });

  test("whose connection is lost leaves what it brought to the next, and prune ends what nobody goes on with", async () => {
    const target = await targetOf.s3();
    const lost = new AbortController();
    const copy = runCopy(
      settingsOf([first, target], { BACKUP_BANDWIDTH_LIMIT: "6MiB" }),
      {},
      labContext({ signal: lost.signal }),
    );
    copy.catch(() => undefined);
    await until("a part is stored", async () => (await storedBlocks(target, manifest)) > 0);
    lost.abort(new Error("the network is gone"));
    await expect(copy).rejects.toThrow("the network is gone");
    await runPrune(settingsOf([target]), { dryRun: false }, labContext());
    await goesOn(target, await storedBlocks(target, manifest));
    const [place] = await openTargets(settingsOf([target]));
    const container = target.containers.daily ?? "";
    const sink = place?.store.blocks(container, manifest.archive.blob.replace(/^test/, "test/later"), {
      contentType: "application/zstd",
    });
    await sink?.put(0, Buffer.alloc(5 * MIB), new AbortController().signal);
    const days = (count: number) => new Date(Date.now() + count * 86_400_000);
    expect(await place?.store.endUnfinished(container, "test/", days(-2))).toBe(0);
    expect(await place?.store.endUnfinished(container, "test/", days(1))).toBe(1);
    expect(await storedBlocks(target, manifest)).toBe(0);
  });

  test("keeps no backup waiting, and neither spoils what the other writes", async () => {
    const target = await targetOf.azure();
    const settings = settingsOf([first, target]);
    const slow = new AbortController();
    const copy = runCopy(
      settingsOf([first, target], { BACKUP_BANDWIDTH_LIMIT: "1MiB" }),
      {},
      labContext({ signal: slow.signal }),
    );
    copy.catch(() => undefined);
    // It holds its lease and has begun to send.
    await until("the copy holds its lease", async () => {
      const [, place] = await openTargets(settings);
      if (!place) return false;
      const lock = place.store.lock(lockContainer(place.settings), copyLockBlob("test", "forma3d"));
      return (await lock.state()) === "held";
    });
    const { manifest: hourly, targets } = await makeBackup(settings, { tier: "hourly" });
    expect(targets).toEqual(["first", "other"]);
    slow.abort(new Error("enough"));
    await expect(copy).rejects.toThrow("enough");
    // What may still be on its way by the backup itself is left to it; anything older is not.
    const late = folderTarget("late", files) as unknown as Target;
    const three = settingsOf([first, target, late]);
    const [, , lastPlace] = await openTargets(three);
    if (!lastPlace) throw new Error("no place");
    const lease = await takeLease(
      lastPlace.store,
      lockContainer(lastPlace.settings),
      lockBlob("test", "forma3d"),
      labContext(),
    );
    const outcomes = async (minutes: number) =>
      (
        await runCopy(
          three,
          { to: "late" },
          labContext({ now: () => new Date(Date.now() + minutes * 60_000) }),
        )
      )
        .map(({ id, outcome }) => [id, outcome])
        .sort();
    expect(await outcomes(0)).toEqual(
      [
        [hourly.id, "busy"],
        [manifest.id, "busy"],
      ].sort(),
    );
    expect(await outcomes(11)).toEqual(
      [
        [hourly.id, "copied"],
        [manifest.id, "copied"],
      ].sort(),
    );
    await lease.release();
    expect((await runCopy(settings, {}, labContext())).map(({ outcome }) => outcome)).toEqual(["copied"]);
    for (const { store, settings: own } of await openTargets(three)) {
      const catalogue = await readCatalogue(store, own);
      expect(catalogue.map(({ id, problem }) => [id, problem]).sort()).toEqual(
        [
          [hourly.id, undefined],
          [manifest.id, undefined],
        ].sort(),
      );
    }
    for (const id of [hourly.id, manifest.id]) {
      const backup = { id };
      const report = await runVerify(settings, { backup, target: "other", through: "L1" }, labContext());
      expect(report.verdict).toBe("PASS");
    }
  });
});

test("every kind of target's catalogue is its manifests: when they are lost they come back from another target's", async () => {
  const first = folderTarget("first", files) as unknown as Target;
  const others = [
    (await azureTarget("azure", lab.azurite)) as Target,
    (await s3Target("s3", s3, files)) as Target,
    folderTarget("folder", files) as unknown as Target,
  ];
  const settings = settingsOf([first, ...others]);
  const { manifest } = await makeBackup(settings);
  const read = async () =>
    (await runCatalogue(settings, {})).summaries.filter(({ tier }) => tier === "daily");
  const before = await read();
  expect(before.map(({ target, backups, newest }) => [target, backups, newest])).toEqual(
    ["first", "azure", "s3", "folder"].map((name) => [name, 1, manifest.id]),
  );
  for (const { name, store, settings: own } of await openTargets(settings)) {
    if (name === "first") continue;
    const container = own.containers.daily ?? "";
    expect(await store.erase(container, manifestBlob(manifest))).toMatchObject({ outcome: "deleted" });
  }
  expect(
    (await read()).map(({ target, backups, archivesWithoutManifest }) => [
      target,
      backups,
      archivesWithoutManifest,
    ]),
  ).toEqual([
    ["first", 1, 0],
    ["azure", 0, 1],
    ["s3", 0, 1],
    ["folder", 0, 1],
  ]);
  const said = await verb(["catalogue"], environment([first, ...others]));
  expect([said.code, said.stdout]).toEqual([
    1,
    expect.stringMatching(/s3 +daily +0 .*1 archives without a manifest: copy brings back/),
  ]);
  const copied = await runCopy(settings, {}, labContext());
  expect(copied.map(({ to, outcome }) => [to, outcome])).toEqual([
    ["azure", "copied"],
    ["s3", "copied"],
    ["folder", "copied"],
  ]);
  expect(await read()).toEqual(before);
  // Each stands on its own again, without any of the others.
  for (const target of others) {
    const [place] = await openTargets(settingsOf([target]));
    const [entry] = place ? await readCatalogue(place.store, place.settings) : [];
    expect(entry).toMatchObject({ id: manifest.id, manifest: { sha256: manifest.sha256 } });
  }
});

test.each([
  ["eu-central-1", "s3.eu-central-1.amazonaws.com"],
  ["eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu"],
])("AWS in %s is named by its own host", async (region, host) => {
  const containers = { daily: "daily" };
  const aws = { name: "aws", kind: "s3", region, containers };
  const [place] = await openTargets(settingsOf([aws]));
  expect(place?.store.location).toBe(host);
});

test("on a server that has never seen the platform a restore makes the roles it needs, and keeps owners and grants", async () => {
  const { administrator: dba } = lab.server;
  await lab.server.sql(dba, "create database small", "postgres");
  await lab.server.sql(
    dba,
    `create role owner_gone nologin; create role "Reader Gone" nologin; grant "Reader Gone" to owner_gone;
     grant owner_gone to current_user; grant create on schema public to owner_gone;
     create table t (id int primary key); insert into t values (1); grant select on t to "Reader Gone";
     alter table t owner to owner_gone; alter table t enable row level security;
     create policy mine on t to "Reader Gone" using (id > 0)`,
    "small",
  );
  const settings = settingsOf([folderTarget("only", files)], { DATABASE_URL: lab.server.url(dba, "small") });
  const { manifest } = await makeBackup(settings);
  await lab.server.sql(dba, "drop database small", "postgres");
  await lab.server.sql(dba, 'drop role owner_gone; drop role "Reader Gone"', "postgres");
  const backup = { id: manifest.id };
  const result = await runRestore(settings, { backup, to: "small_back", createRoles: true }, labContext());
  expect(result).toMatchObject({ verdict: "PASS", ownership: "kept", missingRoles: [], leftOut: [] });
  expect(result.warnings.join()).toMatch(/role Reader Gone was made without login.*role owner_gone was made/);
  expect(
    await lab.server.sql(
      dba,
      `select relowner::regrole::text as owner, has_table_privilege('Reader Gone', oid, 'SELECT') as reads,
         (select count(*)::int from pg_policy) as policies, pg_has_role('owner_gone', 'Reader Gone', 'MEMBER') as member,
         (select rolcanlogin from pg_roles where rolname = 'owner_gone') as login
       from pg_class where oid = 't'::regclass`,
      "small_back",
    ),
  ).toEqual([{ owner: "owner_gone", reads: true, policies: 1, member: true, login: false }]);
});

test("drill reports go to every place that answers, and one that lacks some gets them from the others", async () => {
  const stores = ["one", "two"].map((name) => folderEvidence(path.join(files.folder, `evidence-${name}`)));
  const [one, two] = stores as [EvidenceStore, EvidenceStore];
  const both = replicatedEvidence([one, two]);
  const report = (text: string) => Buffer.from(text);
  expect(await one.create("drills/test/000001.json", report("first"), "application/json")).toBe(true);
  await both.spread("drills/test/");
  expect((await two.read("drills/test/000001.json")).toString()).toBe("first");
  expect(await both.create("drills/test/000002.json", report("second"), "application/json")).toBe(true);
  expect(await two.list("drills/test/")).toEqual(["drills/test/000001.json", "drills/test/000002.json"]);
  // A name that only the other place has is taken, and what the first has lost is still there.
  expect(await two.create("drills/test/000003.json", report("third"), "application/json")).toBe(true);
  expect(await both.create("drills/test/000003.json", report("another"), "application/json")).toBe(false);
  rmSync(path.join(files.folder, "evidence-one"), { recursive: true });
  expect((await both.list("drills/test/")).length).toBe(3);
  await both.spread("drills/test/");
  expect((await one.read("drills/test/000003.json")).toString()).toBe("third");
});

test.each([
  {
    status: 403,
    code: "InvalidObjectState",
    of: "in an archive class",
    said: "is in an archive class; restore it there",
  },
  { status: 400, code: "InvalidRequest", of: "under a key of somebody's own", said: "400 InvalidRequest" },
])(
  "a manifest that S3 refuses with $code, as one $of, hides no other backup",
  async ({ status, code, said }) => {
    const target = await targetOf.s3();
    await lab.createDatabase("small");
    const small = { DATABASE_URL: lab.server.url("backup", "small") };
    const direct = settingsOf([target], small);
    const [refused, sound] = [await makeBackup(direct), await makeBackup(direct)].map(
      ({ manifest }) => manifest,
    );
    if (!refused || !sound) throw new Error("no backups");
    // The server of the tests has no such classes: this is Amazon's documented answer.
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>refused</Message></Error>`;
    const answer = { status, headers: { "content-type": "application/xml" }, body };
    const proxy = await startBlobProxy(`BlobEndpoint=${s3.endpoint};`, ({ method, url = "" }) =>
      method === "GET" && url.includes(`${refused.id}/manifest.json`) ? { answer } : undefined,
    );
    try {
      const endpoint = /BlobEndpoint=([^;]+)/.exec(proxy.connectionString)?.[1];
      const list = await verb(["list", "--json"], environment([{ ...target, endpoint }], small));
      expect(JSON.parse(list.stdout)).toMatchObject([{ id: sound.id }]);
      expect([list.code, list.stderr]).toEqual([1, expect.stringMatching(`${refused.id}.*${said}`)]);
    } finally {
      await proxy.stop();
      await lab.server.asMicrosoft('drop database "small" with (force)', "postgres");
    }
  },
);
