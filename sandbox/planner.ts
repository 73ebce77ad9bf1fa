import { readSettings, StackSettings } from "./monitor/config";
import { Deployment } from "./monitor/deployment";
import { bundleProgram, runProgram } from "./monitor/program";
import { EngineServer } from "./monitor/engine";
import { sandboxModel } from "./model";

export interface PlanOptions {
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Makes up identifiers and computed values, as a first `up` would find them. */
  readonly resolve?: boolean;
}

export interface Plan {
  readonly settings: StackSettings;
  readonly deployment: Deployment;
  readonly refused: boolean;
}

/** Plans one stack of the project in a folder. */
export async function planStack(root: string, stack: string, options: PlanOptions = {}): Promise<Plan> {
  const settings = readSettings(root, stack, options.overrides);
  const previous = process.cwd();
  let deployment: Deployment | undefined;
  const engine = new EngineServer((d) => deployment?.report(d.severity, d.urn, d.message));
  const address = await engine.listen();
  try {
    process.chdir(root);
    const program = bundleProgram(root);
    const plan = async (traces: boolean) => {
      deployment = new Deployment({ ...settings, resolve: options.resolve ?? false, model: sandboxModel() });
      const { refused, crashed } = await runProgram(program, settings, address, deployment, traces);
      return { settings, deployment, refused, crashed };
    };
    const first = await plan(false);
    // Only a crash is worth the time it takes to keep track of where everything comes from.
    return first.crashed ? await plan(true) : first;
  } finally {
    process.chdir(previous);
    engine.close();
  }
}
