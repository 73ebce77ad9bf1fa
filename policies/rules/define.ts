import { cursor } from "../../packages/isolation/graph";
import {
  fault,
  settle,
  settleConsulted,
  traced,
  type Cursor,
  type Outcome,
} from "../../packages/isolation/read";
import {
  UNKNOWN,
  type Context,
  type ResourceRule,
  type ResourceView,
  type StackRule,
  type StackView,
  type Tree,
  type Value,
} from "../../packages/isolation/rule";

type Described<R extends ResourceRule | StackRule> = Omit<
  R,
  "scope" | "level" | "levelCanBeLowered" | "check"
> & { readonly level?: "advisory"; readonly levelCanBeLowered?: true };

/** A rule on one resource: mandatory, and fixed at that, unless it says otherwise. */
export function resourceRule(
  meta: Described<ResourceRule> & { readonly types: readonly RegExp[] },
  check: (inputs: Cursor, resource: ResourceView, context: Context) => Outcome[],
): ResourceRule {
  return {
    level: "mandatory",
    levelCanBeLowered: false,
    ...meta,
    scope: "resource",
    check: (resource, context) => {
      const { result, consulted } = traced(() => check(cursor(resource), resource, context));
      const violations = settle(result, consulted, context, resource.urn);
      return [...violations, ...settleConsulted(consulted, violations, context)];
    },
  };
}

/** An outcome and the resource it is about. */
export interface Verdict {
  readonly resource: ResourceView;
  readonly outcomes: readonly Outcome[];
}

const completed = new WeakMap<StackView, StackView>();

/**
 * The stack with everything known of each resource: what was asked for and, once there is an answer, what became
 * of it. A preview has no answers, only guesses at them, and none at all for a cluster that does not exist yet.
 */
function complete(stack: StackView, { isDryRun }: Context): StackView {
  const before = completed.get(stack);
  if (before) return before;
  const resources = stack.resources.map((resource) => {
    const { inputs, props } = resource;
    return inputs && inputs !== props
      ? { ...resource, props: isDryRun ? over(known(props), inputs) : over(inputs, props) }
      : resource;
  });
  const whole = { resources, byUrn: new Map(resources.map((resource) => [resource.urn, resource])) };
  completed.set(stack, whole);
  return whole;
}

/**
 * Outputs that are there. What nobody asked for and nobody knows yet is no reason to wait: every property Azure could report is
 * unknown in a preview, and a rule that took each for a value to come would never speak in one.
 */
const known = (outputs: Tree): Tree =>
  Object.fromEntries(Object.entries(outputs).filter(([, value]) => value !== UNKNOWN));

/** Properties of both; those of the second win where they are known. */
function over(base: Tree, top: Tree): Tree {
  const merged: Record<string, Value> = { ...base };
  for (const [key, value] of Object.entries(top)) {
    if (merged[key] === undefined || !(value === UNKNOWN || value === null)) merged[key] = value;
  }
  return merged;
}

/** A rule on the stack as a whole. */
export function stackRule(
  meta: Described<StackRule>,
  check: (stack: StackView, context: Context) => readonly Verdict[],
): StackRule {
  return partedRule(meta, (stack, context) => [() => check(stack, context)]);
}

/**
 * A rule on the stack as a whole that consists of parts which know nothing of each other: what one part cannot know yet
 * makes a guess of its own findings only.
 */
export function partedRule(
  meta: Described<StackRule>,
  parts: (stack: StackView, context: Context) => readonly (() => readonly Verdict[])[],
): StackRule {
  return {
    level: "mandatory",
    levelCanBeLowered: false,
    ...meta,
    scope: "stack",
    check: (stack, context) => {
      const whole = traced(() => parts(complete(stack, context), context));
      return whole.result.flatMap((part) => {
        const { result, consulted: own } = traced(part);
        const consulted = [...whole.consulted, ...own];
        const violations = result.flatMap(({ resource, outcomes }) =>
          settle(outcomes, consulted, context, resource.urn),
        );
        return [...violations, ...settleConsulted(consulted, violations, context)];
      });
    },
  };
}

/** A finding on a resource as a whole. */
export function about(resource: ResourceView, message: string): Verdict {
  return { resource, outcomes: fault(cursor(resource), message) };
}
