import { readInventory } from "../../stacks/inventory";
import { environmentOf } from "../../packages/isolation/inventory";
import { PRODUCT } from "../../stacks/schema";
import { stackNames } from "../../stacks/files";
import type { PlannedResource } from "../../packages/offline-engine/resource";
import { planStack, type PlanOptions } from "../../packages/offline-engine/planner";
import { providerUrn, STACK_REFERENCE_TYPE } from "../../packages/wire/urn";
import { GateKeeper, type Verdict } from "./judge";
import { dependenciesOf, type GivenResource } from "./views";

/** Time after the end of a program in which calls it did not wait for may still fail. */
const LATE_FAILURES_MS = 50;

/** Stacks the sweep runs: every one that is not production, and so has no business there. */
export function sweptStacks(root: string): string[] {
  const inventory = readInventory(root);
  return stackNames(root).filter((stack) => !environmentOf(inventory, PRODUCT, stack)?.isProd);
}

function given(
  resource: PlannedResource,
  props: unknown,
  all: ReadonlyMap<string, PlannedResource>,
): GivenResource {
  const provider = all.get(providerUrn(resource.provider));
  return {
    urn: resource.urn,
    type: resource.type,
    props,
    protect: resource.protect,
    ignoreChanges: resource.options.ignoreChanges,
    dependencies: resource.dependencies,
    propertyDependencies: dependenciesOf(
      resource.propertyDependencies,
      (urn) => all.get(urn)?.external ?? true,
    ),
    ...(provider && { provider: { urn: provider.urn, type: provider.type, props: provider.inputs } }),
  };
}

interface Ended<T> {
  readonly result: T;
  /** What failed when nobody was waiting for it any more. */
  readonly failures: readonly string[];
}

/** Runs a program while noting what fails after it has ended. */
async function notingFailures<T>(run: () => Promise<T>): Promise<Ended<T>> {
  const failures: string[] = [];
  const fail = (error: unknown): void => {
    failures.push(error instanceof Error ? error.message : String(error));
  };
  process.on("unhandledRejection", fail);
  try {
    const result = await run();
    await new Promise((resolve) => setTimeout(resolve, LATE_FAILURES_MS));
    return { result, failures };
  } finally {
    process.off("unhandledRejection", fail);
  }
}

/**
 * Gate that runs the real program of a stack without a cloud and judges all it asks for: what it declares, and the
 * reads, imports, stack references and functions no policy pack is shown. It does not rely on the tripwire.
 */
export async function sweepStack(root: string, stack: string, options: PlanOptions = {}): Promise<Verdict> {
  const keeper = new GateKeeper(root, true);
  const calls: [token: string, args: unknown][] = [];
  const { result, failures } = await notingFailures(() =>
    planStack(root, stack, { ...options, onInvoke: (token, args) => calls.push([token, args]) }),
  );
  const { deployment, settings } = result;
  const errors = deployment.diagnostics.filter(({ severity }) => severity === "error");
  for (const message of new Set([...errors.map((error) => error.message), ...failures])) {
    keeper.fail(`stack ${stack}: the program failed: ${message.split("\n")[0] ?? ""}`);
  }
  for (const [token, args] of calls) keeper.invoke(settings.project, stack, token, args);
  const all = [...deployment.resources.values()];
  for (const { urn, type, id, external, options: given } of all) {
    if (type === STACK_REFERENCE_TYPE) keeper.access({ urn, type, how: "references", id });
    else if (external) keeper.access({ urn, type, how: "reads", id });
    if (given.importId) keeper.access({ urn, type, how: "adopts", id: given.importId });
  }
  const managed = all.filter(({ type }) => type !== STACK_REFERENCE_TYPE);
  keeper.resources(
    managed.map((resource) => given(resource, resource.inputs, deployment.resources)),
    managed.map((resource) => given(resource, resource.outputs, deployment.resources)),
    settings.config,
  );
  return keeper.verdict();
}
