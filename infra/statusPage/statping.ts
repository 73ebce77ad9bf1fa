import { COMPONENT_GROUPS, dependencyModule } from "../../packages/alerting/services";
import { Incident, messageOf } from "./incidents";
import { PageService } from "./targets";

/** A service as Statping-ng's `services.yml` lists it (types/services/struct.go of its source). */
export interface StatpingService {
  name: string;
  /** Address of an HTTP check, host of a TCP check. */
  domain: string;
  type: "http" | "tcp";
  /** 0 for HTTP, where the address says it. */
  port: number;
  method: string;
  /** Seconds between checks, and until one is given up. */
  check_interval: number;
  timeout: number;
  expected_status: number;
  /** Regular expression the answer must match; empty for any. */
  expected: string;
  order_id: number;
  public: boolean;
  verify_ssl: boolean;
  redirect: boolean;
  allow_notifications: boolean;
}

/**
 * `services.yml` of Statping-ng. The file knows no groups, so a name begins with its group and services of a group
 * stand together. It knows one good status code only, so for a dependency it asks the blackbox exporter, which looks into
 * answers of either code.
 * @param prober base address of the blackbox exporter, e.g. `http://blackbox`
 */
export function statpingServices(
  services: readonly PageService[],
  prober: string,
): { services: StatpingService[] } {
  const groups = COMPONENT_GROUPS.map(({ name }) => name);
  const ordered = [...services].sort((one, other) => groups.indexOf(one.group) - groups.indexOf(other.group));
  return {
    services: ordered.map(({ name, job, group, check, address, intervalSeconds, timeoutSeconds }, index) => ({
      name: `${group}: ${name}`,
      domain: check.type === "http" && check.expect ? probed(prober, job, address) : address,
      type: check.type,
      port: check.type === "tcp" ? check.port : 0,
      method: check.type === "http" ? "GET" : "",
      check_interval: intervalSeconds,
      timeout: timeoutSeconds,
      expected_status: check.type === "http" ? 200 : 0,
      expected: check.type === "http" && check.expect ? "(?m)^probe_success 1$" : "",
      order_id: index + 1,
      public: true,
      verify_ssl: address.startsWith("https:"),
      redirect: false,
      // Alerts come from Prometheus; two voices about one outage help nobody.
      allow_notifications: false,
    })),
  };
}

function probed(prober: string, job: string, address: string): string {
  return `${prober}/probe?${new URLSearchParams({ module: dependencyModule(job), target: address }).toString()}`;
}

/** Folder the program keeps its files in. It can write to `/tmp` only; the database there is gone with the pod. */
const FOLDER = "/tmp/statping";

/** Settings of Statping-ng: its defaults would be a known password, made-up services and reports to its authors. */
export function statpingEnvironment(
  environment: string,
  port: number,
  incidents: readonly Incident[],
): Record<string, string> {
  return {
    PORT: String(port),
    STATPING_DIR: FOLDER,
    // Stateless: every start makes the database anew from services.yml, which the program would otherwise only add
    // to. History lives in Prometheus.
    DB_CONN: "sqlite",
    NAME: "Forma 3D Connect Status",
    // services.yml knows no messages, so incidents stand in the page's description.
    DESCRIPTION: [
      `Real-time status of Forma 3D Connect services (${environment})`,
      ...incidents.map(messageOf).map(({ title, body }) => `${title}. ${body}`),
    ].join(" | "),
    ADMIN_USER: "operator",
    ADMIN_EMAIL: "operator@forma3d.com",
    SAMPLE_DATA: "false",
    ALLOW_REPORTS: "false",
    USE_CDN: "false",
    DISABLE_LOGS: "true",
  };
}

/** Starts the program with the list of services in its own folder. */
export function statpingCommand(servicesFile: string): string[] {
  return [
    "/bin/sh",
    "-c",
    `mkdir -p ${FOLDER} && cp ${servicesFile} ${FOLDER}/services.yml && exec statping --port "$PORT"`,
  ];
}
