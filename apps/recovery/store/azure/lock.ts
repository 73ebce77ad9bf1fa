import type { BlobLeaseClient, BlockBlobClient } from "@azure/storage-blob";
import { inTime, type Patience } from "../patience";
import type { StoreLock } from "../store";
import { refusal } from "./refusal";

/** A lease on an empty blob. */
export class BlobLock implements StoreLock {
  /** The shortest lease Azure grants: a killed run blocks the next one no longer than this. */
  readonly seconds = 15;
  private readonly lease: BlobLeaseClient;

  constructor(
    private readonly blob: BlockBlobClient,
    private readonly patience: Patience,
  ) {
    this.lease = blob.getBlobLeaseClient();
  }

  private answered<T>(ask: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    return inTime(this.patience.answer, ask);
  }

  async acquire(): Promise<boolean> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.answered((abortSignal) => this.lease.acquireLease(this.seconds, { abortSignal }));
        return true;
      } catch (error) {
        const said = refusal(error);
        if (said?.status === 409) return false;
        if (said?.code !== "BlobNotFound" || attempt === 3) throw error;
      }
      try {
        await this.answered((abortSignal) =>
          this.blob.upload("", 0, { abortSignal, conditions: { ifNoneMatch: "*" } }),
        );
      } catch (error) {
        const status = refusal(error)?.status;
        if (status !== 409 && status !== 412) throw error;
      }
    }
  }

  async state(): Promise<"free" | "held" | "expired"> {
    try {
      const { leaseState } = await this.answered((abortSignal) => this.blob.getProperties({ abortSignal }));
      if (leaseState === undefined || leaseState === "available") return "free";
      return leaseState === "expired" ? "expired" : "held";
    } catch (error) {
      if (refusal(error)?.status === 404) return "free";
      throw error;
    }
  }

  async renew(): Promise<void> {
    await inTime(this.seconds * 1000, (abortSignal) => this.lease.renewLease({ abortSignal }));
  }

  async release(): Promise<void> {
    try {
      const conditions = { leaseId: this.lease.leaseId };
      await this.answered((abortSignal) => this.blob.delete({ abortSignal, conditions }));
    } catch {
      // The backup role may not delete, and immutable containers never do: then the empty lock blob stays.
      await this.answered((abortSignal) => this.lease.releaseLease({ abortSignal })).catch(() => undefined);
    }
  }
}
