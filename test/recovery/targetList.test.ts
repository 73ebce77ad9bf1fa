import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { loadSettings } from "../../apps/recovery/settings";
import { FolderStore } from "../../apps/recovery/store/folder/client";
import { temporaryFiles } from "../support/targets";

const files = temporaryFiles();
afterAll(() => files.remove());

describe("a list of targets that cannot be used: exit code 2, the place, and what is allowed", () => {
  const folder = { name: "disk", kind: "folder", path: "/backups", containers: { daily: "daily" } };
  test.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /BACKUP_TARGETS: expected a JSON list of targets/],
    ["no list", { name: "x" }, /BACKUP_TARGETS: expected a JSON list of targets/],
    ["an empty list", [], /BACKUP_TARGETS: expected at least one target/],
    [
      "an unknown kind",
      [{ ...folder, kind: "ftp" }],
      /BACKUP_TARGETS\[0\]\.kind: expected .*azure, s3 or folder/,
    ],
    [
      "a bad name",
      [{ ...folder, name: "Disk 1" }],
      /BACKUP_TARGETS\[0\]\.name: expected 1-31 lower-case letters/,
    ],
    ["the same name twice", [folder, folder], /BACKUP_TARGETS\[1\]\.name: "disk" is used twice/],
    [
      "a relative path",
      [{ ...folder, path: "backups" }],
      /BACKUP_TARGETS\[0\]\.path: expected an absolute path/,
    ],
    ["a field nobody knows", [{ ...folder, bucket: "x" }], /BACKUP_TARGETS\[0\]: unknown: bucket/],
    [
      "two ways to one account",
      [{ name: "a", kind: "azure", url: "https://a.example", connectionStringFile: "/x" }],
      /BACKUP_TARGETS\[0\]: expected one of url, connectionString, connectionStringFile/,
    ],
    [
      "an account in clear",
      [{ name: "a", kind: "azure", url: "http://a.example" }],
      /BACKUP_TARGETS\[0\]\.url: expected an https URL/,
    ],
    [
      "half a key",
      [{ name: "a", kind: "s3", region: "eu", accessKeyIdFile: "/x" }],
      /BACKUP_TARGETS\[0\]: accessKeyIdFile and secretAccessKeyFile go together/,
    ],
    [
      "a key file that is not there",
      [
        {
          name: "a",
          kind: "s3",
          region: "eu",
          accessKeyIdFile: "/nowhere/id",
          secretAccessKeyFile: "/nowhere/key",
        },
      ],
      /BACKUP_TARGETS\[0\]\.accessKeyIdFile: cannot read \/nowhere\/id: ENOENT/,
    ],
    [
      "a lock nobody knows",
      [{ name: "a", kind: "s3", region: "eu", objectLock: "forever" }],
      /BACKUP_TARGETS\[0\]\.objectLock: expected one of governance, compliance/,
    ],
    [
      "no container for a tier that is asked for",
      [{ ...folder, containers: { hourly: "hourly" } }],
      /BACKUP_TARGETS: no target has a container "daily"/,
    ],
  ])("%s", (_what, value, expected) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const load = () => loadSettings({ ENVIRONMENT: "test", BACKUP_TARGETS: text }, ["store"]);
    expect(load).toThrow(expected);
  });

  test("keys of age", () => {
    const load = (extra: Record<string, string>) => () =>
      loadSettings({ ENVIRONMENT: "test", BACKUP_TARGETS: JSON.stringify([folder]), ...extra }, ["store"]);
    expect(load({ BACKUP_RECIPIENTS: "age1short" })).toThrow(
      "BACKUP_RECIPIENTS: expected public keys of age (age1…)",
    );
    expect(load({ BACKUP_IDENTITY_FILE: "/nowhere" })).toThrow(
      "BACKUP_IDENTITY_FILE: cannot read /nowhere: ENOENT",
    );
    const file = path.join(files.folder, "no-key");
    writeFileSync(file, "# nothing\n");
    expect(load({ BACKUP_IDENTITY_FILE: file })).toThrow(
      /BACKUP_IDENTITY_FILE: .* holds no private key of age/,
    );
    writeFileSync(file, "AGE-SECRET-KEY-1\n");
    expect(load({ BACKUP_IDENTITY_FILE: file })).toThrow(
      /BACKUP_IDENTITY_FILE: .*: key 1 is no private key of age/,
    );
    expect(load({ BACKUP_STORE_URL: "https://a.example" })).toThrow(
      "BACKUP_STORE_URL: set it or BACKUP_TARGETS, not both",
    );
    expect(load({ BACKUP_BANDWIDTH_LIMIT: "fast" })).toThrow(
      "BACKUP_BANDWIDTH_LIMIT: expected a whole number of KiB, MiB or GiB a second, such as 50MiB",
    );
    expect(load({ NOTIFY_WEBHOOK_URL: "http://chat.example" })).toThrow(
      "NOTIFY_WEBHOOK_URL: expected an https URL",
    );
    expect(load({ BACKUP_TARGET_PATIENCE: "soon" })).toThrow(
      "BACKUP_TARGET_PATIENCE: expected a duration such as",
    );
  });
});

describe("a folder", () => {
  const store = new FolderStore(files.folder);
  for (const container of ["daily", "weekly", "monthly"]) mkdirSync(path.join(files.folder, container));

  test("tells how much each file held that it erases, whatever lies beside it", async () => {
    for (const [name, bytes] of [
      ["test/a/1", 3],
      ["test/a/2", 5],
    ] as const)
      await store.create("daily", name, Buffer.alloc(bytes));
    expect(await store.erase("daily", "test/a/1")).toEqual({ outcome: "deleted", bytes: 3 });
    expect(await store.erase("daily", "test/a/1")).toEqual({ outcome: "deleted", bytes: 0 });
    expect(await store.erase("daily", "test/a/2")).toEqual({ outcome: "deleted", bytes: 5 });
    expect(readdirSync(path.join(files.folder, "daily"))).not.toContain("test");
  });

  test("ends no unfinished file where it cannot look for them, and says so", async () => {
    expect(await store.endUnfinished("weekly", "test/", new Date())).toBe(0);
    writeFileSync(path.join(files.folder, "monthly/.unfinished"), "");
    await expect(store.endUnfinished("monthly", "test/", new Date())).rejects.toThrow(
      /^folder "monthly" in .*: ENOTDIR/,
    );
  });
});
