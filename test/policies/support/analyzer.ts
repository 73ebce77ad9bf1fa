import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { projectRoot } from "../../../packages/command/root";
import type { ResourceFixture } from "./fixture";
import {
  analyzeRequest,
  analyzeStackRequest,
  type Diagnostic,
  diagnosticsOf,
  type Level,
  LEVELS,
  type Place,
} from "./requests";

export interface AnalyzerOptions extends Partial<Place> {
  /** Project root; its `policies` folder is the pack. */
  root: string;
  stack: string;
  isDryRun?: boolean;
  config?: Record<string, string>;
}

/** The compiled pack in a process of its own, spoken to over Pulumi's analyzer protocol. */
export class Analyzer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: AnalyzerClient,
    private readonly place: Place,
  ) {}

  /** Process id, for measuring its memory. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** @throws Error with what the pack printed, when it does not start. */
  static async start(options: AnalyzerOptions): Promise<Analyzer> {
    const { root, stack, project = "forma3d", isDryRun = true, config = {} } = options;
    const launcher = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const pack = path.join(root, "policies");
    const child = spawn(process.execPath, [launcher, "127.0.0.1:1", pack], {
      cwd: pack,
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: path.join(projectRoot(__dirname), ".build/code"),
        PULUMI_NODEJS_STACK: stack,
        PULUMI_NODEJS_PROJECT: project,
        PULUMI_NODEJS_ORGANIZATION: "organization",
        PULUMI_NODEJS_DRY_RUN: String(isDryRun),
        PULUMI_CONFIG: JSON.stringify(config),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const port = await portOf(child);
    const client = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    return new Analyzer(child, client, { stack, project });
  }

  info(): Promise<proto.AnalyzerInfo> {
    return call((done) => this.client.getAnalyzerInfo(new Empty(), done));
  }

  /** Configuration of the pack, as `--policy-pack-config` gives it: policy name to enforcement level. */
  async configure(levels: Record<string, Level>): Promise<void> {
    const request = new proto.ConfigureAnalyzerRequest();
    for (const [name, level] of Object.entries(levels)) {
      const config = new proto.PolicyConfig();
      config.setEnforcementlevel(LEVELS.indexOf(level) as never);
      config.setProperties(Struct.fromJavaScript({}));
      request.getPolicyconfigMap().set(name, config);
    }
    await call((done) => this.client.configure(request, done));
  }

  async analyze(fixture: ResourceFixture): Promise<Diagnostic[]> {
    return diagnosticsOf(
      await call((done) => this.client.analyze(analyzeRequest(this.place, fixture), done)),
    );
  }

  async analyzeStack(fixtures: readonly ResourceFixture[]): Promise<Diagnostic[]> {
    const request = analyzeStackRequest(this.place, fixtures);
    return diagnosticsOf(await call((done) => this.client.analyzeStack(request, done)));
  }

  async stop(): Promise<void> {
    this.client.close();
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await ended;
  }
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = "";
    let complained = "";
    child.stderr?.on("data", (chunk: Buffer) => (complained += chunk.toString()));
    child.stdout?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      const line = /^(\d+)\s*$/m.exec(printed);
      if (line) resolve(Number(line[1]));
    });
    child.on("exit", (code) =>
      reject(new Error(`the pack ended with code ${code}\n${complained}${printed}`)),
    );
  });
}

function call<T>(start: (done: (error: grpc.ServiceError | null, value: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}
