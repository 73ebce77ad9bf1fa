import { cursor } from "../graph";
import { settle, type Cursor, type Outcome } from "../read";
import type { Context, ResourceRule, ResourceView, StackRule, StackView } from "../rule";

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
    check: (resource, context) => settle(check(cursor(resource), resource, context), context),
  };
}

/** An outcome and the resource it is about. */
export interface Verdict {
  readonly resource: ResourceView;
  readonly outcomes: readonly Outcome[];
}

/** A rule on the stack as a whole. */
export function stackRule(
  meta: Described<StackRule>,
  check: (stack: StackView, context: Context) => readonly Verdict[],
): StackRule {
  return {
    level: "mandatory",
    levelCanBeLowered: false,
    ...meta,
    scope: "stack",
    check: (stack, context) =>
      check(stack, context).flatMap(({ resource, outcomes }) => settle(outcomes, context, resource.urn)),
  };
}

/** A finding on a resource as a whole. */
export function about(resource: ResourceView, message: string): Verdict {
  return { resource, outcomes: [{ path: "", message }] };
}
