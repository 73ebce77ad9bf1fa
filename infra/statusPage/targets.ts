import {
  Check,
  MONITORED_SERVICES,
  MonitoredService,
  serviceProblems,
} from "../../packages/alerting/services";
import { CatalogueError } from "../../packages/alerting/validate";

/** Where a page asks from, and so which addresses it uses. */
export interface PageTargets {
  /** Base addresses without trailing slash, e.g. `http://api` inside and `https://api.forma3d.com` outside. */
  api: string;
  dashboard: string;
  /** Host of the database; absent outside, where it has no address. */
  database?: string;
}

/** A service as one page asks for it. */
export interface PageService extends Pick<
  MonitoredService,
  "name" | "job" | "group" | "intervalSeconds" | "timeoutSeconds"
> {
  check: Check;
  /** Full address of an HTTP check, or the host of a TCP check. */
  address: string;
}

/**
 * The services of a page: outside, a service without an address there is asked through another one.
 * @throws CatalogueError that names each wrong service.
 */
export function pageServices(
  targets: PageTargets,
  monitored: readonly MonitoredService[] = MONITORED_SERVICES,
): PageService[] {
  const problems = serviceProblems(monitored);
  if (problems.length > 0) throw new CatalogueError(problems);
  return monitored.map((service) => {
    const { name, job, group, intervalSeconds, timeoutSeconds } = service;
    const common = { name, job, group, intervalSeconds, timeoutSeconds };
    const inside = service.target === "database" ? targets.database : targets[service.target];
    const { target, check } =
      inside === undefined && service.outside
        ? service.outside
        : { target: service.target, check: service.check };
    const base = target === "database" ? targets.database : targets[target];
    if (base === undefined) throw new Error(`${name}: no address on this page`);
    return { ...common, check, address: check.type === "http" ? `${base}${check.path}` : base };
  });
}
