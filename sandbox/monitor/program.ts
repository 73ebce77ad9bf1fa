import fs from "node:fs";
import Module from "node:module";
import path from "node:path";
import { buildSync } from "esbuild";
import type { StackSettings } from "./config";
import type { Deployment } from "./deployment";
import { leanSdk, restoreTraces } from "./lean";
import { Monitor } from "./monitor";

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
 * @throws Error when package.json names no program, or it does not compile.
 */
export function bundleProgram(root: string): Program {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { main?: string };
  if (!manifest.main) throw new Error(`${root}/package.json: main names no program`);
  const file = path.join(root, ".build/program", manifest.main.replace(/\.ts$/, ".js"));
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: [manifest.main],
    outfile: file,
    bundle: true,
    write: false,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: "inline",
    logLevel: "error",
    supported: { "dynamic-import": false },
  });
  return { file, code: outputFiles[0]?.text ?? "" };
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
  leanSdk(traces);
  const { RunError, ResourceError, runtime } = await import("@pulumi/pulumi");
  const { project, stack } = settings;
  runtime.resetOptions(project, stack, PARALLEL, engine, "", true, ORGANIZATION);
  runtime.setMockOptions(new Monitor(deployment), project, stack, true, ORGANIZATION);
  runtime.setAllConfig({ ...settings.config }, [...settings.secretKeys]);

  const seen = new Set<unknown>();
  const result = { refused: false, crashed: false };
  const note = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    if (seen.has(message)) return;
    seen.add(message);
    if (RunError.isInstance(error)) {
      result.refused = deployment.resources.size <= 1;
    } else if (!isRefusal(message) && !(ResourceError.isInstance(error) && error.hideStack)) {
      result.crashed = true;
      const trace = error instanceof Error ? error.stack : undefined;
      deployment.report("error", "", traces && trace ? trace : message);
      return;
    }
    deployment.report("error", "", message);
  };
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  try {
    await runtime.runInPulumiStack(async () => {
      const exported = load(program);
      return (await (typeof exported === "function" ? (exported as () => unknown)() : exported)) as object;
    });
  } catch (error) {
    note(error);
  } finally {
    await runtime.disconnect();
    // One failure surfaces several times, the last of them after the program has ended.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("uncaughtException", note);
    process.off("unhandledRejection", note);
    restoreTraces();
  }
  return result;
}

/** What the monitor refused, wrapped by the SDK: the message says everything. */
function isRefusal(message: string): boolean {
  return /^failed to (register new|read) resource |^Invoke(d| of)? /.test(message);
}
