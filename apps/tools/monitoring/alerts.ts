import type { Command } from "commander";
import path from "node:path";
import yaml from "js-yaml";
import { alertCatalogue } from "../../../packages/alerting/catalogue";
import { alertmanagerConfig } from "../../../packages/alerting/render/alertmanager";
import { prometheusRuleGroups } from "../../../packages/alerting/render/prometheus";
import { dashboards } from "../../../infra/monitoring/dashboards";
import { gatusConfig } from "../../../infra/statusPage/gatus";
import { statpingServices } from "../../../infra/statusPage/statping";
import { pageServices } from "../../../infra/statusPage/targets";
import { readStackFile, stackPlatformNames } from "../../../stacks/files";
import { alertSettings, maintenanceOf } from "../../../stacks/monitoringSettings";
import { writeFile } from "../../../packages/command/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";

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
      dashboards(config.alerts.runbookBaseUrl).map((dashboard) => [
        `${dashboard.uid}.json`,
        `${JSON.stringify(dashboard, null, 2)}\n`,
      ]),
    ),
  };
}

function render(stack: string, options: RenderOptions): void {
  const files = renderStack(projectRoot(__dirname), stack, options);
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(options.out, name);
    writeFile(target, content);
    console.log(`wrote ${target}`);
  }
}

function buildProgram(): Command {
  const program = createCommand(
    "alerts",
    "Alerts, routing, dashboards and status page of a stack as files for programs outside Azure.",
    { 0: "written" },
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

export async function main(): Promise<void> {
  await runCommand(buildProgram());
}
