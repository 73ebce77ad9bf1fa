import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { randomUUID } from "node:crypto";
import { inTime } from "../patience";
import type { StoreLock } from "../store";
import { refusal } from "./refusal";
import type { S3Service } from "./service";

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
    private readonly store: S3Service,
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
      } = await inTime(this.store.patience.answer, (abortSignal) =>
        this.store.client.send(new HeadObjectCommand(this.object), { abortSignal }),
      );
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
      const put = new PutObjectCommand({ ...this.object, Body: body, Metadata: { state }, ...condition });
      const { ETag } = await inTime(this.seconds * 500, (abortSignal) =>
        this.store.client.send(put, { abortSignal }),
      );
      this.etag = ETag;
      return true;
    } catch (error) {
      const status = refusal(error)?.status;
      if (status === 404 || status === 409) return false;
      if (status !== 412) throw error;
      // The client repeats a request whose answer got lost, and then finds its own first attempt.
      const found = await inTime(this.store.patience.answer, async (abortSignal) => {
        const { Body, ETag } = await this.store.client.send(new GetObjectCommand(this.object), {
          abortSignal,
        });
        return { body: await Body?.transformToString(), ETag };
      }).catch(() => undefined);
      if (found?.body !== body) return false;
      this.etag = found.ETag;
      return true;
    }
  }
}
