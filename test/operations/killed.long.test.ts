import fs from "node:fs";
import path from "node:path";
import type { Laptop, Ran } from "../../apps/rehearsal/laptop";
import type { DieAt } from "../../apps/rehearsal/laptop/kill";
import type { Customer } from "../../apps/rehearsal/laptop/customer";
import { invariants, type Model, type World } from "../../apps/rehearsal/laptop/chaos";
import { commit } from "../../apps/rehearsal/laptop/chaos/model";
import { buildProgram } from "../../apps/operations/cli";
import { VERB_RIGHTS, type Right } from "../../apps/operations/rights";
import type { Wish } from "../../packages/emulated-azure/rights/decide";
import { covers } from "../../packages/emulated-azure/rights/roles";
import { openWorld } from "./chaosWorld";
import { readJournal } from "../../apps/operations/frame/journal";

/*
 * Every step of every verb, each killed with SIGKILL where its journal says that it begins, where its first change took effect, and
 * where all of it is done and nobody has heard of it. The commands are those an operator types, as processes of their own with the
 * rights they were given, on production as it is planned, served on real servers.
 */
// Some verbs are typed thirty times in one test, and a busy machine takes a minute for each.
jest.setTimeout(7_200_000);

let laptop: Laptop;
let customer: Customer;
let world: World;
const model: Model = { serving: 0, lost: undefined, incidents: 0, adoptions: 0 };

beforeAll(async () => {
  world = await openWorld();
  ({ laptop, customer } = world);
});
afterAll(() => laptop?.close());

const MOMENTS = ["begun", "wrote", "unheard"] as const;
const lastLine = ({ said }: Ran): string => said.trim().split("\n").at(-1) ?? "";

/** What was killed at each of its steps, as it was typed. */
const typedSoFar: (readonly string[])[] = [];

async function stepsOf(args: readonly string[], incident: string): Promise<string[]> {
  const dry = await laptop.operations([...args, "--dry-run", "--incident", incident]);
  expect([dry.code, dry.code === 0 ? "" : dry.said]).toEqual([0, ""]);
  return (dry.document["steps"] as { id: string }[]).map(({ id }) => id);
}

/** Types a verb, kills it at each moment of each of its steps, and types it again, until it ends. @returns its document */
async function killedEverywhere(args: readonly string[], incident: string): Promise<Record<string, any>> {
  typedSoFar.push(args);
  const steps = await stepsOf(args, incident);
  const typed = [...args, "--yes", "--incident", incident];
  for (const [index, step] of steps.entries())
    for (const moment of MOMENTS) {
      const dieAt: DieAt = `${moment}:${step}`;
      const ran = await laptop.operations(typed, { dieAt });
      const [, how] = /^killed: (\w+) /.exec(lastLine(ran)) ?? [];
      // It died there, by a signal, and nowhere else.
      expect([args.join(" "), dieAt, ran.code, how === undefined ? ran.said : how]).toEqual([
        ...[args.join(" "), dieAt, undefined],
        expect.stringMatching(/^(begun|wrote|unheard|found)$/),
      ]);
      process.stderr.write(`${args.join(" ")}: ${index + 1}/${steps.length} ${step} ${how ?? ""}\n`);
      // Nothing of it is left to be done, or the step has no request that changes something.
      if (how === "found" || how === "unheard") break;
    }
  const ran = await laptop.operations(typed);
  expect([args.join(" "), ran.code, ran.code === 0 ? "" : ran.said]).toEqual([args.join(" "), 0, ""]);
  const journal = readJournal(path.join(laptop.folder, "journal", `${incident}.jsonl`));
  expect(journal.at(-1)?.event).toBe("finished");
  // Each step once; those that prepare a promotion are no longer in the plan once it took place.
  const told = (ran.document["steps"] as { id: string }[]).map(({ id }) => id);
  expect([told.length > 0, told]).toEqual([true, steps.slice(-told.length)]);
  return ran.document;
}

const settled = () => laptop.served.real?.databases.settled();
const [HOME, AWAY] = ["westeurope", "northeurope"];
const failover = (to: string, ...more: string[]) => ["failover", "prod", "--to", to, ...more];

/** Whichever test came before, this region serves. */
async function serves(location: string, index: 0 | 1): Promise<void> {
  await settled();
  if (model.serving === index) return;
  const ran = await laptop.operations([
    ...failover(location),
    "--yes",
    "--incident",
    `INC-before-${location}`,
  ]);
  expect([ran.code, ran.code === 0 ? "" : ran.said]).toEqual([0, ""]);
  model.serving = index;
  await settled();
}

