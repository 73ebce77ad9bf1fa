import {
  DeleteObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
} from "@aws-sdk/client-s3";
import { pagesOf } from "../pages";
import { inTime } from "../patience";
import type { Erased, HeldObject } from "../store";
import { refusal } from "./refusal";
import type { S3Service } from "./service";

interface Version {
  name: string;
  id?: string;
  current: boolean;
  bytes: number;
  lastModified: Date;
}

/** Versions and delete markers below a prefix. */
async function* versions(store: S3Service, bucket: string, prefix: string): AsyncGenerator<Version> {
  const pages = pagesOf(
    (place: { KeyMarker?: string; VersionIdMarker?: string } | undefined) => {
      const page = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...place });
      return inTime(store.patience.answer, (abortSignal) => store.client.send(page, { abortSignal }));
    },
    ({ IsTruncated, NextKeyMarker, NextVersionIdMarker }) =>
      IsTruncated ? { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker } : undefined,
  );
  for await (const { Versions = [], DeleteMarkers = [] } of pages) {
    for (const { Key = "", VersionId, IsLatest, Size = 0, LastModified = new Date(0) } of Versions)
      yield { name: Key, id: VersionId, current: IsLatest === true, bytes: Size, lastModified: LastModified };
    for (const { Key = "", VersionId, LastModified = new Date(0) } of DeleteMarkers)
      yield { name: Key, id: VersionId, current: false, bytes: 0, lastModified: LastModified };
  }
}

export async function heldObjects(store: S3Service, bucket: string, prefix: string): Promise<HeldObject[]> {
  const found = new Map<string, HeldObject>();
  try {
    for await (const { name, bytes, lastModified, current } of versions(store, bucket, prefix)) {
      const known = found.get(name) ?? { name, bytes: 0, lastModified, current: false };
      known.bytes += bytes;
      known.current ||= current;
      if (lastModified > known.lastModified) known.lastModified = lastModified;
      found.set(name, known);
    }
  } catch (error) {
    throw store.explain(error, `bucket "${bucket}"`);
  }
  return [...found.values()];
}

export async function eraseObject(store: S3Service, bucket: string, name: string): Promise<Erased> {
  const own: Version[] = [];
  try {
    for await (const version of versions(store, bucket, name)) if (version.name === name) own.push(version);
  } catch (error) {
    throw store.explain(error, `bucket "${bucket}"`);
  }
  // The current one first: while it may not go, nothing of the object does.
  own.sort((one, other) => +other.current - +one.current);
  let bytes = 0;
  for (const version of own) {
    if (await isLocked(store, bucket, version)) {
      if (version.current) return { outcome: "refused", bytes: 0 };
      return { outcome: "refused", bytes };
    }
    try {
      const remove = new DeleteObjectCommand({ Bucket: bucket, Key: name, VersionId: version.id });
      await inTime(store.patience.answer, (abortSignal) => store.client.send(remove, { abortSignal }));
      bytes += version.bytes;
    } catch (error) {
      if (refusal(error)?.status !== 404) throw store.explain(error, `object ${bucket}/${name}`);
    }
  }
  return { outcome: "deleted", bytes };
}

/** Asked for first: a service answers a locked object's deletion with the same 403 as a missing right. */
async function isLocked(store: S3Service, bucket: string, version: Version): Promise<boolean> {
  if (version.bytes === 0 && !version.current) return false;
  const object = { Bucket: bucket, Key: version.name, VersionId: version.id };
  const ask = async <T>(question: (abortSignal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
    try {
      return await inTime(store.patience.answer, question);
    } catch (error) {
      const said = refusal(error);
      // No lock on the object, or none on the bucket at all.
      if (said?.status === 400 || said?.status === 404 || said?.status === 501) return undefined;
      throw store.explain(error, `lock of ${bucket}/${version.name}`);
    }
  };
  const retention = await ask((abortSignal) =>
    store.client.send(new GetObjectRetentionCommand(object), { abortSignal }),
  );
  if ((retention?.Retention?.RetainUntilDate?.getTime() ?? 0) > Date.now()) return true;
  const hold = await ask((abortSignal) =>
    store.client.send(new GetObjectLegalHoldCommand(object), { abortSignal }),
  );
  return hold?.LegalHold?.Status === "ON";
}
