import { BlobServiceClient, type AccessTier, type ContainerClient } from "@azure/storage-blob";
import type { Readable } from "node:stream";
import { FailedError, messageOf } from "../../../../packages/command/errors";
import { download } from "../download";
import { inTime, PATIENCE, type Patience } from "../patience";
import {
  UnreadableObject,
  type BlockSink,
  type Erased,
  type HeldObject,
  type ObjectFacts,
  type Rehydration,
  type Store,
  type StoredObject,
  type StoreLock,
  type WriteOptions,
} from "../store";
import { AzureBlocks } from "./blocks";
import { blobsOf } from "./blobs";
import { eraseBlob, heldBlobs } from "./erase";
import { BlobLock } from "./lock";
import { refusal } from "./refusal";

/** How an Azure Storage account is reached: an emulator's connection string, or a URL and workload identity. */
export type AzureAccess = { connectionString: string } | { url: string };

/** An Azure Storage account. */
export class AzureStore implements Store {
  readonly kind = "azure";

  private constructor(
    readonly service: BlobServiceClient,
    readonly location: string,
    readonly patience: Patience,
  ) {}

  static async open(access: AzureAccess, patience = PATIENCE): Promise<AzureStore> {
    const options = {
      retryOptions: { maxTries: 4, retryDelayInMs: 500, maxRetryDelayInMs: 8_000, tryTimeoutInMs: 120_000 },
    };
    if ("connectionString" in access) {
      const service = BlobServiceClient.fromConnectionString(access.connectionString, options);
      return new AzureStore(service, new URL(service.url).host, patience);
    }
    // Loaded on demand: the identity library costs half a second, and the emulator has no use for it.
    const { DefaultAzureCredential } = await import("@azure/identity");
    return new AzureStore(
      new BlobServiceClient(access.url, new DefaultAzureCredential(), options),
      new URL(access.url).host,
      patience,
    );
  }

  container(name: string): ContainerClient {
    return this.service.getContainerClient(name);
  }

  private answered<T>(ask: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    return inTime(this.patience.answer, ask);
  }

  async requireContainer(name: string): Promise<Date> {
    try {
      const page = await inTime(this.patience.first, (abortSignal) =>
        this.container(name).listBlobsFlat({ abortSignal }).byPage({ maxPageSize: 1 }).next(),
      );
      const response = page.value as { _response?: { parsedHeaders?: { date?: Date } } } | undefined;
      return response?._response?.parsedHeaders?.date ?? new Date();
    } catch (error) {
      throw this.explain(error, `container "${name}"`);
    }
  }

  async *list(container: string, prefix: string): AsyncGenerator<StoredObject> {
    try {
      for await (const { name, properties } of blobsOf(this.container(container), this.patience, {
        prefix,
      })) {
        yield { name, bytes: properties.contentLength ?? 0, lastModified: properties.lastModified };
      }
    } catch (error) {
      throw this.explain(error, `container "${container}"`);
    }
  }

  async find(container: string, name: string): Promise<ObjectFacts | undefined> {
    try {
      const { contentLength, accessTier } = await this.answered((abortSignal) =>
        this.container(container).getBlobClient(name).getProperties({ abortSignal }),
      );
      return { bytes: contentLength ?? 0, offline: accessTier === "Archive" };
    } catch (error) {
      if (refusal(error)?.status === 404) return undefined;
      throw this.explain(error, `blob ${container}/${name}`);
    }
  }

  async read(container: string, name: string): Promise<Buffer | undefined> {
    try {
      return await this.answered((abortSignal) =>
        this.container(container).getBlobClient(name).downloadToBuffer(0, undefined, { abortSignal }),
      );
    } catch (error) {
      const { status } = refusal(error) ?? {};
      if (status === 404) return undefined;
      const problem = this.explain(error, `blob ${container}/${name}`);
      // In the archive tier, on its way back from there, or under a key of somebody's own.
      throw status === 409 ? new UnreadableObject(problem.message) : problem;
    }
  }

