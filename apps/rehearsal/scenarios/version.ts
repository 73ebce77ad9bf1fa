import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { deleteBehind } from "../../../packages/emulated-azure/store/changes";
import { stackPlatformNames } from "../../../stacks/files";
import { PACK } from "../project";
import { ensure, noChange, operations, refused, succeeded } from "../expect";
import { type Scenario, type Stage } from "../scenario";
import { type World } from "../world";
import { prefix } from "./changes";

const SERVER = "azure-native:dbforpostgresql:Server";
const ENDPOINT = "azure-native:dbforpostgresql:VirtualEndpoint";
const LOCK = "azure-native:authorization:ManagementLockByScope";
const DAY_MS = 86_400_000;

/** The rules an upgrade asks a waiver of, as docs/changing.md has it: that there is a replica. */
const WITHOUT_REPLICA = "REC-010";

/** That a version is on the policies' list: the rehearsed one need not be there yet. */
const NEWER = "REC-007";

/** Waivers of the primary server's findings, for a day. */
function waive(stage: Stage, world: World, ...rules: readonly string[]): void {
  const waivers = rules.map((rule) => ({
    rule,
    resource: `urn:pulumi:${stage.stack}::forma3d::forma3d:database:Database$${SERVER}::${prefix(stage.config)}-database-primary`,
    reason: "the major version is raised in this night's window",
    owner: "rehearsal@forma3d.com",
    expires: new Date(Date.now() + DAY_MS).toISOString().slice(0, 10),
  }));
  fs.writeFileSync(path.join(world.project, PACK, "waivers.yaml"), yaml.dump({ waivers }));
}

/** What docs/changing.md has for another major version, as it is merged and typed. */
export const VERSION: readonly Scenario[] = [
  {
    id: "3.16",
    title:
      "another major version: refused while the replica follows; without it, for which one waiver is enough, raised in place; the replica is made anew, and the endpoint leads to it",
    notFor: ({ database }) => (database.replica ? undefined : "there is no replica"),
    async run(stage) {
      const { config } = stage;
      const { primary, secondary } = stackPlatformNames(config);
      ensure(secondary !== undefined, "the stack has no second region");
      const world = await stage.deployed();
      // The replica goes from the state on purpose, so this one is not held to keeping what holds data.
      const upWithout = () => stage.shell(world, "pulumi up --policy-pack policies", {}, "");
      const version = String(Number(config.database.version) + 1);
      const named = (noun: string): string => `${prefix(config)}-database-${noun}`;
      const [server, replica, endpoint] = [named("primary"), named("replica"), named("endpoint")];
      const reader = () =>
        world.resource(ENDPOINT, stackPlatformNames(config).virtualEndpoint).outputs.members;

      stage.configure(world, { "database.version": version });
      waive(stage, world, NEWER);
      refused(await stage.up(world), /while a read replica follows/);

      const reason = "the major version is raised in this night's window";
      stage.configure(world, {
        "database.version": config.database.version,
        "database.replica": undefined,
        "database.withoutReplica": reason,
      });
      waive(stage, world);
      refused(await upWithout(), /is protected/);
      const urn = (await world.recorded()).find((one) => one.urn.endsWith(`::${replica}`))?.urn;
      ensure(urn !== undefined, "the state has no replica");
      succeeded(await stage.shell(world, `pulumi state unprotect '${urn}'`, {}, ""));
      const unwaived = await stage.preview(world);
      refused(unwaived, /postgres-replica-elsewhere/);
      const found = new Set(unwaived.policies.map(({ policyName }) => policyName));
      ensure(found.size === 1, `more than the missing replica is found: ${[...found].join(", ")}`);
      waive(stage, world, WITHOUT_REPLICA);
      // What hangs on the server cannot go below its lock: az rest --method delete.
      const { id } = world.resource(SERVER, secondary.server);
      const lock = [...world.cloud.all()].find((one) => one.type === LOCK && one.id.startsWith(`${id}/`));
      ensure(lock !== undefined, "the replica has no lock");
      deleteBehind(world.cloud, lock.id);
      succeeded(await upWithout());
      ensure(
        JSON.stringify(reader()) === JSON.stringify([primary.server]),
        "the reader still leads to the replica",
      );
      noChange(await stage.up(world));

      // az postgres flexible-server delete
      deleteBehind(world.cloud, id);
      stage.configure(world, { "database.version": version });
      waive(stage, world, WITHOUT_REPLICA, NEWER);
      operations(await stage.up(world), [`update ${SERVER} ${server}`]);
      ensure(world.resource(SERVER, primary.server).outputs.version === version, "the version is as it was");

      stage.configure(world, {
        "database.replica": { bootstrap: true },
        "database.withoutReplica": undefined,
      });
      waive(stage, world, NEWER);
      const back = await stage.up(world);
      succeeded(back);
      for (const step of [`create ${SERVER} ${replica}`, `update ${ENDPOINT} ${endpoint}`])
        ensure(
          back.steps.some(({ op, type, name }) => `${op} ${type} ${name}` === step),
          `not done: ${step}`,
        );
      ensure(
        JSON.stringify(reader()) === JSON.stringify([secondary.server]),
        "the reader does not lead to the replica",
      );
      stage.configure(world, { "database.replica": {} });
      operations(await stage.up(world), [`update ${SERVER} ${replica}`]);
      noChange(await stage.up(world));
    },
  },
];
