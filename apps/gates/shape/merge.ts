import { deepest, type Shape, type TypeShape } from "../../../policies/rules/shape";

const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].sort();

function merged(shapes: readonly TypeShape[]): TypeShape {
  const properties = deepest(shapes.flatMap((one) => one.properties));
  // Where one plan gives a property of its own accord, it need not come from anything.
  const from = union(shapes.map((one) => Object.keys(one.from))).flatMap((property) =>
    shapes.every(
      (one) => one.from[property] ?? !one.properties.some((path) => path.split(/[.[]/)[0] === property),
    )
      ? [[property, union(shapes.map((one) => one.from[property] ?? []))]]
      : [],
  );
  const [first] = shapes;
  return {
    properties,
    from: Object.fromEntries(from) as TypeShape["from"],
    protect: shapes.every((one) => one.protect),
    deleteBeforeReplace: shapes.some((one) => one.deleteBeforeReplace),
    ignoreChanges: union(shapes.map((one) => one.ignoreChanges)),
    additionalSecretOutputs: (first?.additionalSecretOutputs ?? []).filter((one) =>
      shapes.every((other) => other.additionalSecretOutputs.includes(one)),
    ),
  };
}

/** What several plans of one stack consist of together. */
export function mergeShapes(shapes: readonly Shape[]): Shape {
  const types = union(shapes.map((one) => Object.keys(one.types)));
  return {
    types: Object.fromEntries(
      types.map((type) => [type, merged(shapes.flatMap((one) => one.types[type] ?? []))]),
    ),
    rights: union(shapes.map((one) => one.rights)),
  };
}
