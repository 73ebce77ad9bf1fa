import fs from "node:fs";
import path from "node:path";

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
  const folders = [
    ...(process.env.PATH ?? "").split(path.delimiter),
    ...UNPACKED.map((folder) => path.join(root, folder)),
    "/usr/sbin",
    "/opt/homebrew/bin",
  ];
  return folders
    .filter((folder) => path.isAbsolute(folder))
    .flatMap((folder) => NAMES[program].map((name) => path.join(folder, name)))
    .find((file) => fs.existsSync(file));
}

/** Path of a program. @throws Error that says how to get it. */
export function monitoringProgram(program: MonitoringProgram, root: string): string {
  const found = findMonitoringProgram(program, root);
  if (!found)
    throw new Error(`${program} was not found; get it with: sh packages/local-servers/monitoring.sh`);
  return found;
}
