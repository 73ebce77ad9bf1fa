import type { Cron } from "croner";
import { cursor, isReplica, ofType } from "../../packages/isolation/graph";
import { azure, kubernetes, SERVER, VIRTUAL_ENDPOINT, FRONT_DOOR } from "../../packages/isolation/kinds";
import { fault, ifPresent, must, type Cursor, type Outcome } from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { utcCron } from "../../stacks/schema/utcCron";
import { about, resourceRule, stackRule, type Verdict } from "./define";

const WAF = "https://learn.microsoft.com/azure/well-architected/reliability";

/** What watches production, and the property that says whether it does. */
const SWITCHES: readonly (readonly [RegExp, readonly string[], string])[] = [
  [azure("(?:monitor|insights)", "ActionGroup"), ["enabled"], "alerts"],
  [
    azure("(?:monitor|insights)", "MetricAlert", "ActivityLogAlert", "ScheduledQueryRule"),
    ["enabled"],
    "alerts",
  ],
  [azure("alertsmanagement", "PrometheusRuleGroup"), ["enabled"], "alerts"],
  [azure("applicationinsights", "WebTest"), ["enabled"], "monitoring"],
  [azure("cdn", "Route", "AFDOrigin", "AFDEndpoint"), ["enabledState"], "edge"],
  [azure("frontdoor", "Policy"), ["policySettings", "enabledState"], "edge"],
  [azure("frontdoor", "Policy"), ["policySettings", "requestBodyCheck"], "edge"],
  [azure("logic", "Workflow"), ["state"], "alerts"],
];

const isOff = (value: unknown): boolean =>
  value === false || (typeof value === "string" && /^(?:false|disabled)$/i.test(value));

const isOn = (place: Cursor, key: string): Outcome[] =>
  ifPresent(place, () =>
    must(
      place,
      (value) => !isOff(value),
      `be on in production; remove it from the program only with the ${key} key of the stack file`,
    ),
  );

/** Switches inside: rules of a group, categories of logs, managed rules of a firewall. */
function innerSwitches(inputs: Cursor): Outcome[] {
  const managed = inputs
    .at("managedRules", "managedRuleSets")
    .items()
    .flatMap((set) => set.at("ruleGroupOverrides").items())
    .flatMap((group) => [group, ...group.at("rules").items()]);
  return [
    ...inputs
      .at("rules")
      .items()
      .flatMap((rule) => isOn(rule.at("enabled"), "alerts")),
    ...inputs
      .at("logs")
      .items()
      .flatMap((log) => isOn(log.at("enabled"), "monitoring")),
    ...managed.flatMap((rule) => isOn(rule.at("enabledState"), "edge")),
    ...[
      ...inputs.at("customRules", "rules").items(),
      ...inputs.at("managedRules", "managedRuleSets").items(),
    ].flatMap((rule) => [
      ...isOn(rule.at("enabledState"), "edge"),
      ...[rule.at("action"), rule.at("ruleSetAction")].flatMap((action) =>
        ifPresent(action, () =>
          must(action, (value) => value !== "Log", "stop requests in production, not only log them (edge)"),
        ),
      ),
    ]),
  ];
}

const switchedOn = resourceRule(
  {
    id: "REC-050",
    name: "production-switched-on",
    title: "What watches and guards production is on",
    description:
      "Alerts, action groups, groups of Prometheus rules and each rule of them, log categories, routes, origins, the firewall and its rules are not switched off, and the firewall's rules do not only log.",
    why: "A thing that is declared and off looks complete in every review and does nothing on the night it is needed.",
    severity: "high",
    framework: { waf: ["RE:10", "SE:10"], mcsb: ["LT-3"], risks: ["R01", "R09"] },
    remediation:
      "Remove the switch, or take the thing out of the program and out of the stack file by its key.",
    url: WAF,
    appliesTo: "prod",
    types: [...SWITCHES.map(([type]) => type), azure("(?:monitor|insights)", "DiagnosticSetting")],
  },
  (inputs, { type }) => [
    ...SWITCHES.filter(([pattern]) => pattern.test(type)).flatMap(([, path, key]) =>
      isOn(inputs.at(...path), key),
    ),
    ...innerSwitches(inputs),
  ],
);

/** Severities that page: muting them every week is not being told at all. */
const PAGING = ["Sev0", "Sev1"];

