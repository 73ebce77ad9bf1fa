import type { Estimate } from "../cost/price";
import type { ResourceChange } from "../render/change";
import type { Outcome } from "../render/verdict";
import type { Html } from "./html";

/** What a page is made of beside the plan. */
export interface PageFacts {
  /** Price of the plan, or why there is none. */
  readonly cost: Estimate | string;
  readonly outcome: Outcome;
  /** What changes against an earlier plan, what that is called, and what it cost. */
  readonly changes?: {
    readonly against: string;
    readonly list: readonly ResourceChange[];
    readonly cost: Estimate | string;
  };
}

/** A section with an anchor the head of the page links to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}
