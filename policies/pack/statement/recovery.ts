import { READINESS } from "../../../infra/recovery/readiness";
import { RECOVERY_JOBS, STARTING_DEADLINE_MINUTES } from "../../../infra/recovery/recoveryJobs";
import { CONTAINER_NAMES } from "../../../infra/data/places";
import { stackPlatformNames } from "../../../stacks/files";
import { withPulledImages } from "../../../stacks/images";
import type { StackConfig } from "../../../stacks/schema";
import type { Demand } from "../../rules/statement";
import { atLeast, atMost, between, Bound, GIVEN, holding, NONE, OFF, oneOf } from "../../rules/expected";
import { PLACES, roleOf } from "../../../stacks/roles";
import { podsAt } from "./pods";

/** Where backups go: to the account of each region at least. */
function targetsOf(config: StackConfig): Bound {
  const accounts = Object.values(stackPlatformNames(config).backups);
  const urls = accounts.map(({ storageAccount }) => `https://${storageAccount}.`);
  return new Bound(
    `a list with ${urls.join(" and ")}`,
    (value) => typeof value === "string" && urls.every((url) => value.includes(url)),
  );
}

/** Room in which a backup is restored. */
const scratchOf = ({ recovery: { scratchGiB } }: StackConfig): Bound =>
  holding({
    ephemeral: {
      volumeClaimTemplate: {
        spec: { resources: { requests: { storage: atLeast(`${scratchGiB}Gi`) } } },
      },
    },
  });

/** What the recovery runner is told, by a schedule or by an operator. */
function settingsOf(config: StackConfig): Bound {
  const { recovery, storage } = config;
  const retention = (purpose: string): number | undefined =>
    storage.containers.find((container) => container.purpose === purpose)?.retentionDays;
  return holding(
    { name: "BACKUP_TARGETS", value: targetsOf(config) },
    { name: "RPO_TARGET", value: `${recovery.rpoMinutes}m` },
    { name: "RTO_TARGET", value: `${recovery.rtoMinutes}m` },
    { name: "BACKUP_MAX_AGE", value: `${2 * recovery.rpoMinutes}m` },
    // The image a record names, with which a restore is repeated.
    { name: "RECOVERY_IMAGE", value: withPulledImages(config).recovery.image },
    ...(["hourly", "daily", "weekly", "monthly"] as const).flatMap((tier) => [
      { name: `RETENTION_${tier.toUpperCase()}_DAYS`, value: String(retention(tier)) },
      { name: `BACKUP_CONTAINER_${tier.toUpperCase()}`, value: CONTAINER_NAMES[tier] },
    ]),
    { name: "RETENTION_KEEP_LAST", value: String(recovery.keepLast) },
  );
}

const RECOVERY = "infra/recovery/recoveryJobs.ts";

/** Jobs that back up, prove and drill, in every region. */
export function recovery(config: StackConfig, regions: number): Demand[] {
  const settings = settingsOf(config);
  const job = "spec.jobTemplate.spec";
  const serving = PLACES.filter((place) => roleOf(config, place) === "serving").length;
  return [
    {
      what: "each recovery job",
      key: RECOVERY,
      type: "CronJob",
      count: (RECOVERY_JOBS.length + 1) * regions,
      each: {
        // Another one would act on backups as one of these does, at times nobody chose.
        "metadata.name": oneOf(
          ...RECOVERY_JOBS.map(({ name }) => `recovery-${name}`),
          "recovery-operator",
          READINESS.cronJob,
        ),
        "spec.timeZone": "Etc/UTC",
        "spec.concurrencyPolicy": "Forbid",
        "spec.startingDeadlineSeconds": atLeast(STARTING_DEADLINE_MINUTES * 30),
        "spec.failedJobsHistoryLimit": atLeast(1),
        "spec.successfulJobsHistoryLimit": atLeast(1),
        [`${job}.activeDeadlineSeconds`]: between(1800, 43_200),
        [`${job}.ttlSecondsAfterFinished?`]: between(600, 43_200),
        [`${job}.backoffLimit`]: atMost(10),
        ...podsAt(`${job}.template.spec`),
        [`${job}.template.spec.restartPolicy`]: "Never",
        [`${job}.template.spec.terminationGracePeriodSeconds`]: atLeast(30),
      },
    },
    ...RECOVERY_JOBS.map(({ name }): Demand => ({
      what: `the recovery job ${name} where a region serves`,
      key: `recovery.schedules.${name}, regions`,
      type: "CronJob",
      where: { "metadata.name": `recovery-${name}` },
      is: { "spec.suspend": OFF },
      // That it runs there at all is the catalogue's demand.
      count: 0,
      most: serving,
    })),
    {
      what: "the readiness check where a region serves",
      key: "readiness, regions",
      type: "CronJob",
      where: { "metadata.name": READINESS.cronJob },
      is: { "spec.suspend": OFF },
      count: 0,
      most: serving,
    },
    {
      what: "the readiness check in each region",
      key: "readiness.schedule",
      type: "CronJob",
      where: { "metadata.name": READINESS.cronJob },
      each: {
        "spec.schedule": config.readiness.schedule,
        [`${job}.backoffLimit`]: atLeast(READINESS.retries),
        [`${job}.podFailurePolicy.rules`]: holding(
          // What a check found is no failure to be tried again.
          { action: "FailJob", onExitCodes: { operator: "In", values: holding(1, 2, 3) } },
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        ),
        [`${job}.template.spec.serviceAccountName`]: READINESS.identity,
        [`${job}.template.spec.containers[].command`]: NONE,
        [`${job}.template.spec.containers[].args`]: holding("preflight", config.environment, "--record"),
        [`${job}.template.spec.containers[].env`]: holding({ name: "STACK_FOLDER", value: GIVEN }),
      },
      count: regions,
    },
    {
      what: "the job an operator starts by hand",
      key: "infra/recovery/operatorJob.ts",
      type: "CronJob",
      where: { "metadata.name": "recovery-operator" },
      is: {
        "spec.suspend": true,
        [`${job}.template.spec.volumes`]: scratchOf(config),
        [`${job}.template.spec.containers[].env`]: settings,
      },
      count: regions,
    },
    ...RECOVERY_JOBS.map(
      ({ name, identity, arguments: argumentsOf, deadline, retries, scratch }): Demand => ({
        what: `the recovery job ${name} in each region`,
        key: `recovery.schedules.${name}`,
        type: "CronJob",
        where: { "metadata.name": `recovery-${name}` },
        each: {
          "spec.schedule": config.recovery.schedules[name],
          [`${job}.template.spec.serviceAccountName`]: identity,
          // Another command would be started instead of the runner, with these for its arguments.
          [`${job}.template.spec.containers[].command`]: NONE,
          [`${job}.template.spec.containers[].args`]: argumentsOf({
            deadlineMinutes: config.recovery.deadlineMinutes[deadline],
            database: config.database.applicationDatabase,
          }),
          [`${job}.backoffLimit`]: atLeast(retries),
          [`${job}.podFailurePolicy.rules`]: holding(
            { action: "FailJob", onExitCodes: { operator: "In", values: holding(2) } },
            { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
          ),
          [`${job}.template.spec.containers[].env`]: settings,
          ...(scratch && {
            // Its disk stays until the finished job is taken away.
            [`${job}.ttlSecondsAfterFinished`]: between(600, 43_200),
            [`${job}.template.spec.volumes`]: scratchOf(config),
          }),
        },
        count: regions,
      }),
    ),
  ];
}
