import { alertCatalogue } from "../../packages/alerting/catalogue";
import { announcedParts, clock, Maintenance, weeklyParts } from "../../packages/alerting/maintenance";
import { DEFAULT_SLACK_CHANNELS } from "../../packages/alerting/receivers";
import { AlertmanagerSettings, alertmanagerConfig } from "../../packages/alerting/render/alertmanager";
import { announcedSuppression, weeklySuppression } from "../../packages/alerting/render/azure";
import { alertLabels } from "../../packages/alerting/render/prometheus";
import { Priority, PrometheusAlert } from "../../packages/alerting/types";
import { describeWith, run, SETTINGS, withFolder, writeYaml } from "./support";

const maintenance: Maintenance = {
  weekly: [{ name: "database-maintenance", dayOfWeek: "Sunday", startHour: 1, hours: 2 }],
  announced: [
    {
      name: "postgres-upgrade",
      startsAt: "2026-11-28T22:30:00Z",
      endsAt: "2026-11-29T02:00:00Z",
      announcedAt: "2026-11-20T09:00:00Z",
      reason: "Major version",
    },
  ],
};

const settings: AlertmanagerSettings = {
  receivers: { emails: ["oncall@forma3d.com"], slackChannels: DEFAULT_SLACK_CHANNELS },
  maintenance,
  mail: { from: "alerts@forma3d.com", smarthost: "smtp.forma3d.com:587" },
  secretsFolder: "/run/secrets/vault",
  // Debian's Alertmanager 0.25 cannot read a webhook's address from a file; newer ones can.
  heartbeatUrl: "https://heartbeat.example/ping",
};

interface Receiver {
  name: string;
  pagerduty_configs?: { description: string; details: Record<string, string> }[];
  slack_configs?: { channel: string; title: string }[];
  email_configs?: { to: string }[];
  webhook_configs?: object[];
}
const receivers = alertmanagerConfig(settings).receivers as Receiver[];
const receiver = (name: string) => receivers.find((entry) => entry.name === name) as Receiver;

describe("receivers", () => {
  test("P1 pages and posts, P2 posts and mails, P3 and P4 post to their channels", () => {
    const shape = ({ pagerduty_configs, slack_configs, email_configs }: Receiver) => ({
      pagerduty: pagerduty_configs?.length ?? 0,
      slack: slack_configs?.map(({ channel }) => channel),
      email: email_configs?.map(({ to }) => to) ?? [],
    });
    expect(["p1", "p2", "p3", "p4"].map((name) => shape(receiver(`priority-${name}`)))).toEqual([
      { pagerduty: 1, slack: ["#incidents"], email: [] },
      { pagerduty: 0, slack: ["#alerts"], email: ["oncall@forma3d.com"] },
      { pagerduty: 0, slack: ["#alerts"], email: [] },
      { pagerduty: 0, slack: ["#monitoring"], email: [] },
    ]);
  });

  test("the page carries the escalation times of §6.3", () => {
    expect(receiver("priority-p1").pagerduty_configs?.[0]?.description).toContain(
      "Primary on-call 5 min → Secondary on-call 10 min → Engineering lead 15 min → CTO 30 min (SEV-1)",
    );
  });

  test("no secret is in the configuration, only the files it is read from", () => {
    const { heartbeatUrl: _unused, ...mounted } = settings;
    const text = JSON.stringify(alertmanagerConfig(mounted));
    for (const secret of [
      "pagerduty-routing-key",
      "slack-bot-token",
      "smtp-password",
      "dead-mans-switch-url",
    ]) {
      expect(text).toContain(`_file":"/run/secrets/vault/${secret}"`);
    }
  });
});

