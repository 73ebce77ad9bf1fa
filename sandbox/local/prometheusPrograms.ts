import fs from "node:fs";
import path from "node:path";

const NAMES = {
  promtool: ["promtool"],
  amtool: ["amtool"],
  prometheus: ["prometheus"],
  // Debian adds the prefix.
  alertmanager: ["alertmanager", "prometheus-alertmanager"],
} as const;

export type PrometheusProgram = keyof typeof NAMES;

/** Where `sandbox/local/prometheus.sh` unpacks the programs, below the repository's root. */
export const UNPACKED = path.join(".build", "prometheus", "usr", "bin");

/** Path of a program, on PATH or unpacked below `root`; undefined when it is nowhere. */
export function findPrometheusProgram(program: PrometheusProgram, root: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? "").split(path.delimiter),
    path.join(root, UNPACKED),
    "/opt/homebrew/bin",
  ];
  return folders
    .filter((folder) => path.isAbsolute(folder))
    .flatMap((folder) => NAMES[program].map((name) => path.join(folder, name)))
    .find((file) => fs.existsSync(file));
}

/** Path of a program. @throws Error that says how to get it. */
export function prometheusProgram(program: PrometheusProgram, root: string): string {
  const found = findPrometheusProgram(program, root);
  if (!found) throw new Error(`${program} was not found; get it with: sh sandbox/local/prometheus.sh`);
  return found;
}
