import { deepest, type Shape, type TypeShape } from "../../../policies/rules/shape";

/** The property of a resource that a path begins with. */
const topOf = (path: string): string => path.split(/[.[]/, 1)[0] ?? path;

export const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].sort();

/** What several have of one type together. */
export function merged(shapes: readonly TypeShape[]): TypeShape {
  const properties = deepest(shapes.flatMap((one) => one.properties));
  // Where one plan gives a property of its own accord, it need not come from anything.
  const from = union(shapes.map((one) => Object.keys(one.from))).flatMap((property) =>
    shapes.every((one) => one.from[property] ?? !one.properties.some((path) => topOf(path) === property))
      ? [[property, union(shapes.map((one) => one.from[property] ?? []))]]
      : [],
  );
  const ofEach = (option: "ignoreChanges" | "additionalSecretOutputs"): string[] =>
    (shapes[0]?.[option] ?? []).filter((one) => shapes.every((other) => other[option].includes(one)));
  return {
    names: union(shapes.map((one) => one.names)),
    properties,
    from: Object.fromEntries(from) as TypeShape["from"],
    protect: shapes.every((one) => one.protect),
    deleteBeforeReplace: shapes.some((one) => one.deleteBeforeReplace),
    ignoreChanges: ofEach("ignoreChanges"),
    additionalSecretOutputs: ofEach("additionalSecretOutputs"),
  };
}

/** What plans consist of, whatever single resources are. */
type Parts = Pick<Shape, "types" | "rights">;

/** What several plans of one stack consist of together. */
export function mergeShapes(shapes: readonly Parts[]): Parts {
  const types = union(shapes.map((one) => Object.keys(one.types)));
  return {
    types: Object.fromEntries(
      types.map((type) => [type, merged(shapes.flatMap((one) => one.types[type] ?? []))]),
    ),
    rights: union(shapes.map((one) => one.rights)),
  };
}

/**
 * What a plan may consist of besides: types, names, properties and rights that another plan of the stack has, and what is led to
 * of those types. Nothing else is opened.
 */
export function widened({ types, rights }: Parts, other: Parts): Parts {
  const isNew = (type: string): boolean => type in other.types && !(type in types);
  const more = Object.entries(other.types).map(([type, shape]): [string, TypeShape] => {
    const own = types[type];
    if (!own) return [type, shape];
    return [
      type,
      {
        ...own,
        names: union([own.names, shape.names]),
        properties: deepest([...own.properties, ...shape.properties]),
        from: sources(own, shape, isNew),
      },
    ];
  });
  return {
    types: { ...types, ...(Object.fromEntries(more) as Shape["types"]) },
    rights: union([rights, other.rights]),
  };
}

/** What properties come from: those only the other plan gives as there, and its new types beside what there is. */
function sources(own: TypeShape, { from }: TypeShape, isNew: (type: string) => boolean): TypeShape["from"] {
  const known = new Set(own.properties.map(topOf));
  const added = Object.entries(from).filter(([property]) => !known.has(property));
  const kept = Object.entries(own.from).map(([property, types]) => [
    property,
    union([types, (from[property] ?? []).filter(isNew)]),
  ]);
  return { ...Object.fromEntries(added), ...Object.fromEntries(kept) } as TypeShape["from"];
}
