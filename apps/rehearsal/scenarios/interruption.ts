import { Effect } from "../../../packages/emulated-azure/faults";
import { JUDGED, Step } from "../engine";
import { cloudSteps, ensure, holdsData, noChange, succeeded } from "../expect";
import { firstDeployment, Scenario, Stage } from "../scenario";
import { World } from "../world";

const INTERRUPTIONS = 10;
const EFFECTS: readonly { readonly effect: Effect; readonly times?: number }[] = [
  { effect: "refuse" },
  { effect: "timeout" },
  // One more than the provider waits for.
  { effect: "throttle", times: 4 },
];

/** What to interrupt, in the order of creation: one of each type that holds data, and others evenly between. */
function victims(stage: Stage, created: readonly Step[]): Step[] {
  const cloud = created.filter(({ type }) => !type.startsWith("random:"));
  const { model } = stage.setting;
  const data = [
    ...new Map(cloud.filter(({ type }) => holdsData(model, type)).map((step) => [step.type, step])).values(),
  ];
  const others = cloud.filter((step) => !data.includes(step));
  const wanted = Math.max(INTERRUPTIONS - data.length, 0);
  const between = Array.from(
    { length: wanted },
    (_, i) => others[Math.floor(((i + 0.5) * others.length) / wanted)],
  );
  const chosen = new Set([...data.slice(0, INTERRUPTIONS), ...between]);
  return cloud.filter((step) => chosen.has(step));
}

/** Creations of things that hold data, by logical name. */
function dataCreations(stage: Stage, world: World): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { operation, type, name, effective } of world.front.journal) {
    if (operation !== "create" || !effective || !holdsData(stage.setting.model, type)) continue;
    counts.set(`${type} ${name}`, (counts.get(`${type} ${name}`) ?? 0) + 1);
  }
  return counts;
}

function createdOnce(stage: Stage, world: World): void {
  const twice = [...dataCreations(stage, world)].filter(([, count]) => count !== 1).map(([what]) => what);
  ensure(twice.length === 0, `created more than once: ${twice.join(", ")}`);
  const deleted = world.front.journal.filter(
    ({ operation, type, effective }) =>
      operation === "delete" && effective && holdsData(stage.setting.model, type),
  );
  ensure(deleted.length === 0, `deleted: ${deleted.map(({ name }) => name).join(", ")}`);
}

export const INTERRUPTION: readonly Scenario[] = [
  {
    id: "2.1",
    title: "an update that fails at ten resources in turn is finished by running it again",
    async run(stage) {
      const chosen = victims(stage, cloudSteps((await stage.foundation()).first));
      ensure(
        chosen.length === INTERRUPTIONS,
        `found ${chosen.length} resources to interrupt, not ${INTERRUPTIONS}`,
      );
      const world = await stage.empty(firstDeployment(stage.config));
      for (const [index, { type, name }] of chosen.entries()) {
        world.faults.add({ operation: "create", type, name, ...EFFECTS[index % EFFECTS.length]! });
      }
      // Every update meets the faults of whatever it comes to, and goes as far as the engine goes after a failure.
      while (world.faults.waiting.length > 0) {
        const before = world.faults.waiting.length;
        const run = await stage.up(world, JUDGED);
        const struck = before - world.faults.waiting.length;
        ensure(
          struck > 0,
          `the update never came to ${world.faults.waiting.map(({ name }) => name).join(", ")}`,
        );
        ensure(!run.ok, `the update succeeded although ${struck} creations failed`);
      }
      succeeded(await stage.up(world, JUDGED));
      createdOnce(stage, world);
      noChange(await stage.preview(world, JUDGED));
    },
  },
  {
    id: "2.2",
    title: "an engine killed while Azure makes the server: the server is adopted, not made again",
    async run(stage) {
      const world = await stage.empty(firstDeployment(stage.config));
      const type = "azure-native:dbforpostgresql:Server";
      world.faults.add({ operation: "create", type, effect: "hang" });
      await stage.upKilled(world);
      ensure(
        [...world.cloud.all()].some((stored) => stored.type === type),
        "the server was not made before the engine was killed",
      );
      await world.engine.cancel();
      // What docs/rehearsal.md tells operators: clear what was pending, and import what Azure made of it.
      succeeded(await stage.adopt(world));
      succeeded(await stage.up(world, JUDGED));
      createdOnce(stage, world);
    },
  },
];