const muting = resourceRule(
  {
    id: "REC-053",
    name: "muting-ends",
    title: "Alerts are muted for a time, and never all of them again and again",
    description:
      "A processing rule that takes action groups away has a schedule, and one that recurs is limited by severity to alerts that do not page.",
    why: "Without a schedule it mutes for ever: every alert fires, and nobody hears of it.",
    severity: "high",
    framework: { waf: ["RE:10"], mcsb: ["LT-3"], risks: ["R01", "R09"] },
    remediation: "Announce maintenance under alerts.maintenance in the stack file, with its end.",
    url: "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-processing-rules",
    appliesTo: "prod",
    types: [azure("alertsmanagement", "AlertProcessingRule", "AlertProcessingRuleByName")],
  },
  (inputs) => {
    const rule = inputs.at("properties").present ? inputs.at("properties") : inputs;
    const mutes = rule
      .at("actions")
      .items()
      .some((action) => action.at("actionType").value === "RemoveAllActionGroups");
    if (!mutes || rule.at("enabled").value === false) return [];
    const schedule = rule.at("schedule");
    if (schedule.at("effectiveUntil").present) return [];
    if (schedule.at("recurrences").items().length === 0) {
      return fault(schedule, "must say when it begins and ends: without that, it mutes for ever");
    }
    const isLimited = rule
      .at("conditions")
      .items()
      .some(
        (condition) =>
          condition.at("field").value === "Severity" &&
          condition.at("operator").value === "Equals" &&
          !condition
            .at("values")
            .texts()
            .some((severity) => PAGING.includes(severity)),
      );
    return isLimited
      ? []
      : fault(rule.at("conditions"), `must name severities, and none of ${PAGING.join(" and ")}, which page`);
  },
);

/** Longest gap between two runs, in days. */
const DAYS = { daily: 1, weekly: 7, monthly: 31 };

/** Commands that must run by themselves, how often at least, and where that is set. */
const JOBS: readonly { command: string; often: keyof typeof DAYS; what: string }[] = [
  { command: "backup", often: "daily", what: "a backup" },
  { command: "verify", often: "weekly", what: "a verification of backups" },
  { command: "drill", often: "monthly", what: "a recovery drill" },
  { command: "preflight", often: "daily", what: "the readiness checks" },
];

const DAY_MS = 86_400_000;

/** Some minutes of some hours of each day: comes round often enough for anything here, without looking at 366 days. */
const EACH_DAY = /^\s*\S+\s+\S+\s+\*\s+\*\s+\*\s*$/;

/** Whether a schedule is one, and comes round often enough: soon enough after the beginning of each day of a leap year. */
function comesRound(schedule: string, often: keyof typeof DAYS): boolean {
  const runs = cronOf(schedule);
  if (!runs) return false;
  if (EACH_DAY.test(schedule)) return true;
  let day = Date.UTC(2028, 0, 1);
  const end = day + 366 * DAY_MS;
  while (day < end) {
    const next = runs.nextRun(new Date(day - 1))?.getTime();
    if (next === undefined || next >= day + DAYS[often] * DAY_MS) return false;
    // Each day up to that run waits for it, and not as long as this one.
    day = (Math.floor(next / DAY_MS) + 1) * DAY_MS;
  }
  return true;
}

function cronOf(schedule: string): Cron | undefined {
  try {
    return utcCron(schedule);
  } catch {
    return undefined;
  }
}

const commandOf = (job: Cursor): string[] =>
  job
    .at("spec", "jobTemplate", "spec", "template", "spec", "containers")
    .items()
    .flatMap((container) => [...container.at("command").texts(), ...container.at("args").texts()].join(" "));

function missingJobs(stack: StackView, home: ResourceView): Verdict[] {
  const jobs = ofType(stack, kubernetes("CronJob")).map((resource) => ({ resource, job: cursor(resource) }));
  return JOBS.flatMap(({ command, often, what }) => {
    const own = jobs.filter(({ job }) =>
      commandOf(job).some((text) => new RegExp(`(?:^|[ /])${command}(?: |$)`).test(text)),
    );
    const running = own.filter(({ job }) => job.at("spec", "suspend").value !== true);
    // A standby region keeps its jobs suspended: one cluster where they run is what counts.
    if (running.some(({ job }) => comesRound(job.at("spec", "schedule").text ?? "", often))) return [];
    const [late] = running;
    if (late)
      return [
        {
          resource: late.resource,
          outcomes: fault(
            late.job.at("spec", "schedule"),
            `must start ${what} at least ${often} (recovery.schedules in the stack file)`,
          ),
        },
      ];
    const [suspended] = own;
    if (suspended)
      return [
        {
          resource: suspended.resource,
          outcomes: fault(
            suspended.job.at("spec", "suspend"),
            `must not be suspended everywhere: nothing starts ${what} (recovery in the stack file)`,
          ),
        },
      ];
    return [about(home, `has no CronJob that starts ${what} at least ${often} (recovery in the stack file)`)];
  });
}

