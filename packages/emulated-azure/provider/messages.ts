import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import * as provider from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { CloudError, Failure, UnknownTypeError } from "../model/types";
import { toJson } from "../../wire/struct";
import { decode, Decoded } from "../../wire/values";

/** A property map off the wire; an absent one is empty. */
export function fromStruct(struct: Struct | undefined): Decoded {
  return decode(toJson(struct));
}

export function toFailures(failures: readonly Failure[]): provider.CheckFailure[] {
  return failures.map(({ property, reason }) =>
    new provider.CheckFailure().setProperty(property).setReason(reason),
  );
}

/** A refusal as the engine prints it: what the service answered, without a stack trace. */
export function toServiceError(error: unknown): Partial<grpc.StatusObject> {
  if (error instanceof CloudError) {
    return { code: grpc.status.UNKNOWN, details: `Status=${error.status} ${error.message}` };
  }
  if (error instanceof UnknownTypeError) return { code: grpc.status.UNIMPLEMENTED, details: error.message };
  return {
    code: grpc.status.INTERNAL,
    details: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** A resource that exists but was not finished: the engine records it and looks at it again in the next update. */
export function toInitFailed(
  id: string,
  properties: Struct,
  inputs: Struct,
  reason: string,
): Partial<grpc.StatusObject> {
  const detail = new provider.ErrorResourceInitFailed().setId(id).setReasonsList([reason]);
  detail.setProperties(properties);
  detail.setInputs(inputs);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status().setCode(grpc.status.UNKNOWN).setMessage(reason);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  // Structured errors travel in this header; the JavaScript library has no other way to set it.
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: reason, metadata };
}
