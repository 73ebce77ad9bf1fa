import { randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import type { StoreLock } from "../store";
import type { FolderPlace } from "./place";

/** A file that carries its holder's name and is touched while that one lives. */
export class FileLock implements StoreLock {
  readonly seconds = 15;
  private readonly owner = randomBytes(12).toString("hex");
  private readonly file: string;

  constructor(
    private readonly store: FolderPlace,
    private readonly container: string,
    name: string,
  ) {
    this.file = store.fileOf(container, name);
  }

  async acquire(): Promise<boolean> {
    await fs.mkdir(path.dirname(this.file), { recursive: true });
    if (await this.make()) return true;
    if ((await this.state()) !== "expired") return false;
    await this.clearExpired();
    return this.make();
  }

  private async make(): Promise<boolean> {
    try {
      await fs.writeFile(this.file, this.owner, { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }

  /** Two may find it expired at once: who moves away one that is alive after all puts it back, and its holder notices. */
  private async clearExpired(): Promise<void> {
    const aside = await this.store.unfinished(this.container);
    try {
      await fs.rename(this.file, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    if (!(await this.isExpired(aside))) await fs.link(aside, this.file).catch(() => undefined);
    await fs.rm(aside, { force: true });
  }

  private async isExpired(file: string): Promise<boolean> {
    return Date.now() - (await fs.stat(file)).mtimeMs > this.seconds * 1000;
  }

  async state(): Promise<"free" | "held" | "expired"> {
    try {
      return (await this.isExpired(this.file)) ? "expired" : "held";
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "free";
      throw error;
    }
  }

  async renew(): Promise<void> {
    const handle = await fs.open(this.file, "r+");
    try {
      if ((await handle.readFile("utf8")) !== this.owner) throw new Error("somebody else holds it");
      const now = new Date();
      await handle.utimes(now, now);
    } finally {
      await handle.close();
    }
  }

  async release(): Promise<void> {
    try {
      if ((await fs.readFile(this.file, "utf8")) === this.owner) await fs.unlink(this.file);
    } catch {
      // It ran out or was taken over: nothing of ours is left.
    }
  }
}
