import { linked } from "../../../packages/isolation/graph";
import type { ResourceView, StackView } from "../../../packages/isolation/rule";

/** What a property of a resource comes from, of whatever type. */
export const sourcesOf = (stack: StackView, resource: ResourceView, property: string): ResourceView[] =>
  linked(stack, resource, property, /./);
