import { formatDuration } from "../duration";
import type { DrillReport, ScenarioReport } from "./report";

/** What keeps a scenario from passing, and why; empty for one that passed. */
function shortfalls({ measured, targets, verdict, checks, reason }: ScenarioReport): string[] {
  const objective = (name: string, verdict: string, value: number | null, target: number): string[] =>
    verdict === "met"
      ? []
      : [
          `${name} ${value === null ? "was not measured" : formatDuration(value)}, target ${formatDuration(target)}`,
        ];
  // What could not be run measured nothing.
  if (reason) return [reason];
  return [
    ...objective("RTO", verdict.rto, measured.rtoSeconds, targets.rtoSeconds),
    ...objective("RPO", verdict.rpo, measured.rpoSeconds, targets.rpoSeconds),
    ...checks
      .filter(({ status }) => status !== "PASS")
      .map(({ id, status, expected, actual }) => `${id} ${status}: ${actual}, expected ${expected}`),
  ];
}

/** A line for each scenario that did not pass, by its title: the first thing whoever reads a failed report needs. */
export const shortfallLines = ({ scenarios }: Pick<DrillReport, "scenarios">): string[] =>
  scenarios
    .filter(({ verdict }) => verdict.overall !== "PASS")
    .map((scenario) => `${scenario.title} (${scenario.id}): ${shortfalls(scenario).join("; ")}`);
