import { Command, CommanderError } from "commander";
import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { alertCatalogue } from "../../../packages/alerting/catalogue";
import { alertmanagerConfig } from "../../../packages/alerting/render/alertmanager";
import { prometheusRuleGroups } from "../../../packages/alerting/render/prometheus";
import { DASHBOARDS } from "../../../infra/monitoring/dashboards";
import { gatusConfig } from "../../../infra/statusPage/gatus";
import { statpingServices } from "../../../infra/statusPage/statping";
import { pageServices } from "../../../infra/statusPage/targets";
import { readStackFile, stackPlatformNames } from "../../../stacks/files";
import { alertSettings, maintenanceOf } from "../../../stacks/monitoringSettings";
import { ConfigError } from "../../../stacks/problems";
import { projectRoot } from "../../../packages/command/root";

const EXIT = { written: 0, usage: 2 } as const;

interface RenderOptions {
  out: string;
  mailFrom: string;
  smarthost: string;
  secrets: string;
  /** Base address of the blackbox exporter. */
  prober: string;
}

/** The files of one stack, by name. */
export function renderStack(
  root: string,
  stack: string,
  options: Omit<RenderOptions, "out">,
): Record<string, string> {
  const { config } = readStackFile(root, stack);
  const settings = alertSettings(config, stackPlatformNames(config).namespace);
  const maintenance = maintenanceOf(config);
  const { emails, slackChannels } = config.alerts;
  const services = pageServices({
    api: `https://${config.edge.apiHostName}`,
    dashboard: `https://${config.edge.dashboardHostName}`,
  });
  const documents: Record<string, unknown> = {
    "rules.yml": { groups: prometheusRuleGroups(alertCatalogue(settings)) },
    "alertmanager.yml": alertmanagerConfig({
      receivers: { emails, slackChannels },
      maintenance,
      mail: { from: options.mailFrom, smarthost: options.smarthost },
      secretsFolder: options.secrets,
    }),
    "statping-services.yml": statpingServices(services, options.prober),
    "gatus.yaml": gatusConfig({
      services,
      environment: config.environment,
      port: 8080,
      maintenance,
      incidents: config.statusPage.incidents,
    }),
  };
  return {
    ...Object.fromEntries(
      Object.entries(documents).map(([name, document]) => [
        name,
        yaml.dump(document, { lineWidth: -1, noRefs: true }),
      ]),
    ),
    ...Object.fromEntries(
      DASHBOARDS.map((dashboard) => [`${dashboard.uid}.json`, `${JSON.stringify(dashboard, null, 2)}\n`]),
    ),
  };
}

function render(stack: string, options: RenderOptions): void {
  const files = renderStack(projectRoot(__dirname), stack, options);
  fs.mkdirSync(options.out, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    // Written aside and renamed, so that a Prometheus that reloads never reads half a file.
    const target = path.join(options.out, name);
    fs.writeFileSync(`${target}.new`, content);
    fs.renameSync(`${target}.new`, target);
    console.log(`wrote ${target}`);
  }
}

function buildProgram(): Command {
  const program = new Command("alerts")
    .description(
      "Alerts, routing, dashboards and status page of a stack as files for programs outside Azure.",
    )
    .exitOverride()
    .showHelpAfterError("(add --help for usage)")
    .addHelpText(
      "after",
      `\nExit codes:\n  ${EXIT.written}  written\n  ${EXIT.usage}  wrong usage or a wrong stack file; nothing is written\n`,
    );
  program
    .command("render")
    .argument("<stack>", "stack whose file is read")
    .description("writes rules.yml, alertmanager.yml, statping-services.yml, gatus.yaml and the dashboards")
    .requiredOption("--out <folder>", "folder to write to; it is made")
    .option("--mail-from <address>", "sender of e-mails, and the name it signs in with", "alerts@forma3d.com")
    .option("--smarthost <host:port>", "mail server", "smtp.forma3d.com:587")
    .option("--secrets <folder>", "folder the receivers' secrets are mounted in", "/run/secrets/vault")
    .option(
      "--prober <address>",
      "blackbox exporter Statping-ng asks about dependencies",
      "http://blackbox:9115",
    )
    .action(render);
  return program;
}

async function main(): Promise<void> {
  try {
    await buildProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      const asked = error.code === "commander.helpDisplayed" || error.code === "commander.help";
      process.exitCode = asked ? EXIT.written : EXIT.usage;
    } else if (error instanceof ConfigError) {
      console.error(error.message);
      process.exitCode = EXIT.usage;
    } else throw error;
  }
}

if (require.main === module || process.argv[1] === __filename) void main();
