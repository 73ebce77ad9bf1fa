import { AlertSettings } from "../settings";
import { PrometheusAlert } from "../types";

/** Whether a failover would work today, by the checks of every day: one that failed, none of late, or none at all. */
export function readinessAlerts({ thresholds: { readinessMaxAgeHours } }: AlertSettings): PrometheusAlert[] {
  return [
    {
      kind: "prometheus",
      group: "forma3d-readiness",
      name: "NotReady",
      expression: [
        "min by (check) (forma3d_readiness_pass) == 0",
        `time() - max(forma3d_readiness_checked_at_seconds) > ${readinessMaxAgeHours * 3_600}`,
        "absent(forma3d_readiness_checked_at_seconds)",
      ].join(" or "),
      // Two reads of the exporter, so that one that found no store is no alarm.
      for: "15m",
      priority: "P3",
      summary: "A failover would not work today",
      description: `The readiness check {{ $labels.check }} did not pass; without a name: none has run for ${readinessMaxAgeHours} hours, or nobody knows of one`,
      runbook: "not-ready",
      owner: "platform",
      risks: ["R01", "R02", "R10"],
    },
  ];
}
