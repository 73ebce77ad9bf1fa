import type { BlobLeaseClient, BlockBlobClient } from "@azure/storage-blob";
import type { StoreLock } from "../store";
import { refusal } from "./refusal";

/** A lease on an empty blob. */
export class BlobLock implements StoreLock {
  /** The shortest lease Azure grants: a killed run blocks the next one no longer than this. */
  readonly seconds = 15;
  private readonly lease: BlobLeaseClient;

  constructor(private readonly blob: BlockBlobClient) {
    this.lease = blob.getBlobLeaseClient();
  }

  async acquire(): Promise<boolean> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.lease.acquireLease(this.seconds);
        return true;
      } catch (error) {
        const said = refusal(error);
        if (said?.status === 409) return false;
        if (said?.code !== "BlobNotFound" || attempt === 3) throw error;
      }
      try {
        await this.blob.upload("", 0, { conditions: { ifNoneMatch: "*" } });
      } catch (error) {
        const status = refusal(error)?.status;
        if (status !== 409 && status !== 412) throw error;
      }
    }
  }

  async state(): Promise<"free" | "held" | "expired"> {
    try {
      const { leaseState } = await this.blob.getProperties();
      if (leaseState === undefined || leaseState === "available") return "free";
      return leaseState === "expired" ? "expired" : "held";
    } catch (error) {
      if (refusal(error)?.status === 404) return "free";
      throw error;
    }
  }

  async renew(): Promise<void> {
    await this.lease.renewLease({ abortSignal: AbortSignal.timeout(this.seconds * 1000) });
  }

  async release(): Promise<void> {
    try {
      await this.blob.delete({ conditions: { leaseId: this.lease.leaseId } });
    } catch {
      // The backup role may not delete, and immutable containers never do: then the empty lock blob stays.
      await this.lease.releaseLease().catch(() => undefined);
    }
  }
}
