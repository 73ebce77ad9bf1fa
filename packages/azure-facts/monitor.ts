/**
 * Windows a metric alert may look at, from short to long, as ISO 8601 durations
 * (https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-metric-overview).
 */
export const METRIC_ALERT_WINDOWS = ["PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D"];

/** How often one may be evaluated. */
export const METRIC_ALERT_FREQUENCIES = METRIC_ALERT_WINDOWS.slice(0, 5);
