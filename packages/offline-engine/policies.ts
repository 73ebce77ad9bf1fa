import { ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { getCompileCacheDir } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { projectRoot } from "../command/root";
import { aboutResource, aboutStack, type Asked, type PlainProperties } from "./analyzerRequests";
import { UsageError } from "../command/errors";
import type { StackSettings } from "./config";

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

/** What the protocol's messages have in common. */
interface Message {
  toArray(): unknown[];
}

interface Reply {
  readonly id: number;
  readonly message?: unknown[];
  readonly error?: string;
}

/**
 * The project's policy pack in a process of its own, asked what the engine asks it. It loads while the program does;
 * {@link info} waits for it.
 */
export class PackProcess {
  readonly violations: Violation[] = [];
  private readonly child: ChildProcess;
  private readonly ready: Promise<void>;
  private readonly messages: string[] = [];
  private readonly pending = new Map<number, (reply: Reply) => void>();
  private calls = 0;

  constructor(folder: string, engine: string, settings: StackSettings) {
    const runner = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const channel = path.join(projectRoot(__dirname), "packages/offline-engine/channelServer.cjs");
    this.child = spawn(process.execPath, ["--require", channel, runner, engine, folder], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: getCompileCacheDir() ?? process.env["NODE_COMPILE_CACHE"],
        PULUMI_NODEJS_ORGANIZATION: "organization",
        PULUMI_NODEJS_PROJECT: settings.project,
        PULUMI_NODEJS_STACK: settings.stack,
        PULUMI_NODEJS_DRY_RUN: "true",
        PULUMI_CONFIG: JSON.stringify(settings.config),
      },
    });
    this.child.on("message", (reply: Reply) => {
      this.pending.get(reply.id)?.(reply);
      this.pending.delete(reply.id);
    });
    this.ready = this.start();
    // Whoever awaits it gets the error; until then it must not end the process.
    this.ready.catch(() => undefined);
  }

  /** Waits until the pack is ready, configures it, and says what it is. @throws Error when it does not start. */
  async info(): Promise<PackInfo> {
    const info = await this.call("getAnalyzerInfo", new Empty(), proto.AnalyzerInfo);
    const remediating = info
      .getPoliciesList()
      .filter((policy) => policy.getEnforcementlevel() === proto.EnforcementLevel.REMEDIATE);
    if (remediating.length > 0) {
      const names = remediating.map((policy) => policy.getName()).join(", ");
      throw new Error(`policies that change resources are not emulated: ${names}`);
    }
    await this.call("configure", new proto.ConfigureAnalyzerRequest(), Empty);
    return { name: info.getName(), version: info.getVersion(), policies: info.getPoliciesList().length };
  }

  /** Has a resource judged by its inputs. */
  async analyze(...asked: Asked): Promise<void> {
    const [request, plain] = aboutResource(asked);
    this.record(await this.call("analyze", request, proto.AnalyzeResponse, plain), asked[0].urn);
  }

  /** Has the stack as a whole judged, by what its resources turned out to be. */
  async analyzeStack(resources: readonly Asked[]): Promise<void> {
    const [request, plain] = aboutStack(resources.filter(([resource]) => !resource.external));
    this.record(await this.call("analyzeStack", request, proto.AnalyzeResponse, plain), "");
  }

  /** Ends the pack; one that is not at work ends in its own time. */
  close(): void {
    if (this.pending.size > 0 || !this.child.connected) {
      this.child.kill();
      return;
    }
    this.child.disconnect();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    this.child.unref();
  }

  private start(): Promise<void> {
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error("the policy pack has no output to tell from that it is ready");
    readline.createInterface({ input: stderr }).on("line", (line) => this.messages.push(line));
    return new Promise((resolve, reject) => {
      // The first line says that it is served; whatever follows is the pack's own output.
      readline.createInterface({ input: stdout }).once("line", () => resolve());
      this.child.once("error", reject);
      this.child.once("exit", (code) => {
        const how = this.calls > 0 ? "ended before it had answered" : "did not start";
        const lines = [`the policy pack ${how}:`, ...this.messages, `exit code ${String(code)}`];
        reject(new UsageError(lines.join("\n")));
        for (const answer of this.pending.values()) answer({ id: 0, error: lines.join("\n") });
      });
    });
  }

  private async call<A>(
    method: string,
    request: Message,
    Answer: new (message: unknown[]) => A,
    plain: readonly PlainProperties[] = [],
  ): Promise<A> {
    await this.ready;
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.pending.set(id, ({ message, error }) =>
        message ? resolve(new Answer(message)) : reject(new Error(`policy pack: ${error ?? "no answer"}`)),
      );
      this.child.send({ id, method, message: request.toArray(), plain }, (error) => error && reject(error));
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

/** Compiles the policy pack of the project in a folder, unless that is done already. */
export type BuildPack = (root: string) => void;

/**
 * Has the pack of a project compiled and tells whether there is one.
 * @throws UsageError when it does not compile.
 */
export function preparePack(root: string, build: BuildPack): boolean {
  if (!fs.existsSync(path.join(root, "policies/PulumiPolicy.yaml"))) return false;
  try {
    build(root);
  } catch (error) {
    throw new UsageError(
      `the policy pack does not compile:\n${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return true;
}
