import { regionName } from "../../../packages/isolation/kinds";
import { stackPlatformNames } from "../../../stacks/files";
import { StackConfig } from "../../../stacks/schema";
import { healthy } from "../../../packages/emulated-azure/edge";
import { linkStatus } from "../../../packages/emulated-azure/model/azure/consequences";
import { promote as switchover, writerOf } from "../../../packages/emulated-azure/model/azure/replication";
import { liveOfType } from "../../../packages/emulated-azure/model/cloud";
import { parsePath, textAt, valueAt, withValue } from "../../../packages/emulated-azure/model/paths";
import { resourcesBelow } from "../../../packages/emulated-azure/store/changes";
import { JUDGED, Run } from "../engine";
import { cloudSteps, dataKept, ensure, holdsData, line, noChange, succeeded } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";
import { prefix } from "./changes";
import { reissue } from "./secrets";

const SERVER = "azure-native:dbforpostgresql:Server";
const CONNECTION = "azure-native:network:PrivateLinkServicePrivateEndpointConnection";
const GROUP = "azure-native:resources:ResourceGroup";

/** The roles after a failover: of a region that does not answer, and of one that does. */
export const FAILED_OVER = { "regions.primary.role": "lost", "regions.secondary.role": "serving" };
export const SWITCHED = { "regions.primary.role": "standby", "regions.secondary.role": "serving" };
export const FAILED_BACK = { "regions.primary.role": "serving", "regions.secondary.role": "standby" };

export function replicated({ database, regions }: StackConfig): string | undefined {
  return database.replica && regions.secondary ? undefined : "there is one region; 5.4 rebuilds it";
}

export function regions(stage: Stage) {
  const { primary, secondary } = stackPlatformNames(stage.config);
  ensure(secondary !== undefined, "the stack has no second region");
  return { primary, secondary };
}

/**
 * What stands in a region: whatever is located there, everything in a group that is, since Azure keeps what it
 * knows of a group's resources in the group's region, and the cluster's content.
 */
export function standsIn(
  world: World,
  place: { region: string; cluster?: string },
): (key: string) => boolean {
  const roots = [...world.cloud.all()]
    .filter(({ inputs }) => regionName(inputs["location"]) === place.region)
    .map(({ key }) => key.toLowerCase());
  return (key) =>
    roots.some((root) => `${key}/`.toLowerCase().startsWith(`${root}/`)) ||
    (place.cluster !== undefined && key.startsWith(`kubernetes:${place.cluster}:`));
}

/** Nothing in a region answers: neither Azure there, nor its cluster, where it has one. */
export function loseRegion(world: World, place: { region: string; cluster?: string }): void {
  const lost = standsIn(world, place);
  world.faults.outage(`region ${place.region}`, ({ key }) => lost(key));
}

/** It answers again, with all that stood there. */
export function returnRegion(world: World, place: { region: string }): void {
  world.faults.endOutage(`region ${place.region}`);
}

/** Switches the roles of the two servers over, as the runbook does, or back. */
export function promote(stage: Stage, world: World, direction: "over" | "back" = "over"): void {
  const { primary, secondary } = regions(stage);
  const replica = world.resource(SERVER, (direction === "over" ? secondary : primary).server);
  switchover(world.cloud, replica, { mode: "switchover", option: "planned", primaryAnswers: true });
}

/** Lets the replica take over from a server that does not answer, as the runbook does. */
function forced(stage: Stage, world: World): void {
  const replica = world.resource(SERVER, regions(stage).secondary.server);
  switchover(world.cloud, replica, { mode: "switchover", option: "forced", primaryAnswers: false });
}

/** Settings of a server that a replica has not. */
const WRITER_ONLY = "administratorLoginPassword, backup, createMode, maintenanceWindow";

/** An update that changes exactly these properties of exactly these servers, in place. */
function serversChanged(run: Run, expected: readonly string[]): void {
  succeeded(run);
  const servers = run.steps.filter(({ type }) => type === SERVER);
  const found = servers.map(({ name, diffs }) => {
    const properties = new Set(diffs.map((path) => path.split(".")[0]));
    return `${name}: ${[...properties].sort().join(", ")}`;
  });
  ensure(
    servers.every(({ op }) => op === "update") && [...found].sort().join() === [...expected].sort().join(),
    `the servers changed otherwise:\n${found.join("\n")}`,
  );
}

/**
 * Nothing of a lost region was asked for since the world was opened, answered or not, but for what runs in its cluster, which
 * leaves the state unanswered; of that something must have, as otherwise another region was looked at.
 */
