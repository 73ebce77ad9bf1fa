import path from "node:path";
import { onPath } from "./onPath";

const NAMES = {
  promtool: ["promtool"],
  amtool: ["amtool"],
  prometheus: ["prometheus"],
  // Debian adds the prefix.
  alertmanager: ["alertmanager", "prometheus-alertmanager"],
  nginx: ["nginx"],
} as const;

export type MonitoringProgram = keyof typeof NAMES;

/** Where `packages/local-servers/monitoring.sh` unpacks the programs, below the repository's root. */
const UNPACKED = ["bin", "sbin"].map((folder) => path.join(".build", "monitoring", "usr", folder));

/** Path of a program, on PATH or unpacked below `root`; undefined when it is nowhere. */
export function findMonitoringProgram(program: MonitoringProgram, root: string): string | undefined {
  const unpacked = UNPACKED.map((folder) => path.join(root, folder));
  return onPath(NAMES[program], [...unpacked, "/usr/sbin", "/opt/homebrew/bin"]);
}

/** Path of a program. @throws Error that says how to get it. */
export function monitoringProgram(program: MonitoringProgram, root: string): string {
  const found = findMonitoringProgram(program, root);
  if (!found)
    throw new Error(`${program} was not found; get it with: sh packages/local-servers/monitoring.sh`);
  return found;
}
