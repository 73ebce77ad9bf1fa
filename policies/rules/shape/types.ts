/** What production's plan has of one type. */
export interface TypeShape {
  /** What its resources are called, without environment, place and numbers; `*` where the stack file gives names. */
  readonly names: readonly string[];
  /** Deepest paths any of them has: `spec.rules[].host`; `*` stands for any key of a map of texts. */
  readonly properties: readonly string[];
  /** Types a property comes from wherever it is given, by property. */
  readonly from: Readonly<Record<string, readonly string[]>>;
  /** Whether each of them has the option `protect`. */
  readonly protect: boolean;
  /** Whether any of them goes before it is replaced. */
  readonly deleteBeforeReplace: boolean;
  /** Paths each of them ignores; a single one's are in {@link Standing}. */
  readonly ignoreChanges: readonly string[];
  /** Outputs each of them keeps secret. */
  readonly additionalSecretOutputs: readonly string[];
}

/** What is so of single resources, whose names have their places, while the regions are for certain things. */
export interface Standing {
  /** Those that are there whatever keys the stack file has: `Server database-primary`. */
  readonly resources: readonly string[];
  /** Which of several each property leads to: `ManagementLockByScope database-primary-lock scope: Server database-primary`. */
  readonly wiring: readonly string[];
  /** Paths a single resource ignores: `Server database-primary *`. */
  readonly ignoreChanges: readonly string[];
}

/** What one production stack consists of, whatever it is called and however often it has a thing. */
export interface Shape {
  readonly types: Readonly<Record<string, TypeShape>>;
  /** Who may what on what, who is taken for whom, and who may talk to whom: see `rightsOf`. */
  readonly rights: readonly string[];
  readonly standing: Standing;
}

/** Shapes by `project/stack`. */
export type Shapes = ReadonlyMap<string, Shape>;
