import { ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { ResourceFixture } from "./fixture";

/** A finding as the engine gets it. */
export interface Diagnostic {
  rule: string;
  message: string;
  urn: string;
  level: "advisory" | "mandatory" | "disabled" | "remediate";
}

export interface AnalyzerOptions {
  /** Project root; its `policies` folder is the pack. */
  root: string;
  stack: string;
  project?: string;
  isDryRun?: boolean;
  config?: Record<string, string>;
}

const LEVELS = ["advisory", "mandatory", "disabled", "remediate"] as const;

export const urnOf = (stack: string, project: string, { type, name }: ResourceFixture): string =>
  `urn:pulumi:${stack}::${project}::${type}::${name}`;

/** The compiled pack in a process of its own, spoken to over Pulumi's analyzer protocol. */
export class Analyzer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: AnalyzerClient,
    private readonly options: Required<Pick<AnalyzerOptions, "stack" | "project">>,
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
        PULUMI_NODEJS_STACK: stack,
        PULUMI_NODEJS_PROJECT: project,
        PULUMI_NODEJS_ORGANIZATION: "organization",
        PULUMI_NODEJS_DRY_RUN: String(isDryRun),
        PULUMI_CONFIG: JSON.stringify(config),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const port = await new Promise<number>((resolve, reject) => {
      let out = "";
      let err = "";
      child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.stdout?.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        const line = /^(\d+)\s*$/m.exec(out);
        if (line) resolve(Number(line[1]));
      });
      child.on("exit", (code) => reject(new Error(`the pack ended with code ${code}\n${err}${out}`)));
    });
    const client = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    return new Analyzer(child, client, { stack, project });
  }

  info(): Promise<proto.AnalyzerInfo> {
    const { Empty } = require("google-protobuf/google/protobuf/empty_pb") as { Empty: new () => never };
    return this.call((done) => this.client.getAnalyzerInfo(new Empty(), done));
  }

  /** Configuration of the pack, as `--policy-pack-config` gives it: policy name to enforcement level. */
  async configure(levels: Record<string, (typeof LEVELS)[number]>): Promise<void> {
    const request = new proto.ConfigureAnalyzerRequest();
    for (const [name, level] of Object.entries(levels)) {
      const config = new proto.PolicyConfig();
      config.setEnforcementlevel(LEVELS.indexOf(level) as proto.EnforcementLevel);
      config.setProperties(Struct.fromJavaScript({}));
      request.getPolicyconfigMap().set(name, config);
    }
    await this.call((done) => this.client.configure(request, done));
  }

  async analyze(fixture: ResourceFixture): Promise<Diagnostic[]> {
    const request = new proto.AnalyzeRequest();
    request.setType(fixture.type);
    request.setName(fixture.name);
    request.setUrn(urnOf(this.options.stack, this.options.project, fixture));
    request.setProperties(Struct.fromJavaScript(fixture.props as never));
    request.setOptions(this.resourceOptions(fixture));
    if (fixture.provider) request.setProvider(this.provider(fixture.provider));
    return this.diagnostics(await this.call((done) => this.client.analyze(request, done)));
  }

  async analyzeStack(fixtures: readonly ResourceFixture[]): Promise<Diagnostic[]> {
    const request = new proto.AnalyzeStackRequest();
    for (const fixture of fixtures) {
      const resource = new proto.AnalyzerResource();
      resource.setType(fixture.type);
      resource.setName(fixture.name);
      resource.setUrn(urnOf(this.options.stack, this.options.project, fixture));
      resource.setProperties(Struct.fromJavaScript((fixture.outputs ?? fixture.props) as never));
      resource.setOptions(this.resourceOptions(fixture));
      if (fixture.provider) resource.setProvider(this.provider(fixture.provider));
      for (const [property, names] of Object.entries(fixture.propertyDependencies ?? {})) {
        const dependencies = new proto.AnalyzerPropertyDependencies();
        dependencies.setUrnsList(
          names.map((name) => {
            const target = fixtures.find((other) => other.name === name);
            return target ? urnOf(this.options.stack, this.options.project, target) : name;
          }),
        );
        resource.getPropertydependenciesMap().set(property, dependencies);
      }
      request.addResources(resource);
    }
    return this.diagnostics(await this.call((done) => this.client.analyzeStack(request, done)));
  }

  async stop(): Promise<void> {
    this.client.close();
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await ended;
  }

  private resourceOptions({ opts = {} }: ResourceFixture): proto.AnalyzerResourceOptions {
    const options = new proto.AnalyzerResourceOptions();
    options.setProtect(opts.protect ?? false);
    options.setIgnorechangesList([...(opts.ignoreChanges ?? [])]);
    return options;
  }

  private provider(provider: NonNullable<ResourceFixture["provider"]>): proto.AnalyzerProviderResource {
    const message = new proto.AnalyzerProviderResource();
    const name = provider.name ?? "provider";
    message.setType(provider.type);
    message.setName(name);
    message.setUrn(urnOf(this.options.stack, this.options.project, { ...provider, name }));
    message.setProperties(Struct.fromJavaScript(provider.props as never));
    return message;
  }

  private diagnostics(response: proto.AnalyzeResponse): Diagnostic[] {
    return response.getDiagnosticsList().map((diagnostic) => ({
      rule: diagnostic.getPolicyname(),
      message: diagnostic.getMessage(),
      urn: diagnostic.getUrn(),
      level: LEVELS[diagnostic.getEnforcementlevel()] ?? "mandatory",
    }));
  }

  private call<T>(start: (done: (error: grpc.ServiceError | null, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, value) => (error ? reject(error) : resolve(value)));
    });
  }
}
