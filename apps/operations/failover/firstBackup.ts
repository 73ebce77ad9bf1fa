import { failed } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { ClusterGround, Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { BACKUP } from "../regionMarks";
import { WRITTEN_TIMELINE } from "../timeline";

/** The first backup of a server that has just begun to serve, by the CronJob of its region's cluster. */
export function firstBackup(
  { namespace, writerHost }: Platform,
  ground: Ground,
  { cluster: name }: Pick<RegionFacts, "cluster">,
  incident: string,
): Step {
  const cluster = () => ground.cluster(name);
  let tried: string | undefined;
  const jobs = async () => latest(cluster(), namespace, incident, await timelineOf(ground, writerHost));
  return {
    id: "backup",
    title: `first backup of what serves now, by CronJob ${BACKUP} in ${name}`,
    bound: 3600,
    done: async () => {
      const { job, state } = await jobs();
      if (state === "failed" && job === tried)
        throw failed(`job ${job} failed: kubectl logs --namespace ${namespace} job/${job}`);
      return state === "complete" || `job ${job} is ${state ?? "not there"}`;
    },
    run: async () => {
      const { job, state, next } = await jobs();
      tried = state === "failed" ? next : job;
      await cluster().runCronJob(namespace, BACKUP, tried);
    },
  };
}

/** Every server that began to serve did so on a timeline of its own; one incident may take a region there, back and there again. */
async function timelineOf(ground: Ground, writerHost: string): Promise<number> {
  const [row] = await ground.database.query<{ timeline: number }>(
    writerHost,
    `SELECT ${WRITTEN_TIMELINE} AS timeline`,
  );
  if (!row) throw new Error(`${writerHost}: no answer`);
  return row.timeline;
}

/** The newest backup job of the incident and the timeline; each that failed is followed by another. */
async function latest(cluster: ClusterGround, namespace: string, incident: string, timeline: number) {
  // A job's pods bear its name, which may have 63 characters.
  const name = `${BACKUP}-${incident}`
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .slice(0, 50);
  const stem = `${name.replace(/-+$/, "")}-t${timeline}`;
  for (let attempt = 1; ; attempt++) {
    const [job, next] = [`${stem}-${attempt}`, `${stem}-${attempt + 1}`];
    const state = await cluster.job(namespace, job);
    if (state !== "failed" || (await cluster.job(namespace, next)) === undefined) return { job, state, next };
  }
}
