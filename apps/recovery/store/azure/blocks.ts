import type { AccessTier, BlockBlobClient } from "@azure/storage-blob";
import { createHash } from "node:crypto";
import type { BlockSink, WriteOptions } from "../store";
import { refusal } from "./refusal";

const MIB = 1024 * 1024;

/** Blocks of a block blob; uncommitted ones vanish after a week. */
export class AzureBlocks implements BlockSink {
  /** Azure's limits: https://learn.microsoft.com/rest/api/storageservices/put-block-list */
  readonly limits = { blocks: 50_000, smallest: 1, largest: 4_000 * MIB };

  constructor(
    private readonly blob: BlockBlobClient,
    private readonly options: WriteOptions,
  ) {}

  async put(index: number, block: Buffer, signal: AbortSignal): Promise<void> {
    const transactionalContentMD5 = createHash("md5").update(block).digest();
    await this.blob.stageBlock(blockId(index), block, block.length, {
      abortSignal: signal,
      transactionalContentMD5,
    });
  }

  async commit(
    count: number,
    stored: { bytes: number; sha256: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const ids = Array.from({ length: count }, (_, index) => blockId(index));
    try {
      await this.blob.commitBlockList(ids, {
        abortSignal: signal,
        conditions: { ifNoneMatch: "*" },
        tier: this.options.accessTier as AccessTier | undefined,
        metadata: { ...this.options.metadata, sha256: stored.sha256 },
        blobHTTPHeaders: { blobContentType: this.options.contentType },
      });
      return true;
    } catch (error) {
      if (refusal(error)?.status !== 409) throw error;
      // The client repeats a commit whose answer got lost, and is then refused because of its own first attempt.
      const existing = await this.blob.getProperties();
      return existing.metadata?.sha256 === stored.sha256 && existing.contentLength === stored.bytes;
    }
  }

  /** Nothing to do: what is not committed is not visible, costs nothing and goes by itself. */
  discard(): Promise<void> {
    return Promise.resolve();
  }
}

/** All ids of a blob must have the same length. */
const blockId = (index: number) => Buffer.from(`block-${String(index).padStart(6, "0")}`).toString("base64");
