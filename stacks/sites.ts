/** Connections one API pod keeps to the pooler. */
export const CONNECTIONS_PER_POD = 10;

/** Public sites, in the order of their load balancers' addresses: a new one is added at the end. */
export const SITES = ["api", "dashboard"] as const;

export type Site = (typeof SITES)[number];

/** Port and health paths of each site, and the path its public name is probed at; the API's are the report's (§4.2). */
export const SITE_HEALTH = {
  api: { port: 3000, live: "/health/live", ready: "/health/ready", edge: "/health" },
  // Static files: being served is being healthy.
  dashboard: { port: 8080, live: "/", ready: "/", edge: "/" },
} as const satisfies Record<Site, { port: number; live: string; ready: string; edge: string }>;
