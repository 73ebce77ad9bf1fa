/**
 * Where a secret's value comes from.
 * - `generated`: made by the program with `@pulumi/random`, kept encrypted in Pulumi's state.
 * - `config`: set by an operator with `pulumi config set --secret`, kept encrypted in the stack file and state.
 * - `external`: put into the vault by an operator, so that a partner's key never enters Pulumi's state; the
 *   program knows only its name and who reads it.
 */
export type SecretSource = "generated" | "config" | "external";

/** Workloads that read secrets. */
export type SecretReader =
  | "api"
  | "migration"
  | "roles"
  | "backup"
  | "copy"
  | "verify"
  | "drill"
  | "prune"
  | "metrics"
  | "monitoring"
  | "operator"
  | "preflight"
  | "status-page";

/** What an environment may do without, and with it the secrets it needs: `recovery.encryption`, `recovery.s3`. */
export type OptionalFeature = "encryption" | "s3";

/**
 * PostgreSQL roles of the application's database: they own its objects and hold its rights, and nobody logs in as one.
 * Each region has a login of its own that acts as the role (`databaseLogins.ts`).
 */
export const DATABASE_ROLES = ["api", "migration", "backup", "monitoring"] as const;

export type DatabaseRole = (typeof DATABASE_ROLES)[number];

/** One secret of the platform. */
export interface SecretEntry {
  /** Name in Key Vault: letters, digits and hyphens, at most 127. */
  name: string;
  source: SecretSource;
  /** Longest life in days; at expiry it must have been replaced. */
  rotationDays: number;
  /** The feature without which nobody has, reads or needs it. Absent: every environment has it. */
  only?: OptionalFeature;
  /** Who may read it; each reader's identity gets Key Vault Secrets User on this one secret. */
  readers: readonly SecretReader[];
  /** Environment variable the readers get it as. */
  variable: string;
  /** What the value is, stored as the secret's content type. */
  contentType: string;
  /** Bytes of randomness of a generated value (base64); absent: a 32-character password. */
  randomBytes?: number;
  /**
   * Makes the generated value the password of a region's login for a role: `own` in the vault of that region, `peer` in
   * the other region's, where whoever makes the logins of both reads it. An environment of one region has no `peer`.
   */
  login?: { role: DatabaseRole; of: "own" | "peer" };
  /** Makes the generated value the connection string of a role: through PgBouncer (6432) or direct (5432). */
  connection?: { role: DatabaseRole | "administrator"; pooled: boolean };
  /**
   * Makes the value a key that protects stored data: of `vault.tokenEncryptionKeys` the newest, which encrypts, or the
   * one before, which data of before still needs. It does not follow `vault.secretsIssued`: replacing such a key
   * makes everything stored under it unreadable.
   */
  encryptionKey?: "current" | "previous";
  /** What to do to get a new value; part of the rotation runbook. */
  rotation: string;
}

