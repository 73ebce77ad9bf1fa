/**
 * Oldest major version of Grafana a workspace may be made with
 * (https://learn.microsoft.com/azure/managed-grafana/how-to-upgrade-grafana-12): 11 was retired on 15 June 2026. Azure raises
 * what still runs a retired one, and no workspace goes back.
 */
export const OLDEST_GRAFANA = 12;
