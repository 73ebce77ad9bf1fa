import type { Command } from "commander";
import { OVERALL } from "../drill/objectives";
import { ExitCode, messageOf, NotRunError } from "../../../packages/command/errors";
import type { Gauges } from "../exporter/gauges";
import { takeReading } from "../exporter/reading";
import { DEFAULT_PORT, startExporter } from "../exporter/server";
import type { RunContext } from "../context";
import { parseDurationOption, parsePortOption } from "../parse";
import type { Outcome, RunVerb } from "../runner";
import type { Settings } from "../settings";
import { openTargets } from "../store/fleet";

const DEFAULT_INTERVAL_SECONDS = 300;

export interface MetricsOptions {
  host: string;
  port: number;
  interval: number;
  once?: boolean;
  json?: boolean;
}

async function gaugesOf({ objectives }: Settings): Promise<Gauges> {
  // Loaded on demand: the client of Prometheus is no other verb's.
  const { Gauges } = await import("../exporter/gauges");
  return new Gauges({
    rtoSeconds: objectives.rtoSeconds ?? OVERALL.rtoSeconds,
    rpoSeconds: objectives.rpoSeconds ?? OVERALL.rpoSeconds,
  });
}

/** Serves the metrics until the signal aborts. @throws UsageError when the port is taken */
export async function runMetrics(
  settings: Settings,
  options: MetricsOptions,
  context: RunContext,
): Promise<void> {
  const exporter = await startExporter({
    host: options.host,
    port: options.port,
    intervalSeconds: options.interval,
    gauges: await gaugesOf(settings),
    // Opened anew each time: a credential that could not be had at first may be there now.
    read: async () => takeReading(await openTargets(settings), context.now()),
    note: context.progress.note,
    signal: context.signal,
  });
  context.progress.note(`serving http://${options.host}:${exporter.port}/metrics, /healthz and /readyz`);
  await exporter.ended;
}

/** Reads once. @throws NotRunError when the storage account does not answer */
async function readOnce(settings: Settings, context: RunContext): Promise<Outcome> {
  const gauges = await gaugesOf(settings);
  try {
    gauges.update(await takeReading(await openTargets(settings), context.now()));
  } catch (error) {
    throw new NotRunError(messageOf(error));
  }
  return {
    document: await gauges.registry.getMetricsAsJSON(),
    text: await gauges.registry.metrics(),
    exitCode: ExitCode.ok,
  };
}

export function registerMetrics(program: Command, runVerb: RunVerb): void {
  program
    .command("metrics")
    .description("serve the catalogue and the drill reports as Prometheus metrics, until it is ended")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <port>", "TCP port to listen on; 0 lets the system choose", parsePortOption, DEFAULT_PORT)
    .option(
      "--interval <duration>",
      "time between two reads, in seconds",
      parseDurationOption,
      DEFAULT_INTERVAL_SECONDS,
    )
    .option("--once", "read once, print the metrics and end")
    .option("--json", "with --once: print them as one JSON document")
    .action((options: MetricsOptions) =>
      runVerb("metrics", options, ["store"], async (settings, context) => {
        if (options.once) return readOnce(settings, context);
        await runMetrics(settings, options, context);
        return { document: { ended: true }, text: "", exitCode: ExitCode.ok };
      }),
    );
}
