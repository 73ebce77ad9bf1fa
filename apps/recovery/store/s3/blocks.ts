import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { randomUUID } from "node:crypto";
import { FailedError } from "../../../../packages/command/errors";
import type { BlockSink, WriteOptions } from "../store";
import { refusal } from "./refusal";
import type { S3Service } from "./service";

const MIB = 1024 * 1024;

/** Parts of a multipart upload. The SDK sends a checksum with each, which the service compares. */
export class S3Blocks implements BlockSink {
  /** Limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
  readonly limits = { blocks: 10_000, smallest: 5 * MIB, largest: 5_000 * MIB };
  /** Tells our own upload from another's of the same name. */
  private readonly mark = randomUUID();
  private upload: Promise<string> | undefined;
  private readonly etags: string[] = [];

  constructor(
    private readonly store: S3Service,
    private readonly bucket: string,
    private readonly name: string,
    private readonly options: WriteOptions,
  ) {}

  private get object() {
    return { Bucket: this.bucket, Key: this.name };
  }

  private async begin(): Promise<string> {
    const written = this.store.written(this.options);
    const { UploadId } = await this.store.client.send(
      new CreateMultipartUploadCommand({
        ...this.object,
        ...written,
        Metadata: { ...written.Metadata, upload: this.mark },
      }),
    );
    if (!UploadId) throw new FailedError(`${this.store.location} began no upload of ${this.name}`);
    return UploadId;
  }

  async put(index: number, block: Buffer, signal: AbortSignal): Promise<void> {
    this.upload ??= this.begin();
    const { ETag } = await this.store.client.send(
      new UploadPartCommand({
        ...this.object,
        UploadId: await this.upload,
        PartNumber: index + 1,
        Body: block,
      }),
      { abortSignal: signal },
    );
    if (!ETag) throw new FailedError(`${this.store.location} confirmed no part of ${this.name}`);
    this.etags[index] = ETag;
  }

  async commit(count: number, stored: { bytes: number }, signal: AbortSignal): Promise<boolean> {
    if (!this.upload) throw new FailedError(`${this.name}: nothing was uploaded`);
    const Parts = Array.from({ length: count }, (_, index) => ({
      PartNumber: index + 1,
      ETag: this.etags[index],
    }));
    try {
      await this.store.client.send(
        new CompleteMultipartUploadCommand({
          ...this.object,
          UploadId: await this.upload,
          MultipartUpload: { Parts },
          IfNoneMatch: "*",
        }),
        { abortSignal: signal },
      );
      return true;
    } catch (error) {
      const said = refusal(error);
      if (said?.status !== 412 && said?.code !== "NoSuchUpload") throw error;
      // The client repeats a request whose answer got lost, and then finds its own first attempt.
      const existing = await this.store.client
        .send(new HeadObjectCommand(this.object))
        .catch(() => undefined);
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
      // The bucket's lifecycle ends uploads that nobody finished.
    }
  }
}