  async open(container: string, name: string, signal: AbortSignal, offset = 0): Promise<Readable> {
    try {
      const blob = this.container(container).getBlobClient(name);
      return await download(
        async (from, ifMatch, abortSignal) => {
          const sent = await blob.download(from, undefined, { abortSignal, conditions: { ifMatch } });
          return { body: sent.readableStreamBody as Readable, etag: sent.etag, range: sent.contentRange };
        },
        offset,
        this.patience,
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw this.explain(error, `blob ${container}/${name}`);
    }
  }

  async create(container: string, name: string, body: Buffer, options: WriteOptions): Promise<boolean> {
    try {
      const blob = this.container(container).getBlockBlobClient(name);
      await this.answered((abortSignal) =>
        blob.upload(body, body.length, {
          abortSignal,
          conditions: { ifNoneMatch: "*" },
          tier: options.accessTier as AccessTier | undefined,
          metadata: options.metadata,
          blobHTTPHeaders: { blobContentType: options.contentType },
        }),
      );
      return true;
    } catch (error) {
      const said = refusal(error);
      if (said?.code === "BlobAlreadyExists" || said?.status === 412) return false;
      throw this.explain(error, `blob ${container}/${name}`);
    }
  }

  blocks(container: string, name: string, options: WriteOptions): BlockSink {
    return new AzureBlocks(this.container(container).getBlockBlobClient(name), options, this.patience);
  }

  held(container: string, prefix: string): Promise<HeldObject[]> {
    return heldBlobs(this, container, prefix);
  }

  erase(container: string, name: string): Promise<Erased> {
    return eraseBlob(this, container, name);
  }

  /** Blocks that nobody committed cannot be deleted; the service does it within a week. */
  endUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }

  lock(container: string, name: string): StoreLock {
    return new BlobLock(this.container(container).getBlockBlobClient(name), this.patience);
  }

  /**
   * As a copy: changing the tier of the original would end its cheap storage and could be undone by a lifecycle rule
   * before the restore has read it.
   */
  rehydration(container: string, name: string, copyName: string): Rehydration {
    const copy = this.container(container).getBlobClient(copyName);
    const source = this.container(container).getBlobClient(name);
    return {
      start: async () => {
        try {
          await this.answered((abortSignal) =>
            copy.beginCopyFromURL(source.url, {
              abortSignal,
              tier: "Hot",
              rehydratePriority: "High",
              intervalInMs: 1,
            }),
          );
        } catch (error) {
          // Somebody else's restore may be waiting for the same copy.
          if (refusal(error)?.code !== "PendingCopyOperation")
            throw this.explain(error, `rehydration of ${container}/${name}`);
        }
      },
      state: async () => {
        const { archiveStatus, accessTier, copyStatus } = await this.answered((abortSignal) =>
          copy.getProperties({ abortSignal }),
        );
        const detail = archiveStatus ?? copyStatus ?? "pending";
        if (copyStatus === "failed" || copyStatus === "aborted") return { state: "failed", detail };
        const online = copyStatus !== "pending" && !archiveStatus && accessTier !== "Archive";
        return { state: online ? "online" : "pending", detail };
      },
    };
  }

  explain(error: unknown, what: string): FailedError {
    if (error instanceof FailedError) return error;
    const where = `${what} at ${this.location}`;
    const said = refusal(error);
    if (said?.code === "ContainerNotFound") return new FailedError(`${where}: the container does not exist`);
    if (said?.code === "BlobNotFound" || said?.status === 404) return new FailedError(`${where}: not found`);
    if (said?.status === 403 || said?.status === 401) {
      return new FailedError(
        `${where}: access denied (${said.code}); check the identity, its role and the clock`,
      );
    }
    const message = messageOf(error);
    if (/CredentialUnavailable|TokenCredential|AuthenticationRequired/.test(message)) {
      return new FailedError(
        `${where}: no usable Azure identity; in a cluster check the workload identity, elsewhere run az login`,
      );
    }
    return new FailedError(`${where}: ${said ? `${said.status} ${said.code}` : message.slice(0, 300)}`);
  }
}
