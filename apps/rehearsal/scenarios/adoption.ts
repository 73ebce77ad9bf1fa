import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { emulatedCloud } from "../../../packages/emulated-azure/cloud";
import { listen } from "../../../packages/emulated-azure/listen";
import { happen } from "../../../packages/emulated-azure/store/changes";
import { grantCustom } from "../../../packages/emulated-azure/rights/custom";
import { ARM_REFUSALS } from "../../../policies/arm/armLimits";
import { loginName } from "../../../infra/data/databaseLogins";
import { DATABASE_ROLES } from "../../../infra/secrets/secretCatalogue";
import { resourceManager } from "../../operations/ground/resources";
import { flexibleServers } from "../../operations/ground/servers";
import type { Ground } from "../../operations/ground/types";
import { adopt } from "../../operations/pitr/adopt";
import { platformOf, type Platform } from "../../operations/platform";
import { customRole } from "../../operations/rights";
import { ensure } from "../expect";
import type { Stage } from "../scenario";
import type { World } from "../world";

const INCIDENT = "INC-gone";

/** Steps that ask or change what a rehearsal has not: rows, pods, public names. */
const ELSEWHERE = new Set(["fence", "sign-in", "check", "logins", "edge", "backup"]);

/** What an adoption leaves to be done by whoever typed it. */
export interface Adopted {
  /** Values of the stack file. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The command that has the state name the new servers, as it is printed. */
  readonly renaming: string;
  /** What the update that follows leaves out, as it is printed. */
  readonly exclude: readonly string[];
  /** What its environment holds, as it is printed. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * `operations pitr <stack> --adopt --everything`, by its own steps, as the holder of its own role, in the world's cloud. Of its
 * steps those run that Azure is asked for; rows and logins are proved on real servers (`test/operations/renewed.long.test.ts`).
 */
export async function adoptEverything(stage: Stage, world: World): Promise<Adopted> {
  const platform = platformOf(world.project, stage.stack);
  const cloud = emulatedCloud(world.setting.model, {
    store: world.cloud,
    faults: world.faults,
    refusals: ARM_REFUSALS,
    retryAfter: 0,
  });
  const listening = await listen(cloud);
  try {
    const adopter = cloud.directory.add({ displayName: `forma3d-${stage.stack}-adopter` });
    grantCustom(cloud.cloud, adopter, customRole("adopter", platform));
    const token = {
      token: cloud.directory.issue(adopter, "https://management.azure.com"),
      expiresOnTimestamp: Date.now() + 3_600_000,
    };
    const credential = { getToken: () => Promise.resolve(token) };
    const options = { endpoint: listening.address, tlsOptions: { ca: listening.certificate } };
    const resources = resourceManager(
      new ResourceManagementClient(credential, platform.subscriptionId, options),
      { endpoint: listening.address, pollMs: 1 },
    );
    const servers = flexibleServers(
      new PostgreSQLManagementFlexibleServerClient(credential, platform.subscriptionId, options),
      1,
    );
    // No program runs behind the servers here: their parameters come into force as after any restart.
    const restart: Ground["servers"]["restart"] = (_group, server) => {
      for (const { id, outputs } of [...world.cloud.all()])
        if (id.includes(`/${server}/configurations/`) && outputs["isConfigPendingRestart"] === true)
          happen(stage.setting.model, world.cloud, id, "server-restarted");
      return Promise.resolve();
    };
    return await taken(platform, {
      ...withoutData(platform),
      resources,
      servers: { ...servers, restart },
    } as Ground);
  } finally {
    await listening.stop();
  }
}

async function taken(platform: Platform, ground: Ground): Promise<Adopted> {
  const verb = adopt(platform, ground, {});
  const plan = await verb.plan(INCIDENT);
  for (const step of plan.steps.filter(({ id }) => !ELSEWHERE.has(id))) {
    if ((await step.done()) !== true) await step.run(AbortSignal.timeout(60_000));
    const state = await step.done();
    ensure(state === true, `${step.id}: ${state}`);
  }
  const now = new Date();
  const { commit, markdown } = verb.report({
    incident: INCIDENT,
    plan,
    results: [],
    runs: [],
    decidedAt: now,
    endedAt: now,
    ends: new Map(),
  });
  const [renaming = ""] = /pulumi stack export .* --file state\.json/.exec(markdown) ?? [];
  const exclude = [...markdown.matchAll(/--exclude "([^"]+)"/g)].map(([, pattern = ""]) => pattern);
  const [, settings = ""] = /then ((?:\w+=\w+ )*)pulumi up /.exec(markdown) ?? [];
  const variables = Object.fromEntries(
    [...settings.matchAll(/(\w+)=(\w+)/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  ensure(renaming !== "", `the report names no command for the state:\n${markdown}`);
  return {
    values: Object.fromEntries((commit?.changes ?? []).map((one) => [one.path, one.value])),
    renaming,
    exclude,
    variables,
  };
}

/** Answers of what stands behind no resource here: logins that are there, pods that are not, one server behind every name, that takes writes. */
function withoutData({ regions }: Platform): Partial<Ground> {
  const [first] = DATABASE_ROLES;
  const roles = regions.map((region) => ({
    role: loginName(first, region),
    login: true,
    note: null,
    started: "then",
    readOnly: "off",
  }));
  return {
    now: () => new Date(),
    restoreLagSeconds: 0,
    database: {
      query: () => Promise.resolve(roles),
      clock: () => Promise.resolve(new Date()),
    } as unknown as Ground["database"],
    vaults: { read: () => Promise.resolve({ value: "made up" }) } as unknown as Ground["vaults"],
    cluster: () =>
      ({
        deployments: () => Promise.resolve([]),
        find: () => Promise.resolve(undefined),
      }) as unknown as ReturnType<Ground["cluster"]>,
  };
}
