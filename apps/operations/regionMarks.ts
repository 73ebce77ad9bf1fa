/**
 * What deployments and CronJobs say of themselves, so that a region can be taken up and put down by anybody who reads
 * its cluster: whether it stands by, and with how many pods it would serve.
 */
export const ROLE_MARK = "forma3d.com/region-role";
export const REPLICAS_MARK = "forma3d.com/serving-replicas";
export const STANDBY = "standby";

/** Mark of what a containment stopped, with its incident; and with how many pods it ran, or is to run once the platform is reopened. */
export const CONTAINED_MARK = "forma3d.com/contained";
export const CONTAINED_REPLICAS = "forma3d.com/contained-replicas";

/** CronJob whose job is the first backup of a new primary. */
export const BACKUP = "recovery-daily";
