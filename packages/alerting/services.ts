/** How a service is asked whether it works. */
export type Check =
  { type: "http"; path: string; expect?: { path: string; equals: string } } | { type: "tcp"; port: number };

/** A service of the status page (report §8.3). */
export interface MonitoredService {
  name: string;
  /** Value of the label `job` of its probe. */
  job: string;
  group: string;
  /** What answers: the API, the dashboard or the database. */
  target: "api" | "dashboard" | "database";
  check: Check;
  /** How it is asked from outside, where only the public addresses answer. Absent: as inside. */
  outside?: { target: "api" | "dashboard"; check: Check };
  intervalSeconds: number;
  timeoutSeconds: number;
}

/**
 * Status codes of an answer that says how each dependency is. Terminus answers 503 with the very same body as soon as
 * one of them is down, so the code says nothing about the one that was asked for.
 */
export const DEPENDENCIES_ANSWERED = [200, 503] as const;

/** Health of one dependency in the API's answer: `{"details":{"shopify":{"status":"up"}}}`. */
const dependency = (name: string): Check => ({
  type: "http",
  path: "/health/dependencies",
  expect: { path: `details.${name}.status`, equals: "up" },
});

/** Component groups of report §8.4 with the components that have no check of their own. */
export const COMPONENT_GROUPS: readonly { name: string; reportedByHand: readonly string[] }[] = [
  { name: "Core Platform", reportedByHand: [] },
  { name: "Integrations", reportedByHand: ["Email Notifications"] },
  { name: "Background Services", reportedByHand: ["Order Processing", "Print Job Sync", "Retry Queue"] },
];

/** Report §8.3: what is monitored, how often (seconds), and how long an answer may take. */
export const MONITORED_SERVICES: readonly MonitoredService[] = [
  {
    name: "API Health",
    job: "api-health",
    group: "Core Platform",
    target: "api",
    check: { type: "http", path: "/health" },
    intervalSeconds: 30,
    timeoutSeconds: 10,
  },
  {
    name: "API Ready",
    job: "api-ready",
    group: "Core Platform",
    target: "api",
    check: { type: "http", path: "/health/ready" },
    intervalSeconds: 30,
    timeoutSeconds: 10,
  },
  ...(["Shopify", "SimplyPrint", "SendCloud"] as const).map((partner): MonitoredService => ({
    name: `${partner} Integration`,
    job: `${partner.toLowerCase()}-integration`,
    group: "Integrations",
    target: "api",
    check: dependency(partner.toLowerCase()),
    intervalSeconds: 60,
    timeoutSeconds: 15,
  })),
  {
    name: "Web Dashboard",
    job: "web-dashboard",
    group: "Core Platform",
    target: "dashboard",
    check: { type: "http", path: "/" },
    intervalSeconds: 60,
    timeoutSeconds: 10,
  },
  {
    name: "Database",
    job: "database",
    group: "Core Platform",
    target: "database",
    check: { type: "tcp", port: 5432 },
    outside: { target: "api", check: dependency("database") },
    intervalSeconds: 30,
    timeoutSeconds: 5,
  },
];

/** Probes beside the services', by the label `job`: public addresses, and the status pages themselves. */
export const EDGE_PROBES = ["api-edge", "dashboard-edge"] as const;
// Not the name of the page's own workload: one label for two kinds of targets hides that one kind is gone.
export const STATUS_PAGE_PROBES = ["status-page-outside", "status-page-inside"] as const;

/**
 * Module and target with which the blackbox exporter asks a service inside a cluster.
 * @param database host and port of the database
 */
export function insideProbe(
  { job, target, check }: MonitoredService,
  database: string,
): { module: string; target: string } {
  if (check.type === "tcp") return { module: "tcp", target: database };
  return { module: check.expect ? dependencyModule(job) : "http", target: `http://${target}${check.path}` };
}

/** Label `job` of every probe. */
export function probeJobs(): string[] {
  return [...MONITORED_SERVICES.map(({ job }) => job), ...EDGE_PROBES, ...STATUS_PAGE_PROBES];
}

/**
 * Regular expression that finds the expected value in the API's answer, whatever order its fields come in: the
 * object under the second last key, and in it the last key with the value.
 */
export function dependencyPattern({ path, equals }: { path: string; equals: string }): string {
  const keys = path.split(".");
  const [object = "", field = ""] = keys.slice(-2);
  return `"${object}"\\s*:\\s*\\{[^{}]*"${field}"\\s*:\\s*"${equals}"`;
}

/** Module of the blackbox exporter that asks for one dependency. */
export function dependencyModule(job: string): string {
  return `http-${job}`;
}

/** Everything wrong with a list of services, as `service: what is wrong`. */
export function serviceProblems(services: readonly MonitoredService[]): string[] {
  const groups = COMPONENT_GROUPS.map(({ name }) => name);
  return services.flatMap((service, index) => {
    const problems = [
      ...(service.name ? [] : ["name is missing"]),
      ...(["intervalSeconds", "timeoutSeconds"] as const).flatMap((field) =>
        Number.isInteger(service[field]) && service[field] > 0
          ? []
          : [`${field} is ${service[field] ?? "missing"}; allowed: whole seconds above 0`],
      ),
      ...(service.timeoutSeconds > service.intervalSeconds
        ? [
            `timeoutSeconds is ${service.timeoutSeconds}; allowed: at most the interval, ${service.intervalSeconds}`,
          ]
        : []),
      ...(groups.includes(service.group) ? [] : [`group is ${service.group}; allowed: ${groups.join(", ")}`]),
      ...(services.findIndex((other) => other.name === service.name) < index
        ? ["name is used twice; allowed: once"]
        : []),
    ];
    return problems.map((problem) => `${service.name || `service number ${index + 1}`}: ${problem}`);
  });
}
