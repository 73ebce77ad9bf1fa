import fs from "node:fs";
import Module from "node:module";
import path from "node:path";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import { bundle } from "../command/bundle.cjs";
import type { StackSettings } from "./config";
import type { Deployment } from "./deployment";
import { quietSdk } from "./quietSdk.cjs";
import { Monitor } from "./monitor";
import { asClient } from "./rpc";

/** Requests the program may have in flight, as the engine's own default allows for a small machine. */
const PARALLEL = 16;
/** A file backend, which is all this project needs, has one organization of this name. */
const ORGANIZATION = "organization";

export interface ProgramResult {
  /** Whether the program's own code refused its configuration; nothing but the stack was declared. */
  readonly refused: boolean;
  /** Whether the program failed in a way nobody foresaw. */
  readonly crashed: boolean;
}

/** A program ready to run, as often as wanted. */
export interface Program {
  /** Place it pretends to be at; its packages are looked up from there. */
  readonly file: string;
  readonly code: string;
}

/**
 * Bundles the program that `main` in package.json names, its packages left out.
 * @param sourceMap Whether stack traces lead to the sources; takes memory.
 * @throws Error when package.json names no program, or it does not compile.
 */
export function bundleProgram(root: string, sourceMap: boolean): Program {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { main?: string };
  if (!manifest.main) throw new Error(`${root}/package.json: main names no program`);
  const file = path.join(root, ".build/program", manifest.main.replace(/\.ts$/, ".js"));
  const outfile = sourceMap ? file.replace(/\.js$/, ".traced.js") : file;
  bundle({
    absWorkingDir: root,
    entryPoints: [manifest.main],
    outfile,
    packages: "external",
    sourcemap: sourceMap ? "inline" : false,
    logLevel: "error",
  });
  return { file, code: fs.readFileSync(outfile, "utf8") };
}

/** Evaluates a program afresh and returns what it exports. */
function load({ file, code }: Program): unknown {
  const module = new Module(file) as Module & { _compile(code: string, file: string): void };
  module.filename = file;
  module.paths = (Module as unknown as { _nodeModulePaths(from: string): string[] })._nodeModulePaths(
    path.dirname(file),
  );
  module._compile(code, file);
  return module.exports;
}

/**
 * Runs a bundled program in this process for a preview, as the language host would. What goes wrong is reported to the
 * deployment.
 *
 * @param engine Address of the engine service.
 * @param traces Whether errors in the program show where they come from.
 */
export async function runProgram(
  program: Program,
  settings: StackSettings,
  engine: string,
  deployment: Deployment,
  traces: boolean,
): Promise<ProgramResult> {
  quietSdk();
  const { RunError, ResourceError, runtime } = await import("@pulumi/pulumi");
  const { project, stack } = settings;
  runtime.resetOptions(project, stack, PARALLEL, engine, "", true, ORGANIZATION);
  const monitor = new Monitor(deployment);
  runtime.setMockOptions(asClient(ResourceMonitorService, monitor), project, stack, true, ORGANIZATION);
  runtime.setAllConfig({ ...settings.config }, [...settings.secretKeys]);

  const seen = new Set<unknown>();
  let crashed = false;
  let refused = false;
  const note = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    if (seen.has(message)) return;
    seen.add(message);
    if (monitor.refusals.some((refusal) => message.includes(refusal))) return;
    if (RunError.isInstance(error)) {
      refused = true;
    } else if (!(ResourceError.isInstance(error) && error.hideStack)) {
      crashed = true;
      const trace = error instanceof Error ? error.stack : undefined;
      deployment.report("error", "", traces && trace ? trace : message);
      return;
    }
    deployment.report("error", "", message);
  };
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  const { prepareStackTrace } = Error;
  // The SDK writes down the whole stack of every resource to say where it is declared, a tenth of a plan's time for nobody.
  if (!traces) Error.prepareStackTrace = () => "";
  const ended = runtime
    .runInPulumiStack(async () => {
      const exported = load(program);
      return (await (typeof exported === "function" ? (exported as () => unknown)() : exported)) as object;
    })
    .catch(note)
    // A program may fail before its transforms are registered; the SDK would then try for ever to reach what serves them.
    .then(() => runtime.awaitStackRegistrations())
    .catch(note)
    .then(() => runtime.disconnect());
  try {
    if (!(await endedBeforeStalling(ended, monitor, () => seen.size > 0))) {
      if (seen.size === 0) {
        deployment.report("error", "", "the program waits for something that never comes");
      }
      // Otherwise the SDK complains, when the process ends, about everything that was still going on.
      (runtime as unknown as { terminateRpcs(): void }).terminateRpcs();
    }
    // One failure surfaces several times, the last of them after the program has ended.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    monitor.close();
    process.off("uncaughtException", note);
    process.off("unhandledRejection", note);
  }
  return { refused: refused && deployment.resources.size <= 1, crashed };
}

const TICK_MILLISECONDS = 25;
/** How long nothing may happen: after a failure, outputs that depend on it are never settled by the SDK. */
const IDLE_TICKS = { failed: 12, healthy: 2400 };

/** Waits until a program has ended; false when it has not, and nothing has happened for long. */
function endedBeforeStalling(
  ended: Promise<unknown>,
  monitor: Monitor,
  hasFailed: () => boolean,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let idle = 0;
    let seen = monitor.requests;
    const timer = setInterval(() => {
      idle = monitor.requests === seen ? idle + 1 : 0;
      seen = monitor.requests;
      if (idle >= (hasFailed() ? IDLE_TICKS.failed : IDLE_TICKS.healthy)) {
        clearInterval(timer);
        resolve(false);
      }
    }, TICK_MILLISECONDS);
    ended.then(() => resolve(true), reject).finally(() => clearInterval(timer));
  });
}
