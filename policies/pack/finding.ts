/** A finding as it arrives from the pack. */
export interface PackFinding {
  /** Name of the rule. */
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  /** Resource at fault; empty for the stack as a whole. */
  readonly urn: string;
  readonly message: string;
}
