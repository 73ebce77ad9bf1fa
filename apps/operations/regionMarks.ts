/**
 * What deployments and CronJobs say of themselves, so that a region can be taken up and put down by anybody who reads
 * its cluster: whether it stands by, and with how many pods it would serve.
 */
export const ROLE_MARK = "forma3d.com/region-role";
export const REPLICAS_MARK = "forma3d.com/serving-replicas";
export const STANDBY = "standby";

/** CronJob whose job is the first backup of a new primary. */
export const BACKUP = "recovery-daily";
