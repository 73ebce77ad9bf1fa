import type { Readable } from "node:stream";
import { FailedError } from "../../../packages/command/errors";

/** Kinds of places backups can be kept in. */
export type StoreKind = "azure" | "s3" | "folder";

export interface StoredObject {
  name: string;
  bytes: number;
  lastModified: Date;
}

/** An object's name with everything the store keeps under it. */
export interface HeldObject extends StoredObject {
  /** False where only previous versions are left. `bytes` are those of all versions, `lastModified` is the newest's. */
  current: boolean;
}

export interface ObjectFacts {
  bytes: number;
  /** In a tier that must be brought online before it can be read. */
  offline: boolean;
}

/** A single object cannot be read although its store answers: it is in an archive tier, or no file. Others can be. */
export class UnreadableObject extends FailedError {}

/** What erasing an object did. Bytes are those that its versions held. */
export interface Erased {
  /** `refused`: an immutability policy, a legal hold or an object lock forbids it. */
  outcome: "deleted" | "refused";
  bytes: number;
}

export interface WriteOptions {
  contentType: string;
  /** Until when nobody may change or delete it, where the store locks single objects; elsewhere without effect. */
  retainUntil?: Date;
  /** Access tier of Azure or storage class of S3; default the account's or the bucket's. */
  accessTier?: string;
  metadata?: Record<string, string>;
  /** The content's digest, where it is known beforehand: an upload that broke off can then be told and gone on with. */
  sha256?: string;
}

/** A large object that is written block by block and becomes visible as a whole or not at all. */
export interface BlockSink {
  /** Most blocks an object may have, and the bounds of one. */
  readonly limits: { blocks: number; smallest: number; largest: number };
  /** Stores the block at an index, from 0. The buffer may be reused once it resolves. */
  put(index: number, block: Buffer, signal: AbortSignal): Promise<void>;
  /**
   * Makes the object of blocks 0 to count-1 visible under its name, unless one of that name exists.
   * @returns false when the name is taken by another object
   */
  commit(count: number, stored: { bytes: number; sha256: string }, signal: AbortSignal): Promise<boolean>;
  /**
   * Goes on with what an earlier upload of the same content left; call before the first `put`. Absent: nothing is kept.
   * @returns whether the store holds this block at this index already; then it is not put again
   */
  resume?(signal: AbortSignal): Promise<(index: number, block: Buffer) => boolean>;
  /** Throws away what was put; never rejects. */
  discard(): Promise<void>;
}

/** A lock that runs out by itself when its holder dies, by the store's clock. */
export interface StoreLock {
  /** How long it is held without being renewed. */
  readonly seconds: number;
  /** @returns false when somebody else holds it */
  acquire(): Promise<boolean>;
  state(): Promise<"free" | "held" | "expired">;
  /** Extends it. @throws Error when it is not ours any more */
  renew(): Promise<void>;
  /** Gives it back; never rejects. */
  release(): Promise<void>;
}

/** Brings an archived object online as a copy of it. */
export interface Rehydration {
  start(): Promise<void>;
  state(): Promise<{ state: "pending" | "online" | "failed"; detail: string }>;
}

/** One place that backups are kept in. Containers are Azure's containers, S3's buckets or folders. */
export interface Store {
  readonly kind: StoreKind;
  /** Host or folder, for messages. */
  readonly location: string;
  /**
   * Fails within seconds unless the container is there and may be read.
   * @returns the store's clock
   */
  requireContainer(container: string): Promise<Date>;
  list(container: string, prefix: string): AsyncIterable<StoredObject>;
  /** @returns undefined when there is no such object */
  find(container: string, name: string): Promise<ObjectFacts | undefined>;
  /** A small object as a whole, within seconds. @returns undefined when there is no such object */
  read(container: string, name: string): Promise<Buffer | undefined>;
  /** An object's bytes, from `offset` on (default 0). */
  open(container: string, name: string, signal: AbortSignal, offset?: number): Promise<Readable>;
  /** Writes a small object. @returns false when the name is taken */
  create(container: string, name: string, body: Buffer, options: WriteOptions): Promise<boolean>;
  blocks(container: string, name: string, options: WriteOptions): BlockSink;
  /** Objects below a prefix, also those of which only previous versions are left. */
  held(container: string, prefix: string): Promise<HeldObject[]>;
  /** Ends uploads below a prefix that began before an instant and were never finished. @returns how many */
  endUnfinished(container: string, prefix: string, before: Date): Promise<number>;
  /** Deletes an object with all its versions; one that is gone already counts as deleted. */
  erase(container: string, name: string): Promise<Erased>;
  lock(container: string, name: string): StoreLock;
  rehydration(container: string, name: string, copy: string): Rehydration;
  /** An error that says what was asked for, where, and why it was refused. */
  explain(error: unknown, what: string): FailedError;
}