export function leftAlone(world: World, place: { region: string; cluster: string }): void {
  const lost = standsIn(world, place);
  const asked = world.front.journal.filter(({ key }) => lost(key));
  const dropped = asked.filter(({ operation, type }) => operation === "delete" && /^kubernetes:/.test(type));
  const touched = asked.filter((one) => !dropped.includes(one) || one.effective);
  ensure(dropped.length > 0, `nothing that runs in ${place.cluster} left the state`);
  ensure(
    touched.length === 0,
    [
      "the lost region was touched:",
      ...touched.map(({ operation, type, name }) => `${operation} ${type} ${name}`),
    ].join("\n"),
  );
}

export const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

/** Whether pods run in a cluster: a region that stands by has every Deployment, at zero. */
export function clusterRuns(world: World, cluster: string): boolean {
  return [...world.cloud.all()].some(
    ({ key, type, inputs }) =>
      type === DEPLOYMENT &&
      key.startsWith(`kubernetes:${cluster}:`) &&
      valueAt(inputs, "spec.replicas") !== 0,
  );
}

/**
 * Regions Front Door sends requests to: those it was let in by, and whose pods answer.
 * @throws Error where it was not let in yet, or an origin leads nowhere
 */
function served(world: World): string[] {
  const { cloud } = world;
  const origins = liveOfType(cloud, "azure-native:cdn:AFDOrigin");
  const closed = origins.filter((origin) => linkStatus(cloud, origin) !== "Approved");
  ensure(closed.length === 0, `not let in: ${closed.map(({ id }) => id).join(", ")}`);
  const answering = origins.filter((origin) =>
    healthy(world, origin, (cluster) => clusterRuns(world, cluster)),
  );
  return [...new Set(answering.map(({ inputs }) => textAt(inputs, "originName")))].sort();
}

/** Lets Front Door in wherever it waits, as somebody does once after the first deployment. */
function letIn({ cloud }: World): void {
  for (const connection of liveOfType(cloud, CONNECTION)) {
    const path = parsePath("privateLinkServiceConnectionState.status");
    cloud.put({ ...connection, inputs: withValue(connection.inputs, path, "Approved") });
  }
}

/** Steps at the edge: a failover has none, as nothing must have to travel there. */
export function edgeUntouched(run: Run): void {
  const steps = cloudSteps(run).filter(({ type }) => /^azure-native:(cdn|frontdoor):/.test(type));
  ensure(
    steps.length === 0,
    `the edge was changed: ${steps.map(({ op, name }) => `${op} ${name}`).join(", ")}`,
  );
}

/**
 * Every step of an update after a failover, each kind of which there must be: the cluster of the region that serves by now works,
 * the lost one's content leaves the state, its server is sent what a writer is, and watching follows. So nothing is given a right,
 * nothing travels to the edge, and nothing is made that data or a pod would have to wait for.
 */
function failedOver(stage: Stage, run: Run): void {
  const name = prefix(stage.config);
  const kinds = [
    `(create|update) kubernetes:\\S+ ${name}-secondary-.+`,
    `delete kubernetes:\\S+ ${name}-primary-.+`,
    `update azure-native:containerservice:AgentPool ${name}-secondary-cluster-apps`,
    `update ${SERVER} ${name}-database-replica`,
    `create azure-native:alertsmanagement:PrometheusRuleGroup ${name}-alerts-secondary-.+`,
    `delete azure-native:alertsmanagement:PrometheusRuleGroup ${name}-alerts-primary-.+`,
    `update azure-native:monitor:(MetricAlert|ActivityLogAlert) ${name}-alerts-.+`,
    // Nobody follows whoever serves now.
    `delete azure-native:monitor:MetricAlert ${name}-alerts-(replica|standby)-.+`,
  ].map((pattern) => new RegExp(`^${pattern}$`));
  succeeded(run);
  const steps = cloudSteps(run).map(line);
  const surplus = steps.filter((step) => !kinds.some((kind) => kind.test(step)));
  const lacking = kinds.filter((kind) => !steps.some((step) => kind.test(step)));
  ensure(
    surplus.length + lacking.length === 0,
    ["the failover did otherwise", ...surplus, ...lacking.map((kind) => `missing: ${kind.source}`)].join(
      "\n  ",
    ),
  );
}

