/** What differs between two plans in one property. */
export interface PropertyChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  /** Whether this change alone replaces the resource. */
  readonly replaces: boolean;
  /** Whether Pulumi is told to leave it as it is: what exists keeps its value. */
  readonly ignored?: true;
}

/** What a danger does, the gravest first: data goes, less of it is kept, something is made anew, lies open, or is refused. */
export const GRAVITIES = ["data", "kept", "anew", "open", "refused"] as const;

/** What must not happen, in words. */
export interface Danger {
  readonly gravity: (typeof GRAVITIES)[number];
  readonly text: string;
}

/** What differs between two plans in one resource. */
export interface ResourceChange {
  /** `ignored` when all that differs is left as it is. */
  readonly kind: "added" | "removed" | "changed" | "replaced" | "ignored";
  readonly urn: string;
  readonly type: string;
  /** URN it had before, when it was renamed with an alias. */
  readonly formerUrn?: string;
  readonly properties: readonly PropertyChange[];
  /** What would be lost, laid open, stopped or refused; empty when nothing. */
  readonly danger: string;
  /** Of the danger; absent when there is none. */
  readonly gravity?: Danger["gravity"];
  /** Whether the danger is to what runs, and not to data. */
  readonly stops?: true;
}
