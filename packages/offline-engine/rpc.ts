import * as grpc from "@grpc/grpc-js";

/** How a call is answered: with an error, or with null and a message. */
export type Answer<A> = (error: Partial<grpc.ServiceError> | null, message?: A) => void;

/** An error as a program sees it that comes from the other side of a connection. */
export function refusal(error: unknown): grpc.ServiceError {
  const details = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(`${grpc.status.UNKNOWN} UNKNOWN: ${details}`), {
    code: grpc.status.UNKNOWN,
    details,
    metadata: new grpc.Metadata(),
  });
}