test.each([HOME, AWAY])("announce, while %s is lost", async (location) => {
  await laptop.lose(location);
  const said = ["announce", "prod", "--phase", "monitoring", "--service", "API Health", "--yes"];
  const ran = await laptop.operations([...said, "--incident", `INC-told-${location}`]);
  await laptop.bringBack(location);
  expect([ran.code, ran.code === 0 ? "" : ran.said]).toEqual([0, ""]);
});

test("announce", async () => {
  const args = ["announce", "prod", "--phase", "identified", "--service", "API Health", "--hours", "2"];
  const document = await killedEverywhere(args, "INC-announce");
  expect(document["outcome"]).toMatch(/customers read: /);
});

test("maintenance, on and off", async () => {
  await killedEverywhere(["maintenance", "prod", "on"], "INC-on");
  await killedEverywhere(["maintenance", "prod", "off"], "INC-off");
  await invariants(model, world);
});

test.each([
  [AWAY, HOME, 1],
  [HOME, AWAY, 0],
] as const)("failover, planned, to %s from %s: no order is lost", async (to, from, serving) => {
  await serves(from!, serving === 1 ? 0 : 1);
  const document = await killedEverywhere(failover(to!, "--planned"), `INC-planned-${to}`);
  expect(document["measured"]).toMatchObject({ rpoSeconds: 0 });
  model.serving = serving;
  await invariants(model, world);
});

test.each([
  [AWAY, HOME, 1],
  [HOME, AWAY, 0],
] as const)("failover, forced, to %s, while %s is lost", async (to, from, serving) => {
  await serves(from!, serving === 1 ? 0 : 1);
  await customer.places(5);
  await laptop.lose(from!);
  const document = await killedEverywhere(failover(to!), `INC-forced-${to}`);
  expect(document["mode"]).toBe("forced");
  model.serving = serving;
  model.lost = serving === 1 ? 0 : 1;
  const told = Date.parse(document["decidedAt"]) - (document["measured"].rpoSeconds + 1) * 1000;
  for (const id of await laptop.missing(customer)) {
    expect([id, customer.confirmed.get(id)! >= told]).toEqual([id, true]);
    world.given.add(id);
  }
  await invariants(model, world);
  await laptop.bringBack(from!);
  model.lost = undefined;
  await invariants(model, world);
});

test("rotate --all", async () => {
  await killedEverywhere(["rotate", "prod", "--all"], "INC-rotate");
  await invariants(model, world);
});

test("rotate, while the region that was left is back and its pods may not log in", async () => {
  await serves(HOME!, 0);
  await laptop.lose(HOME!);
  const over = await laptop.operations([...failover(AWAY!), "--yes", "--incident", "INC-left"]);
  expect([over.code, over.code === 0 ? "" : over.said]).toEqual([0, ""]);
  model.serving = 1;
  for (const id of await laptop.missing(customer)) world.given.add(id);
  await laptop.bringBack(HOME!);
  const typed = ["rotate", "prod", "session-secret", "--yes", "--incident", "INC-fenced"];
  const ran = await laptop.operations(typed);
  expect([ran.code, ran.code === 0 ? "" : ran.said]).toEqual([0, ""]);
  await invariants(model, world);
});

test("contain, and reopen", async () => {
  await killedEverywhere(["contain", "prod"], "INC-contain");
  const before = customer.confirmed.size;
  await killedEverywhere(["reopen", "prod", "--keep-secrets"], "INC-reopen");
  // Nothing was sold in between: what is confirmed now came after.
  await customer.places(3);
  expect(customer.confirmed.size).toBeGreaterThan(before);
  await invariants(model, world);
});

test.each([
  [HOME, AWAY, 0],
  [AWAY, HOME, 1],
] as const)(
  "contained, and %s is lost, which serves: failover, which opens nothing, and reopen of what answers",
  async (lost, to, index) => {
    await serves(lost!, index);
    const incident = `INC-both-${lost}`;
    const typed = async (...args: string[]) => {
      const ran = await laptop.operations([...args, "--yes", "--incident", incident]);
      expect([ran.code, ran.code === 0 ? "" : ran.said]).toEqual([0, ""]);
    };
    await typed("contain", "prod");
    await laptop.lose(lost!);
    const document = await killedEverywhere(failover(to!), `${incident}-away`);
    expect(document["contained"]).toBe(incident);
    for (const id of await laptop.missing(customer)) world.given.add(id);
    await killedEverywhere(["reopen", "prod", "--keep-secrets"], `${incident}-open`);
    [model.serving, model.lost] = index === 0 ? [1, 0] : [0, 1];
    await invariants(model, world);
    await laptop.bringBack(lost!);
    model.lost = undefined;
    await typed("reopen", "prod", "--keep-secrets");
    await invariants(model, world);
  },
);

