import type { ContainerClient } from "@azure/storage-blob";
import { FailedError, messageOf } from "../../../packages/command/errors";
import { AzureStore } from "../store/azure/client";
import {
  LOOK_TIMEOUT_SECONDS,
  majority,
  SERVING_BLOB,
  SERVING_CONTAINER,
  servingRecord,
  type ServingRecord,
} from "./record";

/** One place that keeps the record. */
export interface Place {
  readonly name: string;
  /** @returns undefined when the place has no record @throws whatever keeps it from answering */
  look(): Promise<ServingRecord | undefined>;
  write(record: ServingRecord): Promise<void>;
}

const status = (error: unknown): { statusCode?: number; code?: string } =>
  error as { statusCode?: number; code?: string };

/** The right Azure asks for, in its own words: a blob service that refuses does not say which. */
const refusal = (right: "read" | "write"): FailedError =>
  Object.assign(
    new FailedError(
      `this request is not authorized: it needs 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/${right}' on the container ${SERVING_CONTAINER}`,
    ),
    { statusCode: 403 },
  );

/** Bytes of the longest record; more is none of ours. */
const LONGEST_RECORD = 4_096;

async function readAll(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream ?? []) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}

/** The record in the container of an account. */
export function placeIn(name: string, container: ContainerClient): Place {
  const blob = container.getBlockBlobClient(SERVING_BLOB);
  const abortSignal = () => AbortSignal.timeout(LOOK_TIMEOUT_SECONDS * 1000);
  return {
    name,
    async look() {
      try {
        const answer = await blob.download(0, LONGEST_RECORD, { abortSignal: abortSignal() });
        const text = await readAll(answer.readableStreamBody);
        return servingRecord.parse(JSON.parse(text));
      } catch (error) {
        // Only a container that is there can say that it has no record.
        if (status(error).statusCode === 404 && status(error).code === "BlobNotFound") return undefined;
        throw status(error).statusCode === 403 ? refusal("read") : error;
      }
    },
    async write(record) {
      const text = `${JSON.stringify(record)}\n`;
      try {
        await blob.upload(text, Buffer.byteLength(text), {
          abortSignal: abortSignal(),
          blobHTTPHeaders: { blobContentType: "application/json" },
        });
      } catch (error) {
        throw status(error).statusCode === 403 ? refusal("write") : error;
      }
    },
  };
}

/** The places of a setting such as `[{"name":"westeurope","url":"https://…"}]`, reached with workload identity. */
export async function openPlaces(
  places: readonly ({ name: string } & ({ url: string } | { connectionString: string }))[],
): Promise<Place[]> {
  return Promise.all(
    places.map(async ({ name, ...access }) =>
      placeIn(name, (await AzureStore.open(access)).container(SERVING_CONTAINER)),
    ),
  );
}

/** What came of writing the record. */
export interface Written {
  readonly record: ServingRecord;
  readonly reached: readonly string[];
  readonly failed: readonly { name: string; reason: string }[];
}

/**
 * Says in every place that answers which region serves from now on.
 * @throws FailedError when most of them were not heard, since what was said last might then be above it, or when most did not
 * take it: the region that served would not be bound by it
 */
export async function writeServing(
  places: readonly Place[],
  wanted: Pick<ServingRecord, "serving" | "incident">,
  now: Date,
): Promise<Written> {
  const said = await Promise.allSettled(places.map((place) => place.look()));
  const names = places.map(({ name }) => name);
  const wants = majority(places.length);
  const silent = reasonsOf(said, names);
  if (places.length - silent.length < wants)
    throw unheard(
      `which region served was heard from ${places.length - silent.length} of ${places.length} places, and ${wants} are needed`,
      silent,
    );
  const terms = said.map((one) => (one.status === "fulfilled" ? (one.value?.term ?? 0) : 0));
  const record = { ...wanted, term: Math.max(...terms) + 1, since: now.toISOString() };
  const outcomes = await Promise.allSettled(places.map((place) => place.write(record)));
  const failed = reasonsOf(outcomes, names);
  const reached = names.filter((name) => !failed.some((one) => one.name === name));
  if (reached.length < wants)
    throw unheard(
      `that ${wanted.serving} serves was written to ${reached.length} of ${places.length} places, and ${wants} are needed`,
      failed,
    );
  return {
    record,
    reached,
    failed: failed.map(({ name, error }) => ({ name, reason: messageOf(error) })),
  };
}

interface Silent {
  name: string;
  error: unknown;
}

const reasonsOf = (outcomes: readonly PromiseSettledResult<unknown>[], names: readonly string[]): Silent[] =>
  outcomes.flatMap((one, i) =>
    one.status === "rejected" ? [{ name: names[i] ?? "", error: one.reason as unknown }] : [],
  );

/** Its cause is what waiting does not mend, where there is such a thing. */
function unheard(what: string, silent: readonly Silent[]): FailedError {
  const refused = silent.find(({ error }) => status(error).statusCode === 403);
  return new FailedError(
    `${what}: ${silent.map(({ name, error }) => `${name}: ${messageOf(error)}`).join("; ")}`,
    { cause: (refused ?? silent[0])?.error },
  );
}
