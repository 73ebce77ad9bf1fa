import type { Value } from "../../../packages/isolation/rule";

/** A resource as a fixture writes it. */
export interface ResourceFixture {
  type: string;
  name: string;
  props: Record<string, unknown>;
  /** What it turned out to be, for stack rules; the inputs when absent. */
  outputs?: Record<string, unknown>;
  provider?: { type: string; name?: string; props: Record<string, unknown> };
  opts?: { protect?: boolean; ignoreChanges?: string[] };
  /** Names of the fixtures each property's value came from. */
  propertyDependencies?: Record<string, string[]>;
}

export type Props = Record<string, Value>;
