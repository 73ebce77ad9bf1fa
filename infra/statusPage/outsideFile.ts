import { dump } from "js-yaml";
import type { Maintenance } from "../../packages/alerting/maintenance";
import { gatusConfig } from "./gatus";
import type { Incident } from "./incidents";
import { pageServices } from "./targets";

/** Port the outside page listens on, and the secret of its app that is its configuration file. */
export const OUTSIDE_PORT = 8080;
export const OUTSIDE_SECRET = "gatus-config";

export interface OutsideFileArgs {
  environment: string;
  /** Public addresses: outside there are no others. */
  targets: { api: string; dashboard: string };
  maintenance: Maintenance;
  incidents: readonly Incident[];
}

/** Configuration file of the outside page, whoever writes it: an update, or an operator in an incident. */
export function outsideFile({ environment, targets, maintenance, incidents }: OutsideFileArgs): string {
  const services = pageServices(targets);
  const config = gatusConfig({ services, environment, port: OUTSIDE_PORT, maintenance, incidents });
  return dump(config, { lineWidth: -1, noRefs: true });
}
