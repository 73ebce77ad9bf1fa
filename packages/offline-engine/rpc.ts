import * as grpc from "@grpc/grpc-js";

/** How a call is answered: with an error, or with null and a message. */
export type Answer<A> = (error: Partial<grpc.ServiceError> | null, message?: A) => void;

function serviceError(code: grpc.status, details: string): grpc.ServiceError {
  return Object.assign(new Error(`${code} ${grpc.status[code]}: ${details}`), {
    code,
    details,
    metadata: new grpc.Metadata(),
  });
}

/** An error as a program sees it that comes from the other side of a connection. */
export function refusal(error: unknown): grpc.ServiceError {
  return serviceError(grpc.status.UNKNOWN, error instanceof Error ? error.message : String(error));
}

/**
 * What a program holds for a client of a service that runs in its own process. Calls of the service that `handlers` has
 * no method for are answered UNIMPLEMENTED, as every gRPC server does: an SDK newer than the handlers then does as it
 * does with an older engine.
 * @param service The protocol's own description of the service, of the SDK that will call it.
 */
export function asClient(service: grpc.ServiceDefinition, handlers: object): Record<string, unknown> {
  const answered = handlers as Record<string, unknown>;
  const client = Object.keys(service).map((method): [string, unknown] => {
    const handler = answered[method];
    if (typeof handler === "function") return [method, handler.bind(handlers)];
    const details = `the offline engine does not implement ${service[method]?.path ?? method}`;
    // Metadata and options may come before the callback.
    const refuse = (...args: unknown[]): void =>
      (args.findLast((one) => typeof one === "function") as Answer<never>)(
        serviceError(grpc.status.UNIMPLEMENTED, details),
      );
    return [method, refuse];
  });
  return Object.fromEntries(client);
}
