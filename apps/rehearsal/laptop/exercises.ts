import type { PlatformId } from "../../recovery/drill/objectives";
import type { Measured } from "../../recovery/drill/report";
import type { PlatformExercise } from "../../recovery/drill/run";
import type { CheckResult } from "../../recovery/types";
import { FailedError } from "../../../packages/command/errors";
import { check, measure, now, ORDERS, secondsLost, STACK, stripped, type, typeWith } from "./attempt";
import type { Attempt, Outcome } from "./attempt";
import { securityBreach } from "./breach";
import { State } from "./state";
import { Laptop, type Ran } from ".";
import { waitFor } from "../../../packages/programs/waiting";

const serverOf = ({ served, platform }: Laptop) => {
  const { real } = served;
  if (!real) throw new FailedError("nothing real is served");
  return real.databases.server(platform.regions[0]?.server ?? "");
};

async function crashApplication(attempt: Attempt): Promise<Outcome> {
  const { laptop, customer, stages } = attempt;
  const failed = customer.failed;
  const at = new Date();
  let kills = 0;
  await stages.run("kill the pods, one after the other, under requests", async () => {
    const pods = [...laptop.workloads.serving].filter(([, { workload }]) => workload === "api");
    for (const [uid, { cluster }] of pods) {
      await laptop.workloads.kill(uid);
      kills += 1;
      await customer.places(3);
      // Its replacement has to be ready before the next one dies.
      const ready = () =>
        [...laptop.workloads.serving.values()].filter(
          (one) => one.workload === "api" && one.cluster === cluster,
        ).length;
      await waitFor(() => ready() >= pods.length, 60);
    }
  });
  await stages.run("go on", () => customer.places(ORDERS));
  const measured = await measure(attempt, at);
  return {
    measured: stripped(measured),
    checks: [
      check("requests-failed", "0 requests failed", `${customer.failed - failed} requests failed`),
      check("pods-killed", "3 pods killed", `${kills} pods killed`),
      check("orders-missing", "0 orders missing", `${measured.missing} orders missing`),
    ],
  };
}

async function zoneStandby(attempt: Attempt): Promise<Outcome> {
  const { laptop, customer, stages } = attempt;
  const server = serverOf(laptop);
  const before = server.instance;
  const at = await stages.run("kill the primary under write load", async () => {
    const moment = new Date();
    await server.crash();
    return moment;
  });
  await stages.run("the standby serves", () => customer.places(ORDERS));
  const measured = await measure(attempt, at);
  return {
    measured: stripped(measured),
    checks: [
      check(
        "another-instance",
        "the standby serves",
        server.instance === before ? "the same serves" : "the standby serves",
      ),
      check("orders-missing", "0 orders missing", `${measured.missing} orders missing`),
    ],
  };
}

async function replicaFailover(attempt: Attempt): Promise<Outcome> {
  const { laptop, customer, stages } = attempt;
  const { platform } = laptop;
  const [, other] = platform.regions;
  const server = serverOf(laptop);
  await server.disableStandby();
  await customer.places(ORDERS);
  const at = await stages.run("kill the primary under write load, without a standby", async () => {
    const moment = new Date();
    await server.crash();
    return moment;
  });
  const ran = await stages.run(`failover --to ${other?.location ?? ""}`, () =>
    type(laptop, "INC-replica", "failover", STACK, "--to", other?.location ?? ""),
  );
  await stages.run("go on", () => customer.places(ORDERS));
  const measured = await measure(attempt, at);
  return { measured: stripped(measured), checks: [...ownTime(ran, 60), ...told(ran, measured)] };
}

/** What stands for the engine's state of the stack. */
const STATE = '{"version":3}';

/** Pulumi's state and its program, the runner and the forge are gone with the region: nothing answers there. */
const NOTHING_ELSE = {
  PATH: "",
  PULUMI_BACKEND_URL: "http://127.0.0.1:9",
  GITHUB_API_URL: "http://127.0.0.1:9",
  GITHUB_REPOSITORY: "forma3d/platform",
  GITHUB_TOKEN: "nobody-takes-it",
};

const committedByHand = ({ document }: Ran): boolean =>
  document["pullRequest"] === undefined && ((document["commit"] ?? []) as string[]).length > 0;

