import * as pulumi from "@pulumi/pulumi";
import type { BackupTier } from "../data/storage";
import { NamedTraffic } from "../kubernetes/traffic";
import { secretFile } from "../kubernetes/vaultSecrets";

/** A place every backup goes to. */
export interface BackupTarget {
  /** In messages, options and metrics: the region. */
  name: string;
  /** `https://<account>.blob.core.windows.net`. */
  url: string;
}

/** A bucket of an S3-compatible service, for all tiers. */
export interface S3Target {
  /** `https://…` of a service other than AWS. */
  endpoint?: string;
  region: string;
  bucket: string;
  objectLock: "governance" | "compliance";
  /** Public addresses of the service. */
  addresses: readonly string[];
}

/** Where the recovery runner finds what it works on; the same for all its verbs. */
export interface RecoveryTargets {
  environment: string;
  /** The accounts that hold the backups, the region's own first: it is asked first. */
  accounts: readonly BackupTarget[];
  /** A target with another provider. */
  s3?: S3Target;
  /** Public keys of age that backups are encrypted for; none: they are not. */
  recipients: readonly string[];
  containers: Record<BackupTier | "evidence", string>;
  retention: Record<BackupTier, number> & { keepLast: number };
  objectives: { rpoMinutes: number; rtoMinutes: number };
}

const TIERS = ["hourly", "daily", "weekly", "monthly"] as const satisfies readonly BackupTier[];

/** Plain environment variables of every run of the recovery runner; what each means: docs/targets.md. */
export function recoveryEnvironment(targets: RecoveryTargets): Record<string, pulumi.Input<string>> {
  const { accounts, containers, retention, objectives } = targets;
  const perTier = (name: (tier: string) => string, value: (tier: BackupTier) => string) =>
    Object.fromEntries(TIERS.map((tier) => [name(tier.toUpperCase()), value(tier)]));
  return {
    ENVIRONMENT: targets.environment,
    BACKUP_TARGETS: JSON.stringify([
      ...accounts.map(({ name, url }) => ({ name, kind: "azure", url })),
      ...(targets.s3 ? [s3Entry(targets.s3)] : []),
    ]),
    ...(targets.recipients.length > 0 && { BACKUP_RECIPIENTS: targets.recipients.join(",") }),
    ...perTier(
      (tier) => `BACKUP_CONTAINER_${tier}`,
      (tier) => containers[tier],
    ),
    BACKUP_CONTAINER_EVIDENCE: containers.evidence,
    // The account's lifecycle moves them on; a second place that decides tiers would contradict it.
    BACKUP_MONTHLY_ACCESS_TIER: "Hot",
    ...perTier(
      (tier) => `RETENTION_${tier}_DAYS`,
      (tier) => String(retention[tier]),
    ),
    RETENTION_KEEP_LAST: String(retention.keepLast),
    // A snapshot is as old as the schedule allows, plus the time the next dump takes.
    BACKUP_MAX_AGE: `${2 * objectives.rpoMinutes}m`,
    RPO_TARGET: `${objectives.rpoMinutes}m`,
    RTO_TARGET: `${objectives.rtoMinutes}m`,
  };
}

function s3Entry({ endpoint, region, bucket, objectLock }: S3Target) {
  return {
    name: "s3",
    kind: "s3",
    ...(endpoint && { endpoint }),
    region,
    objectLock,
    accessKeyIdFile: secretFile("backup-s3-access-key-id"),
    secretAccessKeyFile: secretFile("backup-s3-secret-access-key"),
    containers: Object.fromEntries([...TIERS, "evidence"].map((kind) => [kind, bucket])),
  };
}

/** The file with the private keys, for what reads encrypted backups. */
export function identityFile({ recipients }: RecoveryTargets): Record<string, string> {
  return recipients.length > 0 ? { BACKUP_IDENTITY_FILE: secretFile("backup-decryption-keys") } : {};
}

/** How the target with another provider is reached; nothing where there is none. */
export function elsewhere({ s3 }: RecoveryTargets): NamedTraffic[] {
  return s3 ? [{ name: "s3", peers: s3.addresses.map((cidr) => ({ cidr })), ports: [443] }] : [];
}

/** Gate that proves, before a pod starts, that its database is this environment's (report §4.4). */
export interface DatabaseGate {
  name: string;
  image: string;
  arguments: string[];
  environment: Record<string, string>;
}

/** What the gate holds a connection against. */
export interface GateArgs {
  environment: string;
  /** Every host that is this environment's database. */
  hosts: readonly string[];
  /** TLS a connection must have at least. */
  tls: "require" | "verify-full";
}

/** The gate of a workload whose database connection is the given secret of the vault. */
export function databaseGate(args: GateArgs & { image: string; secret: string }): DatabaseGate {
  return {
    name: "guard",
    image: args.image,
    arguments: ["guard"],
    environment: { ...gateSettings(args), DATABASE_URL_FILE: secretFile(args.secret) },
  };
}

/** Settings of the gate, also those with which it marks the server. */
export function gateSettings({ environment, hosts, tls }: GateArgs): Record<string, string> {
  return { ENVIRONMENT: environment, GUARD_ALLOWED_HOSTS: hosts.join(","), GUARD_TLS: tls };
}
