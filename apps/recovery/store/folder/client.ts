import { randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import { createReadStream } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { FailedError, messageOf, NotRunError } from "../../../../packages/command/errors";
import {
  UnreadableObject,
  type BlockSink,
  type Erased,
  type HeldObject,
  type ObjectFacts,
  type Rehydration,
  type Store,
  type StoredObject,
  type StoreLock,
  type WriteOptions,
} from "../store";
import { FolderBlocks } from "./blocks";
import { FileLock } from "./lock";

/** Unfinished files wait here, in the container: no environment's name begins with a dot. */
const UNFINISHED = ".unfinished";

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";

/**
 * A folder with one folder per container: a disk, a share or a mounted bucket. It holds nobody back from deleting:
 * whoever may write to it may delete, so it is a further copy and never the only one.
 */
export class FolderStore implements Store {
  readonly kind = "folder";

  constructor(readonly location: string) {}

  fileOf(container: string, name: string): string {
    const segments = name.split("/");
    if (segments.some((segment) => segment === "." || segment === ".."))
      throw new FailedError(`${name}: no name of a file in ${this.location}`);
    return path.join(this.location, container, ...segments);
  }

  async requireContainer(container: string): Promise<Date> {
    try {
      await fs.readdir(path.join(this.location, container));
    } catch (error) {
      throw this.explain(error, `folder "${container}"`);
    }
    return new Date();
  }

  async *list(container: string, prefix: string): AsyncGenerator<StoredObject> {
    const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    for await (const object of this.walk(container, start)) if (object.name.startsWith(prefix)) yield object;
  }

  private async *walk(container: string, below: string): AsyncGenerator<StoredObject> {
    const folder = this.fileOf(container, below);
    let entries;
    try {
      entries = await fs.readdir(folder, { withFileTypes: true });
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      throw this.explain(error, `folder "${container}"`);
    }
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) {
        if (name !== UNFINISHED) yield* this.walk(container, `${name}/`);
        continue;
      }
      const facts = await fs.stat(path.join(folder, entry.name)).catch(() => undefined);
      if (facts) yield { name, bytes: facts.size, lastModified: facts.mtime };
    }
  }

  async find(container: string, name: string): Promise<ObjectFacts | undefined> {
    try {
      const { size } = await fs.stat(this.fileOf(container, name));
      return { bytes: size, offline: false };
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw this.explain(error, `file ${container}/${name}`);
    }
  }

  async read(container: string, name: string): Promise<Buffer | undefined> {
    const file = this.fileOf(container, name);
    try {
      // A pipe would be waited for without end.
      if (!(await fs.stat(file)).isFile()) throw new UnreadableObject(`${file} is no file`);
      return await fs.readFile(file);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw this.explain(error, `file ${container}/${name}`);
    }
  }

  async open(container: string, name: string, signal: AbortSignal, offset = 0): Promise<Readable> {
    const file = this.fileOf(container, name);
    try {
      await fs.access(file, fs.constants.R_OK);
    } catch (error) {
      throw this.explain(error, `file ${container}/${name}`);
    }
    return createReadStream(file, { start: offset, highWaterMark: 1024 * 1024, signal });
  }

  async create(container: string, name: string, body: Buffer): Promise<boolean> {
    try {
      const unfinished = await this.unfinished(container);
      await fs.writeFile(unfinished, body, { flush: true });
      return await this.publish(unfinished, container, name);
    } catch (error) {
      throw this.explain(error, `file ${container}/${name}`);
    }
  }

  /** A name for a file that is being written. */
  async unfinished(container: string): Promise<string> {
    const folder = path.join(this.location, container, UNFINISHED);
    await fs.mkdir(folder).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
    return path.join(folder, randomBytes(12).toString("hex"));
  }

  /** Gives a finished file its name, unless that is taken. @returns false when it is */
  async publish(unfinished: string, container: string, name: string): Promise<boolean> {
    const file = this.fileOf(container, name);
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.chmod(unfinished, 0o444);
    try {
      // Unlike a rename, a link never replaces.
      await fs.link(unfinished, file);
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw error;
    } finally {
      await fs.rm(unfinished, { force: true });
    }
    await syncFolder(path.dirname(file));
    return true;
  }

  blocks(container: string, name: string, _options: WriteOptions): BlockSink {
    return new FolderBlocks(this, container, name);
  }

  /** Files carry no object's name until they are finished: all of the folder's are meant, whatever the prefix. */
  async endUnfinished(container: string, _prefix: string, before: Date): Promise<number> {
    const folder = path.join(this.location, container, UNFINISHED);
    let ended = 0;
    for (const name of await fs.readdir(folder).catch(() => [])) {
      const file = path.join(folder, name);
      const facts = await fs.stat(file).catch(() => undefined);
      if (!facts || facts.mtime >= before) continue;
      await fs.rm(file, { force: true });
      ended += 1;
    }
    return ended;
  }

  async held(container: string, prefix: string): Promise<HeldObject[]> {
    const found: HeldObject[] = [];
    for await (const object of this.list(container, prefix)) found.push({ ...object, current: true });
    return found;
  }

  async erase(container: string, name: string): Promise<Erased> {
    const file = this.fileOf(container, name);
    try {
      const { size } = await fs.stat(file);
      await fs.unlink(file);
      // Folders that became empty go, too; the first that is not ends it.
      const top = path.join(this.location, container);
      for (let folder = path.dirname(file); folder !== top; folder = path.dirname(folder))
        await fs.rmdir(folder);
      return { outcome: "deleted", bytes: size };
    } catch (error) {
      if (["ENOENT", "ENOTEMPTY", "EEXIST"].includes(codeOf(error))) return { outcome: "deleted", bytes: 0 };
      throw this.explain(error, `file ${container}/${name}`);
    }
  }

  lock(container: string, name: string): StoreLock {
    return new FileLock(this, container, name);
  }

  rehydration(_container: string, name: string): Rehydration {
    throw new NotRunError(`${name}: a folder has no archive tier`);
  }

  explain(error: unknown, what: string): FailedError {
    if (error instanceof FailedError) return error;
    const where = `${what} in ${this.location}`;
    switch (codeOf(error)) {
      case "ENOENT":
        return new FailedError(`${where}: does not exist`);
      case "EACCES":
      case "EPERM":
        return new FailedError(`${where}: access denied`);
      case "ENOSPC":
      case "EDQUOT":
        return new FailedError(`${where}: no space left`);
      default:
        return new FailedError(`${where}: ${messageOf(error).slice(0, 300)}`);
    }
  }
}

/** A name is only safe on disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
