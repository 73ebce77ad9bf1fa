import fs from "node:fs";
import type { Readiness, ReadinessCheck as CheckResult } from "../../recovery/evidence/readiness";
import { refused } from "../frame/errors";
import { keeping } from "../frame/keeping";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { lookUp } from "../status/findings";
import { soon } from "../status/soon";
import { readinessChecks, type ReadinessChoice } from "./checks";
import { readinessFile } from "./document";

export type { Readiness };

const STATUS = { ok: "PASS", attention: "FAIL", unknown: "NOT_RUN" } as const;

/**
 * Runs every check and keeps the result for `status`.
 * @throws OperationError for a check to leave out that there is not, and when the result could not be kept where it was to be
 */
export async function preflight(
  platform: Platform,
  ground: Ground,
  folder: string,
  choice: ReadinessChoice = {},
): Promise<Readiness> {
  const all = readinessChecks(platform, soon(ground), choice);
  const { leaveOut = [], record = false } = choice;
  for (const id of leaveOut)
    if (!(id in all))
      throw refused(`--leave-out ${id}: there is no such check; allowed: ${Object.keys(all).join(", ")}`);
  const checks = Object.fromEntries(Object.entries(all).filter(([id]) => !leaveOut.includes(id)));
  const findings = await lookUp(
    Object.fromEntries(Object.entries(checks).map(([id, { look }]) => [id, look])),
  );
  const result: Readiness = {
    stack: platform.stack,
    at: ground.now().toISOString(),
    checks: findings.map(({ id, state, text }) => ({
      id,
      status: STATUS[state],
      text,
      ...(state !== "ok" && { todo: checks[id]?.todo ?? "" }),
    })),
  };
  keeping(folder, () =>
    fs.writeFileSync(readinessFile(folder, platform.stack), `${JSON.stringify(result, null, 2)}\n`, {
      mode: 0o600,
    }),
  );
  if (record) await ground.records.keepReadiness(result);
  return result;
}

/** 0: ready. 1: a check failed. 3: none did, but one could not be run. */
export function readinessCode({ checks }: Readiness): 0 | 1 | 3 {
  if (checks.some(({ status }) => status === "FAIL")) return 1;
  return checks.some(({ status }) => status === "NOT_RUN") ? 3 : 0;
}

export function renderReadiness({ checks }: Readiness): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  return checks
    .map(
      ({ id, status, text, todo }) =>
        `${status.padEnd(7)}  ${id.padEnd(width)}  ${text}${todo ? `\n         do: ${todo}` : ""}\n`,
    )
    .join("");
}

/** The same for Prometheus (text exposition format): one series per check, and when they were run. */
export function readinessMetrics({ stack, at, checks }: Readiness): string {
  const labels = (id: string) => `{stack="${stack}",check="${id}"}`;
  const of = (wanted: CheckResult["status"]) => (check: CheckResult) =>
    `${labels(check.id)} ${check.status === wanted ? 1 : 0}`;
  const series = (name: string, help: string, lines: string[]) =>
    [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines.map((line) => `${name}${line}`)].join("\n");
  return `${[
    series(
      "forma3d_readiness_pass",
      "Whether a readiness check passed (1) or not (0).",
      checks.map(of("PASS")),
    ),
    series(
      "forma3d_readiness_not_run",
      "Whether a readiness check could not be run (1).",
      checks.map(of("NOT_RUN")),
    ),
    series("forma3d_readiness_checked_at_seconds", "When the checks were run, in Unix seconds.", [
      `{stack="${stack}"} ${Date.parse(at) / 1000}`,
    ]),
  ].join("\n")}\n`;
}
