import { readStacks } from "../../stacks/files";
import { ConfigError, problemLine } from "../../stacks/problems";
import {
  API_IMAGE,
  DBA,
  type Nonsense,
  ROOT,
  announcement,
  changed,
  incident,
  lines,
  parameters,
  refusesAll,
  schedules,
  target,
} from "./documents";

/** Production in another pair of regions, of which the second has no zones. */
const pairOf = (primary: string, secondary: string) => ({
  "regions.primary.location": primary,
  "regions.secondary.location": secondary,
  "serving.witness": "westeurope",
  "statusPage.outsideRegion": "westeurope",
  "cluster.zones": [],
  "storage.copy": { redundancy: "Standard_LRS" },
});

const DIGEST = API_IMAGE.slice(-64).replace(/607$/, "608");

const runners = (changes: object) => ({
  "controlPlane.runners": {
    jobs: {
      image: `ghcr.io/forma3d/runner@sha256:${DIGEST}`,
      app: { id: 1234567, installationId: 76543210 },
      ...changes,
    },
  },
});

/** Values each of which is of the right form, and which together, or for whom they are of, nobody can mean. */
const NONSENSE: Nonsense[] = [
  // A stranger's name, or one letter beside the own.
  ...["api.stranger.org", "api.forma3d.co", "api.forma3dd.com", "google.com", "api.forma3d.com.evil.net"].map(
    (host): Nonsense => [{ "edge.apiHostName": host }, /apiHostName: .*a name in one of forma3d:domains/],
  ),
  [{ "tags.owner": "platform@forma3d.co" }, /tags\.owner: .*an address in one of forma3d:domains/],
  ...["oncall@gmail.com", "support@shopify.com", "oncall@mailinator.com"].map((address): Nonsense => [
    { "alerts.emails": ["oncall@forma3d.com", address] },
    /emails\[1\]: .*an address in one of forma3d:domains/,
  ]),
  ...["https://google.com/runbooks", "https://hooks.slack.com/services", "https://stranger.github.io/r"].map(
    (address): Nonsense => [{ "alerts.runbookBaseUrl": address }, /or at forma3d\.github\.io, where/],
  ),
  ...["ghcr.io", "hooks.slack.com", "o1.ingest.sentry.io.evil.com"].map((host): Nonsense => [
    { "gateway.errorReports": host },
    /errorReports: .*a host error reports go to: Sentry's/,
  ]),
  [{ domains: ["forma3d"] }, /^forma3d:domains\[0\]: .*a lower-case DNS name$/],
  [{ domains: [] }, /^forma3d:domains: .*at least one domain/],
  // What keeps a place free.
  ...["12345678-1234-1234-1234-123456789012", "deadbeef-dead-beef-dead-beefdeadbeef"].map((id): Nonsense => [
    { "azure.subscriptionId": id },
    /subscriptionId: .*this one was typed in its place$/,
  ]),
  [
    { "workloads.api.image": `ghcr.io/forma3d/api@sha256:${"0123456789abcdef".repeat(4)}` },
    /this one was typed/,
  ],
  ...["todo", "none", "n.a", "changeme"].map((name): Nonsense => [
    { "tags.costCenter": name },
    /costCenter: .*this one keeps its place$/,
  ]),
  ...["changeme@forma3d.com", "your-name@forma3d.com", "test@forma3d.com"].map((address): Nonsense => [
    { "tags.owner": address },
    /owner: .*an e-mail address somebody reads$/,
  ]),
  ...["owner/name", "your-org/platform", "example/platform"].map((name): Nonsense => [
    { "controlPlane.repository": name },
    /repository: .*the GitHub repository of this project/,
  ]),
  ...["lorem ipsum dolor sit amet", "todo todo todo todo todo", "aaaaaaa bbbbbbbb ccccccccc"].map(
    (reason): Nonsense => [
      { "database.replica": undefined, "database.withoutReplica": reason },
      /withoutReplica: .*in words$/,
    ],
  ),
  ...["todo todo", "asdf asdf", "<b>upgrade</b> of it"].map((reason): Nonsense => [
    announcement({ reason }),
    /reason: .*5-200 characters of text, in words$/,
  ]),
  [announcement({ reason: "the password is hunter" }), /reason: .*customers read it, so no secret$/],
  // One id, one kind of principal; one repository, one program.
  [
    { "cluster.adminGroupObjectIds": ["7e5b0c94-1d3f-4a86-9b27-c40f6d81e2a3"] },
    /adminGroupObjectIds\[0\]: .*the id of a group: controlPlane\.deployObjectId says that it is of another kind \(identity\)$/,
  ],
  [
    { "database.entraAdministrators.0.objectId": "7e5b0c94-1d3f-4a86-9b27-c40f6d81e2a3" },
    /entraAdministrators\[0\]\.objectId: .*the id of a group: controlPlane\.deployObjectId/,
  ],
  [
    { "database.entraAdministrators.0": { ...DBA, principalType: "User", principalName: "x@example.com" } },
    /principalName: .*the name a User signs in with/,
  ],
  [
    { "database.entraAdministrators.0": { ...DBA, principalType: "Group", principalName: "current_user" } },
    /none PostgreSQL or Azure reserve/,
  ],
  [
    { "readiness.image": `ghcr.io/forma3d/recovery@sha256:${API_IMAGE.slice(-64)}`.replace(/607$/, "608") },
    /readiness\.image: .*another image than recovery\.image$/,
  ],
  // Places, windows and times.
  ...["norwaywest", "germanynorth", "francesouth", "swedensouth", "switzerlandwest"].map(
    (region): Nonsense => [
      { "statusPage.outsideRegion": region },
      /outsideRegion: .*a region Azure lets everybody into/,
    ],
  ),
  ...[21, 22].map((startHour): Nonsense => [
    {
      "cluster.upgradeWindow": { dayOfWeek: "Saturday", startHour },
      "database.maintenanceWindow": { dayOfWeek: "Sunday", startHour: 0 },
    },
    /upgradeWindow\.startHour: .*not those of database\.maintenanceWindow \(Sunday 0:00\)$/,
  ]),
  [schedules({ hourly: "0 * * * *" }), /schedules\.hourly: .*other minutes than recovery\.schedules\.daily/],
  [
    { "recovery.rpoMinutes": 1440, ...schedules({ hourly: "0 5 * * *" }) },
    /schedules\.hourly: .*several times a day/,
    "staging",
  ],
  [
    schedules({ verify: "15 9-17 * * *" }),
    /backupMaxUnprovedHours: found 6; allowed: at least 16, the hours/,
  ],
  [{ "alerts.thresholds": { backupMaxUnprovedHours: 168 } }, /at most 6: later, 2 proofs/],
  [{ "alerts.thresholds": { backupMaxUnverifiedDays: 92 } }, /at most 35: later, 2 proofs/],
  [{ "recovery.rtoMinutes": 30 }, /rtoMinutes: .*at least 64, in which a full disk/],
  // Backups: the rarer, the longer; a tier that is used as long as it is paid for.
  [
    { "storage.containers.0.retentionDays": 60 },
    /\[0\]\.retentionDays: .*at most 30, the days daily backups/,
  ],
  [
    { "storage.containers.1.retentionDays": 400 },
    /\[1\]\.retentionDays: .*at most 35, the days weekly backups/,
  ],
  [
    { "storage.containers.0.tiers": [{ tier: "Cool", afterDays: 1 }] },
    /tiers\[0\]\.tier: .*a blob is gone 8 days after the move, soft delete included, and Cool is paid for 30$/,
    "staging",
  ],
  [
    { "storage.containers.2.tiers": [{ tier: "Cold", afterDays: 1 }] },
    /tiers\[0\]\.tier: .*Cold is paid for 90$/,
  ],
  // Limits far from anything that happens.
  [{ "budget.monthlyAmount": 10 }, /monthlyAmount: .*from 300 to 1000000$/],
  [{ "monitoring.logCapGiB": 0.1 }, /logCapGiB: .*a number from 1 to 1000$/],
  [{ "alerts.thresholds": { authFailures: 100000 } }, /a whole number from 5 to 1000$/],
  [{ "alerts.thresholds": { secretDays: 1 } }, /a whole number from 7 to 90$/],
  [
    { "alerts.thresholds": { databaseWalGiB: 120 } },
    /less than 115, at which databaseStoragePercent\.urgent/,
  ],
  [{ "workloads.api.targetMemoryPercent": 10 }, /a whole number from 30 to 95$/],
  [{ "gateway.maxConsecutiveFailures": 100 }, /a whole number from 2 to 50$/],
  [{ "gateway.ejectionSeconds": 10 }, /ejectionSeconds: .*at least timeoutSeconds \(15\)/],
  [{ "database.pool": { defaultPoolSize: 1 } }, /defaultPoolSize: .*from 5 to 4950$/],
  [
    { "cluster.systemPool.vmSize": "Standard_B2ms" },
    /systemPool\.vmSize: .*AKS supports none for system pools$/,
  ],
  [{ "database.applicationDatabase": "forma3d_restore" }, /a name without _before or _restore/],
  [parameters({ log_statement: "all" }), /a value with which not every statement is logged/],
  [parameters({ "pgaudit.log": "all" }), /a value with which not every statement is logged/],
  [parameters({ enable_seqscan: "off" }), /nothing here: it is for one session/],
  [parameters({ checkpoint_timeout: "86400" }), /from 30 to 3600: after a crash/],
  [parameters({ random_page_cost: "0" }), /from 0\.1 to 100: reading has a price/],
  [parameters({ autovacuum_freeze_max_age: "2000000000" }), /at most 1600000000/],
  // What a region does not have.
  [
    { ...pairOf("swedencentral", "swedensouth") },
    /regions\.secondary\.location: found 'swedensouth'; allowed: a region in which Azure offers flexible servers/,
  ],
  ...(
    [
      ["francecentral", "francesouth", "francecentral"],
      ["germanywestcentral", "germanynorth", "germanywestcentral"],
      ["norwayeast", "norwaywest", "norwaywest"],
    ] as const
  ).map(([primary, secondary, without]): Nonsense => [
    { ...pairOf(primary, secondary), "database.skuName": "Standard_D4ads_v5" },
    new RegExp(`skuName: .*such as Standard_D4ds_v5, because ${without} offers no AMD sizes$`),
  ]),
  [
    { "database.skuName": "Standard_E4ds_v6", "database.tier": "MemoryOptimized" },
    /skuName: .*such as Standard_E4ds_v5, because westeurope offers no Intel sizes of version 6$/,
  ],
  // The same thing twice, or nobody's.
  [{ domains: ["forma3d.com", "eu.forma3d.com"] }, /domains\[1\]: .*that is not part of forma3d\.com, which/],
  ...["slack.com", "pagerduty.com"].map((domain): Nonsense => [
    { domains: ["forma3d.com", domain] },
    /domains\[1\]: .*a domain of your own$/,
  ]),
  [
    { "alerts.emails": [`${"a".repeat(65)}@forma3d.com`] },
    /emails\[0\]: .*at most 64 characters before the @$/,
  ],
  [{ "alerts.emails": [] }, /emails: found \[\]; allowed: at least 1 entry$/],
  [{ "gateway.errorReports": "ingest.de.sentry.io" }, /errorReports: .*Sentry's, such as o42\./],
  [parameters({ ssl: "off" }), /ssl: found 'off'; allowed: a server parameter Azure lets one set$/],
  // Names that mean something else to the server, or to what works on it.
  [{ "database.administratorLogin": "pgbouncer" }, /administratorLogin: .*a login Azure does not reserve/],
  [{ "database.administratorLogin": "forma3d_environment" }, /administratorLogin: .*own roles and logins$/],
  [
    { "database.entraAdministrators.0.principalName": "forma3d_environment" },
    /principalName: .*own roles and logins$/,
  ],
  [{ "database.applicationDatabase": "drill_1" }, /applicationDatabase: .*does not begin with drill_/],
  // Images of nobody known, of a stranger's in the place of one's own, or by the name of an environment's registry.
  ...["gchr.io/forma3d/api", "docker.com/forma3d/api", "ghcr.io:443/forma3d/api"].map((name): Nonsense => [
    { "workloads.api.image": `${name}@sha256:${DIGEST}` },
    /api\.image: .*an image of a registry that is known, such as ghcr\.io/,
  ]),
  [
    { "workloads.api.image": `crforma3dstga1.azurecr.io/ghcr.io/forma3d/api@sha256:${DIGEST}` },
    /api\.image: .*the name it has where it is published/,
  ],
  [
    { "recovery.image": `ghcr.io/stranger/recovery@sha256:${DIGEST}` },
    /recovery\.image: .*an image of ghcr\.io\/forma3d\/, where the workflows/,
  ],
  [
    runners({ image: `ghcr.io/stranger/runner@sha256:${DIGEST}` }),
    /jobs\.image: .*an image of ghcr\.io\/forma3d\/, where the workflows/,
  ],
  [runners({ app: { id: 77, installationId: 77 } }), /installationId: .*another number than that of the app/],
  // What customers read.
  [announcement({ reason: "\u202ethe database gets a version" }), /reason: .*each of which is seen$/],
  [announcement({ reason: "the database $HOME gets a version" }), /reason: .*text without \$/],
  [
    incident({ phase: "resolved", postmortem: "https://docs.forma3d.com/pm?token=abc" }),
    /postmortem: .*an https address everybody may know/,
  ],
  [
    incident({ phase: "investigating", hours: 3 }),
    /hours: .*nothing: the message of investigating names none$/,
  ],
  // The third target.
  [target({ bucket: "example" }), /bucket: .*this one keeps its place$/],
  ...["us-east-1", "nowhere", "westeurope", "cn-north-1"].map((region): Nonsense => [
    target({ region }),
    /s3\.region: .*one of eu-central-1, /,
  ]),
  [target({ addresses: ["52.0.0.0/8"] }), /\/12 or smaller/],
  ...[
    "s3.us-east-1.amazonaws.com",
    "backups.s3.eu-central-1.amazonaws.com",
    "s3.cn-north-1.amazonaws.com.cn",
  ].map((host): Nonsense => [
    target({ endpoint: `https://${host}` }),
    /s3\.endpoint: .*allowed: nothing for AWS: where its backups lie follows from region$/,
  ]),
  [target({ endpoint: "https://s3.forma3d.com:80" }), /an https URL of a public name/],
];

refusesAll(NONSENSE);

const channels = (incidents: string) => ({ "alerts.slackChannels": { incidents } });

/** Values of the right form that are no such thing. */
const NO_SUCH_THING: Nonsense[] = [
  // Ends of names there are none of, or below which others live.
  ...["forma3d.con", "forma3d.internal", "printer.home.arpa", "forma3d.onion"].map((domain): Nonsense => [
    { domains: ["forma3d.com", domain] },
    /domains\[1\]: .*a domain of your own$/,
  ]),
  ...["com.br", "x.duckdns.org", "forma3d.fly.dev", "nip.io", "protonmail.com"].map((domain): Nonsense => [
    { domains: ["forma3d.com", domain] },
    /domains\[1\]: .*a domain of your own$/,
  ]),
  [{ "alerts.emails": ["oncall@forma3d.con"] }, /emails\[0\]: .*an e-mail address somebody reads$/],
  [{ "gateway.errorReports": "errors.forma3d.con" }, /errorReports: .*everybody can find/],
  [{ "alerts.runbookBaseUrl": "https://docs.forma3d.com//runbooks" }, /an https address of a folder/],
  ...["#channel", "#here", "#everyone"].map((name): Nonsense => [
    channels(name),
    /incidents: .*by no word Slack keeps to itself$/,
  ]),
  // Spaces that are none to Kubernetes.
  ...["\u00a0", "\ufeff", "\u2003"].map((space): Nonsense => [
    schedules({ daily: `0${space}3 * * *` }),
    /daily: .*numbers, \*, lists, ranges and steps only$/,
  ]),
  [schedules({ copy: "* * * * *" }), /copy: .*at least once a day, every 5 minutes at most, all year$/],
  [
    { "azure.subscriptionId": "abcdefab-cdef-abcd-efab-cdefabcdefab" },
    /subscriptionId: .*this one was typed in its place$/,
  ],
  [
    { "workloads.api.image": `ghcr.io/forma3d/api:${"1".repeat(129)}@sha256:${DIGEST}` },
    /api\.image: .*pinned by digest/,
  ],
  // Nine nodes hold nine pods of more than half a node, however much is left on each.
  [
    {
      "workloads.api.resources.memoryRequest": "8Gi",
      "workloads.api.resources.memoryLimit": "8Gi",
    },
    /api\.maxReplicas: found 12; allowed: at most 9: cluster\.userPool has 9 nodes/,
  ],
  [parameters({ "pg_stat_statements.track": "none" }), /track: found 'none'; allowed: top or all/],
];

refusesAll(NO_SUCH_THING);

/** Each the way somebody would write it who means well. */
const MEANT: Record<string, unknown>[] = [
  { "workloads.api.resources.cpuRequest": "0.25", "workloads.api.resources.cpuLimit": "1.5" },
  { "workloads.api.resources.memoryRequest": "0.5Gi", "workloads.api.resources.memoryLimit": "1.5Gi" },
  { domains: ["forma3d.com", "forma3d.co.uk", "forma3d.shop"] },
  { "edge.dashboardHostName": "forma3d.com" },
  { "tags.owner": "platform+azure@forma3d.com" },
  channels("#incidents-prod"),
  { "alerts.runbookBaseUrl": "https://forma3d.github.io/platform/runbooks" },
  { "workloads.api.image": `europe-docker.pkg.dev/forma3d/prod/api:1.2.3-rc.1@sha256:${DIGEST}` },
  schedules({ copy: "10,40 * * * *", verify: "*/20 * * * *", drill: "0 6 * * 1" }),
  schedules({ daily: "0 2 * * *", hourly: "0 0-1,3-23 * * *" }),
  parameters({ "pg_stat_statements.track": "all", random_page_cost: "1.1", jit: "off" }),
  { "cluster.userPool": { vmSize: "Standard_D8ds_v5", minCount: 3, maxCount: 6 } },
];

test.each(MEANT.map((changes) => [changes] as const))("%j is taken", (changes) => {
  expect(lines("prod", changed("prod", changes))).toEqual([]);
});

/** What is fine in one file, and is another's. */
const BORROWED: Nonsense[] = [
  [{ nameSuffix: "stg" }, /nameSuffix: .*a name that is not one of staging$/],
  [{ lastingNameSuffix: "prod" }, /lastingNameSuffix: .*a name that is not one of prod$/, "staging"],
  [{ "tags.costCenter": "staging" }, /costCenter: .*a name that is not one of staging$/],
  [{ "database.administratorLogin": "staging_admin" }, /a name that is not one of staging$/],
  [{ "alerts.slackChannels": { incidents: "#staging-alerts" } }, /incidents: .*not one of staging$/],
  [{ "alerts.runbookBaseUrl": "https://docs.staging.forma3d.com/r" }, /no host of staging$/],
  [
    { "controlPlane.deployObjectId": "7e5b0c94-1d3f-4a86-9b27-c40f6d81e2a3" },
    /deployObjectId: .*a value that Pulumi\.prod\.yaml does not use$/,
    "staging",
  ],
  [
    { "controlPlane.repository": "forma3d/other" },
    /repository: .*allowed: forma3d\/platform, as in Pulumi\.\w+\.yaml: the workflows of one repository/,
    "staging",
  ],
  [{ "edge.apiHostName": "api2.staging.forma3d.com" }, /apiHostName: .*a name that is not one of staging$/],
  [
    { "edge.apiHostName": "api-prod.eu.forma3d.com" },
    /apiHostName: .*a name that is not one of prod$/,
    "staging",
  ],
  [{ "gateway.errorReports": "api.staging.forma3d.com" }, /errorReports: .*no host of staging$/],
  [target({ endpoint: "https://app.staging.forma3d.com" }), /s3\.endpoint: .*no host of staging$/],
  [target({ bucket: "staging-backups" }), /s3\.bucket: .*a name that is not one of staging$/],
  [{ "alerts.runbookBaseUrl": "https://api.staging.forma3d.com" }, /runbookBaseUrl: .*no host of staging$/],
  [{ "database.applicationDatabase": "forma3d_staging" }, /a name that is not one of staging$/],
  [
    { "database.entraAdministrators.0.principalName": "forma3d-staging-dba" },
    /principalName: .*a name that is not one of staging$/,
  ],
  [
    { "cluster.adminGroupObjectIds": ["B47A9E60-2C3D-4E8F-8B15-5D0F6A7C9E22"] },
    /adminGroupObjectIds\[0\]: .*not the subscription of staging$/,
  ],
  [
    { "azure.tenantId": "b47a9e60-2c3d-4e8f-8b15-5d0f6a7c9e22" },
    /tenantId: .*not the subscription of staging$/,
  ],
];

test.each(BORROWED.map(([changes, message, stack = "prod"]) => [stack, changes, message] as const))(
  "%s with %j is refused beside the other environments",
  (stack, changes, message) => {
    const document = changed(stack, changes);
    expect(lines(stack, document)).toEqual([]);
    let said: string[] = [];
    try {
      readStacks(ROOT, { [stack]: document });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      said = error.problems.map(problemLine);
    }
    expect({ said }).toEqual({ said: [expect.stringMatching(message)] });
    expect(said[0]).toMatch(new RegExp(`^Pulumi\\.${stack}\\.yaml: forma3d:`));
  },
);

test("an image of a registry of one's own is taken, for every program", () => {
  for (const host of [
    "registry.forma3d.com",
    "contoso.azurecr.io",
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
  ])
    expect(
      lines(
        "prod",
        changed("prod", {
          ...runners({ image: `${host}/mirror/runner@sha256:${DIGEST.replace(/8$/, "9")}` }),
          "recovery.image": `${host}/mirror/recovery@sha256:${DIGEST}`,
        }),
      ),
    ).toEqual([]);
});

test("what a region has of flexible servers is taken", () => {
  for (const [pair, skuName] of [
    [pairOf("uksouth", "ukwest"), "Standard_D4ads_v5"],
    [pairOf("francecentral", "francesouth"), "Standard_D4ds_v5"],
    [pairOf("switzerlandnorth", "switzerlandwest"), "Standard_D4ds_v4"],
  ] as const)
    expect(lines("prod", changed("prod", { ...pair, "database.skuName": skuName }))).toEqual([]);
});

test("who signs in is not shown, and what looks like it is", () => {
  const said = (image: string) => lines("prod", changed("prod", { "workloads.api.image": image })).join();
  expect(said("deploy:hunter2@ghcr.io/forma3d/api")).toContain("found '…@ghcr.io/forma3d/api'");
  expect(said("https://deploy:hunter2@ghcr.io/api")).toContain("found 'https://…@ghcr.io/api'");
  expect(said("ghcr.io//api:1.2@sha256:ab")).toContain("found 'ghcr.io//api:1.2@sha256:ab'");
  const mail = lines("prod", changed("prod", { "alerts.emails": ["mailto:oncall@forma3d.com"] })).join();
  expect(mail).toContain("found 'mailto:oncall@forma3d.com'");
});

test.each(["production", "prd", "live"])("no environment is called %s: production is prod", (environment) => {
  expect(lines(environment, changed("staging", { environment, shortName: "pr" }))).toContainEqual(
    expect.stringMatching(
      /^forma3d:environment: .*a name that does not mean production, whose stack is prod$/,
    ),
  );
});
