import type { Cursor, Outcome } from "../../packages/isolation/read";
import type { RiskId } from "../../packages/isolation/rule";

/** Another resource a limit has to know: the one a property of the judged resource leads to. */
export interface Relation {
  /** Name under which the check gets it. */
  readonly as: string;
  /** Top-level property that leads there, e.g. `serverName`. */
  readonly property: string;
  /** Types it may have. */
  readonly types: readonly RegExp[];
}

/** What a check may look at besides the resource's own inputs. */
export interface Surroundings {
  /** Type token of the judged resource. */
  readonly type: string;
  /** Resources of {@link ArmLimit.relations} that were found, by their `as`. */
  readonly related: Readonly<Record<string, Cursor>>;
  /** Resources of the same type with the same parent, without the judged one; see {@link ArmLimit.siblings}. */
  readonly siblings: readonly Cursor[];
}

/** Something Azure Resource Manager refuses, or accepts and then never does. */
export interface ArmLimit {
  /** Stable identifier such as `ARM-001`; never reused. */
  readonly id: string;
  readonly name: string;
  readonly title: string;
  /** What is checked. */
  readonly description: string;
  /** What Azure does otherwise. */
  readonly why: string;
  readonly remediation: string;
  /** Where Azure documents it. */
  readonly url: string;
  readonly waf?: readonly string[];
  readonly risks: readonly RiskId[];
  readonly severity?: "medium" | "high";
  readonly types: readonly RegExp[];
  readonly relations?: readonly Relation[];
  /** The `as` of the relation whose other children are handed to the check. */
  readonly siblings?: string;
  readonly check: (inputs: Cursor, around: Surroundings) => Outcome[];
}
