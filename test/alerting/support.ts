import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import { AlertSettings, DEFAULT_THRESHOLDS } from "../../packages/alerting/settings";
import {
  findMonitoringProgram,
  MonitoringProgram,
  monitoringProgram,
} from "../../packages/local-servers/monitoringPrograms";

export const ROOT = path.join(__dirname, "..", "..");

/** Settings every rule in the tests is made from. */
export const SETTINGS: AlertSettings = {
  thresholds: DEFAULT_THRESHOLDS,
  objectives: { rpoMinutes: 60, rtoMinutes: 240 },
  namespace: "forma3d",
  // Ten minutes more than the warning time, so that it starts eleven minutes into a test.
  servingRegion: "West Europe",
  servingOrigins: ["10.10.3.238", "10.10.3.239"],
  secretExpiry: { "90": 14 * 86_400 + 600 },
};

/**
 * `describe` where Prometheus's programs are there. Where they are not, continuous integration fails, and a
 * laptop sees one test skipped that names what is missing.
 */
export function describeWith(programs: readonly MonitoringProgram[], title: string, body: () => void): void {
  const missing = programs.filter((program) => !findMonitoringProgram(program, ROOT));
  if (missing.length === 0) {
    describe(title, body);
  } else if (process.env.CI) {
    test(`${title}: needs ${missing.join(", ")}`, () => {
      missing.forEach((program) => monitoringProgram(program, ROOT));
    });
  } else {
    test.skip(`${title}: skipped, ${missing.join(", ")} missing; run: sh packages/local-servers/monitoring.sh`, () =>
      undefined);
  }
}

export interface ToolResult {
  ok: boolean;
  output: string;
}

/** Runs a program to its end. */
export function run(program: MonitoringProgram, args: readonly string[], cwd: string): ToolResult {
  try {
    const output = execFileSync(monitoringProgram(program, ROOT), [...args], {
      cwd,
      encoding: "utf8",
      stdio: "pipe",
    });
    return { ok: true, output };
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: `${stdout ?? ""}${stderr ?? ""}` };
  }
}

/** A folder that is gone when the body ends. */
export function withFolder<T>(body: (folder: string) => T): T {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "forma3d-alerting-"));
  try {
    return body(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

export function writeYaml(folder: string, file: string, content: unknown): string {
  fs.writeFileSync(path.join(folder, file), yaml.dump(content, { lineWidth: -1, noRefs: true }));
  return file;
}
