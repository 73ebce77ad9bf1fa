import * as grpc from "@grpc/grpc-js";
import { loopback } from "../../local-servers/ports";
import { Cloud, Model } from "../model/types";
import type { Caller } from "./caller";
import { Front } from "./front";
import { ProviderService } from "./service";

// The package ships no declaration for its service definition.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { ResourceProviderService } = require("@pulumi/pulumi/proto/provider_grpc_pb") as {
  ResourceProviderService: grpc.ServiceDefinition;
};

/** Larger than any resource; the library's own limit of 4 MiB is Pulumi's for some messages only. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Emulated providers that a Pulumi engine can attach to. */
export interface Providers {
  /** Value of `PULUMI_DEBUG_PROVIDERS`: each package with the loopback port it listens on. */
  readonly attach: string;
  stop(): void;
}

/**
 * Serves every package of the model on a free loopback port of its own: a handshake does not say which package is
 * meant, so they cannot share one. Nor does it say who asks: a front that is to know serves one caller.
 */
export async function serveProviders(
  model: Model,
  cloud: Cloud,
  front: Front,
  caller?: Caller,
): Promise<Providers> {
  const servers: grpc.Server[] = [];
  const places: string[] = [];
  for (const pkg of model.packages) {
    const server = new grpc.Server({
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    });
    server.addService(
      ResourceProviderService,
      new ProviderService(model, pkg, cloud, front, caller).handlers(),
    );
    servers.push(server);
    places.push(`${pkg.name}:${await listen(server)}`);
  }
  return {
    attach: places.join(","),
    stop: () => servers.forEach((server) => server.forceShutdown()),
  };
}

function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${loopback}:0`, grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
