import fs from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { BlockSink } from "../store";
import type { FolderPlace } from "./place";

const GIB = 1024 ** 3;

/** Blocks of a file, written one behind the other; the file gets its name when it is whole and on disk. */
export class FolderBlocks implements BlockSink {
  readonly limits = { blocks: 1_000_000, smallest: 1, largest: GIB };
  private opened: Promise<{ file: string; handle: FileHandle }> | undefined;
  private readonly lengths: number[] = [];

  constructor(
    private readonly store: FolderPlace,
    private readonly container: string,
    private readonly name: string,
  ) {}

  async put(index: number, block: Buffer, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // Blocks are announced in order, so where this one begins is known whatever becomes of those before.
    this.lengths[index] = block.length;
    const position = this.lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
    this.opened ??= this.open();
    const { handle } = await this.opened;
    await handle.write(block, 0, block.length, position);
  }

  private async open(): Promise<{ file: string; handle: FileHandle }> {
    const file = await this.store.unfinished(this.container);
    return { file, handle: await fs.open(file, "wx") };
  }

  async commit(_count: number, _stored: unknown, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    this.opened ??= this.open();
    const { file, handle } = await this.opened;
    await handle.sync();
    await handle.close();
    return this.store.publish(file, this.container, this.name);
  }

  async discard(): Promise<void> {
    const opened = await this.opened?.catch(() => undefined);
    if (!opened) return;
    await opened.handle.close().catch(() => undefined);
    await fs.rm(opened.file, { force: true }).catch(() => undefined);
  }
}
