import { ARM_LIMITS } from "../arm/armLimits";
import type { ArmLimit } from "../arm/limit";
import { cursor, linked, ofType } from "../../packages/isolation/graph";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { resourceRule, stackRule, type Verdict } from "./define";

function metadata(limit: ArmLimit) {
  const { id, name, title, description, why, remediation, url, waf, risks, severity } = limit;
  return {
    id,
    name,
    title,
    description,
    why,
    remediation,
    url,
    severity: severity ?? ("high" as const),
    framework: { ...(waf && { waf }), risks },
    appliesTo: "any" as const,
  };
}

/** Resource the relation leads to, if exactly one does. */
function resolve(stack: StackView, resource: ResourceView, limit: ArmLimit): Map<string, ResourceView> {
  const found = new Map<string, ResourceView>();
  for (const { as, property, types } of limit.relations ?? []) {
    const [target, ...others] = linked(stack, resource, property, ...types);
    if (target && others.length === 0) found.set(as, target);
  }
  return found;
}

function judgeTogether(limit: ArmLimit, stack: StackView): Verdict[] {
  const judged = ofType(stack, ...limit.types).map((resource) => ({
    resource,
    related: resolve(stack, resource, limit),
  }));
  const children = new Map<string, ResourceView[]>();
  for (const { resource, related } of judged) {
    const parent = limit.siblings === undefined ? undefined : related.get(limit.siblings);
    if (parent) children.set(parent.urn, [...(children.get(parent.urn) ?? []), resource]);
  }
  return judged.map(({ resource, related }) => {
    const parent = limit.siblings === undefined ? undefined : related.get(limit.siblings);
    return {
      resource,
      outcomes: limit.check(cursor(resource), {
        type: resource.type,
        related: Object.fromEntries([...related].map(([as, target]) => [as, cursor(target)])),
        siblings: (children.get(parent?.urn ?? "") ?? []).filter((other) => other !== resource).map(cursor),
      }),
    };
  });
}

/** One rule per limit: on the resource where its inputs suffice, on the stack where others must be known. */
export const ARM_RULES: readonly Rule[] = ARM_LIMITS.map((limit): Rule => {
  if (limit.relations) return stackRule(metadata(limit), (stack) => judgeTogether(limit, stack));
  return resourceRule({ ...metadata(limit), types: limit.types }, (inputs, resource) =>
    limit.check(inputs, { type: resource.type, related: {}, siblings: [] }),
  );
});
