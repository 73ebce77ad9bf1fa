import { virtualEndpointHosts, type RegionNames } from "../../infra/naming";
import { REGIONS } from "../../infra/regions";
import { readStacks } from "../../stacks/files";
import { stackPlatformNames } from "../../stacks/names";
import { SITE_HEALTH, SITES } from "../../stacks/sites";
import { refused } from "./frame/errors";

/** One region of an environment, by the names the stack file gives it. */
export interface RegionFacts {
  /** Key of the stack file: `primary` or `secondary`. */
  place: "primary" | "secondary";
  location: string;
  /** Short form; login roles of the region's workloads end in `_<code>`. */
  code: string;
  resourceGroup: string;
  server: string;
  serverHost: string;
  cluster: string;
}

/** What an operation needs to know of an environment. All of it derives from the stack file: no state is asked. */
export interface Platform {
  stack: string;
  subscriptionId: string;
  tenantId: string;
  regions: readonly RegionFacts[];
  namespace: string;
  writerHost: string;
  /** Name of the application's database. */
  database: string;
  /** Public addresses that must answer 200. */
  sites: readonly string[];
  targets: { rpoSeconds: number; rtoSeconds: number };
}

/** @throws OperationError for a stack that has no file */
export function platformOf(root: string, stack: string): Platform {
  const stacks = readStacks(root);
  const config = stacks[stack];
  if (!config) throw refused(`stack "${stack}" has no file; allowed: ${Object.keys(stacks).join(", ")}`);
  const names = stackPlatformNames(config);
  const region = (place: RegionFacts["place"], of: RegionNames): RegionFacts => ({
    place,
    location: of.region,
    code: REGIONS[of.region].code,
    resourceGroup: of.resourceGroup,
    server: of.server,
    serverHost: `${of.server}.postgres.database.azure.com`,
    cluster: of.cluster,
  });
  const { edge, recovery, azure, database } = config;
  const hosts = { api: edge.apiHostName, dashboard: edge.dashboardHostName };
  return {
    stack,
    subscriptionId: azure.subscriptionId,
    tenantId: azure.tenantId,
    regions: [
      region("primary", names.primary),
      ...(names.secondary ? [region("secondary", names.secondary)] : []),
    ],
    namespace: names.namespace,
    writerHost: virtualEndpointHosts(names.virtualEndpoint).writer,
    database: database.applicationDatabase,
    sites: SITES.map((site) => `https://${hosts[site]}${SITE_HEALTH[site].ready}`),
    targets: { rpoSeconds: recovery.rpoMinutes * 60, rtoSeconds: recovery.rtoMinutes * 60 },
  };
}
