import {
  handOver,
  isReplica,
  promote as switchover,
  sourceOf,
} from "../../../packages/emulated-azure/model/azure/replication";
import { stringAt, valueAt } from "../../../packages/emulated-azure/model/paths";
import { deleteBehind } from "../../../packages/emulated-azure/store/changes";
import { ENDPOINT_URNS } from "../../../infra/naming";
import { stackPlatformNames } from "../../../stacks/files";
import { JUDGED, type Run } from "../engine";
import { cloudSteps, ensure, holdsData, noChange, refused, succeeded } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";
import { adoptEverything } from "./adoption";
import { readConfig } from "../project";
import {
  clusterRuns,
  DEPLOYMENT,
  edgeUntouched,
  FAILED_BACK,
  FAILED_OVER,
  loseRegion,
  promote,
  regions,
  replicated,
  returnRegion,
  SWITCHED,
  leftAlone,
} from "./region";
import { DIGEST, prefix } from "./changes";

const SERVER = "azure-native:dbforpostgresql:Server";
const LOCK = "azure-native:authorization:ManagementLockByScope";
const DIAGNOSTICS = "azure-native:monitor:DiagnosticSetting";
const CRON_JOB = "kubernetes:batch/v1:CronJob";

/** docs/changing.md: fields of an object that others have set otherwise are taken over. */
const TAKING_OVER = { variables: { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" } } as const;

/** Objects of a cluster that do something by themselves. */
function atWork(world: World, cluster: string): string[] {
  return [...world.cloud.all()].flatMap(({ key, type, id, inputs }) => {
    if (!key.startsWith(`kubernetes:${cluster}:`)) return [];
    const works =
      (type === DEPLOYMENT && valueAt(inputs, "spec.replicas") !== 0) ||
      (type === CRON_JOB && valueAt(inputs, "spec.suspend") !== true);
    return works ? [id] : [];
  });
}

/**
 * The update after a region that was lost answers again: refused where it meets fields that others have set otherwise, and taken
 * over by the variable docs/changing.md names.
 */
async function takenOver(stage: Stage, world: World, cluster: string): Promise<void> {
  ensure(atWork(world, cluster).length > 0, "what was at work when the region was lost is gone");
  refused(await stage.up(world, JUDGED), /Conflict|Apply failed with \d+ conflicts/);
  ensure(atWork(world, cluster).length > 0, "an update without force stopped what it did not make");
  const run = await stage.up(world, TAKING_OVER);
  succeeded(run);
  edgeUntouched(run);
  dataUntouched(stage, run);
  const working = atWork(world, cluster);
  ensure(working.length === 0, `at work in a region that stands by:\n${working.join("\n")}`);
}

/** After a failover, when the region that was lost answers again. */
async function failedOverAndBack(stage: Stage): Promise<World> {
  const world = await stage.deployed();
  const { primary } = regions(stage);
  loseRegion(world, primary);
  promote(stage, world);
  stage.configure(world, FAILED_OVER);
  succeeded(await stage.up(world, JUDGED));
  returnRegion(world, primary);
  return world;
}

/** What holds data is changed in place, if at all. */
function dataUntouched(stage: Stage, run: Run): void {
  const { model } = stage.setting;
  const data = cloudSteps(run).filter(({ type, op }) => holdsData(model, type) && op !== "update");
  ensure(data.length === 0, `data was touched: ${data.map(({ op, name }) => `${op} ${name}`).join(", ")}`);
}

export const RETURNING: readonly Scenario[] = [
  {
    id: "5.6",
    title:
      "the lost region answers again with all its objects at work: one update takes them over, at zero, and nothing has drifted",
    notFor: replicated,
    async run(stage) {
      const world = await failedOverAndBack(stage);
      const { primary, secondary } = regions(stage);
      stage.configure(world, SWITCHED);
      await takenOver(stage, world, primary.cluster);
      ensure(clusterRuns(world, secondary.cluster), "nothing runs in the region that serves");
      // What the search for drift runs each day until the way back; the policies judge the server that follows as one.
      refused(await stage.up(world, { ...JUDGED, refresh: true }), /ServerNotActive/);
      noChange(await stage.up(world, { refresh: true, exclude: [ENDPOINT_URNS] }));
    },
  },
  {
    id: "5.7",
    title:
      "the region that stands by is lost: a new release still comes out, nothing there is asked or touched, and it comes back as it was",
    notFor: replicated,
    async run(stage) {
      const world = await stage.deployed();
      const { primary, secondary } = regions(stage);
      const image = `ghcr.io/forma3d/api@${DIGEST}`;
      loseRegion(world, secondary);
      stage.configure(world, { "regions.secondary.role": "lost", "workloads.api.image": image });
      // By the policies too: what a lost region leaves unsaid must not forbid the release.
      const run = await stage.up(world);
      succeeded(run);
      edgeUntouched(run);
      leftAlone(world, secondary);
      const api = cloudSteps(run).filter(
        ({ name }) => name === `${prefix(stage.config)}-primary-api-deployment`,
      );
      ensure(api.length === 1 && api[0]?.op === "update", "the release did not come out");
      ensure(clusterRuns(world, primary.cluster), "nothing runs in the region that serves");
      noChange(await stage.preview(world, JUDGED));
      returnRegion(world, secondary);
      stage.configure(world, { "regions.secondary.role": "standby", "workloads.api.image": image });
      const back = await stage.up(world, TAKING_OVER);
      succeeded(back);
      edgeUntouched(back);
      ensure(!clusterRuns(world, secondary.cluster), "pods run in a region that stands by");
      noChange(await stage.preview(world, JUDGED));
    },
  },
  {
    id: "5.8",
    title:
      "the lost region's server is gone for good: a pair made anew serves, with its backups copied again, and goes home",
    notFor: replicated,
    async run(stage) {
      const world = await failedOverAndBack(stage);
      const { primary, secondary } = regions(stage);
      const gone = world.resource(SERVER, primary.server);
      handOver(world.cloud, gone);
      deleteBehind(world.cloud, gone.id);
      stage.configure(world, SWITCHED);
      await pairAnew(stage, world, "secondary");
      ensure(clusterRuns(world, secondary.cluster), "nothing runs in the region that serves");
      await goneHome(stage, world);
      ensure(clusterRuns(world, primary.cluster), "nothing runs in the region that serves again");
      ensure(!clusterRuns(world, secondary.cluster), "the region that gave over still runs workloads");
    },
  },
];

/** The two servers the stack file names by now: the one that serves under these roles, and the other. */
function servers(stage: Stage, world: World, serving: "primary" | "secondary") {
  const { generation = 1 } = readConfig(world.project, stage.stack)["database"] as { generation?: number };
  const database = { ...stage.config.database, generation };
  const { primary, secondary } = stackPlatformNames({ ...stage.config, database });
  const first = world.resource(SERVER, primary.server);
  const second = world.resource(SERVER, secondary?.server ?? "");
  return serving === "primary" ? { server: first, other: second } : { server: second, other: first };
}

/** The planned switch, and a pair made anew once more: the server at home was made as a replica, which never has copies. */
async function goneHome(stage: Stage, world: World): Promise<void> {
  const { other } = servers(stage, world, "secondary");
  switchover(world.cloud, other, { mode: "switchover", option: "planned", primaryAnswers: true });
  stage.configure(world, FAILED_BACK);
  refused(await stage.up(world, { refresh: true }), /REC-001/);
  await pairAnew(stage, world, "primary");
}

/** An adoption of everything, its commit, its command for the state, and the update that follows. */
async function pairAnew(stage: Stage, world: World, serving: "primary" | "secondary"): Promise<void> {
  const { values, renaming, exclude, variables } = await adoptEverything(stage, world);
  stage.configure(world, values);
  succeeded(await stage.shell(world, renaming, {}, ""));
  const run = await stage.up(world, { variables, refresh: true, exclude });
  succeeded(run);
  edgeUntouched(run);
  const { server, other } = servers(stage, world, serving);
  for (const one of [server, other]) {
    const below = [...world.cloud.all()].filter(({ id }) =>
      id.toLowerCase().startsWith(`${one.id.toLowerCase()}/providers/`),
    );
    for (const kind of [LOCK, DIAGNOSTICS])
      ensure(
        below.some(({ type }) => type === kind),
        `${one.id} has no ${kind}`,
      );
  }
  ensure(
    stringAt(server.outputs, "backup.geoRedundantBackup") === "Enabled",
    `the backups of ${server.id} have no copy in the other region`,
  );
  ensure(isReplica(other) && sourceOf(world.cloud, other)?.key === server.key, `${other.id} does not follow`);
  dataUntouched(stage, run);
  noChange(await stage.preview(world, JUDGED));
}