/** Types without which production is not watched or not guarded, once it has what they go with. */
const COMPANIONS: readonly (readonly [RegExp, RegExp, string])[] = [
  [
    FRONT_DOOR,
    azure("cdn", "SecurityPolicy"),
    "has no security policy that puts its firewall in front (edge)",
  ],
  [FRONT_DOOR, azure("frontdoor", "Policy"), "has no web application firewall (edge)"],
  [SERVER, azure("(?:monitor|insights)", "MetricAlert"), "has no metric alert (alerts)"],
  [SERVER, azure("(?:monitor|insights)", "ActionGroup"), "has no action group to tell anybody (alerts)"],
  [SERVER, VIRTUAL_ENDPOINT, "has no virtual endpoint (database)"],
];

const complete = stackRule(
  {
    id: "REC-051",
    name: "production-complete",
    title: "Production has all the report promises",
    description:
      "Where a stack holds the production database and runs its application, jobs that back up, verify, drill and check readiness run often enough in the serving region; servers have alerts and somebody to tell, and the edge has its firewall.",
    why: "What is left out breaks no rule on what is there: a plan without backups looks as green as one with them.",
    severity: "critical",
    framework: { waf: ["RE:09", "RE:10"], mcsb: ["BR-1", "BR-4"], risks: ["R01", "R02", "R09"] },
    remediation: "Put it back into the program, or its key back into the stack file.",
    url: WAF,
    appliesTo: "prod",
  },
  (stack) => {
    const primary = ofType(stack, SERVER).find((server) => !isReplica(server));
    const hasApplication = ofType(stack, kubernetes("Deployment", "StatefulSet")).length > 0;
    if (!primary || !hasApplication) return [];
    const companions = COMPANIONS.flatMap(([type, companion, message]): Verdict[] => {
      const [holder] = ofType(stack, type);
      return holder && ofType(stack, companion).length === 0 ? [about(holder, message)] : [];
    });
    return [...missingJobs(stack, primary), ...companions];
  },
);

/** Commands that succeed whatever the container does. */
const ALWAYS = /^(?:(?:\/usr)?\/bin\/)?(?:true|:)$|^(?:exit 0|echo\b[^;&|]*|sleep \d+)$/;

const probes = resourceRule(
  {
    id: "WRK-004",
    name: "probe-can-fail",
    title: "Probes can fail",
    description:
      "No readiness, liveness or startup probe runs a command that succeeds whatever the container does.",
    why: "Traffic goes to a pod that cannot answer, and a container that hangs is never started again.",
    severity: "high",
    framework: { waf: ["RE:07"], risks: ["R01"] },
    remediation: "Probe what the container serves: httpGet, tcpSocket or a command that asks it.",
    url: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    appliesTo: "prod",
    types: [kubernetes("Deployment", "StatefulSet", "DaemonSet")],
  },
  (inputs) =>
    inputs
      .at("spec", "template", "spec", "containers")
      .items()
      .flatMap((container) =>
        ["readinessProbe", "livenessProbe", "startupProbe"].map((key) =>
          container.at(key, "exec", "command"),
        ),
      )
      .flatMap((command) => {
        const words = command.texts();
        const script = /^(?:(?:\/usr)?\/bin\/)?(?:ba|da|a)?sh$/.test(words[0] ?? "")
          ? words.slice(2)
          : [words.join(" ")];
        const last =
          (script[0] ?? "")
            .split(/;|&&|\|\|/)
            .at(-1)
            ?.trim() ?? "";
        return words.length > 0 && ALWAYS.test(last)
          ? fault(command, "must be able to fail, but its command always succeeds")
          : [];
      }),
);

/** What must be there and on, beside the shape of what is there. */
export const COMPLETENESS_RULES: readonly Rule[] = [switchedOn, muting, complete, probes];
