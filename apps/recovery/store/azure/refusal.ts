import { RestError } from "@azure/storage-blob";

/** The status and code of a refusal by the blob service; undefined for any other error. */
export function refusal(error: unknown): { status: number; code: string } | undefined {
  if (!(error instanceof RestError) || error.statusCode === undefined) return undefined;
  const details = error.details as { errorCode?: string } | undefined;
  return { status: error.statusCode, code: error.code ?? details?.errorCode ?? "" };
}
