import { Maintenance } from "../packages/alerting/maintenance";
import { AlertSettings } from "../packages/alerting/settings";
import { UPGRADE_WINDOW_HOURS } from "../packages/azure-facts/maintenance";
import { SECRET_CATALOG } from "../infra/secrets/secretCatalogue";
import { issuedOn } from "../infra/secrets/secretIssue";
import { expiry } from "../infra/secrets/secretLife";
import { REGIONS } from "../infra/regions";
import { regionSubnets } from "../infra/network/addressing";
import { loadBalancerAddress } from "../infra/kubernetes/exposure";
import { SITES } from "./sites";
import { secretIssues } from "./names";
import { servingPlace } from "./roles";
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
  const place = servingPlace(config);
  const serving = config.network[place];
  const { location } = config.regions[place] ?? config.regions.primary;
  const issues = secretIssues(config);
  const secretExpiry: Record<string, number> = {};
  for (const entry of SECRET_CATALOG.filter(({ source }) => source !== "external")) {
    const days = Math.min(entry.rotationDays, config.vault.secretRotationDays);
    const ends = expiry(issuedOn(entry, issues), days);
    secretExpiry[days] = Math.min(ends, secretExpiry[days] ?? ends);
  }
  return {
    thresholds: config.alerts.thresholds,
    objectives: { rpoMinutes: config.recovery.rpoMinutes, rtoMinutes: config.recovery.rtoMinutes },
    namespace,
    servingRegion: REGIONS[location].displayName,
    servingOrigins: serving
      ? SITES.map((_, index) => loadBalancerAddress(regionSubnets(serving.addressSpace).nodes, index))
      : [],
    secretExpiry,
    runbookBaseUrl: config.alerts.runbookBaseUrl,
  };
}
