import type { FactProperty, FactShape, FactType } from "./types";

/** One property as Microsoft's generated clients describe it to their serializer. */
export interface Mapper {
  readonly serializedName?: string;
  readonly defaultValue?: unknown;
  readonly readOnly?: boolean;
  readonly constraints?: {
    readonly InclusiveMinimum?: number;
    readonly InclusiveMaximum?: number;
    readonly MinLength?: number;
    readonly MaxLength?: number;
    readonly MinItems?: number;
    readonly MaxItems?: number;
    readonly Pattern?: RegExp;
  };
  readonly type: {
    readonly name: string;
    readonly className?: string;
    readonly modelProperties?: Readonly<Record<string, Mapper>>;
    readonly element?: Mapper;
    readonly value?: Mapper;
    readonly allowedValues?: readonly string[];
    readonly polymorphicDiscriminator?: unknown;
  };
}

/** The models and parameters of one client package. */
export interface Client {
  readonly models: Readonly<Record<string, Mapper | undefined>>;
  readonly parameters: Readonly<Record<string, { readonly mapper?: Mapper } | undefined>>;
}

type Mutable = { -readonly [K in keyof FactProperty]: FactProperty[K] };

function constrain(property: Mutable, mapper: Mapper): void {
  const bounds = mapper.constraints ?? {};
  const { defaultValue } = mapper;
  if (["string", "number", "boolean"].includes(typeof defaultValue) && property.required === undefined) {
    property.default = defaultValue as string | number | boolean;
  }
  if (bounds.InclusiveMinimum !== undefined) property.minimum = bounds.InclusiveMinimum;
  if (bounds.InclusiveMaximum !== undefined) property.maximum = bounds.InclusiveMaximum;
  if (bounds.MinLength !== undefined) property.minLength = bounds.MinLength;
  if (bounds.MaxLength !== undefined) property.maxLength = bounds.MaxLength;
  if (bounds.MinItems !== undefined) property.minItems = bounds.MinItems;
  if (bounds.MaxItems !== undefined) property.maxItems = bounds.MaxItems;
  if (bounds.Pattern !== undefined) property.pattern = bounds.Pattern.source;
}

export function shapeIn(type: FactType): string | undefined {
  if (typeof type !== "object") return undefined;
  if ("shape" in type) return type.shape;
  if ("list" in type) return shapeIn(type.list);
  if ("map" in type) return shapeIn(type.map);
  return undefined;
}

/** The composite a property leads to, through lists and maps. */
export function inner(mapper: Mapper): Mapper {
  const next = mapper.type.element ?? mapper.type.value;
  return next ? inner(next) : mapper;
}

/**
 * The description of the property with a name, by its name on the wire or in the client.
 * @param sent Whether it is one that can be sent: a resource's own `type` is another than the one ARM shows beside it.
 */
export function find(model: Mapper, name: string, client: Client, sent = false): Mapper | undefined {
  const { className } = model.type;
  const described = className ? (client.models[className] ?? model) : model;
  const entries = Object.entries(described.type.modelProperties ?? {});
  const wanted = name.toLowerCase();
  const onWire = entries.filter(([, m]) => m.serializedName?.split(".").pop()?.toLowerCase() === wanted);
  const match =
    (sent ? onWire.find(([, m]) => m.readOnly !== true) : undefined) ??
    onWire[0] ??
    entries.find(([key]) => key.toLowerCase() === wanted);
  return match?.[1];
}

/**
 * Adds to the SDK's shapes what a client's description of the request body says about the same properties. A shape is
 * annotated once, by the first body that reaches it.
 */
export function annotate(
  shapes: Record<string, FactShape>,
  shape: string,
  model: Mapper,
  client: Client,
  done = new Set<string>(),
): void {
  if (done.has(shape)) return;
  done.add(shape);
  for (const [name, property] of Object.entries(shapes[shape] ?? {})) {
    const parameter = client.parameters[name]?.mapper;
    const mapper = find(model, name, client) ?? (parameter?.type.name === "String" ? parameter : undefined);
    if (!mapper) continue;
    constrain(property as Mutable, mapper);
    const below = shapeIn(property.type);
    if (below) annotate(shapes, below, inner(mapper), client, done);
  }
}
