/** Type of one input, as the SDK declares it. */
export type FactType =
  | "string"
  | "number"
  | "boolean"
  | "any"
  | { readonly shape: string }
  | { readonly list: FactType }
  | { readonly map: FactType }
  /** `open`: the service may accept values that its description does not list. */
  | { readonly enum: readonly (string | number | boolean)[]; readonly open?: true }
  | { readonly oneOf: readonly FactType[] };

/** One input. Bounds are inclusive; lengths in characters, item counts for lists. */
export interface FactProperty {
  readonly type: FactType;
  readonly required?: true;
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

export type FactShape = Readonly<Record<string, FactProperty>>;

/**
 * Properties of a resource or of an object in it, as the service returns them: `""` for plain values, else the name
 * of the {@link Facts.outputs} entry that describes the object, or the elements of the list or map.
 */
export type FactOutputs = Readonly<Record<string, string>>;

/** One resource type: the shapes of its inputs and of its properties. */
export interface FactResource {
  /** API version the SDK talks to; absent for providers without one. */
  readonly apiVersion?: string;
  readonly inputs: string;
  readonly outputs: FactOutputs;
}

/** What vendors publish about the types of one provider package, extracted by `npm run facts`. */
export interface Facts {
  /** Packages and versions it was extracted from. */
  readonly sources: Readonly<Record<string, string>>;
  readonly resources: Readonly<Record<string, FactResource>>;
  readonly shapes: Readonly<Record<string, FactShape>>;
  readonly outputs: Readonly<Record<string, FactOutputs>>;
}
