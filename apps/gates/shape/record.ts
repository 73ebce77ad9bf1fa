import type { ResourceView, StackView } from "../../../packages/isolation/rule";
import {
  isSent,
  pathsOf,
  rightsOf,
  sourcesOf,
  deepest,
  type Shape,
  type TypeShape,
} from "../../../policies/rules/shape";
import { merged, union } from "./merge";

/** What one resource consists of. */
function typeShapeOf(stack: StackView, resource: ResourceView): TypeShape {
  const { type, props, opts } = resource;
  // Only Azure's ids say which resource is meant.
  const linking = type.startsWith("azure-native") ? Object.keys(props) : [];
  const from = linking.flatMap((property) => {
    const types = sourcesOf(stack, resource, property).map((one) => one.type);
    return types.length > 0 ? [[property, union([types])]] : [];
  });
  return {
    properties: deepest([...pathsOf(props)]),
    from: Object.fromEntries(from) as TypeShape["from"],
    protect: opts.protect,
    deleteBeforeReplace: opts.deleteBeforeReplace === true,
    ignoreChanges: union([opts.ignoreChanges]),
    additionalSecretOutputs: union([opts.additionalSecretOutputs]),
  };
}

/** What a plan consists of. */
export function shapeOf(stack: StackView): Shape {
  const sent = stack.resources.filter(isSent);
  const types = union([sent.map(({ type }) => type)]).map((type) => [
    type,
    merged(sent.filter((one) => one.type === type).map((one) => typeShapeOf(stack, one))),
  ]);
  return {
    types: Object.fromEntries(types) as Shape["types"],
    rights: union([rightsOf(stack).map(({ right }) => right)]),
  };
}
