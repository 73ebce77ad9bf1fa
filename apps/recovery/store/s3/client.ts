import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type StorageClass,
} from "@aws-sdk/client-s3";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { FailedError, messageOf, NotRunError } from "../../../../packages/command/errors";
import { download } from "../download";
import { pagesOf } from "../pages";
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
import { S3Blocks } from "./blocks";
import { eraseObject, heldObjects } from "./erase";
import { ObjectLock } from "./lock";
import { refusal } from "./refusal";
import { endUpload, unfinishedUploads } from "./unfinished";

/** How an S3-compatible service is reached. */
export interface S3Access {
  region: string;
  /** Undefined: AWS itself. */
  endpoint?: string;
  /** Undefined: the SDK's own chain, such as a role taken with the pod's federated token. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Buckets as the first part of the path instead of the host name, as most services beside AWS want it. */
  pathStyle?: boolean;
  /** Locks every archive and manifest for its tier's retention; the buckets must have been made with Object Lock. */
  objectLock?: "GOVERNANCE" | "COMPLIANCE";
}

const OFFLINE_CLASSES = ["GLACIER", "DEEP_ARCHIVE"];

/** An S3-compatible service. */
export class S3Store implements Store {
  readonly kind = "s3";
  private serverDate = new Date();

  private constructor(
    readonly client: S3Client,
    readonly location: string,
    private readonly objectLock: S3Access["objectLock"],
    readonly patience: Patience,
  ) {
    // Every answer carries the server's clock; the SDK keeps it to itself.
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const headers = (result.response as { headers?: Record<string, string> }).headers;
        const date = Date.parse(headers?.date ?? "");
        if (!Number.isNaN(date)) this.serverDate = new Date(date);
        return result;
      },
      { step: "deserialize", name: "serverDate", priority: "low" },
    );
  }

  static open(access: S3Access, patience = PATIENCE): S3Store {
    const client = new S3Client({
      region: access.region,
      endpoint: access.endpoint,
      forcePathStyle: access.pathStyle,
      credentials: access.credentials,
      maxAttempts: 4,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 120_000, throwOnRequestTimeout: true },
    });
    // As the SDK finds it: a region's host does not end in the same name everywhere.
    const { url } = client.config.endpointProvider({ Region: access.region, Endpoint: access.endpoint });
    return new S3Store(client, url.host, access.objectLock, patience);
  }

  private answered<T>(ask: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    return inTime(this.patience.answer, ask);
  }

  /** What an object is written with besides its body. */
  written(options: WriteOptions) {
    const locked = this.objectLock !== undefined && options.retainUntil !== undefined;
    return {
      ContentType: options.contentType,
      Metadata: options.metadata,
      StorageClass: options.accessTier as StorageClass | undefined,
      ...(locked && {
        ObjectLockMode: this.objectLock,
        // Whole seconds: some services refuse fractions.
        ObjectLockRetainUntilDate: new Date(Math.ceil((options.retainUntil?.getTime() ?? 0) / 1000) * 1000),
      }),
    };
  }

  async requireContainer(bucket: string): Promise<Date> {
    try {
      const first = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
      await inTime(this.patience.first, (abortSignal) => this.client.send(first, { abortSignal }));
      return this.serverDate;
    } catch (error) {
      throw this.explain(error, `bucket "${bucket}"`);
    }
  }

  async *list(bucket: string, prefix: string): AsyncGenerator<StoredObject> {
    try {
      const pages = pagesOf(
        (place: { ContinuationToken?: string } | undefined) => {
          const page = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...place });
          return this.answered((abortSignal) => this.client.send(page, { abortSignal }));
        },
        ({ IsTruncated, NextContinuationToken }) =>
          IsTruncated ? { ContinuationToken: NextContinuationToken } : undefined,
      );
      for await (const { Contents = [] } of pages) {
        for (const { Key = "", Size = 0, LastModified = new Date(0) } of Contents)
          yield { name: Key, bytes: Size, lastModified: LastModified };
      }
    } catch (error) {
      throw this.explain(error, `bucket "${bucket}"`);
    }
  }

  async find(bucket: string, name: string): Promise<ObjectFacts | undefined> {
    try {
      const head = new HeadObjectCommand({ Bucket: bucket, Key: name });
      const facts = await this.answered((abortSignal) => this.client.send(head, { abortSignal }));
      const archived = OFFLINE_CLASSES.includes(facts.StorageClass ?? "");
      const restored = /ongoing-request="false"/.test(facts.Restore ?? "");
      return { bytes: facts.ContentLength ?? 0, offline: archived && !restored };
    } catch (error) {
      if (refusal(error)?.status === 404) return undefined;
      throw this.explain(error, `object ${bucket}/${name}`);
    }
  }

  async read(bucket: string, name: string): Promise<Buffer | undefined> {
    try {
      return await this.answered(async (abortSignal) => {
        const object = new GetObjectCommand({ Bucket: bucket, Key: name });
        const { Body } = await this.client.send(object, { abortSignal });
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      });
    } catch (error) {
      const { code } = refusal(error) ?? {};
      if (code === "NoSuchKey") return undefined;
      const problem = this.explain(error, `object ${bucket}/${name}`);
      // In an archive class, or under a key of somebody's own.
      const unreadable = code === "InvalidObjectState" || code === "InvalidRequest";
      throw unreadable ? new UnreadableObject(problem.message) : problem;
    }
  }

  async open(bucket: string, name: string, signal: AbortSignal, offset = 0): Promise<Readable> {
    try {
      return await download(
        async (from, etag, abortSignal) => {
          const Range = from > 0 ? `bytes=${from}-` : undefined;
          const object = new GetObjectCommand({ Bucket: bucket, Key: name, Range, IfMatch: etag });
          const { Body, ETag, ContentRange } = await this.client.send(object, { abortSignal });
          return { body: Body as Readable, etag: ETag, range: ContentRange };
        },
        offset,
        this.patience,
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw this.explain(error, `object ${bucket}/${name}`);
    }
  }

  async create(bucket: string, name: string, body: Buffer, options: WriteOptions): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const object = { Bucket: bucket, Key: name, Body: body, ...this.written(options) };
        const put = new PutObjectCommand({ ...object, IfNoneMatch: "*" });
        await this.answered((abortSignal) => this.client.send(put, { abortSignal }));
        return true;
      } catch (error) {
        const status = refusal(error)?.status;
        if (status === 412) return false;
        // Two conditional writes at once: the service asks to try again.
        if (status !== 409 || attempt === 4) throw this.explain(error, `object ${bucket}/${name}`);
        await sleep(100 * attempt);
      }
    }
  }

  blocks(bucket: string, name: string, options: WriteOptions): BlockSink {
    return new S3Blocks(this, bucket, name, options);
  }

  async endUnfinished(bucket: string, prefix: string, before: Date): Promise<number> {
    try {
      const old = (await unfinishedUploads(this, bucket, { prefix })).filter(({ begun }) => begun < before);
      for (const upload of old) await endUpload(this, bucket, upload);
      return old.length;
    } catch (error) {
      throw this.explain(error, `uploads to bucket "${bucket}"`);
    }
  }

  held(bucket: string, prefix: string): Promise<HeldObject[]> {
    return heldObjects(this, bucket, prefix);
  }

  erase(bucket: string, name: string): Promise<Erased> {
    return eraseObject(this, bucket, name);
  }

  lock(bucket: string, name: string): StoreLock {
    return new ObjectLock(this, bucket, name, () => this.serverDate);
  }

  rehydration(_bucket: string, name: string): Rehydration {
    throw new NotRunError(
      `${name} is in an archive class of ${this.location}: restore it there first, or use another target`,
    );
  }

  explain(error: unknown, what: string): FailedError {
    if (error instanceof FailedError) return error;
    const where = `${what} at ${this.location}`;
    const said = refusal(error);
    if (said?.code === "NoSuchBucket") return new FailedError(`${where}: the bucket does not exist`);
    if (said?.status === 404) return new FailedError(`${where}: not found`);
    // Refused with the status of a lack of rights.
    if (said?.code === "InvalidObjectState")
      return new FailedError(`${where}: it is in an archive class; restore it there first`);
    if (said?.status === 403 || said?.status === 401) {
      return new FailedError(
        `${where}: access denied (${said.code}); check the key or role, its policy and the clock`,
      );
    }
    const message = messageOf(error);
    if (/CredentialsProviderError|Could not load credentials/.test(`${(error as Error).name} ${message}`)) {
      return new FailedError(`${where}: no usable credentials; give key files or a role`);
    }
    return new FailedError(`${where}: ${said ? `${said.status} ${said.code}` : message.slice(0, 300)}`);
  }
}
