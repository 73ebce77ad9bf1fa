import path from "node:path";
import { sandboxModel } from "./model";
import type { Model } from "./model/types";
import { readSettings, StackSettings } from "./monitor/config";
import { Deployment } from "./monitor/deployment";
import { EngineServer } from "./monitor/engine";
import { PackInfo, PackProcess, preparePack, Violation } from "./monitor/policies";
import { bundleProgram, runProgram } from "./monitor/program";

export interface PlanOptions {
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Makes up identifiers and computed values, as a first `up` would find them. */
  readonly resolve?: boolean;
  /** Whether the policy pack judges the plan; it does unless told otherwise. */
  readonly policies?: boolean;
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
  const address = await engine.listen();
  const pack = options.policies === false ? NO_POLICIES : startPack(root, address, settings);
  if (typeof pack !== "string") options.onPack?.(pack);
  const model = sandboxModel();
  try {
    process.chdir(root);
    const program = bundleProgram(root);
    const run = async (traces: boolean): Promise<boolean> => {
      deployment = new Deployment({ ...settings, resolve: options.resolve ?? false, model });
      const { refused, crashed } = await runProgram(program, settings, address, deployment, traces);
      // Only a crash is worth the time it takes to keep track of where everything comes from.
      return crashed && !traces ? run(true) : refused;
    };
    const refused = await run(false);
    const made = deployment as unknown as Deployment;
    const judged = refused ? "not asked: the program refused its configuration" : pack;
    const info = typeof judged === "string" ? judged : await judge(judged, made);
    return {
      settings,
      model,
      deployment: made,
      pack: info,
      violations: typeof judged === "string" ? [] : judged.violations,
      refused,
    };
  } finally {
    process.chdir(previous);
    if (typeof pack !== "string") pack.close();
    engine.close();
  }
}

const NO_POLICIES = "not asked";

function startPack(root: string, engine: string, settings: StackSettings): PackProcess | string {
  return preparePack(root)
    ? new PackProcess(path.join(root, "policies"), engine, settings)
    : "NOT CHECKED: this project has no policy pack";
}

/** Enough to keep the pack busy; more only pile up in memory. */
const REQUESTS_IN_FLIGHT = 4;

async function judge(pack: PackProcess, deployment: Deployment): Promise<PackInfo> {
  const info = await pack.info();
  const resources = [...deployment.resources.values()];
  const queue = resources.filter((resource) => !resource.external).values();
  const judgeQueue = async (): Promise<void> => {
    for (const resource of queue) await pack.analyze(resource, deployment.providerOf(resource));
  };
  await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, judgeQueue));
  await pack.analyzeStack(resources, (resource) => deployment.providerOf(resource));
  return info;
}
