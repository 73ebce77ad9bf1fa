import { deleteBehind } from "../../../packages/emulated-azure/store/changes";
import { StackConfig } from "../../../stacks/schema";
import { projectRoot } from "../../../packages/command/root";
import { readRunbooks, runsInEngine } from "../../tools/docs/runbook";
import { dataKeptIn, ensure, succeeded } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";

const LOCK = "azure-native:authorization:ManagementLockByScope";
const LINK = "azure-native:privatedns:VirtualNetworkLink";

/** Deletes what is of a type, one of them, as somebody by mistake. */
function deleteOne(world: World, type: string): void {
  const found = [...world.cloud.all()].find((stored) => stored.type === type);
  ensure(found !== undefined, `the cloud holds no ${type}`);
  deleteBehind(world.cloud, found.id);
}

/** What has happened when a page's steps begin, and what its updates change then: `create <type>` and the like. */
interface Case {
  readonly before?: (stage: Stage, world: World) => void;
  /** Every kind of change an update of the page makes, sorted; a page that updates nothing has none. */
  readonly changes?: readonly string[];
}

/** One region has nothing of its own on these pages, and every command costs its time. */
const twoRegions = ({ regions, database }: StackConfig): string | undefined =>
  regions.secondary && database.replica ? undefined : "rehearsed where there are two regions";

const CASES: Readonly<Record<string, Case>> = {
  "accidental-deletion": {
    before: (_stage, world) => deleteOne(world, LOCK),
    changes: [`create ${LOCK}`],
  },
  // New jobs and rollouts of whatever connects, and nothing of Azure's.
  "database-restore": {
    changes: [
      "create kubernetes:batch/v1:Job",
      "delete kubernetes:batch/v1:Job",
      "update kubernetes:apps/v1:Deployment",
      "update kubernetes:core/v1:ConfigMap",
      "update kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
    ],
  },
  "network-dns": { before: (_stage, world) => deleteOne(world, LINK), changes: [`create ${LINK}`] },
};

/** Variables a page has set by hand, and what is typed where a step asks. */
const TYPED = "made up for a rehearsal";

/** The pulumi commands of every page, verbatim and in their order, as the deploying identity. */
export const RUNBOOKS: readonly Scenario[] = readRunbooks(projectRoot(__dirname))
  .map(({ id, steps }) => ({
    book: id,
    commands: steps.flatMap(({ title, command }) =>
      command !== undefined && runsInEngine(command) ? [{ title, command }] : [],
    ),
  }))
  .filter(({ commands }) => commands.length > 0)
  .map(({ book, commands }, index) => {
    const { before, changes } = CASES[book] ?? {};
    return {
      id: `10.${index + 1}`,
      title: `${book}: what its page has pulumi do ends as it says, and loses nothing`,
      notFor: twoRegions,
      async run(stage) {
        const world = await stage.deployed();
        before?.(stage, world);
        const variables = {
          ENVIRONMENT: stage.stack,
          TOKEN_KEY_DATE: stage.config.vault.tokenEncryptionKeys[0] ?? "",
        };
        for (const { command } of commands) {
          const seen = world.changes().length;
          succeeded(await stage.shell(world, command, variables, `${TYPED}\n`));
          const made = world.changes().slice(seen);
          dataKeptIn(stage.setting.model, made);
          const done = [...new Set(made.map(({ operation, type }) => `${operation} ${type}`))].sort();
          const updates = /^pulumi up /.test(command);
          ensure(!updates || changes !== undefined, `nobody has said what ${book} changes by\n${command}`);
          const wanted = updates ? (changes ?? []) : [];
          ensure(
            done.join() === wanted.join(),
            `${command}\nchanged otherwise than the page says:\n${done.join("\n")}`,
          );
        }
      },
    };
  });
