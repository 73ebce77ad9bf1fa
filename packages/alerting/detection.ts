import { promSeconds } from "./duration";
import { PRIORITY_POLICY } from "./priorities";
import { EVALUATION_SECONDS } from "./render/prometheus";
import { PrometheusAlert } from "./types";

/** How often metrics are scraped, seconds: the default of Azure's managed Prometheus. */
const SCRAPE_SECONDS = 30;

/** Time in which an outage must be noticed (report §11.3), seconds. */
export const DETECTION_TARGET_SECONDS = 300;

/**
 * Longest time from an event to the message, seconds: it happens just after a scrape, the scrape comes just after an
 * evaluation, and the expression then holds for the alert's patience. Holds for expressions that follow the
 * newest sample; a range adds the part of it that must have gone bad.
 */
export function worstDetectionSeconds(alert: PrometheusAlert): number {
  return (
    SCRAPE_SECONDS +
    EVALUATION_SECONDS +
    // Patience is counted in whole evaluations.
    Math.ceil((promSeconds(alert.for) ?? 0) / EVALUATION_SECONDS) * EVALUATION_SECONDS +
    (promSeconds(PRIORITY_POLICY[alert.priority].groupWait) ?? 0)
  );
}
