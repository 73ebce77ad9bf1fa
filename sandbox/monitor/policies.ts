import { ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { buildPack } from "../../policies/build.cjs";
import { projectRoot } from "../root";
import { toStruct } from "../wire/struct";
import { StackSettings, UsageError } from "./config";
import type { PlannedResource } from "./resource";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package ships no declaration of its client
const { AnalyzerClient } = require("@pulumi/pulumi/proto/analyzer_grpc_pb") as {
  AnalyzerClient: new (
    address: string,
    credentials: grpc.ChannelCredentials,
    options: object,
  ) => grpc.Client & Record<string, unknown>;
};

const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;
const SEVERITIES = ["", "low", "medium", "high", "critical"] as const;

/** One thing a policy found. */
export interface Violation {
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  readonly severity: (typeof SEVERITIES)[number];
  /** Resource at fault; empty for the stack as a whole. */
  readonly urn: string;
  readonly message: string;
}

/** Name and size of the pack that judged a plan. */
export interface PackInfo {
  readonly name: string;
  readonly version: string;
  readonly policies: number;
}

/**
 * The project's policy pack in a process of its own, spoken to as the engine speaks to it. It loads while the program
 * does; {@link info} waits for it.
 */
export class PackProcess {
  readonly violations: Violation[] = [];
  private readonly child: ChildProcess;
  private readonly client: Promise<InstanceType<typeof AnalyzerClient>>;
  private readonly messages: string[] = [];

  constructor(folder: string, engine: string, settings: StackSettings) {
    const runner = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const lean = path.join(projectRoot(__dirname), "sandbox/lean/preload.js");
    this.child = spawn(process.execPath, ["--require", lean, runner, engine, folder], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PULUMI_NODEJS_ORGANIZATION: "organization",
        PULUMI_NODEJS_PROJECT: settings.project,
        PULUMI_NODEJS_STACK: settings.stack,
        PULUMI_NODEJS_DRY_RUN: "true",
        PULUMI_CONFIG: JSON.stringify(settings.config),
      },
    });
    this.client = this.connect();
    // Whoever awaits it gets the error; until then it must not end the process.
    this.client.catch(() => undefined);
  }

  /** Waits until the pack is ready, configures it, and says what it is. @throws Error when it does not start. */
  async info(): Promise<PackInfo> {
    const info = await this.call<Empty, proto.AnalyzerInfo>("getAnalyzerInfo", new Empty());
    const remediating = info
      .getPoliciesList()
      .filter((policy) => policy.getEnforcementlevel() === proto.EnforcementLevel.REMEDIATE);
    if (remediating.length > 0) {
      const names = remediating.map((policy) => policy.getName()).join(", ");
      throw new Error(`policies that change resources are not emulated: ${names}`);
    }
    await this.call("configure", new proto.ConfigureAnalyzerRequest());
    return { name: info.getName(), version: info.getVersion(), policies: info.getPoliciesList().length };
  }

  /** Has a resource judged by its inputs. */
  async analyze(resource: PlannedResource, provider: PlannedResource | undefined): Promise<void> {
    const request = new proto.AnalyzeRequest()
      .setType(resource.type)
      .setUrn(resource.urn)
      .setName(resource.name);
    request.setProperties(toStruct(resource.inputs, resource.inputSecrets));
    request.setOptions(options(resource));
    if (provider) request.setProvider(providerOf(provider));
    this.record(
      await this.call<proto.AnalyzeRequest, proto.AnalyzeResponse>("analyze", request),
      resource.urn,
    );
  }

  /** Has the stack as a whole judged, by what its resources turned out to be. */
  async analyzeStack(
    resources: readonly PlannedResource[],
    providerFor: (resource: PlannedResource) => PlannedResource | undefined,
  ): Promise<void> {
    const request = new proto.AnalyzeStackRequest().setResourcesList(
      resources
        .filter((resource) => !resource.external)
        .map((resource) => stackResource(resource, providerFor(resource))),
    );
    this.record(
      await this.call<proto.AnalyzeStackRequest, proto.AnalyzeResponse>("analyzeStack", request),
      "",
    );
  }

  close(): void {
    this.child.kill();
    this.client.then(
      (client) => client.close(),
      () => undefined,
    );
  }

  private connect(): Promise<InstanceType<typeof AnalyzerClient>> {
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error("the policy pack has no output to read its port from");
    readline.createInterface({ input: stderr }).on("line", (line) => this.messages.push(line));
    return new Promise((resolve, reject) => {
      // The first line is the port; whatever follows is the pack's own output.
      readline.createInterface({ input: stdout }).once("line", (line) => {
        resolve(
          new AnalyzerClient(`127.0.0.1:${line.trim()}`, grpc.credentials.createInsecure(), {
            "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
            "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
          }),
        );
      });
      this.child.once("error", reject);
      this.child.once("exit", (code) =>
        reject(
          new UsageError(
            ["the policy pack did not start:", ...this.messages, `exit code ${String(code)}`].join("\n"),
          ),
        ),
      );
    });
  }

  private async call<Q, A>(method: string, request: Q): Promise<A> {
    const client = await this.client;
    const invoke = client[method] as (
      request: Q,
      done: (error: grpc.ServiceError | null, answer: A) => void,
    ) => void;
    return new Promise((resolve, reject) => {
      invoke.call(client, request, (error, answer) =>
        error ? reject(new Error(`policy pack: ${error.details}`)) : resolve(answer),
      );
    });
  }

  private record(answer: proto.AnalyzeResponse, urn: string): void {
    for (const found of answer.getDiagnosticsList()) {
      const mandatory = found.getEnforcementlevel() === proto.EnforcementLevel.MANDATORY;
      this.violations.push({
        policy: found.getPolicyname(),
        level: mandatory ? "mandatory" : "advisory",
        severity: SEVERITIES[found.getSeverity()] ?? "",
        urn: found.getUrn() || urn,
        message: found.getMessage(),
      });
    }
  }
}