/** Every secret of report §4.3, the database's, and the receivers of alerts. */
export const SECRET_CATALOG: readonly SecretEntry[] = [
  {
    name: "database-admin-password",
    source: "generated",
    rotationDays: 180,
    readers: [],
    variable: "DATABASE_ADMIN_PASSWORD",
    contentType: "password",
    rotation: "Advance vault.secretsIssued and run an update; the server accepts the new password at once.",
  },
  {
    name: "database-admin-url",
    source: "generated",
    rotationDays: 180,
    readers: ["roles", "operator"],
    variable: "DATABASE_URL",
    contentType: "postgresql connection string (direct)",
    connection: { role: "administrator", pooled: false },
    rotation: "Follows database-admin-password.",
  },
  ...DATABASE_ROLES.flatMap((role) =>
    (["own", "peer"] as const).map((of): SecretEntry => ({
      name: `database-${role}-${of === "peer" ? "peer-" : ""}password`,
      source: "generated",
      rotationDays: 90,
      readers: ["roles"],
      variable: `${role.toUpperCase()}_${of === "peer" ? "PEER_" : ""}PASSWORD`,
      contentType: "password",
      login: { role, of },
      rotation:
        "Advance vault.secretsIssued and run an update; a job sets the new passwords, then the readers restart.",
    })),
  ),
  {
    name: "database-api-url",
    source: "generated",
    rotationDays: 90,
    readers: ["api", "operator"],
    variable: "DATABASE_URL",
    contentType: "postgresql connection string (pooled)",
    connection: { role: "api", pooled: true },
    rotation: "Follows database-api-password.",
  },
  {
    name: "database-migration-url",
    source: "generated",
    rotationDays: 90,
    readers: ["migration", "operator"],
    variable: "DATABASE_URL",
    contentType: "postgresql connection string (direct)",
    connection: { role: "migration", pooled: false },
    rotation: "Follows database-migration-password.",
  },
  {
    name: "database-backup-url",
    source: "generated",
    rotationDays: 90,
    readers: ["backup", "drill", "operator"],
    variable: "DATABASE_URL",
    contentType: "postgresql connection string (direct)",
    connection: { role: "backup", pooled: false },
    rotation: "Follows database-backup-password.",
  },
  {
    name: "database-monitoring-url",
    source: "generated",
    rotationDays: 90,
    // It shows what replicates, and who may log in, and no row of a table.
    readers: ["monitoring", "preflight"],
    variable: "DATA_SOURCE_NAME",
    contentType: "postgresql connection string (direct)",
    connection: { role: "monitoring", pooled: false },
    rotation: "Follows database-monitoring-password.",
  },
  {
    name: "session-secret",
    source: "generated",
    rotationDays: 90,
    readers: ["api"],
    variable: "SESSION_SECRET",
    contentType: "base64 key",
    randomBytes: 48,
    rotation: "Advance vault.secretsIssued and run an update; signs every user out.",
  },
  {
    name: "internal-api-key",
    source: "generated",
    rotationDays: 90,
    readers: ["api"],
    variable: "INTERNAL_API_KEY",
    contentType: "base64 key",
    randomBytes: 32,
    rotation: "Advance vault.secretsIssued and run an update.",
  },
  {
    name: "shopify-token-encryption-key",
    source: "generated",
    rotationDays: 180,
    readers: ["api"],
    variable: "SHOPIFY_TOKEN_ENCRYPTION_KEY",
    contentType: "base64 key (256 bit)",
    randomBytes: 32,
    encryptionKey: "current",
    rotation:
      "Put a new date in front of vault.tokenEncryptionKeys and run an update; re-encrypt the stored tokens with the application's own command; drop the old date and run an update.",
  },
  {
    // The same as the current key while there is no other: it always exists, so no rotation grants or deletes anything.
    name: "shopify-token-encryption-key-previous",
    source: "generated",
    rotationDays: 180,
    readers: ["api"],
    variable: "SHOPIFY_TOKEN_ENCRYPTION_KEY_PREVIOUS",
    contentType: "base64 key (256 bit)",
    randomBytes: 32,
    encryptionKey: "previous",
    rotation: "Follows shopify-token-encryption-key.",
  },
  {
    name: "shopify-api-key",
    source: "external",
    rotationDays: 180,
    readers: ["api"],
    variable: "SHOPIFY_API_KEY",
    contentType: "API key",
    rotation: "Generate a new key in the Shopify Partner Dashboard.",
  },
  {
    name: "shopify-api-secret",
    source: "external",
    rotationDays: 180,
    readers: ["api"],
    variable: "SHOPIFY_API_SECRET",
    contentType: "API secret",
    rotation: "Generate a new secret in the Shopify Partner Dashboard.",
  },
  {
    name: "simplyprint-api-key",
    source: "external",
    rotationDays: 180,
    readers: ["api"],
    variable: "SIMPLYPRINT_API_KEY",
    contentType: "API key",
    rotation: "Generate a new key in the SimplyPrint dashboard.",
  },
  {
    name: "sendcloud-public-key",
    source: "external",
    rotationDays: 180,
    readers: ["api"],
    variable: "SENDCLOUD_PUBLIC_KEY",
    contentType: "API key",
    rotation: "Generate new keys in the SendCloud dashboard.",
  },
  {
    name: "sendcloud-secret-key",
    source: "external",
    rotationDays: 180,
    readers: ["api"],
    variable: "SENDCLOUD_SECRET_KEY",
    contentType: "API secret",
    rotation: "Generate new keys in the SendCloud dashboard.",
  },
  {
    // What backs up is no reader: it knows public keys only and cannot read back what it wrote.
    name: "backup-decryption-keys",
    source: "external",
    only: "encryption",
    rotationDays: 365,
    readers: ["verify", "drill", "operator"],
    variable: "BACKUP_IDENTITY",
    contentType: "private keys of age, one a line, the newest first",
    rotation:
      "Make a pair with age-keygen; put its private half in front of the old ones, then replace the public half in recovery.encryption.recipients.",
  },
  ...(["access-key-id", "secret-access-key"] as const).map((part): SecretEntry => ({
    name: `backup-s3-${part}`,
    source: "external",
    only: "s3",
    rotationDays: 180,
    readers: ["backup", "copy", "verify", "drill", "prune", "metrics", "operator"],
    variable: `BACKUP_S3_${part.replaceAll("-", "_").toUpperCase()}`,
    contentType: "access key of the S3 service",
    rotation: "Make a second access key at the S3 service, put it into the vaults, then end the first one.",
  })),
  {
    name: "smtp-password",
    source: "config",
    rotationDays: 180,
    readers: ["api"],
    variable: "SMTP_PASSWORD",
    contentType: "password",
    rotation: "Set a new password at the mail provider, then in the stack's config.",
  },
  {
    name: "sentry-dsn",
    source: "config",
    rotationDays: 365,
    readers: ["api"],
    variable: "SENTRY_DSN",
    contentType: "URL with key",
    rotation:
      "Issue a new client key in Sentry, then set it in the stack's config, with the gateway for its host: http://<key>@gateway:8104/<project>.",
  },
  {
    name: "pagerduty-routing-key",
    source: "config",
    rotationDays: 365,
    readers: [],
    variable: "PAGERDUTY_ROUTING_KEY",
    contentType: "integration key",
    rotation: "Issue a new integration key in PagerDuty, then set it in the stack's config.",
  },
  {
    // A bot's token, not an incoming webhook: a webhook is bound to one channel, and there is one per severity.
    name: "slack-bot-token",
    source: "config",
    rotationDays: 365,
    readers: [],
    variable: "SLACK_BOT_TOKEN",
    contentType: "token",
    rotation: "Reinstall the Slack app to get a new bot token, then set it in the stack's config.",
  },
  {
    name: "dead-mans-switch-url",
    source: "config",
    rotationDays: 365,
    readers: [],
    variable: "DEAD_MANS_SWITCH_URL",
    contentType: "URL with key",
    rotation: "Issue a new check at the heartbeat service, then set it in the stack's config.",
  },
  {
    name: "status-page-password",
    source: "generated",
    rotationDays: 90,
    readers: ["status-page"],
    variable: "ADMIN_PASSWORD",
    contentType: "password",
    rotation: "Advance vault.secretsIssued and run an update; the status page restarts with it.",
  },
  {
    name: "status-page-api-secret",
    source: "generated",
    rotationDays: 90,
    readers: ["status-page"],
    variable: "API_SECRET",
    contentType: "base64 key",
    randomBytes: 32,
    rotation: "Advance vault.secretsIssued and run an update; the status page restarts with it.",
  },
];

/** Names of the secrets an operator sets with `pulumi config set --secret`. */
export const CONFIG_SECRETS: readonly string[] = SECRET_CATALOG.filter(
  (entry) => entry.source === "config",
).map((entry) => entry.name);

/** Whether an environment with these features has the secret. */
export function isWanted({ only }: SecretEntry, features: readonly OptionalFeature[]): boolean {
  return only === undefined || features.includes(only);
}

/** Secrets a workload reads, in catalogue order. */
export function secretsOf(reader: SecretReader, features: readonly OptionalFeature[] = []): SecretEntry[] {
  return SECRET_CATALOG.filter((entry) => entry.readers.includes(reader) && isWanted(entry, features));
}
