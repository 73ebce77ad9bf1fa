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
    const entries = await this.whereThere(
      fs.readdir(folder, { withFileTypes: true }),
      `folder "${container}"`,
    );
    for (const entry of (entries ?? []).sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) {
        if (name !== UNFINISHED) yield* this.walk(container, `${name}/`);
        continue;
      }
      const facts = await this.whereThere(
        fs.stat(path.join(folder, entry.name)),
        `file ${container}/${name}`,
      );
      if (facts) yield { name, bytes: facts.size, lastModified: facts.mtime };
    }
  }

  async find(container: string, name: string): Promise<ObjectFacts | undefined> {
    const facts = await this.whereThere(fs.stat(this.fileOf(container, name)), `file ${container}/${name}`);
    return facts && { bytes: facts.size, offline: false };
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
    const what = `folder "${container}"`;
    for (const name of (await this.whereThere(fs.readdir(folder), what)) ?? []) {
      const file = path.join(folder, name);
      const facts = await this.whereThere(fs.stat(file), what);
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
    const what = `file ${container}/${name}`;
    const facts = await this.whereThere(fs.stat(file), what);
    if (!facts) return { outcome: "deleted", bytes: 0 };
    await this.whereThere(fs.unlink(file), what);
    await this.dropEmpty(path.join(this.location, container), path.dirname(file), what);
    return { outcome: "deleted", bytes: facts.size };
  }

  /** Folders that became empty go, too, up to the container; the first that is not ends it. */
  private async dropEmpty(top: string, folder: string, what: string): Promise<void> {
    if (folder === top) return;
    try {
      await fs.rmdir(folder);
    } catch (error) {
      if (["ENOENT", "ENOTEMPTY", "EEXIST"].includes(codeOf(error))) return;
      throw this.explain(error, what);
    }
    await this.dropEmpty(top, path.dirname(folder), what);
  }

  /** What the file system answers; undefined where what is asked for is gone. @throws FailedError for anything else */
  private async whereThere<T>(asked: Promise<T>, what: string): Promise<T | undefined> {
    try {
      return await asked;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw this.explain(error, what);
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
