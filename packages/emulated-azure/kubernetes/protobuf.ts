import type { Metadata, Stored } from "./stored";
import { StatusError } from "./status";

/** Media type `kubectl` sends what it knows the type of in. */
export const PROTOBUF = "application/vnd.kubernetes.protobuf";

const MAGIC = "k8s\0";
type Field = Buffer | number;

/**
 * Reads an object in Kubernetes' protobuf envelope. Its metadata is read; of what it specifies, nothing is: the only
 * object taken in this form is a Job made from a CronJob, whose specification is that one's template.
 * @param cronJob Finds the CronJob by its name.
 * @throws StatusError 415 for everything else
 */
export function jobFromProtobuf(body: Buffer, cronJob: (name: string) => Stored): Stored {
  if (body.subarray(0, 4).toString("latin1") !== MAGIC) throw unread("no such envelope");
  const envelope = fields(body.subarray(4));
  const type = fields(bytes(envelope, 1));
  const [apiVersion, kind] = [text(type, 1), text(type, 2)];
  const metadata = metadataOf(fields(bytes(fields(bytes(envelope, 2)), 1)));
  const owner = metadata.ownerReferences?.find((one) => one.kind === "CronJob");
  if (apiVersion !== "batch/v1" || kind !== "Job" || !owner) throw unread(`a ${kind} of nobody's`);
  const { metadata: _of, spec } = (cronJob(owner.name).spec?.["jobTemplate"] ?? {}) as Partial<Stored>;
  return { apiVersion, kind, metadata, ...(spec && { spec: structuredClone(spec) }) };
}

function unread(what: string): StatusError {
  return new StatusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: application/json; in protobuf only a Job from a CronJob is read here, not ${what}`,
  );
}

/** Numbers of the fields as Kubernetes' own descriptions have them (apimachinery/pkg/apis/meta/v1/generated.proto). */
function metadataOf(meta: Map<number, Field[]>): Metadata {
  const pairs = (number: number): Record<string, string> =>
    Object.fromEntries(
      all(meta, number).map((entry): [string, string] => [text(fields(entry), 1), text(fields(entry), 2)]),
    );
  const owners = all(meta, 13).map((entry) => {
    const owner = fields(entry);
    return {
      apiVersion: text(owner, 5),
      kind: text(owner, 1),
      name: text(owner, 3),
      uid: text(owner, 4),
      controller: owner.get(6)?.[0] === 1,
    };
  });
  return {
    name: text(meta, 1),
    namespace: text(meta, 3),
    ...(meta.has(11) && { labels: pairs(11) }),
    ...(meta.has(12) && { annotations: pairs(12) }),
    ...(owners.length > 0 && { ownerReferences: owners }),
  } as Metadata;
}

const all = (message: Map<number, Field[]>, number: number): Buffer[] =>
  (message.get(number) ?? []).filter((field): field is Buffer => typeof field !== "number");

const bytes = (message: Map<number, Field[]>, number: number): Buffer =>
  all(message, number)[0] ?? Buffer.alloc(0);

const text = (message: Map<number, Field[]>, number: number): string =>
  bytes(message, number).toString("utf8");

/** Fields of one message by number (https://protobuf.dev/programming-guides/encoding/). */
function fields(message: Buffer): Map<number, Field[]> {
  const found = new Map<number, Field[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++];
      if (byte === undefined || shift > 63) throw unread("a broken message");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > message.length) throw unread("a broken message");
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const key = varint();
    const [number, wire] = [Math.floor(key / 8), key % 8];
    const field = { 0: varint, 1: () => take(8), 2: () => take(varint()), 5: () => take(4) }[wire];
    if (!field) throw unread("a broken message");
    found.set(number, [...(found.get(number) ?? []), field()]);
  }
  return found;
}
