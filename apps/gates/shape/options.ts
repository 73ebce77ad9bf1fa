/**
 * Values of the stack file's keys that add something to a plan and that production leaves out, as one would set them. What
 * they bring is part of what production may consist of, so that who uses a documented key, at night above all, has
 * no list to change first. A key with a default changes values of what is there, unless it stands here.
 */
export const OPTIONS: readonly Readonly<Record<string, unknown>>[] = [
  {
    "alerts.maintenance": [
      {
        name: "upgrade",
        announcedAt: "2026-02-01T09:00:00Z",
        startsAt: "2026-02-05T01:00:00Z",
        endsAt: "2026-02-05T03:00:00Z",
        reason: "upgrade of the database",
      },
    ],
    "cluster.deployLogin": "workloadidentity",
    "cluster.standby.userMinCount": 1,
    "database.parameters": { work_mem: "8192" },
    "database.replica.highAvailability": "ZoneRedundant",
    "database.sslMode": "verify-full",
    "defender.databases": true,
    "defender.storage": true,
    "recovery.encryption.recipients": ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
    "recovery.s3": {
      endpoint: "https://s3.forma3d.com",
      region: "eu-central-1",
      bucket: "forma3d-backups",
      addresses: ["203.0.113.0/24"],
    },
    "statusPage.incidents": [
      {
        at: "2026-02-05T02:00:00Z",
        phase: "resolved",
        service: "API Health",
        postmortem: "https://docs.forma3d.com/postmortem",
      },
      { at: "2026-02-05T01:00:00Z", phase: "identified", service: "API Health", hours: 2 },
    ],
  },
  {
    "database.generation": 2,
    "database.restoredAt": "2026-02-05T03:40:00Z",
    "registry.enabled": false,
    "statusPage.provider": "gatus",
  },
];

/** The same for what production is deployed from. */
export const CONTROL_OPTIONS: readonly Readonly<Record<string, unknown>>[] = [
  {
    "controlPlane.runners": {
      jobs: {
        image:
          "ghcr.io/forma3d/runner@sha256:4d967a4e3e0d6b1a4f3c1dd2be1f0c9a7d5c2e8b6f90a1b3c4d5e6f708192a3b",
        app: { id: 812345, installationId: 51234567 },
      },
    },
  },
];

/** The same of keys that take something away for a while, which then need not be there. */
export const REDUCTIONS: readonly Readonly<Record<string, unknown>>[] = [
  { "database.replica": null, "database.withoutReplica": "a major version is raised this week" },
];
