/** Shares of the amount at which somebody is told, percent: of what was spent, and of what the month will come to. */
export const BUDGET_THRESHOLDS = [
  { name: "spent-80", threshold: 80, thresholdType: "Actual" },
  { name: "spent-100", threshold: 100, thresholdType: "Actual" },
  { name: "forecast-110", threshold: 110, thresholdType: "Forecasted" },
] as const;
