import { z } from "zod";
import { nameOf, providerUrn, STACK_REFERENCE_TYPE, typeOf } from "../../packages/wire/urn";
import { GateKeeper, placeOf, type Verdict } from "./judge";
import type { GivenResource } from "./views";

const state = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  provider: z.string().optional(),
  external: z.boolean().optional(),
});

const step = z.looseObject({
  op: z.string(),
  urn: z.string().regex(/^urn:pulumi:[^:]+::[^:]+::.+$/, "a URN"),
  newState: state.optional(),
  oldState: state.optional(),
});

/** The part of `pulumi preview --json` the gate reads. */
export const previewSchema = z.looseObject({
  config: z.record(z.string(), z.unknown()).optional(),
  steps: z.array(step),
});

type Preview = z.infer<typeof previewSchema>;

const READS = new Set(["read", "read-replacement"]);
const IMPORTS = new Set(["import", "import-replacement"]);
const GONE = /delete|discard|remove/;

function given({ urn, newState }: Preview["steps"][number], all: Preview["steps"]): GivenResource[] {
  if (!newState) return [];
  const reference = providerUrn(newState.provider ?? "");
  const provider = all.find(({ urn: other }) => other === reference)?.newState;
  return [
    {
      urn,
      type: newState.type,
      props: newState.inputs,
      ...(provider && { provider: { urn: reference, type: provider.type, props: provider.inputs } }),
    },
  ];
}

/**
 * Gate over `pulumi preview --json`: no step may read or adopt a resource, or reference a stack, without a waiver or
 * an entry in the inventory; and everything the preview shows is judged by the isolation rules once more.
 */
export function judgePreview(root: string, preview: Preview, now = new Date()): Verdict {
  const keeper = new GateKeeper(root, true, now);
  const alive = preview.steps.filter(({ op }) => !GONE.test(op));
  for (const { op, urn, newState, oldState } of alive) {
    const type = newState?.type ?? oldState?.type ?? typeOf(urn);
    const id = newState?.id ?? oldState?.id ?? "";
    if (type === STACK_REFERENCE_TYPE) keeper.access({ urn, type, how: "references", id: id || nameOf(urn) });
    else if (READS.has(op) || newState?.external) keeper.access({ urn, type, how: "reads", id });
    else if (IMPORTS.has(op)) keeper.access({ urn, type, how: "adopts", id });
  }
  const resources = alive
    .filter(({ newState }) => newState?.type !== STACK_REFERENCE_TYPE)
    .flatMap((entry) => given(entry, preview.steps));
  keeper.resources(resources, []);
  const first = preview.steps[0];
  if (first) {
    const [stack, project] = placeOf(first.urn);
    keeper.unusedWaivers(project, stack);
  }
  return keeper.verdict();
}
