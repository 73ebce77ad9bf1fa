import { failed } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { ClusterGround, Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { BACKUP } from "../regionMarks";

/** The first backup of a server that has just begun to serve, by the CronJob of its region's cluster. */
export function firstBackup(
  { namespace }: Platform,
  ground: Ground,
  { cluster: name }: Pick<RegionFacts, "cluster">,
  incident: string,
): Step {
  const cluster = () => ground.cluster(name);
  let tried: string | undefined;
  return {
    id: "backup",
    title: `first backup of the new primary, by CronJob ${BACKUP} in ${name}`,
    bound: 3600,
    undo: "nothing to undo",
    done: async () => {
      const { job, state } = await latest(cluster(), namespace, incident);
      if (state === "failed" && job === tried)
        throw failed(`job ${job} failed: kubectl logs --namespace ${namespace} job/${job}`);
      return state === "complete" || `job ${job} is ${state ?? "not there"}`;
    },
    run: async () => {
      const { job, state, next } = await latest(cluster(), namespace, incident);
      tried = state === "failed" ? next : job;
      await cluster().runCronJob(namespace, BACKUP, tried);
    },
  };
}

/** The incident's newest backup job; each that failed is followed by another. */
async function latest(cluster: ClusterGround, namespace: string, incident: string) {
  const stem = `${BACKUP}-${incident}`
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .slice(0, 59)
    .replace(/-+$/, "");
  for (let attempt = 1; ; attempt++) {
    const [job, next] = [`${stem}-${attempt}`, `${stem}-${attempt + 1}`];
    const state = await cluster.job(namespace, job);
    if (state !== "failed" || (await cluster.job(namespace, next)) === undefined) return { job, state, next };
  }
}
