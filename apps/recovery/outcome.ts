import { renameSync, writeFileSync } from "node:fs";
import { messageOf, type ExitCode } from "../../packages/command/errors";

const PUSH_TIMEOUT_MS = 5_000;

/**
 * Makes the outcome of a run a metric, where a Pushgateway or a metrics file is configured. Read from the
 * environment directly, because a run that fails for its settings must be counted too.
 * Never fails the run: an unreachable gateway is reported through `warn`.
 */
export async function publishOutcome(
  env: NodeJS.ProcessEnv,
  run: { verb: string; exitCode: ExitCode; endedAt: Date; seconds: number },
  warn: (message: string) => void,
): Promise<void> {
  const gateway = env.PUSHGATEWAY_URL;
  const file = env.METRICS_FILE;
  if (!gateway && !file) return;
  // Loaded on demand: most runs are over in a second, and have no use for it.
  const { Gauge, Pushgateway, Registry } = await import("prom-client");
  const registry = new Registry();
  const environment = env.ENVIRONMENT ?? "";
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name, help, labelNames: ["verb", "environment"], registers: [registry] }).set(
      { verb: run.verb, environment },
      value,
    );
  gauge(
    "pgbackup_last_run_success",
    "1 when the last run of this verb ended with exit code 0",
    +(run.exitCode === 0),
  );
  gauge("pgbackup_last_run_exit_code", "Exit code of the last run of this verb", run.exitCode);
  gauge(
    "pgbackup_last_run_timestamp_seconds",
    "When the last run ended",
    Math.floor(run.endedAt.getTime() / 1000),
  );
  gauge("pgbackup_last_run_duration_seconds", "How long the last run took", run.seconds);
  try {
    if (file) {
      writeFileSync(`${file}.new`, await registry.metrics());
      renameSync(`${file}.new`, file);
    }
    if (gateway) {
      const client = new Pushgateway(gateway, { timeout: PUSH_TIMEOUT_MS }, registry);
      await client.push({
        jobName: "recovery",
        groupings: { verb: run.verb, environment: environment || "unknown" },
      });
    }
  } catch (error) {
    warn(`warning: the outcome could not be published: ${messageOf(error)}`);
  }
}
