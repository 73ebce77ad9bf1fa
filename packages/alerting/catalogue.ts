import { applicationAlerts } from "./alerts/application";
import { AZURE_ACTIVITY_ALERTS, azureMetricAlerts, regionIncident } from "./alerts/azure";
import { backupAlerts } from "./alerts/backups";
import { clusterAlerts } from "./alerts/cluster";
import { CRITICAL_ALERTS } from "./alerts/critical";
import { DATABASE_ACTIVITY_ALERTS, databaseAlerts, databaseMetricAlerts } from "./alerts/database";
import { readinessAlerts } from "./alerts/readiness";
import { expiryAlerts, expiryRecordings } from "./alerts/expiry";
import { MONITORING_ALERTS } from "./alerts/monitoring";
import { RUNBOOK_BASE_URL } from "./runbooks";
import { AlertSettings } from "./settings";
import { sloAlerts, sloRecordings } from "./sloRules";
import { Catalogue } from "./types";
import { checkCatalogue } from "./validate";

/**
 * Everything that is watched in an environment: the one source of every rule file, Azure alert and page.
 * @throws CatalogueError that names each wrong entry and what is wrong with it.
 */
export function alertCatalogue(settings: AlertSettings): Catalogue {
  return checkCatalogue({
    alerts: [
      ...CRITICAL_ALERTS,
      ...databaseAlerts(settings),
      ...applicationAlerts(settings),
      ...clusterAlerts(settings),
      ...backupAlerts(settings),
      ...readinessAlerts(settings),
      ...expiryAlerts(settings),
      ...MONITORING_ALERTS,
      ...sloAlerts(),
      ...databaseMetricAlerts(settings),
      ...azureMetricAlerts(settings),
      ...DATABASE_ACTIVITY_ALERTS,
      ...AZURE_ACTIVITY_ALERTS,
      regionIncident(settings),
    ],
    runbookBaseUrl: settings.runbookBaseUrl ?? RUNBOOK_BASE_URL,
    recordings: [...expiryRecordings(settings), ...sloRecordings()],
  });
}