describe("maintenance windows", () => {
  test("are cut at midnight", () => {
    expect(weeklyParts({ name: "w", dayOfWeek: "Saturday", startHour: 22, hours: 4 })).toEqual([
      { day: "Saturday", from: 1_320, to: 1_440 },
      { day: "Sunday", from: 0, to: 120 },
    ]);
    const [first, second] = announcedParts(maintenance.announced[0] as Maintenance["announced"][number]);
    expect([first?.from, first?.to, second?.from, second?.to]).toEqual([1_350, 1_440, 0, 120]);
    expect([clock(1_350), clock(1_440)]).toEqual(["22:30", "24:00"]);
  });

  test("weekly ones never mute a page, announced ones mute all; none mutes the heartbeat", () => {
    const { routes } = alertmanagerConfig(settings).route as {
      routes: { receiver: string; mute_time_intervals?: string[] }[];
    };
    expect(
      Object.fromEntries(routes.map((route) => [route.receiver, route.mute_time_intervals ?? []])),
    ).toEqual({
      "dead-mans-switch": [],
      "priority-p1": ["postgres-upgrade"],
      "priority-p2": ["database-maintenance", "postgres-upgrade"],
      "priority-p3": ["database-maintenance", "postgres-upgrade"],
      "priority-p4": ["database-maintenance", "postgres-upgrade"],
    });
  });

  test("Azure's processing rules say the same", () => {
    const weekly = weeklySuppression({ name: "w", dayOfWeek: "Saturday", startHour: 22, hours: 4 });
    const butHeartbeat = { field: "AlertRuleName", operator: "DoesNotContain", values: ["Heartbeat"] };
    expect(weekly).toEqual({
      conditions: [{ field: "Severity", operator: "Equals", values: ["Sev2", "Sev3", "Sev4"] }, butHeartbeat],
      schedule: {
        timeZone: "UTC",
        recurrences: [
          { recurrenceType: "Weekly", daysOfWeek: ["Saturday"], startTime: "22:00:00", endTime: "23:59:59" },
          { recurrenceType: "Weekly", daysOfWeek: ["Sunday"], startTime: "00:00:00", endTime: "02:00:00" },
        ],
      },
    });
    expect(announcedSuppression(maintenance.announced[0] as Maintenance["announced"][number])).toEqual({
      conditions: [butHeartbeat],
      schedule: {
        timeZone: "UTC",
        effectiveFrom: "2026-11-28T22:30:00",
        effectiveUntil: "2026-11-29T02:00:00",
      },
    });
  });
});

describeWith(["amtool"], "amtool", () => {
  const withConfig = <T>(body: (folder: string) => T, config: object = alertmanagerConfig(settings)) =>
    withFolder((folder) => {
      writeYaml(folder, "alertmanager.yml", config);
      return body(folder);
    });

  test("check-config accepts the configuration", () => {
    const result = withConfig((folder) => run("amtool", ["check-config", "alertmanager.yml"], folder));
    expect(result).toEqual({ ok: true, output: expect.stringContaining("SUCCESS") as string });
    expect(result.output).toContain("5 receivers");
    expect(result.output).toContain("6 inhibit rules");
  });

  test("check-config refuses a route to a receiver that does not exist, so the check is real", () => {
    const result = withConfig((folder) => run("amtool", ["check-config", "alertmanager.yml"], folder), {
      ...alertmanagerConfig(settings),
      route: { receiver: "nobody" },
    });
    expect(result.ok).toBe(false);
  });

  const route = (labels: Record<string, string>, expected: string) =>
    withConfig((folder) =>
      run(
        "amtool",
        [
          "config",
          "routes",
          "test",
          "--config.file=alertmanager.yml",
          `--verify.receivers=${expected}`,
          ...Object.entries(labels).map(([label, value]) => `${label}=${value}`),
        ],
        folder,
      ),
    );

  const alerts = alertCatalogue(SETTINGS).alerts.filter(
    (alert): alert is PrometheusAlert => alert.kind === "prometheus",
  );
  const perPriority = (["P1", "P2", "P3", "P4"] as const satisfies readonly Priority[]).map((priority) => {
    const alert = alerts.find((entry) => entry.priority === priority && !entry.labels);
    if (!alert) throw new Error(`no alert of priority ${priority}`);
    return [priority, alert.name, alert] as const;
  });

  test.each(perPriority)("an alert of %s (%s) reaches its receiver", (priority, alertname, alert) => {
    const labels = { alertname, ...alertLabels(alert) };
    expect(route(labels, `priority-${priority.toLowerCase()}`)).toMatchObject({ ok: true });
    expect(route(labels, priority === "P1" ? "priority-p2" : "priority-p1").ok).toBe(false);
  });

  test("the heartbeat reaches the dead man's switch and nobody else", () => {
    const beat = alerts.find(({ name }) => name === "Heartbeat") as PrometheusAlert;
    expect(route({ alertname: "Heartbeat", ...alertLabels(beat) }, "dead-mans-switch")).toMatchObject({
      ok: true,
    });
  });

  test("an alert without priority is not lost", () => {
    expect(route({ alertname: "Foreign" }, "priority-p4")).toMatchObject({ ok: true });
  });
});
