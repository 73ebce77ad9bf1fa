/**
 * Paths partners deliver webhooks to, in a request's URL with or without host. It is anchored, so that naming a
 * webhook in a query does not lift a client out of the lower limit.
 */
export const WEBHOOK_PATHS = "^(https?://[^/?#]+)?/(api/)?(v[0-9]+/)?webhooks(/|\\?|$)";
