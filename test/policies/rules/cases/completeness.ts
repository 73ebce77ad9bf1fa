import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const completenessCases: readonly Case[] = [
  {
    rule: "production-switched-on",
    change: { "alert-alive": { enabled: false } },
    finds: [
      [
        "alert-alive",
        "enabled",
        "must be on in production; remove it from the program only with the alerts key of the stack file, but is false",
      ],
    ],
  },
  {
    rule: "production-switched-on",
    change: { "cluster-log": { "logs[0].enabled": false } },
    finds: [
      [
        "cluster-log",
        "logs[0].enabled",
        "must be on in production; remove it from the program only with the monitoring key of the stack file, but is false",
      ],
    ],
  },
  {
    rule: "production-switched-on",
    change: {
      firewall: {
        "customRules.rules[0].action": "Log",
        "customRules.rules[0].enabledState": "Disabled",
        "policySettings.requestBodyCheck": "Disabled",
      },
    },
    finds: [
      [
        "firewall",
        "policySettings.requestBodyCheck",
        'must be on in production; remove it from the program only with the edge key of the stack file, but is "Disabled"',
      ],
      [
        "firewall",
        "customRules.rules[0].enabledState",
        'must be on in production; remove it from the program only with the edge key of the stack file, but is "Disabled"',
      ],
      [
        "firewall",
        "customRules.rules[0].action",
        'must stop requests in production, not only log them (edge), but is "Log"',
      ],
    ],
  },
  {
    rule: "muting-ends",
    add: [
      {
        name: "mute",
        type: "azure-native:alertsmanagement:AlertProcessingRuleByName",
        props: { properties: { actions: [{ actionType: "RemoveAllActionGroups" }] } },
      },
    ],
    finds: [
      ["mute", "properties.schedule", "must say when it begins and ends: without that, it mutes for ever"],
    ],
  },
  {
    rule: "muting-ends",
    add: [
      {
        name: "mute",
        type: "azure-native:alertsmanagement:AlertProcessingRuleByName",
        props: {
          properties: {
            actions: [{ actionType: "RemoveAllActionGroups" }],
            conditions: [{ field: "Severity", operator: "Equals", values: ["Sev1", "Sev2"] }],
            schedule: {
              recurrences: [{ recurrenceType: "Daily", startTime: "00:00:00", endTime: "23:59:59" }],
            },
          },
        },
      },
    ],
    finds: [["mute", "properties.conditions", "must name severities, and none of Sev0 and Sev1, which page"]],
  },
  {
    rule: "production-complete",
    change: { backup: { "spec.suspend": true } },
    finds: ["a backup", "a verification of backups", "a recovery drill", "the readiness checks"].map(
      (what) => [
        "backup",
        "spec.suspend",
        `must not be suspended everywhere: nothing starts ${what} (recovery in the stack file)`,
      ],
    ),
  },
  {
    rule: "production-complete",
    change: { backup: { "spec.schedule": "0 3 1 * *" } },
    finds: [
      [
        "backup",
        "spec.schedule",
        "must start a backup at least daily (recovery.schedules in the stack file)",
      ],
      [
        "backup",
        "spec.schedule",
        "must start a verification of backups at least weekly (recovery.schedules in the stack file)",
      ],
      [
        "backup",
        "spec.schedule",
        "must start the readiness checks at least daily (recovery.schedules in the stack file)",
      ],
    ],
  },
  {
    rule: "production-complete",
    change: {
      backup: { "spec.jobTemplate.spec.template.spec.containers[0].args": ["recovery", "backup", "--all"] },
    },
    finds: [
      [
        "primary",
        "",
        "has no CronJob that starts a verification of backups at least weekly (recovery in the stack file)",
      ],
      [
        "primary",
        "",
        "has no CronJob that starts a recovery drill at least monthly (recovery in the stack file)",
      ],
      [
        "primary",
        "",
        "has no CronJob that starts the readiness checks at least daily (recovery in the stack file)",
      ],
    ],
  },
  {
    rule: "production-complete",
    remove: ["firewall-association"],
    finds: [["profile", "", "has no security policy that puts its firewall in front (edge)"]],
  },
  {
    rule: "probe-can-fail",
    change: {
      api: {
        "spec.template.spec.containers[0].readinessProbe": { exec: { command: ["sh", "-c", "exit 0"] } },
      },
    },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].readinessProbe.exec.command",
        "must be able to fail, but its command always succeeds",
      ],
    ],
  },
];