export const REGION: readonly Scenario[] = [
  {
    id: "5.1",
    title:
      "the standby proves approved and unhealthy; with the primary region unreachable, the roles of a failover bring it up",
    notFor: replicated,
    async run(stage) {
      const world = await stage.deployed();
      const { primary, secondary } = regions(stage);
      letIn(world);
      const before = served(world);
      ensure(
        before.join() === primary.region,
        `the standby does not prove approved and unhealthy: Front Door serves from ${before.join(" and ") || "nowhere"}`,
      );
      loseRegion(world, primary);
      forced(stage, world);
      stage.configure(world, FAILED_OVER);
      ensure(!clusterRuns(world, secondary.cluster), "pods run in a region that stands by");
      const run = await stage.up(world);
      failedOver(stage, run);
      ensure(clusterRuns(world, secondary.cluster), "nothing runs in the second region's cluster");
      const after = served(world);
      ensure(after.join() === secondary.region, `Front Door serves from ${after.join(" and ") || "nowhere"}`);
      leftAlone(world, primary);
      noChange(await stage.preview(world, JUDGED));
    },
  },
  {
    id: "5.2",
    title:
      "failing back takes the second cluster's pods to zero and is a no-op for everything that holds data",
    notFor: replicated,
    async run(stage) {
      const world = await stage.deployed();
      const { primary, secondary } = regions(stage);
      stage.configure(world, SWITCHED);
      promote(stage, world);
      succeeded(await stage.up(world, JUDGED));
      ensure(!clusterRuns(world, primary.cluster), "pods run in the region that gave over");
      // The region is back, and the roles of the servers were switched over again.
      promote(stage, world, "back");
      stage.configure(world, FAILED_BACK);
      const back = await stage.up(world);
      edgeUntouched(back);
      // What only a writer is sent is left out of the next change of a server that no longer is one.
      serversChanged(back, [`${prefix(stage.config)}-database-replica: ${WRITER_ONLY}`]);
      const { model } = stage.setting;
      const data = cloudSteps(back).filter(({ type }) => holdsData(model, type) && type !== SERVER);
      ensure(
        data.length === 0,
        `failing back touches ${data.map(({ op, name }) => `${op} ${name}`).join(", ")}`,
      );
      ensure(clusterRuns(world, primary.cluster), "nothing runs in the first region's cluster");
      ensure(!clusterRuns(world, secondary.cluster), "the second region's cluster still runs workloads");
      const standby = { ...JUDGED, refresh: true, target: ["**-database-primary"] };
      serversChanged(await stage.up(world, standby), [
        `${prefix(stage.config)}-database-primary: highAvailability`,
      ]);
      noChange(await stage.preview(world, JUDGED));
    },
  },
  {
    id: "5.3",
    title:
      "while the replica writes, the endpoint leads to it, rotated secrets reach it, nothing is sent to the other; both follow the way back",
    notFor: replicated,
    async run(stage) {
      const world = await stage.deployed();
      const { primary, secondary } = regions(stage);
      promote(stage, world);
      const leadsTo = (server: string): void => {
        const { virtualEndpoint } = stackPlatformNames(stage.config);
        const endpoint = world.resource("azure-native:dbforpostgresql:VirtualEndpoint", virtualEndpoint);
        const writer = writerOf(world.cloud, endpoint)?.id ?? "nowhere";
        ensure(writer.endsWith(`/${server}`), `the endpoint leads to ${writer}, not to ${server}`);
      };
      leadsTo(secondary.server);
      stage.configure(world, FAILED_OVER);
      // The service refuses whatever is asked of the endpoint below the server that no longer writes.
      succeeded(await stage.up(world, JUDGED));
      leadsTo(secondary.server);
      reissue(stage, world);
      serversChanged(await stage.up(world, JUDGED), [
        `${prefix(stage.config)}-database-replica: administratorLoginPassword`,
      ]);
      promote(stage, world, "back");
      stage.configure(world, FAILED_BACK);
      serversChanged(await stage.up(world, JUDGED), [
        `${prefix(stage.config)}-database-primary: administratorLoginPassword`,
        `${prefix(stage.config)}-database-replica: ${WRITER_ONLY}`,
      ]);
      leadsTo(primary.server);
    },
  },
  {
    id: "5.4",
    title: "a lost single region is rebuilt under a new name suffix, beside names Azure still holds",
    notFor: ({ regions: { secondary } }) =>
      secondary ? "there is a second region; 5.1 fails over to it" : undefined,
    async run(stage) {
      const world = await stage.deployed();
      const { primary } = stackPlatformNames(stage.config);
      const gone = resourcesBelow(world.cloud, world.resource(GROUP, primary.resourceGroup).id);
      const { model } = stage.setting;
      for (const stored of gone) {
        if (model.resource(stored.type).softDelete) world.cloud.put({ ...stored, softDeleted: true });
        else world.cloud.remove(stored.key);
      }
      for (const { key } of [...world.cloud.all()]) {
        if (key.startsWith(`kubernetes:${primary.cluster}:`)) world.cloud.remove(key);
      }
      succeeded(await stage.refresh(world));
      stage.configure(world, { nameSuffix: "b2" });
      // As the first update: what whoever deploys held on the region's group went with the group.
      world.actAs("owner");
      const run = await stage.up(world);
      succeeded(run);
      dataKept(model, run);
      ensure(clusterRuns(world, primary.cluster), "nothing runs in the rebuilt cluster");
      noChange(await stage.preview(world, JUDGED));
    },
  },
];
