import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from "@aws-sdk/client-s3";
import type { S3Service } from "./service";

/** An upload that was begun and neither finished nor ended; its parts are paid for. */
export interface UnfinishedUpload {
  id: string;
  name: string;
  begun: Date;
}

/** Unfinished uploads of one object, or below a prefix; the newest first. */
export async function unfinishedUploads(
  { client }: S3Service,
  bucket: string,
  name: string | { prefix: string },
): Promise<UnfinishedUpload[]> {
  const prefix = typeof name === "string" ? name : name.prefix;
  const found: UnfinishedUpload[] = [];
  let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (from) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
    );
    for (const { Key = "", UploadId = "", Initiated = new Date(0) } of page.Uploads ?? [])
      if (typeof name !== "string" || Key === name) found.push({ id: UploadId, name: Key, begun: Initiated });
    from = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
      : undefined;
  }
  return found.sort((one, other) => other.begun.getTime() - one.begun.getTime());
}

export async function endUpload({ client }: S3Service, bucket: string, { id, name }: UnfinishedUpload) {
  await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: name, UploadId: id }));
}
