/**
 * Health of the container, for engines that ask by HEALTHCHECK; Kubernetes asks the exporter itself. Only `metrics`
 * serves: a verb that does its work and ends is healthy while it runs.
 */
import { readFileSync } from "node:fs";
import { DEFAULT_PORT } from "./exporter/server";

const TIMEOUT_MS = 4_000;

/** Port the exporter of this command line listens on; undefined for another verb. */
export function exporterPort(commandLine: readonly string[]): number | undefined {
  if (!commandLine.includes("metrics")) return undefined;
  const at = commandLine.indexOf("--port");
  const inline = commandLine.find((argument) => argument.startsWith("--port="));
  return Number((at >= 0 ? commandLine[at + 1] : inline?.slice("--port=".length)) ?? DEFAULT_PORT);
}

/** @returns the exit code: 0 healthy, 1 not */
export async function healthcheck(commandLine: readonly string[]): Promise<number> {
  const port = exporterPort(commandLine);
  if (port === undefined) return 0;
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok ? 0 : 1;
  } catch {
    return 1;
  }
}

export async function main(): Promise<void> {
  process.exit(await healthcheck(readFileSync("/proc/1/cmdline", "utf8").split("\0")));
}