/**
 * Compiles the pack of a folder unless it is newer than what it is made from, and tells whether there is one.
 * @throws UsageError when it does not compile.
 */
export function preparePack(root: string): boolean {
  if (!fs.existsSync(path.join(root, "policies/PulumiPolicy.yaml"))) return false;
  try {
    buildPack(root);
  } catch (error) {
    throw new UsageError(
      `the policy pack does not compile:\n${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return true;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of a Go duration such as `1h30m`. */
function seconds(duration: string | undefined): number {
  return [...(duration ?? "").matchAll(/([\d.]+)([smh])/g)]
    .map(([, count, unit]) => Number(count) * (SECONDS[unit ?? "s"] ?? 0))
    .reduce((a, b) => a + b, 0);
}

function options({ protect, parent, options: given }: PlannedResource): proto.AnalyzerResourceOptions {
  const { create, update, delete: remove } = given.customTimeouts;
  const timeouts = new proto.AnalyzerResourceOptions.CustomTimeouts()
    .setCreate(seconds(create))
    .setUpdate(seconds(update))
    .setDelete(seconds(remove));
  const result = new proto.AnalyzerResourceOptions()
    .setProtect(protect)
    .setIgnorechangesList([...given.ignoreChanges])
    .setDeletebeforereplace(given.deleteBeforeReplace ?? false)
    .setDeletebeforereplacedefined(given.deleteBeforeReplace !== undefined)
    .setAdditionalsecretoutputsList([...given.additionalSecretOutputs])
    .setAliasesList([...given.aliases])
    .setParent(parent);
  result.setCustomtimeouts(timeouts);
  return result;
}

function providerOf(provider: PlannedResource): proto.AnalyzerProviderResource {
  const result = new proto.AnalyzerProviderResource()
    .setType(provider.type)
    .setUrn(provider.urn)
    .setName(provider.name);
  result.setProperties(toStruct(provider.inputs, provider.inputSecrets));
  return result;
}

function stackResource(
  resource: PlannedResource,
  provider: PlannedResource | undefined,
): proto.AnalyzerResource {
  const result = new proto.AnalyzerResource()
    .setType(resource.type)
    .setUrn(resource.urn)
    .setName(resource.name)
    .setParent(resource.parent)
    .setDependenciesList([...resource.dependencies]);
  result.setProperties(toStruct(resource.outputs, resource.outputSecrets));
  result.setOptions(options(resource));
  if (provider) result.setProvider(providerOf(provider));
  for (const [name, urns] of Object.entries(resource.propertyDependencies)) {
    // The engine leaves out properties that depend on nothing, so that an empty list means: on nothing in the stack.
    if (urns.length === 0) continue;
    result
      .getPropertydependenciesMap()
      .set(name, new proto.AnalyzerPropertyDependencies().setUrnsList([...urns]));
  }
  return result;
}
