import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { randomUUID } from "node:crypto";
import type { StoreLock } from "../store";
import { refusal } from "./refusal";

/**
 * S3 has no leases: the lock is a small object that is only ever written on condition that it is what was last seen
 * of it, and that counts as abandoned when it has not been written for a while, by the service's clock.
 */
export class ObjectLock implements StoreLock {
  /** Longer than on Azure: every renewal is a version that a bucket with Object Lock keeps. */
  readonly seconds = 60;
  private readonly owner = randomUUID();
  private etag: string | undefined;

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    private readonly name: string,
    private readonly clock: () => Date,
  ) {}

  private get object() {
    return { Bucket: this.bucket, Key: this.name };
  }

  async acquire(): Promise<boolean> {
    const found = await this.look();
    if (!found) return this.write({ IfNoneMatch: "*" });
    return found.state !== "held" && this.write({ IfMatch: found.etag });
  }

  async state(): Promise<"free" | "held" | "expired"> {
    return (await this.look())?.state ?? "free";
  }

  async renew(): Promise<void> {
    if (!(await this.write({ IfMatch: this.etag }))) throw new Error("somebody else holds it");
  }

  /** Nothing is deleted: whoever backs up may not, and a deletion would only be one more version. */
  async release(): Promise<void> {
    await this.write({ IfMatch: this.etag }, "free").catch(() => undefined);
  }

  private async look(): Promise<{ etag: string; state: "free" | "held" | "expired" } | undefined> {
    try {
      const {
        ETag = "",
        LastModified,
        Metadata,
      } = await this.client.send(new HeadObjectCommand(this.object));
      if (Metadata?.state === "free") return { etag: ETag, state: "free" };
      const age = this.clock().getTime() - (LastModified?.getTime() ?? 0);
      return { etag: ETag, state: age > this.seconds * 1000 ? "expired" : "held" };
    } catch (error) {
      if (refusal(error)?.status === 404) return undefined;
      throw error;
    }
  }

  private async write(
    condition: { IfNoneMatch?: string; IfMatch?: string },
    state = "held",
  ): Promise<boolean> {
    // Different each time, so that its tag is, too.
    const body = `${this.owner} ${randomUUID()}`;
    try {
      const { ETag } = await this.client.send(
        new PutObjectCommand({
          ...this.object,
          Body: body,
          Metadata: { state },
          ...condition,
        }),
        { abortSignal: AbortSignal.timeout(this.seconds * 500) },
      );
      this.etag = ETag;
      return true;
    } catch (error) {
      const status = refusal(error)?.status;
      if (status === 404 || status === 409) return false;
      if (status !== 412) throw error;
      // The client repeats a request whose answer got lost, and then finds its own first attempt.
      const found = await this.client.send(new GetObjectCommand(this.object)).catch(() => undefined);
      if ((await found?.Body?.transformToString()) !== body) return false;
      this.etag = found?.ETag;
      return true;
    }
  }
}
