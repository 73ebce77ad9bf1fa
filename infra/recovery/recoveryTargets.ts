import * as pulumi from "@pulumi/pulumi";
import { secretFile } from "../kubernetes/vaultSecrets";

/** Where the recovery runner finds what it works on; the same for all its verbs. */
export interface RecoveryTargets {
  environment: string;
  /** `https://<account>.blob.core.windows.net`. */
  storeUrl: pulumi.Input<string>;
  /** Read endpoint of the copy in the paired region; absent where the account keeps none. */
  storeCopyUrl?: string;
  containers: { daily: string; monthly: string; evidence: string };
  retention: { dailyDays: number; monthlyDays: number; keepLast: number };
  objectives: { rpoMinutes: number; rtoMinutes: number };
}

/** Plain environment variables of every run of the recovery runner. */
export function recoveryEnvironment(targets: RecoveryTargets): Record<string, pulumi.Input<string>> {
  const { containers, retention, objectives } = targets;
  return {
    ENVIRONMENT: targets.environment,
    BACKUP_STORE_URL: targets.storeUrl,
    ...(targets.storeCopyUrl && { BACKUP_STORE_SECONDARY_URL: targets.storeCopyUrl }),
    BACKUP_CONTAINER_DAILY: containers.daily,
    BACKUP_CONTAINER_MONTHLY: containers.monthly,
    BACKUP_CONTAINER_EVIDENCE: containers.evidence,
    // The account's lifecycle moves them on; a second place that decides tiers would contradict it.
    BACKUP_MONTHLY_ACCESS_TIER: "Hot",
    RETENTION_DAILY_DAYS: String(retention.dailyDays),
    RETENTION_MONTHLY_DAYS: String(retention.monthlyDays),
    RETENTION_KEEP_LAST: String(retention.keepLast),
    RPO_TARGET: `${objectives.rpoMinutes}m`,
    RTO_TARGET: `${objectives.rtoMinutes}m`,
  };
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
