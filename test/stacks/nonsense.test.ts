import {
  API_IMAGE,
  MISTYPED_KEY,
  type Nonsense,
  announcement,
  incident,
  parameters,
  refusesAll,
  schedules,
  target,
  told,
  windows,
} from "./documents";

const DIGESTED = (repository: string): string => `${repository}@sha256:${API_IMAGE.split(":")[1] ?? ""}`;

/** Values each of which is of the right form, and which for what they are nobody can mean. */
const NONSENSE: Nonsense[] = [
  // One id, name or image in two places.
  [{ "azure.tenantId": "8d2f5c1e-6b0a-4f53-9a57-1c9e3b7d4a10" }, /azure\.tenantId: .*azure\.subscriptionId$/],
  [
    { "cluster.adminGroupObjectIds": ["3f1e9c7a-52d8-4b60-8e4b-7a2c5d9f0b61"] },
    /adminGroupObjectIds\[0\]: .*another id than azure\.tenantId$/,
  ],
  [
    { "controlPlane.deployObjectId": "3f1e9c7a-52d8-4b60-8e4b-7a2c5d9f0b61" },
    /controlPlane\.deployObjectId: .*another id than azure\.tenantId$/,
  ],
  [
    { "database.administratorLogin": "api_weu" },
    /administratorLogin: .*the application's own roles and logins$/,
  ],
  [
    { "database.entraAdministrators.0.principalName": "forma3d_admin" },
    /principalName: .*another name than database\.administratorLogin$/,
  ],
  [
    { "workloads.dashboard.image": API_IMAGE },
    /dashboard\.image: .*another image than workloads\.api\.image$/,
  ],
  [{ "workloads.api.image": `localhost/${API_IMAGE.slice(8)}` }, /a registry with a public name/],
  [
    { "workloads.api.image": `ghcr.io/forma3d/api@sha256:${"0".repeat(64)}` },
    /api\.image: .*the digest of an image: this one was typed in its place$/,
  ],
  [
    { "gateway.image": DIGESTED("docker.io/library/nginx") },
    /gateway\.image: .*by its name this one is for statusPage\.frontImage$/,
  ],
  [
    { "statusPage.gatusImage": DIGESTED("ghcr.io/forma3d/statping-ng") },
    /gatusImage: .*this one is for statusPage\.statpingImage$/,
  ],
  [
    { "recovery.image": DIGESTED("docker.io/library/postgres") },
    /recovery\.image: .*made for others to build on$/,
  ],
  // Names and addresses nobody has.
  [{ domains: ["forma3d.com", "gmail.com"] }, /domains\[1\]: .*a domain of your own$/],
  [
    { domains: ["forma3d.com", "simplyprint.io"] },
    /domains\[1\]: .*a domain of your own, not of simplyprint$/,
  ],
  [{ "gateway.errorReports": "o1.ingest.us.sentry.io" }, /errorReports: .*Sentry in the EU, .*confidential/],
  [{ "gateway.errorReports": "o1.ingest.sentry.io" }, /errorReports: .*Sentry in the EU/],
  [{ "tags.owner": "platform@example.com" }, /an e-mail address somebody reads$/],
  [{ "alerts.emails": ["oncall@forma3d.invalid"] }, /an e-mail address somebody reads$/],
  [{ "edge.apiHostName": "1.2.3.4" }, /apiHostName: .*a domain of your own$/],
  [{ "edge.apiHostName": "api.forma3d.local" }, /a domain of your own$/],
  [{ "edge.apiHostName": "forma3d.azurefd.net" }, /a domain of your own$/],
  [{ "edge.apiHostName": "xn--frma-hra.com" }, /a name without xn--/],
  [{ "edge.apiHostName": `${"a".repeat(60)}.forma3d.com` }, /a name of at most 64 characters/],
  [{ "controlPlane.repository": "../.." }, /a GitHub repository as owner\/name$/],
  [{ "controlPlane.repository": "forma3d/platform.git" }, /a GitHub repository as owner\/name$/],
  [{ "cluster.authorizedIpRanges": ["240.0.0.0/24"] }, /of public addresses/],
  [{ "cluster.authorizedIpRanges": ["203.000.113.0/24"] }, /of public addresses/],
  [
    { "cluster.authorizedIpRanges": ["203.0.113.0/24", "203.0.113.16/29"] },
    /\[1\]: .*a block apart from 203/,
  ],
  [
    target({ endpoint: "https://user:hunter2@s3.forma3d.com" }),
    /found 'https:\/\/…@s3\.forma3d\.com'; .*without a user/,
  ],
  [target({ endpoint: "https://s3.forma3d.com?x=1" }), /an https URL without a path$/],
  [target({ endpoint: "https://localhost" }), /an https URL of a public name/],
  [target({ region: "---" }), /a region such as eu-central-1$/],
  [target({ addresses: ["198.0.0.0/8"] }), /of public addresses/],
  [{ "recovery.encryption": { recipients: [MISTYPED_KEY] } }, /its checksum says that letters are wrong$/],
  // Dates.
  [{ "budget.from": "2099-01-01" }, /budget\.from: .*at most two years from today/],
  [
    { "database.restoredAt": "2199-01-01T00:00:00Z" },
    /restoredAt: .*at most tomorrow: it says what has happened/,
  ],
  [
    announcement({ startsAt: "2099-01-01T00:00:00Z", endsAt: "2099-01-01T01:00:00Z" }),
    /at most two years from today/,
  ],
  [announcement({ reason: "        " }), /reason: .*5-200 characters of text$/],
  [told("2099-01-01T00:00:00Z"), /incidents\[0\]\.at: .*at most tomorrow/],
  [told("2024-11-01T00:00:00Z", "2024-11-02T00:00:00Z"), /incidents\[1\]\.at: .*the newest stands first$/],
  [
    {
      "statusPage.incidents": [
        {
          at: "2026-11-01T00:00:00Z",
          phase: "resolved",
          service: "Database",
          postmortem: "javascript:alert(1)",
        },
      ],
    },
    /postmortem: .*an https address everybody can open$/,
  ],
  // What a region that stands by, and a pool, can hold.
  [
    { "cluster.standby": { userMinCount: 10 } },
    /userMinCount: found 10; allowed: at most userPool\.maxCount \(9\)$/,
  ],
  [{ "cluster.standby": { userMinCount: 1 } }, /0 without regions\.secondary/, "staging"],
  [
    { "cluster.userPool.minCount": 1, "cluster.userPool.maxCount": 1 },
    /at least 3, a node for each of cluster\.zones$/,
  ],
  [{ "cluster.systemPool.count": 2 }, /systemPool\.count: found 2; allowed: at least 3/],
  [
    {
      "regions.primary.location": "ukwest",
      "monitoring.region": "ukwest",
      "storage.redundancy": "Standard_LRS",
      "cluster.zones": ["1"],
    },
    /cluster\.zones: .*\[\], because ukwest has no availability zones$/,
    "staging",
  ],
  [
    { "workloads.api.resources.memoryRequest": "1Gi", "workloads.api.maxReplicas": 100 },
    /api\.maxReplicas: found 100; allowed: at most 15: cluster\.userPool has 3 nodes/,
    "staging",
  ],
  [{ "workloads.api.resources.cpuRequest": "1m" }, /cpuRequest: found '1m'; .*at least 10m/],
  [{ "workloads.api.resources.cpuLimit": "1.12345" }, /a Kubernetes CPU quantity/],
  [{ "workloads.api.resources.memoryRequest": "1Mi" }, /at least 16Mi/],
  [{ "edge.webhookRateLimitPerMinute": 200 }, /at least rateLimitPerMinute \(600\)/],
  // By the way of error reports a region that does not serve would reach a partner.
  [{ "gateway.errorReports": "api.simplyprint.io" }, /errorReports: .*no host of simplyprint: its calls/],
  [{ "gateway.errorReports": "some-shop.myshopify.com" }, /errorReports: .*no host of shopify/],
  [{ "gateway.errorReports": "api.forma3d.com" }, /errorReports: .*another host than those of edge/],
  [
    { "gateway.errorReports": "https://o42.ingest.de.sentry.io" },
    /errorReports: .*allowed: a lower-case DNS name$/,
  ],
  // The database.
  [
    { "database.pool": { defaultPoolSize: 100, maxClientConnections: 10 } },
    /at least defaultPoolSize \(100\)/,
  ],
  [
    {
      "regions.primary.role": "lost",
      "regions.secondary.role": "serving",
      "database.replica": { bootstrap: true },
    },
    /replica\.bootstrap: found true; allowed: false while regions\.secondary serves/,
  ],
  [{ "database.withoutReplica": "because staging never has one" }, /nothing outside prod/, "staging"],
  [parameters({ autovacuum: "off" }), /nothing here: without it tables grow/],
  [parameters({ track_counts: "off" }), /nothing here: autovacuum does not run without it$/],
  [parameters({ password_encryption: "md5" }), /nothing here: scram-sha-256/],
  [parameters({ search_path: "nowhere" }), /search_path: .*nothing here/],
  [parameters({ "pgbouncer.pool_mode": "statement" }), /nothing here: transaction/],
  [parameters({ statement_timeout: "1" }), /0 \(none\), or at least 1000: milliseconds$/],
  [parameters({ lock_timeout: "5" }), /0 \(none\), or at least 100: milliseconds$/],
  [parameters({ max_connections: "0100" }), /a whole number from 25 to 5000/],
  [parameters({ max_connections: "100.0" }), /a whole number from 25 to 5000/],
  [parameters({ shared_buffers: "1073741823" }), /at most 1572864: Standard_D4ds_v5 has 16 GiB of memory$/],
  [parameters({ min_wal_size: "2048" }), /at most 1024, max_wal_size$/],
  [parameters({ max_wal_size: "40" }), /at least 80, min_wal_size$/],
  [parameters({ max_worker_processes: "0" }), /at least 8, max_parallel_workers$/],
  [
    parameters({ ssl_min_protocol_version: "TLSv1.3", ssl_max_protocol_version: "TLSv1.2" }),
    /at least ssl_min/,
  ],
  [parameters({ "azure.extensions": "pgcrypto" }), /a list with amcheck, citext, /],
  [parameters({ shared_preload_libraries: "pgaudit" }), /a list with pg_stat_statements/],
  [
    parameters({ "cron.database_name": "elsewhere" }),
    /postgres or database\.applicationDatabase \(forma3d\)$/,
  ],
  [parameters({ "pgbouncer.min_pool_size": "4000" }), /at most database\.pool\.defaultPoolSize \(50\)$/],
  [
    {
      "database.skuName": "Standard_B2ms",
      "database.tier": "Burstable",
      "database.highAvailability": "Disabled",
      ...parameters({ "pgbouncer.server_idle_timeout": "60" }),
    },
    /nothing on the Burstable tier, which has no PgBouncer$/,
    "staging",
  ],
  // Ids and names that are nobody's, or another environment's.
  [{ "azure.subscriptionId": "11111111-1111-1111-1111-111111111111" }, /this one was typed in its place$/],
  [{ "azure.tenantId": "ffffffff-ffff-ffff-ffff-ffffffffffff" }, /this one was typed in its place$/],
  ...["pg_monitor", "postgres", "azure_pg_admin", "public", "none"].map((name): Nonsense => [
    { "database.entraAdministrators.0.principalName": name },
    /principalName: .*none PostgreSQL or Azure reserve/,
  ]),
  [{ "database.entraAdministrators.0.principalName": "forma3d-prod-dba " }, /principalName: .*1-63 letters/],
  [
    { "database.entraAdministrators.0.principalType": "User" },
    /principalName: .*the name a User signs in with/,
  ],
  [{ "database.administratorLogin": "none" }, /a login Azure does not reserve/],
  [{ "database.applicationDatabase": "pgbouncer" }, /a name other than postgres, .*, pgbouncer, /],
  [{ "edge.apiHostName": "forma3d.myshopify.com" }, /apiHostName: .*in a domain of your own$/],
  [{ "edge.apiHostName": "api.simplyprint.io" }, /apiHostName: .*a domain of your own, not of simplyprint$/],
  ...[
    "forma3d.github.io",
    "co.uk",
    "forma3d.trafficmanager.net",
    "x.westeurope.cloudapp.azure.com",
    "x.swedencentral.azurecontainerapps.io",
    "forma3d.onmicrosoft.com",
    "d111111abcdef8.cloudfront.net",
    "site.s3.eusc-de-east-1.amazonaws.eu",
  ].map((host): Nonsense => [
    { "edge.dashboardHostName": host },
    /dashboardHostName: .*a domain of your own$/,
  ]),
  ...["login.microsoftonline.com", "management.azure.com", "x.blob.core.windows.net"].map(
    (host): Nonsense => [{ "gateway.errorReports": host }, /none of Microsoft's services$/],
  ),
  ...["https://api.forma3d.com/runbooks", "https://app.forma3d.com", "https://x.myshopify.com/r"].map(
    (address): Nonsense => [
      { "alerts.runbookBaseUrl": address },
      /runbookBaseUrl: .*runbooks are read while those are away$/,
    ],
  ),
  ...[
    "https://docs.forma3d.com/r.html",
    "https://docs.forma3d.com/r/../..",
    "https://docs.forma3d.com:99999/r",
  ].map((address): Nonsense => [
    { "alerts.runbookBaseUrl": address },
    /an https address of a folder, without a slash at its end$/,
  ]),
  ...["noreply", "no-reply", "do-not-reply+oncall", "mailer-daemon", "bounces"].map((name): Nonsense => [
    { "alerts.emails": [`${name}@forma3d.com`] },
    /emails\[0\]: .*an e-mail address somebody reads$/,
  ]),
  [{ "tags.owner": "noreply@forma3d.com" }, /tags\.owner: .*an e-mail address somebody reads$/],
  [{ "alerts.emails": ["oncall@api.forma3d.com"] }, /another host than edge's, which take no mail$/],
  [
    {
      "workloads.api.image":
        "ghcr.io/forma3d/api@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
    /the digest of an image: this one is of nothing$/,
  ],
  [{ "workloads.api.image": `ghcr.io:99999/${API_IMAGE.slice(8)}` }, /a registry's port of at most 65535$/],
  [{ "cluster.authorizedIpRanges": ["168.63.129.16/32"] }, /of public addresses/],
  [{ "cluster.authorizedIpRanges": ["192.88.99.0/24"] }, /of public addresses/],
  [target({ endpoint: "https://api.forma3d.com" }), /s3\.endpoint: .*neither the environment's own host nor/],
  [target({ endpoint: "https://x.blob.core.windows.net" }), /s3\.endpoint: .*nor one of Microsoft's$/],
  [target({ bucket: "backups-s3alias" }), /bucket: .*a name S3 does not keep to itself$/],
  // Sizes that do not hold each other.
  [
    { "database.replica": undefined, "database.withoutReplica": "x".repeat(25) },
    /withoutReplica: .*in words$/,
  ],
  [
    { "database.pool": { maxClientConnections: 60 } },
    /at least 130: 10 for each of workloads\.api\.maxReplicas/,
  ],
  [{ "database.pool": { maxPreparedStatements: 0 } }, /maxPreparedStatements: .*from 1 to 5000$/],
  [
    parameters({ max_connections: "66" }),
    /defaultPoolSize: found 50; allowed: at most 21, the 66 connections/,
  ],
  [
    { "workloads.api.resources.cpuRequest": "4", "workloads.api.resources.cpuLimit": "4" },
    /cpuRequest: found '4'; .*3860m and 14034Mi$/,
  ],
  [
    { "workloads.api.resources.memoryRequest": "14Gi", "workloads.api.resources.memoryLimit": "15Gi" },
    /memoryRequest: found '14Gi'; .*what AKS leaves to pods on a node/,
  ],
  [{ "gateway.timeoutSeconds": 31 }, /timeoutSeconds: found 31; allowed: a whole number from 1 to 30$/],
  [parameters({ work_mem: "2097151" }), /at most 335544: 50 connections of database\.pool\.defaultPoolSize/],
  [
    parameters({ maintenance_work_mem: "2097151", autovacuum_max_workers: "100" }),
    /maintenance_work_mem: .*at most 167772: 100 autovacuum_max_workers/,
  ],
  [parameters({ autovacuum_max_workers: "262143" }), /at most 260406: with max_connections, /],
  [parameters({ max_worker_processes: "262143" }), /starts no more than 262143 processes$/],
  [parameters({ max_wal_size: "65536" }), /at most 16384, half of database\.storageGB \(32\)/, "staging"],
  // Parameters that switch off what is watched, or what ends what.
  ...[
    "metrics.collector_database_activity",
    "metrics.autovacuum_diagnostics",
    "metrics.pgbouncer_diagnostics",
  ].map((name): Nonsense => [parameters({ [name]: "off" }), /nothing here: several alerts could never fire/]),
  ...["log_connections", "log_disconnections", "connection_throttle.enable", "row_security"].map(
    (name): Nonsense => [parameters({ [name]: "off" }), /nothing here: /],
  ),
  [
    parameters({ "pgbouncer.ignore_startup_parameters": "" }),
    /a list with extra_float_digits, statement_timeout/,
  ],
  [parameters({ wal_sender_timeout: "1" }), /0 \(none\), or at least 10000/],
  [parameters({ tcp_user_timeout: "1" }), /0 \(none\), or at least 1000/],
  [parameters({ idle_session_timeout: "1000" }), /0 \(none\), or at least 60000/],
  [
    parameters({ deadlock_timeout: "2147483647" }),
    /less than lock_timeout \(30000\), which ends everything first$/,
  ],
  [parameters({ lock_timeout: "120000" }), /less than statement_timeout \(60000\)/],
  [
    parameters({ statement_timeout: "5000", transaction_timeout: "4000", lock_timeout: "1000" }),
    /statement_timeout: found '5000'; allowed: less than transaction_timeout \(4000\)/,
  ],
  [parameters({ autovacuum_naptime: "2147483" }), /at most 3600: .*as if autovacuum were off$/],
  [parameters({ autovacuum_vacuum_threshold: "2147483647" }), /at most 10000000: /],
  [parameters({ autovacuum_vacuum_scale_factor: "100" }), /at most 1: /],
  [parameters({ log_min_messages: "panic" }), /error or a lower level/],
  [parameters({ log_min_messages: "debug1" }), /info or a higher level/],
  [parameters({ shared_buffers: "16" }), /shared_buffers: .*at least 131072, .*Standard_D4ds_v5$/],
  [parameters({ effective_cache_size: "1" }), /effective_cache_size: .*at least 131072/],
  [parameters({ wal_sender_timeout: "0" }), /wal_sender_timeout: .*from 10000 to 86400000/],
  [parameters({ log_min_error_statement: "fatal" }), /error or a lower level/],
  [
    { "database.version": "15", ...parameters({ transaction_timeout: "600000" }) },
    /PostgreSQL has it since 17, and version is 15$/,
    "staging",
  ],
  [
    { "database.version": "16", ...parameters({ enable_group_by_reordering: "off" }) },
    /since 17, and version is 16$/,
    "staging",
  ],
  [
    parameters({ "azure.extensions": "amcheck,citext,pg_stat_statements,pg_trgm,pgaudit,pgcrypt,uuid-ossp" }),
    /names of extensions Azure offers, .*; pgcrypt is none, did you mean pgcrypto\?$/,
  ],
  [
    parameters({ shared_preload_libraries: "pg_stat_statements,pgaudit,nonsense" }),
    /libraries Azure offers, .*nonsense is none$/,
  ],
  [parameters({ "pgaudit.log": "none,all" }), /a list without none, which says the opposite$/],
  [parameters({ "cron.max_running_jobs": "5" }), /nothing while shared_preload_libraries has no pg_cron$/],
  // Limits nothing passes, or that everything does.
  ...["databaseConnectionsPercent", "databaseCpuPercent", "memoryPercent"].map((key): Nonsense => [
    { "alerts.thresholds": { [key]: 100 } },
    /a whole number from 10 to 99$/,
  ]),
  [{ "alerts.thresholds": { diskPercent: { urgent: 100 } } }, /from 10 to 99$/],
  [{ "alerts.thresholds": { databaseStoragePercent: { urgent: 95 } } }, /from 10 to 94$/],
  [
    { "alerts.thresholds": { databaseWalGiB: 128 } },
    /less than 115, at which databaseStoragePercent\.urgent/,
  ],
  [
    { "alerts.thresholds": { databaseWalGiB: 1 }, ...parameters({ max_wal_size: "8192" }) },
    /more than 8, what database\.parameters\.max_wal_size keeps/,
  ],
  [{ "alerts.thresholds": { certificateDays: { warning: 45 } } }, /a whole number from 7 to 44$/],
  [
    { "alerts.thresholds": { edgeFloodRequests: 3000 } },
    /more than 3000, what one client may send in five minutes/,
  ],
  [
    { "edge.rateLimitPerMinute": 20000, "edge.webhookRateLimitPerMinute": 20000 },
    /edgeFloodRequests: .*more than 100000/,
  ],
  [{ "alerts.thresholds": { backupMaxAgeHours: 49 } }, /at most 48: later, 2 daily backups/],
  [{ "alerts.thresholds": { readinessMaxAgeHours: 49 } }, /at most 48: later, 2 checks/],
  [{ "alerts.thresholds": { drillMaxAgeDays: 92 } }, /at most 62: later, 2 drills/],
  [{ "alerts.thresholds": { backupMaxUnprovedHours: 3 } }, /at least 4, the hours a proof may take/],
  [{ "monitoring.logCapGiB": 67 }, /at most 66: with more, a month of logs alone costs/],
  // Times.
  [schedules({ copy: "0 * * * *" }), /schedules\.copy: .*other minutes than recovery\.schedules\.hourly/],
  [schedules({ verify: "0 5 * * *" }), /schedules\.verify: .*other minutes than recovery\.schedules\.hourly/],
  [{ "storage.containers.4.retentionDays": 30 }, /at least 31, the days until the next drill$/, "staging"],
  [announcement({ endsAt: "2026-12-20T00:00:01Z" }), /endsAt: .*at least 5 minutes after/],
  [announcement({ reason: "....." }), /reason: .*in words$/],
  [
    windows(
      ["2026-12-20T00:00:00Z", "2026-12-20T02:00:00Z"],
      ["2026-12-20T01:00:00Z", "2026-12-20T03:00:00Z"],
    ),
    /maintenance\[1\]\.startsAt: .*a time outside alerts\.maintenance\[0\]/,
  ],
  [
    windows(
      ["2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z"],
      ["2026-12-08T00:00:00Z", "2026-12-15T00:00:00Z"],
    ),
    /maintenance\[1\]\.endsAt: .*windows of 7 days together in any 28/,
  ],
  [
    incident({ phase: "investigating", postmortem: "https://docs.forma3d.com/pm" }),
    /postmortem: .*nothing before it is resolved$/,
  ],
  [incident({ phase: "resolved", hours: 5 }), /hours: found 5; allowed: nothing: it is resolved$/],
  [
    told("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
    /incidents\[1\]\.at: .*each once: statusPage\.incidents\[0\]/,
  ],
  // Backups: when, how long, how watched.
  [{ "recovery.rpoMinutes": 1440 }, /at most 60, which production promises/],
  [{ "recovery.rtoMinutes": 250 }, /at most 240, which production promises/],
  [{ "recovery.rtoMinutes": 1 }, /a whole number from 5 to 2880$/],
  [schedules({ drill: "0 6 29 2 *" }), /schedules\.drill: .*once a quarter at least/],
  [schedules({ drill: "* * * * *" }), /schedules\.drill: .*once a day at most, all year$/],
  [schedules({ daily: "0 3 1 1 *", hourly: "5 * * * *" }), /a schedule that runs once a day, all year$/],
  [schedules({ daily: "0 3 * 1-11 *", hourly: "5 * * * *" }), /a schedule that runs once a day, all year$/],
  [schedules({ daily: "0 3 1-27 * *", hourly: "5 * * * *" }), /a schedule that runs once a day, all year$/],
  [schedules({ hourly: "0 0-2,4-23 * 1-6 *" }), /schedules\.hourly: .*all year$/],
  [schedules({ weekly: "30 12 * * *" }), /a schedule that runs once a week, all year$/],
  [schedules({ monthly: "30 21 31 * *" }), /a schedule that runs once a month, all year$/],
  [schedules({ monthly: "30 21 1 1 *" }), /a schedule that runs once a month, all year$/],
  [schedules({ verify: "0 0 1 1 *" }), /at least once a day, every 5 minutes at most, all year$/],
  [schedules({ copy: "0 0 29 2 *" }), /at least once a day, every 5 minutes at most, all year$/],
  [schedules({ prune: "0 0 1 1 *" }), /at least once a week, once an hour at most, all year$/],
  [{ "recovery.deadlineMinutes": { prune: 1440 } }, /deadlineMinutes\.prune: .*less than 1440, /],
  [{ "alerts.thresholds": { drillMaxAgeDays: 7 } }, /at least 31, the days between two runs/],
  [
    { "readiness.schedule": "30 5 * * 1-5" },
    /readiness\.schedule: .*at least once a day and at most once an hour/,
  ],
  [{ "readiness.schedule": "* * * * *" }, /readiness\.schedule: .*at most once an hour, all year$/],
  [
    { "alerts.thresholds": { readinessMaxAgeHours: 24 } },
    /more than 24, the hours between two runs of readiness/,
  ],
  [{ "alerts.thresholds": { backupMaxAgeHours: 24 } }, /more than 24, the hours between two daily backups$/],
  [{ "alerts.thresholds": { webhookSilenceMinutes: 900 } }, /less than 840, the minutes of businessHours/],
  [
    { "alerts.thresholds": { secretDays: 90 } },
    /at most 45, half of the days the shortest-lived secret lives$/,
  ],
  [{ "alerts.thresholds": { memoryPercent: 1 } }, /a whole number from 10 to 99$/],
  [{ "storage.containers.1.tiers": [{ tier: "Cool", afterDays: 30 }] }, /less than 30, the retention/],
  [
    {
      "storage.containers.3.tiers": [
        { tier: "Cool", afterDays: 1 },
        { tier: "Cold", afterDays: 2 },
      ],
    },
    /at least 31: Cool is paid for 30 days/,
  ],
  [
    { "storage.containers.3.retentionDays": 30 },
    /at least 31, the days until the next monthly backup$/,
    "staging",
  ],
  [
    { "storage.containers.2.retentionDays": 3 },
    /at least 7, the days until the next weekly backup$/,
    "staging",
  ],
];

refusesAll(NONSENSE);
