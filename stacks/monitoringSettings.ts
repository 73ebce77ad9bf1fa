import { Maintenance } from "../infra/alerting/maintenance";
import { AlertSettings } from "../infra/alerting/settings";
import { UPGRADE_WINDOW_HOURS } from "../infra/maintenance";
import { SECRET_CATALOG } from "../infra/secretCatalog";
import { expiry } from "../infra/secretLife";
import { StackConfig } from "./schema";
import { WEEKLY_WINDOW_NAMES } from "./schema/monitoringRules";

/** Weekly windows are the database's and the cluster's own; announced ones come from the stack file. */
export function maintenanceOf({ database, cluster, alerts: { maintenance } }: StackConfig): Maintenance {
  return {
    weekly: [
      // Azure gives no length for the database's window; its documentation speaks of an hour.
      { name: WEEKLY_WINDOW_NAMES.database, ...database.maintenanceWindow, hours: 1 },
      { name: WEEKLY_WINDOW_NAMES.cluster, ...cluster.upgradeWindow, hours: UPGRADE_WINDOW_HOURS },
    ],
    announced: maintenance,
  };
}

/** What the catalogue of alerts is made from. */
export function alertSettings(config: StackConfig, namespace: string): AlertSettings {
  const { secretsIssued, secretRotationDays } = config.vault;
  const lives = SECRET_CATALOG.filter(({ source }) => source !== "external").map(({ rotationDays }) =>
    Math.min(rotationDays, secretRotationDays),
  );
  return {
    thresholds: config.alerts.thresholds,
    objectives: { rpoMinutes: config.recovery.rpoMinutes, rtoMinutes: config.recovery.rtoMinutes },
    namespace,
    secretExpiry: Object.fromEntries(lives.map((days) => [String(days), expiry(secretsIssued, days)])),
  };
}
