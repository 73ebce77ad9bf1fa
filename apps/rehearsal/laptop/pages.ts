import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import yaml from "js-yaml";
import { projectRoot } from "../../../packages/command/root";
import { objectsAt, textAt } from "../../../packages/emulated-azure/model/paths";
import type { EmulatedCloud } from "../../../packages/emulated-azure/cloud";
import { monitoringProgram } from "../../../packages/local-servers/monitoringPrograms";
import { freePort, loopback } from "../../../packages/local-servers/ports";
import { startSupervised, temporaryDirectory } from "../../../packages/local-servers/supervised";

const APP = "azure-native:app:ContainerApp";

/**
 * The status page outside the cluster, as far as a visitor's browser asks it: what the configuration in the app's secret has it
 * announce. Gatus itself does not run here.
 * @returns undefined where there is no such app
 */
export function statusPage({ cloud }: EmulatedCloud): { host: string; document: object } | undefined {
  const app = [...cloud.all()].find(({ type }) => type === APP);
  const host = app && textAt(app.outputs, "configuration.ingress.fqdn");
  if (!app || !host) return undefined;
  const [secret] = objectsAt(app.inputs, "configuration.secrets");
  const { announcements = [] } = yaml.load(secret ? textAt(secret, "value") : "") as {
    announcements?: unknown[];
  };
  return { host, document: { announcements } };
}

/** nginx as a pod runs it, on a port of this machine. @param application port of what it leads health checks to */
export async function startPage(config: string, application: number) {
  const port = await freePort();
  const directory = temporaryDirectory("page");
  const own = config
    .replaceAll("listen 8080", `listen ${loopback}:${port}`)
    .replaceAll("http://maintenance-api", `http://${loopback}:${application}`);
  fs.writeFileSync(path.join(directory, "page.conf"), own);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${directory}/${name};`)
    .join("\n");
  fs.writeFileSync(
    path.join(directory, "nginx.conf"),
    `daemon off;\nmaster_process off;\npid ${directory}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n  access_log off;\n${temporary}\n  include ${directory}/page.conf;\n}\n`,
  );
  const nginx = await startSupervised({
    command: [
      monitoringProgram("nginx", projectRoot(__dirname)),
      ...["-e", "stderr", "-p", directory, "-c", path.join(directory, "nginx.conf")],
    ],
    directory,
    stopSignal: "KILL",
  });
  for (let tries = 0; ; tries++) {
    const answers = await fetch(`http://${loopback}:${port}/-/healthy`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (answers) return { port, stop: nginx.stop };
    if (tries > 500) throw new Error(`nginx did not start: ${nginx.output()}`);
    await sleep(20);
  }
}
