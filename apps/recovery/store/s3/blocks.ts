import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createHash, randomUUID } from "node:crypto";
import { FailedError } from "../../../../packages/command/errors";
import { pagesOf } from "../pages";
import { inTime } from "../patience";
import type { BlockSink, WriteOptions } from "../store";
import { refusal } from "./refusal";
import type { S3Service } from "./service";
import { endUpload, unfinishedUploads, type UnfinishedUpload } from "./unfinished";

const MIB = 1024 * 1024;

/** Parts of a multipart upload. The SDK sends a checksum with each, which the service compares. */
export class S3Blocks implements BlockSink {
  /** Limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
  readonly limits = { blocks: 10_000, smallest: 5 * MIB, largest: 5_000 * MIB };
  /** Tells our own upload, or one of the same content, from another's of the same name. */
  private readonly mark: string;
  private upload: Promise<string> | undefined;
  private readonly etags: string[] = [];

  constructor(
    private readonly store: S3Service,
    private readonly bucket: string,
    private readonly name: string,
    private readonly options: WriteOptions,
  ) {
    this.mark = options.sha256 ?? randomUUID();
  }

  private get object() {
    return { Bucket: this.bucket, Key: this.name };
  }

  private async begin(): Promise<string> {
    const written = this.store.written(this.options);
    const create = new CreateMultipartUploadCommand({
      ...this.object,
      ...written,
      Metadata: { ...written.Metadata, upload: this.mark },
    });
    const { UploadId } = await inTime(this.store.patience.answer, (abortSignal) =>
      this.store.client.send(create, { abortSignal }),
    );
    if (!UploadId) throw new FailedError(`${this.store.location} began no upload of ${this.name}`);
    return UploadId;
  }

  async put(index: number, block: Buffer, signal: AbortSignal): Promise<void> {
    this.upload ??= this.begin();
    const UploadId = await this.upload;
    const part = new UploadPartCommand({ ...this.object, UploadId, PartNumber: index + 1, Body: block });
    const { ETag } = await inTime(
      this.store.patience.block,
      (abortSignal) => this.store.client.send(part, { abortSignal }),
      signal,
    );
    if (!ETag) throw new FailedError(`${this.store.location} confirmed no part of ${this.name}`);
    this.etags[index] = ETag;
  }

  async resume(signal: AbortSignal): Promise<(index: number, block: Buffer) => boolean> {
    let found: UnfinishedUpload[];
    try {
      found = await unfinishedUploads(this.store, this.bucket, this.name);
    } catch (error) {
      // Who may not look begins anew.
      if (refusal(error)?.status === 403) return () => false;
      throw error;
    }
    const [newest, ...older] = found;
    for (const upload of older) await endUpload(this.store, this.bucket, upload);
    if (!newest) return () => false;
    const held = new Map<number, { etag: string; bytes: number }>();
    const where = { ...this.object, UploadId: newest.id };
    const pages = pagesOf(
      (place: { PartNumberMarker?: string } | undefined) =>
        inTime(
          this.store.patience.answer,
          (abortSignal) =>
            this.store.client.send(new ListPartsCommand({ ...where, ...place }), { abortSignal }),
          signal,
        ),
      // Some services name a next part also when there is none.
      ({ IsTruncated, NextPartNumberMarker }) =>
        IsTruncated ? { PartNumberMarker: NextPartNumberMarker } : undefined,
    );
    for await (const { Parts = [] } of pages) {
      for (const { PartNumber = 0, ETag = "", Size = 0 } of Parts)
        held.set(PartNumber - 1, { etag: ETag, bytes: Size });
    }
    this.upload = Promise.resolve(newest.id);
    return (index, block) => {
      const part = held.get(index);
      // A service that makes its tags in another way gets every part again.
      const etag = `"${createHash("md5").update(block).digest("hex")}"`;
      if (part?.etag !== etag || part.bytes !== block.length) return false;
      this.etags[index] = etag;
      return true;
    };
  }

  async commit(count: number, stored: { bytes: number }, signal: AbortSignal): Promise<boolean> {
    if (!this.upload) throw new FailedError(`${this.name}: nothing was uploaded`);
    const Parts = Array.from({ length: count }, (_, index) => ({
      PartNumber: index + 1,
      ETag: this.etags[index],
    }));
    try {
      const UploadId = await this.upload;
      const complete = { ...this.object, UploadId, MultipartUpload: { Parts }, IfNoneMatch: "*" };
      await inTime(
        this.store.patience.block,
        (abortSignal) =>
          this.store.client.send(new CompleteMultipartUploadCommand(complete), { abortSignal }),
        signal,
      );
      return true;
    } catch (error) {
      const said = refusal(error);
      if (said?.status !== 412 && said?.code !== "NoSuchUpload") throw error;
      // The client repeats a request whose answer got lost, and then finds its own first attempt.
      const existing = await inTime(this.store.patience.answer, (abortSignal) =>
        this.store.client.send(new HeadObjectCommand(this.object), { abortSignal }),
      ).catch(() => undefined);
      return existing?.Metadata?.upload === this.mark && existing.ContentLength === stored.bytes;
    }
  }

  async discard(): Promise<void> {
    try {
      const UploadId = await this.upload;
      if (UploadId)
        await this.store.client.send(new AbortMultipartUploadCommand({ ...this.object, UploadId }), {
          abortSignal: AbortSignal.timeout(10_000),
        });
    } catch {
      // Prune ends uploads that nobody finished.
    }
  }
}
