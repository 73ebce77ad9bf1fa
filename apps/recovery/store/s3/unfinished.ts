import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { pagesOf } from "../pages";
import { inTime } from "../patience";
import type { S3Service } from "./service";

/** An upload that was begun and neither finished nor ended; its parts are paid for. */
export interface UnfinishedUpload {
  id: string;
  name: string;
  begun: Date;
}

/** Unfinished uploads of one object, or below a prefix; the newest first. */
export async function unfinishedUploads(
  { client, patience }: S3Service,
  bucket: string,
  name: string | { prefix: string },
): Promise<UnfinishedUpload[]> {
  const prefix = typeof name === "string" ? name : name.prefix;
  const found: UnfinishedUpload[] = [];
  const pages = pagesOf(
    (place: { KeyMarker?: string; UploadIdMarker?: string } | undefined) => {
      const page = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...place });
      return inTime(patience.answer, (abortSignal) => client.send(page, { abortSignal }));
    },
    ({ IsTruncated, NextKeyMarker, NextUploadIdMarker }) =>
      IsTruncated ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : undefined,
  );
  for await (const { Uploads = [] } of pages) {
    for (const { Key = "", UploadId = "", Initiated = new Date(0) } of Uploads)
      if (typeof name !== "string" || Key === name) found.push({ id: UploadId, name: Key, begun: Initiated });
  }
  return found.sort((one, other) => other.begun.getTime() - one.begun.getTime());
}

export async function endUpload(
  { client, patience }: S3Service,
  bucket: string,
  { id, name }: UnfinishedUpload,
) {
  const end = new AbortMultipartUploadCommand({ Bucket: bucket, Key: name, UploadId: id });
  await inTime(patience.answer, (abortSignal) => client.send(end, { abortSignal }));
}
