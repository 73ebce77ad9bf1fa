import { S3ServiceException } from "@aws-sdk/client-s3";

/** The status and code of a refusal by the service; undefined for any other error. */
export function refusal(error: unknown): { status: number; code: string } | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  const status = error.$metadata.httpStatusCode;
  return status === undefined ? undefined : { status, code: error.name };
}
