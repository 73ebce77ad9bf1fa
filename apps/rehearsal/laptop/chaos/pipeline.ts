import { judgeServing } from "../../../gates/serving";
import { ROOT } from "../../../operations/commandLine";
import { groundOf } from "../../../operations/ground";
import { platformOf } from "../../../operations/platform";
import { operationUnderWay } from "../../../operations/stores";
import { ROLE_MARK, STANDBY } from "../../../operations/regionMarks";
import { waitFor } from "../../../../packages/programs/waiting";

/** Annotation of pods: which release they are of. */
const RELEASE = "forma3d.com/chaos-release";
const ROLLED_OUT_SECONDS = 300;

/**
 * What a pipeline does with a commit, without Pulumi: its own gate is asked first, by the stack file that was merged, and refuses what
 * contradicts who serves; then new pods roll out wherever the cluster serves. `pipeline.ts <stack> [release]`: without a release
 * only the gate is asked.
 */
export async function main([stack = "", release] = process.argv.slice(2)): Promise<void> {
  const platform = platformOf(ROOT, stack);
  const ground = await groundOf(platform, process.env, ["clusters"]);
  const { findings } = await judgeServing(platform, ground, () => operationUnderWay(platform));
  for (const finding of findings) console.log(`FOUND ${finding}`);
  process.exitCode = findings.length > 0 ? 1 : 0;
  if (release === undefined || findings.length > 0) return;
  const { namespace } = platform;
  for (const region of platform.regions.filter(({ role }) => role === "serving")) {
    const cluster = ground.cluster(region.cluster);
    const running = (await cluster.deployments(namespace)).filter(
      ({ replicas, annotations }) => replicas > 0 && annotations[ROLE_MARK] !== STANDBY,
    );
    for (const { name } of running) await cluster.restart(namespace, name, { [RELEASE]: release });
    let late: { name: string }[] = [];
    const isRolledOut = async (): Promise<boolean> => {
      late = (await cluster.deployments(namespace)).filter(
        ({ name, rolledOut, podAnnotations }) =>
          running.some((one) => one.name === name) && !(rolledOut && podAnnotations[RELEASE] === release),
      );
      return late.length === 0;
    };
    if (!(await waitFor(isRolledOut, ROLLED_OUT_SECONDS, 250)))
      throw new Error(`not rolled out: ${late.map(({ name }) => name).join(", ")}`);
  }
}
