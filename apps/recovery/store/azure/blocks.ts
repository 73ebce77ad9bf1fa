import type { AccessTier, BlockBlobClient } from "@azure/storage-blob";
import { createHash } from "node:crypto";
import { inTime, type Patience } from "../patience";
import type { BlockSink, WriteOptions } from "../store";
import { refusal } from "./refusal";

const MIB = 1024 * 1024;

/**
 * Blocks of a block blob; uncommitted ones vanish after a week. A block's id is its place and its content: two writers of
 * one name never mix what they put, and a run that goes on knows what is there.
 */
export class AzureBlocks implements BlockSink {
  /** Azure's limits: https://learn.microsoft.com/rest/api/storageservices/put-block-list */
  readonly limits = { blocks: 50_000, smallest: 1, largest: 4_000 * MIB };
  private readonly ids: string[] = [];

  constructor(
    private readonly blob: BlockBlobClient,
    private readonly options: WriteOptions,
    private readonly patience: Patience,
  ) {}

  async put(index: number, block: Buffer, signal: AbortSignal): Promise<void> {
    const transactionalContentMD5 = md5(block);
    const id = blockId(index, transactionalContentMD5);
    await inTime(
      this.patience.block,
      (abortSignal) =>
        this.blob.stageBlock(id, block, block.length, { abortSignal, transactionalContentMD5 }),
      signal,
    );
    this.ids[index] = id;
  }

  async resume(signal: AbortSignal): Promise<(index: number, block: Buffer) => boolean> {
    const held = new Set<string>();
    try {
      const list = await inTime(
        this.patience.answer,
        (abortSignal) => this.blob.getBlockList("uncommitted", { abortSignal }),
        signal,
      );
      for (const { name } of list.uncommittedBlocks ?? []) held.add(name);
    } catch (error) {
      if (refusal(error)?.status !== 404) throw error;
    }
    return (index, block) => {
      const id = blockId(index, md5(block));
      if (!held.has(id)) return false;
      this.ids[index] = id;
      return true;
    };
  }

  async commit(
    count: number,
    stored: { bytes: number; sha256: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await inTime(
        this.patience.block,
        (abortSignal) =>
          this.blob.commitBlockList(this.ids.slice(0, count), {
            abortSignal,
            conditions: { ifNoneMatch: "*" },
            tier: this.options.accessTier as AccessTier | undefined,
            metadata: { ...this.options.metadata, sha256: stored.sha256 },
            blobHTTPHeaders: { blobContentType: this.options.contentType },
          }),
        signal,
      );
      return true;
    } catch (error) {
      if (refusal(error)?.status !== 409) throw error;
      // The client repeats a commit whose answer got lost, and is then refused because of its own first attempt.
      const existing = await inTime(
        this.patience.answer,
        (abortSignal) => this.blob.getProperties({ abortSignal }),
        signal,
      );
      return existing.metadata?.sha256 === stored.sha256 && existing.contentLength === stored.bytes;
    }
  }

  /** Nothing can be done: what is not committed is not visible, cannot be deleted, and goes by itself within a week. */
  discard(): Promise<void> {
    return Promise.resolve();
  }
}

const md5 = (block: Buffer) => createHash("md5").update(block).digest();

/** All ids of a blob must have the same length, at most 64 bytes before they are encoded. */
const blockId = (index: number, content: Buffer) =>
  Buffer.from(`${String(index).padStart(6, "0")}-${content.toString("hex")}`).toString("base64");
