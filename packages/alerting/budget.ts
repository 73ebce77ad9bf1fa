import { BUDGET_POLICY } from "./sloRules";

/** How much of an objective's error budget is used and left. */
export interface Budget {
  /** Bad minutes the objective allows in the measured time. */
  allowedMinutes: number;
  badMinutes: number;
  /** Share left; negative when the objective is missed. */
  remaining: number;
  /** What the policy asks for (report §10.3). */
  policy: (typeof BUDGET_POLICY)[number];
}

/** Level of the error-budget policy for a share left. A share on a limit belongs to the stricter level. */
export function policyLevel(remaining: number): (typeof BUDGET_POLICY)[number] {
  return BUDGET_POLICY.find(({ above }) => remaining > above) ?? BUDGET_POLICY[BUDGET_POLICY.length - 1]!;
}

/** @param measuredMinutes minutes that count. @param badMinutes those of them that were bad. */
export function errorBudget(target: number, measuredMinutes: number, badMinutes: number): Budget {
  const allowedMinutes = (1 - target) * measuredMinutes;
  // Binary fractions must not put a share that lies on a limit of the policy above it.
  const remaining = allowedMinutes === 0 ? 1 : Number((1 - badMinutes / allowedMinutes).toFixed(9));
  return { allowedMinutes, badMinutes, remaining, policy: policyLevel(remaining) };
}
