import type { ContainerClient } from "@azure/storage-blob";
import { inTime, type Patience } from "../patience";
import type { Erased, HeldObject } from "../store";
import { blobsOf } from "./blobs";
import { refusal } from "./refusal";

/** What erasing needs of a store. */
interface BlobService {
  readonly patience: Patience;
  container(name: string): ContainerClient;
  explain(error: unknown, what: string): Error;
}

const IMMUTABLE_CODES = /immutab|legalhold|BlobNotFoundDueToPolicy/i;

interface Version {
  name: string;
  /** Absent on a store without versions. */
  id?: string;
  current: boolean;
  bytes: number;
  lastModified: Date;
}

async function* versions(store: BlobService, name: string, prefix: string): AsyncGenerator<Version> {
  const blobs = blobsOf(store.container(name), store.patience, { prefix, includeVersions: true });
  for await (const item of blobs) {
    yield {
      name: item.name,
      id: item.versionId,
      current: item.versionId === undefined || item.isCurrentVersion === true,
      bytes: item.properties.contentLength ?? 0,
      lastModified: item.properties.lastModified,
    };
  }
}

/** Blobs below a prefix, also those of which only previous versions are left. */
export async function heldBlobs(
  store: BlobService,
  container: string,
  prefix: string,
): Promise<HeldObject[]> {
  const found = new Map<string, HeldObject>();
  try {
    for await (const { name, bytes, lastModified, current } of versions(store, container, prefix)) {
      const known = found.get(name) ?? { name, bytes: 0, lastModified, current: false };
      known.bytes += bytes;
      known.current ||= current;
      if (lastModified > known.lastModified) known.lastModified = lastModified;
      found.set(name, known);
    }
  } catch (error) {
    throw store.explain(error, `container "${container}"`);
  }
  return [...found.values()];
}

/**
 * Deletes a blob with all its versions. With versioning on, deleting a blob only makes a version of it, which stays, and
 * is paid for, until it is deleted by its id.
 */
export async function eraseBlob(store: BlobService, container: string, name: string): Promise<Erased> {
  const client = store.container(container);
  let bytes = 0;
  // Without versions there is nothing to count any more once the blob is deleted.
  for await (const { name: found, id, bytes: held } of versions(store, container, name))
    if (found === name && id === undefined) bytes = held;
  if (
    (await attempt(store, container, name, (abortSignal) =>
      client.getBlobClient(name).delete({ abortSignal, deleteSnapshots: "include" }),
    )) === "refused"
  )
    return { outcome: "refused", bytes: 0 };
  let outcome: Erased["outcome"] = "deleted";
  for await (const version of versions(store, container, name)) {
    const { id } = version;
    if (version.name !== name || id === undefined) continue;
    const result = await attempt(store, container, name, (abortSignal) =>
      client.getBlobClient(name).withVersion(id).delete({ abortSignal }),
    );
    if (result === "refused") outcome = "refused";
    else bytes += version.bytes;
  }
  return { outcome, bytes };
}

/** Refused where an immutability policy or a legal hold forbids it; what is gone already counts as deleted. */
async function attempt(
  store: BlobService,
  container: string,
  name: string,
  remove: (abortSignal: AbortSignal) => Promise<unknown>,
): Promise<Erased["outcome"]> {
  try {
    await inTime(store.patience.answer, remove);
    return "deleted";
  } catch (error) {
    const said = refusal(error);
    if (said?.status === 404) return "deleted";
    if (said?.status === 409 && IMMUTABLE_CODES.test(said.code)) return "refused";
    throw store.explain(error, `blob ${container}/${name}`);
  }
}
