import { type Command, InvalidArgumentError } from "commander";
import { promSeconds } from "../../../packages/alerting/duration";
import { AnnouncedWindow } from "../../../packages/alerting/maintenance";
import { availabilityReport, AvailabilityReport } from "../../../packages/alerting/report";
import { healthMinutes } from "./prometheusApi";
import { reportText } from "./sloText";
import { readOutsideOutages } from "./outages";
import { readStackFile } from "../../../stacks/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { print } from "../../../packages/command/terminal";

/** Below this share of measured minutes a report says nothing about the rest. */
const COVERAGE_NEEDED = 0.99;

const EXIT = { met: 0, missed: 1, notMeasured: 3 } as const;

const EXITS = {
  [EXIT.met]: "the objective is met",
  [EXIT.missed]: "the objective is missed",
  [EXIT.notMeasured]: `Prometheus does not answer, or less than ${COVERAGE_NEEDED * 100}% of the window was measured`,
};

const TOKEN = `\
A managed Prometheus wants a token: set PROMETHEUS_TOKEN, for Azure from
  az account get-access-token --resource https://prometheus.monitor.azure.com --query accessToken --output tsv`;

interface ReportOptions {
  window: number;
  prometheus: string;
  end: number;
  stack?: string;
  outages?: string;
  json?: boolean;
}

function parseWindow(text: string): number {
  const seconds = promSeconds(text);
  if (!seconds || seconds % 60 !== 0 || seconds > 92 * 86_400) {
    throw new InvalidArgumentError("expected whole minutes up to 92 days, e.g. 30d");
  }
  return seconds / 60;
}

function parseUrl(text: string): string {
  if (!/^https?:\/\/[^/]+/.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError("expected an http(s) address, e.g. http://127.0.0.1:9090");
  }
  return text;
}

function parseInstant(text: string): number {
  const instant = /^\d{4}-\d\d-\d\dT.*Z$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(instant))
    throw new InvalidArgumentError("expected an instant in UTC, e.g. 2026-12-01T00:00:00Z");
  return instant;
}

async function report(options: ReportOptions): Promise<number> {
  const maintenance: readonly AnnouncedWindow[] = options.stack
    ? readStackFile(projectRoot(__dirname), options.stack).config.alerts.maintenance
    : [];
  const outages = options.outages ? readOutsideOutages(options.outages) : [];
  const end = options.end - (options.end % 60_000);
  const from = end - options.window * 60_000;
  const token = process.env.PROMETHEUS_TOKEN;
  const minutes = await healthMinutes(
    { url: options.prometheus, ...(token && { token }) },
    from,
    options.window,
  );
  const result = availabilityReport(from, minutes, maintenance, outages);
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else print(reportText(result));
  return exitCode(result);
}

function exitCode(result: AvailabilityReport): number {
  if (result.coverage < COVERAGE_NEEDED) {
    const share = (result.coverage * 100).toFixed(2);
    console.error(`measured: ${share}% of the window; allowed: at least ${COVERAGE_NEEDED * 100}%`);
    return EXIT.notMeasured;
  }
  return result.budget.remaining >= 0 ? EXIT.met : EXIT.missed;
}

/** The command line. Actions return through `finish`, with an exit code. */
export function buildProgram(finish: (code: number) => void): Command {
  const program = createCommand("slo", "Service level objectives of Forma 3D Connect.", EXITS, TOKEN);
  program
    .command("report")
    .description("availability of a window with the contract's exclusions, error budget and service credits")
    .requiredOption("--prometheus <url>", "Prometheus to ask", parseUrl)
    .option("--window <duration>", "length of the window", parseWindow, 30 * 1_440)
    .option("--end <instant>", "end of the window, UTC; default now", parseInstant, Date.now())
    .option("--stack <name>", "leave out the maintenance windows announced in this stack's file")
    .option("--outages <file>", "leave out the outages of third parties listed in this YAML file")
    .option("--json", "print one JSON document")
    .addHelpText("after", `\n${TOKEN}`)
    .action(async (options: ReportOptions) => finish(await report(options)));
  return program;
}

export async function main(): Promise<void> {
  await runCommand(buildProgram((code) => (process.exitCode = code)));
}
