import path from "node:path";
import { sandboxModel } from "../emulated-azure/model";
import type { Model } from "../emulated-azure/model/types";
import { readSettings, StackSettings } from "./config";
import { Deployment } from "./deployment";
import type { DeploymentSettings } from "./registration";
import { EngineServer } from "./engine";
import { Judge } from "./judge";
import { type BuildPack, PackInfo, PackProcess, preparePack, Violation } from "./policies";
import { bundleProgram, runProgram } from "./program";

export interface PlanOptions {
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Makes up identifiers and computed values, as a first `up` would find them. */
  readonly resolve?: boolean;
  /** Folder in which the policy pack lies; default the project's. */
  readonly packRoot?: string;
  /** Folder the program runs in; default the project's. */
  readonly runIn?: string;
  /** Compiles the project's policy pack, which then judges the plan; without it none does. */
  readonly policies?: BuildPack;
  /** Told of every function the program calls, with its arguments. */
  readonly onInvoke?: DeploymentSettings["onInvoke"];
  /** Given the running pack, so that whoever ends the process early can end it too. */
  readonly onPack?: (pack: PackProcess) => void;
}

export interface Plan {
  readonly settings: StackSettings;
  readonly model: Model;
  readonly deployment: Deployment;
  /** The pack that judged the plan, or why none did. */
  readonly pack: PackInfo | string;
  readonly violations: readonly Violation[];
  /** Whether the program refused its configuration. */
  readonly refused: boolean;
}

/**
 * Plans one stack of the project in a folder.
 * @throws UsageError when the stack or a file of it cannot be read, or the policy pack does not start.
 */
export async function planStack(root: string, stack: string, options: PlanOptions = {}): Promise<Plan> {
  const settings = readSettings(root, stack, options.overrides);
  const previous = process.cwd();
  let deployment: Deployment | undefined;
  const engine = new EngineServer((d) => deployment?.report(d.severity, d.urn, d.message));
  let pack: PackProcess | string = NO_POLICIES;
  try {
    const address = await engine.listen();
    if (options.policies) pack = startPack(options.packRoot ?? root, options.policies, address, settings);
    if (typeof pack !== "string") options.onPack?.(pack);
    const model = sandboxModel();
    process.chdir(options.runIn ?? root);
    const judge = typeof pack === "string" ? undefined : new Judge(pack);
    const run = async (traces: boolean) => {
      const made = new Deployment({
        ...settings,
        resolve: options.resolve ?? false,
        model,
        onInvoke: options.onInvoke,
        onResource: traces ? undefined : (resource, provider) => judge?.submit(resource, provider),
      });
      deployment = made;
      // Node would otherwise keep the maps of all packages, which carry them inline.
      process.setSourceMapsEnabled(traces);
      const program = bundleProgram(root, traces);
      return { made, ...(await runProgram(program, settings, address, made, traces)) };
    };
    const first = await run(false);
    // Only a crash is worth the time it takes to keep track of where everything comes from.
    const { made, refused } = first.crashed ? await run(true) : first;
    const judged = judge && !refused && !first.crashed;
    return {
      settings,
      model,
      deployment: made,
      pack: judged ? await judge.finish(made) : typeof pack === "string" ? pack : FAILED,
      violations: judged && typeof pack !== "string" ? pack.violations : [],
      refused,
    };
  } finally {
    process.chdir(previous);
    if (typeof pack !== "string") pack.close();
    engine.close();
  }
}

const NO_POLICIES = "not asked";
const FAILED = "not asked: the program did not finish";

function startPack(
  root: string,
  build: BuildPack,
  engine: string,
  settings: StackSettings,
): PackProcess | string {
  return preparePack(root, build)
    ? new PackProcess(path.join(root, "policies"), engine, settings)
    : "NOT CHECKED: this project has no policy pack";
}
