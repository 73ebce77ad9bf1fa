import { cursor, linked } from "../../../packages/isolation/graph";
import { fault } from "../../../packages/isolation/read";
import type { ResourceView, StackView } from "../../../packages/isolation/rule";
import type { Verdict } from "../define";
import { isSent, LIST } from "./list";
import { placedName, programOf } from "./names";
import type { Standing } from "./types";

/** A type's own name, without its package and version. */
export const kindOf = (type: string): string => type.split(":").at(-1) ?? type;

/** What one resource is called in a list: its kind, and its name with its place. */
export const lineOf = ({ type, name, urn }: ResourceView): string =>
  `${kindOf(type)} ${placedName(name, programOf(urn))}`;

/** A property that says a name: the resource's own, or whose it is. */
const IS_NAME = /[nN]ame$/;

/** Resources a property leads to, as {@link lineOf} says them. */
function targetsOf(stack: StackView, resource: ResourceView, property: string): string[] {
  // What Azure answers says more than what was asked for.
  const asked = { ...resource, props: resource.inputs ?? resource.props };
  const own = lineOf(resource);
  const isOwnName = ({ type }: ResourceView): boolean => IS_NAME.test(property) && type === resource.type;
  return linked(stack, asked, property, /^azure-native/)
    .filter((target) => !isOwnName(target))
    .map(lineOf)
    .filter((line) => line !== own);
}

/** Whether a property is told to come from resources, and not only says words by which some may be called. */
const isTraced = ({ propertyDependencies }: ResourceView, property: string): boolean =>
  (propertyDependencies[property] ?? []).length > 0;

/** Whether a property comes from a resource, or says a name or an id: another text may be any word that somebody is called by. */
const isReference = (resource: ResourceView, property: string): boolean =>
  IS_NAME.test(property) ||
  isTraced(resource, property) ||
  (JSON.stringify(resource.props[property]) ?? "").includes("/providers/");

/** Properties that lead to a resource. */
const referencesOf = (resource: ResourceView): string[] =>
  resource.type.startsWith("azure-native")
    ? Object.keys(resource.props).filter((property) => isReference(resource, property))
    : [];

const wire = (line: string, property: string, target: string): string => `${line} ${property}: ${target}`;

/**
 * What a plan has, and which resource each property of it leads to. A property of which the plan has one possible target only
 * says nothing more than its type does, and is left out.
 */
export function standingOf(stack: StackView): Standing {
  const sent = stack.resources.filter(isSent);
  const several = new Map<string, number>();
  for (const { type } of sent) several.set(kindOf(type), (several.get(kindOf(type)) ?? 0) + 1);
  const isChoice = (target: string): boolean => (several.get(target.split(" ", 1)[0] ?? "") ?? 0) > 1;
  return {
    resources: sent.map(lineOf),
    wiring: sent.flatMap((one) =>
      referencesOf(one).flatMap((property) => {
        const targets = targetsOf(stack, one, property);
        return targets.some(isChoice) ? targets.map((target) => wire(lineOf(one), property, target)) : [];
      }),
    ),
    ignoreChanges: sent.flatMap((one) => one.opts.ignoreChanges.map((path) => `${lineOf(one)} ${path}`)),
  };
}

/** Judges a stack against what its plan has while its regions are for what they are for now. */
export class Stands {
  private readonly wiring: ReadonlySet<string>;
  /** Properties of single resources whose targets the list gives. */
  private readonly properties: ReadonlySet<string>;

  constructor(private readonly standing: Standing) {
    this.wiring = new Set(standing.wiring);
    this.properties = new Set(standing.wiring.map((line) => line.slice(0, line.indexOf(":"))));
  }

  /** What the plan has and the stack has not. */
  missing({ resources }: StackView): Verdict[] {
    const [home] = resources;
    if (!home) return [];
    const there = new Set(resources.filter(isSent).map(lineOf));
    return this.standing.resources
      .filter((line) => !there.has(line))
      .map((line) => ({ resource: home, outcomes: fault({ path: line }, `is missing (${LIST})`) }));
  }

  /** Properties that lead to another resource than the plan's do. */
  misled(stack: StackView): Verdict[] {
    return stack.resources.filter(isSent).flatMap((resource) => {
      const line = lineOf(resource);
      return Object.keys(resource.inputs ?? resource.props)
        .filter((property) => this.properties.has(`${line} ${property}`))
        .flatMap((property) =>
          this.strange(stack, resource, property).map((target): Verdict => ({
            resource,
            outcomes: fault(
              cursor(resource).at(property),
              `must not lead to ${target}: production's plan leads it elsewhere while its regions are for what they are now (${LIST})`,
            ),
          })),
        );
    });
  }

  /** What a property leads to and should not. A word may be several resources' name, and is right where one of them is. */
  private strange(stack: StackView, resource: ResourceView, property: string): string[] {
    const targets = targetsOf(stack, resource, property);
    const strange = targets.filter((target) => !this.wiring.has(wire(lineOf(resource), property, target)));
    return isTraced(resource, property) || strange.length === targets.length ? strange : [];
  }
}
