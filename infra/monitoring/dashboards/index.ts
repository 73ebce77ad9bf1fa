import { DATABASE } from "./database";
import { grafanaDashboard, GrafanaDashboard } from "./panels";
import { PLATFORM } from "./platform";
import { RECOVERY } from "./recovery";
import { SLO } from "./slo";

/** Every dashboard as Grafana's JSON model. */
export const DASHBOARDS: readonly GrafanaDashboard[] = [PLATFORM, DATABASE, RECOVERY, SLO].map(
  grafanaDashboard,
);
