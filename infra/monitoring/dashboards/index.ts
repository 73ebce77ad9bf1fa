import { DATABASE } from "./database";
import { grafanaDashboard, GrafanaDashboard } from "./panels";
import { PLATFORM } from "./platform";
import { RECOVERY } from "./recovery";
import { SLO } from "./slo";

/** Every dashboard as Grafana's JSON model. @param runbookBaseUrl address of the runbooks, without a slash at its end. */
export function dashboards(runbookBaseUrl: string): readonly GrafanaDashboard[] {
  return [PLATFORM, DATABASE, RECOVERY, SLO].map((source) => grafanaDashboard(source, runbookBaseUrl));
}
