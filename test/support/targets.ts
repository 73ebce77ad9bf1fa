import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { AzureStore } from "../../apps/recovery/store/azure/client";
import { TIERS } from "../../apps/recovery/types";
import type { LocalAzurite } from "../../packages/local-servers/azurite";
import type { LocalS3 } from "../../packages/local-servers/s3";

/** Folders and key files of one test file. */
export interface Files {
  folder: string;
  remove(): void;
}

export function temporaryFiles(): Files {
  const folder = mkdtempSync(path.join(tmpdir(), "targets-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const unique = () => randomBytes(4).toString("hex");
const containersOf = (suffix: string) =>
  Object.fromEntries([...TIERS, "evidence"].map((kind) => [kind, `${kind}-${suffix}`]));

/** A target of containers nobody else uses, as an entry of `BACKUP_TARGETS`. */
export async function azureTarget(name: string, { connectionString }: LocalAzurite): Promise<object> {
  const containers = containersOf(unique());
  const { service } = await AzureStore.open({ connectionString });
  for (const container of Object.values(containers)) await service.createContainer(container);
  return { name, kind: "azure", connectionString, containers };
}

export async function s3Target(name: string, s3: LocalS3, files: Files, extra: object = {}): Promise<object> {
  const containers = containersOf(unique());
  for (const bucket of Object.values(containers)) await s3.createBucket(bucket);
  const write = (key: string, text: string) => {
    const file = path.join(files.folder, `${name}-${key}-${unique()}`);
    writeFileSync(file, text);
    return file;
  };
  return {
    name,
    kind: "s3",
    endpoint: s3.endpoint,
    region: s3.region,
    accessKeyIdFile: write("id", s3.credentials.accessKeyId),
    secretAccessKeyFile: write("key", s3.credentials.secretAccessKey),
    containers,
    ...extra,
  };
}

export function folderTarget(name: string, files: Files): { path: string } & Record<string, unknown> {
  const folder = path.join(files.folder, `${name}-${unique()}`);
  const containers = containersOf(unique());
  for (const container of Object.values(containers))
    mkdirSync(path.join(folder, container), { recursive: true });
  return { name, kind: "folder", path: folder, containers };
}

/** A pair of keys of age: the public one, and a file with the private one. */
export function keyPair(files: Files): { recipient: string; identityFile: string; identity: string } {
  const identity = execFileSync("age-keygen", { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const identityFile = path.join(files.folder, `identity-${unique()}`);
  writeFileSync(identityFile, identity, { mode: 0o600 });
  return { recipient: /age1[0-9a-z]+/.exec(identity)?.[0] ?? "", identityFile, identity };
}