async function regionFailure(attempt: Attempt): Promise<Outcome> {
  const { laptop, customer, stages } = attempt;
  const [own, other] = laptop.platform.regions;
  const [home, away] = [own?.location ?? "", other?.location ?? ""];
  const state = new State(laptop.served, STACK);
  for (const place of ["home", "copy"] as const) await state.write(place, STATE);
  const at = await stages.run("lose everything of the region", async () => {
    const moment = new Date();
    await laptop.lose(home);
    return moment;
  });
  const ran = await stages.run(`failover --to ${away}`, () =>
    typeWith(laptop, "INC-region", ["failover", STACK, "--to", away], { environment: NOTHING_ELSE }),
  );
  const stateMeanwhile = await state.read("home");
  await stages.run("go on", () => customer.places(ORDERS));
  const measured = await measure(attempt, at);
  await stages.run("the region answers again, fenced", () => laptop.bringBack(home));
  await stages.run("go on beside it", () => customer.places(ORDERS));
  await stages.run(`failover --to ${home}`, () => type(laptop, "INC-home", "failover", STACK, "--to", home));
  await stages.run("go on at home", () => customer.places(ORDERS));
  const failed = customer.failed;
  const control = state.region("home");
  await stages.run(`lose ${control}, where the control plane stands`, () => laptop.lose(control));
  const withoutState = [await state.read("home"), await state.read("copy")];
  await stages.run("go on without it", () => customer.places(ORDERS));
  const requests = customer.failed - failed;
  await stages.run("it answers again", () => laptop.bringBack(control));
  const missing = await laptop.missing(customer);
  return {
    measured: stripped(measured),
    checks: [
      ...ownTime(ran, 60),
      ...told(ran, measured),
      check(
        "state-stands-elsewhere",
        `the state answers from ${away} while ${home} is lost`,
        stateMeanwhile === STATE && control === away
          ? `the state answers from ${away} while ${home} is lost`
          : `in ${control}: ${stateMeanwhile}`,
      ),
      check(
        "control-plane-lost",
        "0 requests failed without the control plane; its copy is read in the other region",
        `${requests} requests failed without the control plane; ${
          withoutState[0] !== STATE && withoutState[1] === STATE
            ? "its copy is read in the other region"
            : withoutState.join(", ")
        }`,
      ),
      check(
        "state-and-runner",
        "no program, state or forge was needed; the change is left as commands",
        committedByHand(ran)
          ? "no program, state or forge was needed; the change is left as commands"
          : JSON.stringify(ran.document["pullRequest"] ?? ran.document["commit"]),
      ),
      check("back-without-loss", `${measured.missing} orders missing`, `${missing.length} orders missing`),
    ],
  };
}

async function pointInTime(attempt: Attempt): Promise<Outcome> {
  const { laptop, customer, stages } = attempt;
  const moment = await now(laptop);
  await stages.run("orders that are wrong", () => customer.places(ORDERS));
  const at = new Date();
  const ran = await stages.run("pitr --adopt", () =>
    type(laptop, "INC-pitr", "pitr", STACK, "--at", moment.toISOString(), "--adopt"),
  );
  await stages.run("go on", () => customer.places(ORDERS));
  const measured = await measure(attempt, at);
  const kept = [...customer.confirmed].filter(([, time]) => time < moment.getTime()).map(([id]) => id);
  const missing = new Set(await laptop.missing(customer));
  return {
    // What was written since the moment is what an adoption gives up: that is the loss.
    measured: { ...stripped(measured), rpoSeconds: secondsLost(ran) },
    checks: [
      check(
        "restored-whole",
        "0 orders of before the moment missing",
        `${kept.filter((id) => missing.has(id)).length} orders of before the moment missing`,
      ),
      check(
        "another-server",
        "psql-…-g2 serves",
        servingServer(laptop).endsWith("-g2") ? "psql-…-g2 serves" : servingServer(laptop),
      ),
    ],
  };
}

const servingServer = ({ served }: Laptop): string =>
  served.real?.databases.virtualEndpoint(`forma3d-${STACK}-db`).primary.name ?? "";

const ownTime = ({ seconds }: Ran, most: number): CheckResult[] => [
  {
    id: "command-time",
    level: "L6",
    status: seconds <= most ? "PASS" : "FAIL",
    expected: `the command's own time at most ${most} s`,
    actual: `${seconds.toFixed(1)} s`,
  },
];

/** Nothing from before the moment that was printed may be missing. */
const told = ({ document }: Ran, { rpoSeconds }: Measured): CheckResult[] => {
  const { rpoSeconds: printed = 0 } = (document["measured"] ?? {}) as { rpoSeconds?: number };
  return [
    {
      id: "loss-as-told",
      level: "L6",
      status: (rpoSeconds ?? Infinity) <= printed + 1 ? "PASS" : "FAIL",
      expected: `at most the ${printed.toFixed(1)} s that were printed before the decision`,
      actual: `${(rpoSeconds ?? 0).toFixed(1)} s`,
    },
  ];
};

const EXERCISES: Readonly<Record<PlatformId, (attempt: Attempt) => Promise<Outcome>>> = {
  "zone-standby": zoneStandby,
  "replica-failover": replicaFailover,
  "application-crash": crashApplication,
  "region-failure": regionFailure,
  "point-in-time": pointInTime,
  "security-breach": securityBreach,
};

/** A scenario on a platform of its own: nothing of the one before is left. */
export function exerciseOf(id: PlatformId): PlatformExercise {
  return {
    id,
    async run(stages) {
      const laptop = await stages.run(`serve ${STACK}`, () =>
        Laptop.open(STACK, { control: id === "region-failure" }),
      );
      try {
        const customer = laptop.customer();
        await stages.run("orders are placed", () => customer.places(ORDERS));
        return await EXERCISES[id]({ laptop, customer, stages });
      } finally {
        await laptop.close();
      }
    },
  };
}
