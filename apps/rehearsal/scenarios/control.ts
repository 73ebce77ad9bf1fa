import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { engineEnvironment, JUDGED } from "../engine";
import { ensure, noChange } from "../expect";
import { rehearsalSecrets } from "../project";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";

/** Runs a script of the workflows on a world's state, as they do: with the engine's own command and nothing of ours. */
function script(stage: Stage, world: World, name: string, extra: Record<string, string> = {}): string {
  const { command } = world.setting;
  const file = stage.copyOf(world, `.github/scripts/${name}`);
  return execFileSync("bash", [file, world.stack, world.workDir], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...engineEnvironment(world.folder, ""),
      PULUMI_HOME: path.join(world.folder, "home"),
      PATH: `${path.dirname(command.command)}:${process.env["PATH"] ?? ""}`,
      ...extra,
    },
  });
}

/** What the secrets of a state are encrypted with, as its stack file says. */
function encryption(world: World): string {
  const text = fs.readFileSync(path.join(world.workDir, `Pulumi.${world.stack}.yaml`), "utf8");
  return /^(?:encryptionsalt|encryptedkey): .*$/m.exec(text)?.[0] ?? "";
}

/**
 * The state is copied twice, as on two days, and lost; from then on the copy is the state.
 * @param meanwhile what else is lost with it
 * @returns what the last script said
 */
export async function goOnWithCopy(
  stage: Stage,
  world: World,
  meanwhile = (): void => undefined,
): Promise<string> {
  const backend = path.join(world.folder, "backend");
  const copy = path.join(world.folder, "copy");
  fs.mkdirSync(copy);
  const before = await world.recorded();
  const key = encryption(world);
  ensure(key !== "", "the stack file does not say how the state is encrypted");
  const to = { COPY_BACKEND_URL: `file://${copy}`, COPY_SECRETS_PROVIDER: "passphrase" };
  // The second copy goes over the first and under its key.
  for (const day of [1, 2]) {
    const said = script(stage, world, "copy-state.sh", to);
    ensure(said.includes(`${before.length} resources copied`), `day ${day}: ${said}`);
  }
  fs.rmSync(backend, { recursive: true });
  meanwhile();
  fs.renameSync(copy, backend);
  const said = script(stage, world, "use-copied-state.sh");
  ensure(encryption(world) !== key, "the copy is encrypted with the key that was lost");
  const after = await world.recorded();
  ensure(
    JSON.stringify(after.map(({ urn }) => urn)) === JSON.stringify(before.map(({ urn }) => urn)),
    "the restored state has other resources",
  );
  return said;
}

/** Neither a preview nor an update finds anything to do, and the cloud is left alone. */
export async function nothingToDo(stage: Stage, world: World): Promise<void> {
  const before = world.changes().length;
  noChange(await stage.preview(world, JUDGED));
  noChange(await stage.up(world, JUDGED));
  ensure(world.changes().length === before, "the cloud was touched");
}

export const CONTROL: readonly Scenario[] = [
  {
    id: "5.5",
    title: "the region of the state is lost: its copy goes on under a key of its own, and nothing changes",
    async run(stage) {
      const world = await stage.deployed();
      const said = await goOnWithCopy(stage, world);
      ensure(
        said.includes("set again: forma3d:secretValues"),
        `what must be set again was not named: ${said}`,
      );
      // From the vault of a region that stands: docs/workloads.md.
      await world.engine.workspaceStack.setAllConfig(rehearsalSecrets(), true);
      await nothingToDo(stage, world);
    },
  },
];