const permissionOf = (action: string) => ({
  actions: [action],
  dataActions: [action],
  notActions: [],
  notDataActions: [],
});

const clock = async (): Promise<string> => {
  const [row] = await laptop.sql<{ now: Date }>("SELECT clock_timestamp() AS now");
  return row!.now.toISOString();
};

test("pitr with rows brought back, and its server taken away", async () => {
  await customer.places(3);
  const at = await clock();
  await customer.places(3);
  const [{ count }] = (await laptop.sql<{ count: number }>(
    "WITH gone AS (DELETE FROM marker WHERE id IN (SELECT id FROM marker ORDER BY id LIMIT 3) RETURNING 1) SELECT count(*)::int AS count FROM gone",
  )) as [{ count: number }];
  expect(count).toBeGreaterThan(0);
  await killedEverywhere(["pitr", "prod", "--at", at, "--extract", "public.marker"], "INC-rows");
  await invariants(model, world);
  await killedEverywhere(["pitr", "prod", "--drop"], "INC-drop");
});

/** What a verb printed to be merged is merged. */
async function merged(document: Record<string, any>): Promise<void> {
  world.uncommitted = document;
  await commit(world);
}

test("pitr --adopt, which asks for each of its rights and for no other", async () => {
  // By the stack file, which nobody changed.
  await serves(HOME!, 0);
  const at = await clock();
  await customer.places(3);
  const { rights } = laptop.served.cloud;
  const may = rights.may.bind(rights);
  const asked = new Map<string, boolean>();
  const spy = jest.spyOn(rights, "may").mockImplementation((who, wish: Wish) => {
    // What it may do to blobs is given at two containers, not by the role.
    if (who.objectId === laptop.operators.adopter.objectId && !/^Microsoft.Storage/.test(wish.action))
      asked.set(wish.action, wish.data ?? false);
    return may(who, wish);
  });
  const document = await killedEverywhere(["pitr", "prod", "--at", at, "--adopt"], "INC-adopt");
  spy.mockRestore();
  const own = VERB_RIGHTS["pitr --adopt"];
  const uses = ({ action, data }: Right) =>
    [...asked].some(([one, about]) => about === (data ?? false) && covers(permissionOf(action), one, about));
  expect(own.filter((right) => !uses(right))).toEqual([]);
  expect(
    [...asked].filter(
      ([one, about]) =>
        !own.some(
          ({ action, data }) => (data ?? false) === about && covers(permissionOf(action), one, about),
        ),
    ),
  ).toEqual([]);
  await merged(document);
  const moment = Date.parse(at);
  for (const id of await laptop.missing(customer)) {
    expect([id, customer.confirmed.get(id)! >= moment]).toEqual([id, true]);
    world.given.add(id);
  }
  await customer.places(3);
  expect(
    fs.readdirSync(path.join(laptop.folder, "journal")).filter((file) => file.endsWith(".lease")),
  ).toEqual([]);
});

test("pitr --adopt --everything, of the pair that was adopted: nothing is lost", async () => {
  await settled();
  await customer.places(3);
  const document = await killedEverywhere(["pitr", "prod", "--adopt", "--everything"], "INC-everything");
  expect(document["measured"]).toMatchObject({ lossSeconds: 0 });
  await merged(document);
  await settled();
  await invariants(model, world);
});

/** Options that add no step of a verb's own, or one that only waits. */
const NO_STEP = {
  failover: ["--forced", "--accept-loss", "--wait-for-silence"],
  rotate: ["--values", "--untested", "--without"],
  pitr: ["--accept-loss"],
  maintenance: ["--retry-after"],
  contain: [],
  reopen: [],
  announce: ["--postmortem"],
};

test("every verb there is was killed so, and with each option that gives it other steps", () => {
  const verbs = buildProgram().commands.filter(({ options }) =>
    options.some(({ long }) => long === "--dry-run"),
  );
  const everywhere = verbs
    .map(({ options }) => options.map(({ long }) => long))
    .reduce((one, other) => one.filter((long) => other.includes(long)));
  expect(
    Object.fromEntries(
      verbs.map((verb) => {
        const typed = typedSoFar.filter(([name]) => name === verb.name()).flat();
        const own = verb.options.map(({ long }) => long).filter((long) => !everywhere.includes(long));
        return [verb.name(), typed.length > 0 ? own.filter((long) => !typed.includes(long!)) : "never"];
      }),
    ),
  ).toEqual(NO_STEP);
});
