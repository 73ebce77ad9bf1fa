import { z } from "zod";
import { providerUrn, STACK_REFERENCE_TYPE } from "../../packages/wire/urn";
import { GateKeeper, type Verdict } from "./judge";
import { dependenciesOf, type GivenResource } from "./views";

const resource = z.looseObject({
  urn: z.string().regex(/^urn:pulumi:[^:]+::[^:]+::.+$/, "a URN"),
  type: z.string(),
  id: z.string().optional(),
  external: z.boolean().optional(),
  delete: z.boolean().optional(),
  provider: z.string().optional(),
  protect: z.boolean().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
  dependencies: z.array(z.string()).nullish(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
});

/** The part of `pulumi stack export` the gate reads. */
export const stateSchema = z.looseObject({
  version: z.number(),
  deployment: z.looseObject({ resources: z.array(resource).nullish() }),
});

type State = z.infer<typeof stateSchema>;
type Stored = z.infer<typeof resource>;

function given(stored: Stored, all: readonly Stored[], props: unknown): GivenResource {
  const reference = providerUrn(stored.provider ?? "");
  const provider = all.find(({ urn }) => urn === reference);
  return {
    urn: stored.urn,
    type: stored.type,
    props,
    protect: stored.protect,
    dependencies: stored.dependencies ?? [],
    propertyDependencies: dependenciesOf(
      stored.propertyDependencies ?? {},
      (urn) => all.find((other) => other.urn === urn)?.external ?? true,
    ),
    ...(provider && { provider: { urn: provider.urn, type: provider.type, props: provider.inputs } }),
  };
}

/**
 * Gate over `pulumi stack export`: what the stack really holds, reads and stack references included, after whatever
 * command and with or without the pack.
 */
export function judgeState(root: string, document: State, now = new Date()): Verdict {
  const keeper = new GateKeeper(root, false, now);
  const stored = (document.deployment.resources ?? []).filter((entry) => !entry.delete);
  for (const { urn, type, id = "", external, inputs } of stored) {
    if (type === STACK_REFERENCE_TYPE) {
      const name = inputs?.name;
      keeper.access({ urn, type, how: "references", id: typeof name === "string" ? name : id });
    } else if (external) keeper.access({ urn, type, how: "reads", id });
  }
  const managed = stored.filter(({ type }) => type !== STACK_REFERENCE_TYPE);
  keeper.resources(
    managed.map((entry) => given(entry, stored, entry.inputs ?? {})),
    managed.map((entry) => given(entry, stored, entry.outputs ?? {})),
  );
  return keeper.verdict();
}
