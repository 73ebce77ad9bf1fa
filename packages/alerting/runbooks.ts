/** Runbooks an alert may lead to, with the situation each is for; the page is `docs/runbooks/<key>.md`. */
export const RUNBOOKS = {
  "database-connection": "Database unreachable or out of connections",
  "database-failover": "Standby or replica must take over, or lags behind",
  "accidental-deletion": "Data or its protection was deleted",
  "application-crash": "API or dashboard pods crash or cannot be scheduled",
  "error-rate-spike": "Many requests fail or are slow",
  "memory-oom": "Containers or nodes run out of memory",
  "disk-space": "A disk fills up",
  "shopify-webhooks": "Shopify webhooks fail or stop",
  "partner-down": "Shopify, SimplyPrint or SendCloud is down: which one, and how to work without it",
  "simplyprint-sync": "SimplyPrint is down or out of step",
  "sendcloud-shipping": "SendCloud is down, labels wait",
  "queue-backlog": "The retry queue grows",
  "webhook-flood": "Too many requests or webhooks",
  "security-breach": "Somebody is where they must not be",
  "credential-rotation": "A secret expires or is compromised",
  misconfiguration: "A deployment or setting broke something",
  "network-dns": "The platform works but cannot be reached",
  "ssl-renewal": "A certificate expires",
  "region-loss": "Azure has lost the primary region",
  "backup-failed": "A backup is missing, late or unverified",
  "drill-overdue": "A recovery drill is overdue or failed",
  "not-ready": "A daily readiness check failed or did not run: a failover would not work today",
  "monitoring-blind": "Monitoring itself no longer sees or speaks",
} as const;

export type Runbook = keyof typeof RUNBOOKS;

/** Address under which the pages of `docs/runbooks` are published (report §9.3), unless a stack says another. */
export const RUNBOOK_BASE_URL = "https://docs.forma3d.com/runbooks";

/** Where a runbook is read: the page as the site's generator names it, which any web server finds. */
export function runbookUrl(baseUrl: string, runbook: string): string {
  return `${baseUrl}/${runbook}.html`;
}
