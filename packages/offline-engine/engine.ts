import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as engine from "@pulumi/pulumi/proto/engine_pb";
import type { Diagnostic } from "./resource";
import { Answer } from "./rpc";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package ships no declaration of its service
const { EngineService } = require("@pulumi/pulumi/proto/engine_grpc_pb") as {
  EngineService: grpc.ServiceDefinition;
};

const SEVERITIES = ["debug", "info", "warning", "error"] as const;

/** The engine service, which the program and the policy pack send their messages to. */
export class EngineServer {
  private readonly server = new grpc.Server();
  private rootUrn = "";

  /** @param report Receives what is meant for the user. */
  constructor(report: (diagnostic: Diagnostic) => void) {
    this.server.addService(EngineService, {
      log: (call: { request: engine.LogRequest }, answer: Answer<Empty>) => {
        const { request } = call;
        const severity = SEVERITIES[request.getSeverity()];
        // Status lines of a running operation say nothing once it has ended.
        if (severity && severity !== "debug" && !request.getEphemeral()) {
          report({ severity, urn: request.getUrn(), message: request.getMessage().trimEnd() });
        }
        answer(null, new Empty());
      },
      getRootResource: (_call: unknown, answer: Answer<engine.GetRootResourceResponse>) =>
        answer(null, new engine.GetRootResourceResponse().setUrn(this.rootUrn)),
      setRootResource: (
        call: { request: engine.SetRootResourceRequest },
        answer: Answer<engine.SetRootResourceResponse>,
      ) => {
        this.rootUrn = call.request.getUrn();
        answer(null, new engine.SetRootResourceResponse());
      },
      requirePulumiVersion: (_call: unknown, answer: Answer<engine.RequirePulumiVersionResponse>) =>
        answer(null, new engine.RequirePulumiVersionResponse()),
    });
  }

  /** Listens on a free loopback port and returns the address. */
  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(`127.0.0.1:${port}`),
      );
    });
  }

  close(): void {
    this.server.forceShutdown();
  }
}
