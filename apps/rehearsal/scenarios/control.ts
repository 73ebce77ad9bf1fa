import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { engineEnvironment, JUDGED } from "../engine";
import { ensure, noChange } from "../expect";
import { rehearsalSecrets } from "../project";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";

/** Runs a script of the workflows on a world's state, as they do: with the engine's own command and nothing of ours. */
async function script(
  stage: Stage,
  world: World,
  name: string,
  extra: Record<string, string> = {},
): Promise<string> {
  const { command } = world.setting;
  const file = stage.copyOf(world, `.github/scripts/${name}`);
  // Not in this process's own time: the providers of scenarios beside this one answer in it.
  const { stdout } = await promisify(execFile)("bash", [file, world.stack, world.workDir], {
    env: {
      ...process.env,
      ...engineEnvironment(world.folder, ""),
      PULUMI_HOME: path.join(world.folder, "home"),
      PATH: `${path.dirname(command.command)}:${process.env["PATH"] ?? ""}`,
      ...extra,
    },
  });
  return stdout;
}

/** What the secrets of a state are encrypted with, as its stack file says. */
function encryption(world: World): string {
  const text = fs.readFileSync(path.join(world.workDir, `Pulumi.${world.stack}.yaml`), "utf8");
  return /^(?:encryptionsalt|encryptedkey): .*$/m.exec(text)?.[0] ?? "";
}

/** Where a world's state lies, its copy, and the home that was lost. */
const folders = ({ folder }: World) => ({
  backend: path.join(folder, "backend"),
  copy: path.join(folder, "copy"),
  lost: path.join(folder, "lost"),
});

function copyState(stage: Stage, world: World, to: string): Promise<string> {
  const place = { COPY_BACKEND_URL: `file://${to}`, COPY_SECRETS_PROVIDER: "passphrase" };
  return script(stage, world, "copy-state.sh", place);
}

/**
 * Goes on with the state in another folder, under its own key and with nothing missing.
 * @param from that folder
 * @param to where the state goes that it takes the place of
 * @returns what the script said
 */
async function goOnWith(stage: Stage, world: World, from: string, to: string): Promise<string> {
  const { backend } = folders(world);
  const urns = async (): Promise<string> => (await world.recorded()).map(({ urn }) => urn).join();
  const [key, before] = [encryption(world), await urns()];
  ensure(key !== "", "the stack file does not say how the state is encrypted");
  fs.renameSync(backend, to);
  fs.renameSync(from, backend);
  const said = await script(stage, world, "use-copied-state.sh");
  ensure(encryption(world) !== key, "the copy is encrypted with the key that was lost");
  ensure((await urns()) === before, "the state that was copied has other resources");
  return said;
}

/** The state is copied twice, as on two days, and lost; the copy is the state from now on. @returns what was said of it */
export async function goOnWithCopy(stage: Stage, world: World): Promise<string> {
  const { backend, copy, lost } = folders(world);
  fs.mkdirSync(copy);
  const { length } = await world.recorded();
  // The second copy goes over the first and under its key.
  for (const day of [1, 2]) {
    const said = await copyState(stage, world, copy);
    ensure(said.includes(`${length} resources copied`), `day ${day}: ${said}`);
  }
  const said = await goOnWith(stage, world, copy, lost);
  let refusal = "";
  try {
    await copyState(stage, world, backend);
  } catch (error) {
    refusal = String(error);
  }
  ensure(refusal.includes("there is no second copy"), `a state was copied over itself: ${refusal}`);
  return said;
}

/** The home answers again, with what it was when it was lost: the present state is taken back to it. */
export async function goHome(stage: Stage, world: World): Promise<string> {
  const { copy, lost } = folders(world);
  await copyState(stage, world, lost);
  return goOnWith(stage, world, lost, copy);
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
    title:
      "the region of the state is lost: its copy goes on under a key of its own and is taken home again, and nothing changes",
    async run(stage) {
      const world = await stage.deployed();
      for (const way of [goOnWithCopy, goHome]) {
        const said = await way(stage, world);
        ensure(
          said.includes("set again: forma3d:secretValues"),
          `what must be set again was not named: ${said}`,
        );
        // From the vault of a region that stands: docs/workloads.md.
        await world.engine.workspaceStack.setAllConfig(rehearsalSecrets(), true);
        await nothingToDo(stage, world);
      }
    },
  },
];
