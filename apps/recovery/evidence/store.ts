import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { FailedError, messageOf, NotRunError, UsageError } from "../../../packages/command/errors";
import type { Store } from "../store/store";
import { documentName, sha256, type StoredReport } from "./chain";

/** Where reports live: a blob container (immutable in production) or a folder. Nothing is ever overwritten. */
export interface EvidenceStore {
  /** For messages. */
  readonly place: string;
  /** Names below a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  read(name: string): Promise<Buffer>;
  /** False when the name is taken. */
  create(name: string, bytes: Buffer, contentType: string): Promise<boolean>;
}

export function storeEvidence(store: Store, container: string): EvidenceStore {
  return {
    place: `container ${container}`,
    async list(prefix) {
      const names: string[] = [];
      for await (const { name } of store.list(container, prefix)) names.push(name);
      return names.sort();
    },
    async read(name) {
      const bytes = await store.read(container, name);
      if (!bytes) throw new FailedError(`${name} is not in container ${container}`);
      return bytes;
    },
    create: (name, bytes, contentType) => store.create(container, name, bytes, { contentType }),
  };
}

/**
 * A folder for reports, made where it is missing.
 * @throws UsageError when it cannot be written to: found out before a drill, not when its report is to be stored
 */
export function writableFolder(folder: string): EvidenceStore {
  try {
    makeFolder(path.resolve(folder));
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(
      `--out ${folder}: cannot be written to (${(error as NodeJS.ErrnoException).code ?? messageOf(error)})`,
    );
  }
  return folderEvidence(folder);
}

/** One level at a time: Node's recursive form does not end below a file system that refuses folders, like /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  mkdirSync(folder);
}

export function folderEvidence(folder: string): EvidenceStore {
  return {
    place: `folder ${folder}`,
    async list(prefix) {
      const directory = path.join(folder, path.dirname(`${prefix}.`));
      const names = await fs.readdir(directory).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      });
      return names.map((name) => path.posix.join(path.posix.dirname(`${prefix}.`), name)).sort();
    },
    read: (name) => fs.readFile(path.join(folder, name)),
    async create(name, bytes) {
      const file = path.join(folder, name);
      try {
        makeFolder(path.dirname(file));
        await fs.writeFile(file, bytes, { flag: "wx" });
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
      }
    },
  };
}

/** All reports of an environment, in the order of the chain. @throws NotRunError when the place cannot be read */
export async function readReports(store: EvidenceStore, environment: string): Promise<StoredReport[]> {
  try {
    const names = (await store.list(`drills/${environment}/`)).filter((name) => name.endsWith(".json"));
    return await Promise.all(names.map(async (name) => ({ name, bytes: await store.read(name) })));
  } catch (error) {
    throw new NotRunError(`cannot read drill reports in ${store.place}: ${messageOf(error)}`);
  }
}

/** A document stored beside the report, e.g. its Markdown form. */
export interface Attachment {
  extension: string;
  contentType: string;
  text: string;
}

export interface Appended {
  name: string;
  digest: string;
  attachments: string[];
}

const ATTEMPTS = 5;

/**
 * Adds a report to the end of the chain. `build` gets the chain so far and may be called again: when another
 * drill takes the same place first, the report is built anew behind that one.
 */
export async function appendReport<T extends { sequence: number }>(
  store: EvidenceStore,
  environment: string,
  build: (chain: StoredReport[]) => { report: T; attachments: Attachment[] },
): Promise<Appended & { report: T }> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const chain = await readReports(store, environment);
    const { report, attachments } = build(chain);
    const bytes = Buffer.from(`${JSON.stringify(report, null, 2)}\n`);
    const name = documentName(environment, report.sequence, "json");
    if (!(await store.create(name, bytes, "application/json"))) continue;
    const names: string[] = [];
    for (const { extension, contentType, text } of attachments) {
      const attachment = documentName(environment, report.sequence, extension);
      if (!(await store.create(attachment, Buffer.from(text), contentType))) {
        throw new FailedError(
          `${attachment} exists already in ${store.place}; the report itself is stored as ${name}`,
        );
      }
      names.push(attachment);
    }
    return { report, name, digest: sha256(bytes), attachments: names };
  }
  throw new FailedError(
    `could not add a report to ${store.place}: other drills took the place ${ATTEMPTS} times`,
  );
}

/** A document; undefined where there is none. @throws whatever the place answers when it cannot be read */
export async function readIfThere(store: EvidenceStore, name: string): Promise<Buffer | undefined> {
  return (await store.list(name)).includes(name) ? store.read(name) : undefined;
}

/**
 * Documents beside the reports that are missing or differ from the digest the report carries.
 * @throws NotRunError when one is there and cannot be read: that says nothing about it
 */
export async function checkAttachments(
  store: EvidenceStore,
  evidence: readonly { name: string; sha256: string }[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, sha256: expected } of evidence) {
    const bytes = await readIfThere(store, name).catch((error: unknown) => {
      throw new NotRunError(`cannot read ${name} in ${store.place}: ${messageOf(error)}`);
    });
    if (!bytes) problems.push(`${name} is missing`);
    else if (sha256(bytes) !== expected) problems.push(`${name} was changed`);
  }
  return problems;
}
