import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { engineEnvironment, JUDGED } from "../engine";
import { ensure, noChange } from "../expect";
import { rehearsalSecrets } from "../project";
import { Scenario } from "../scenario";
import { World } from "../world";

/** Runs a script of the workflows on a world's state, as they do: with the engine's own command and nothing of ours. */
function script(world: World, name: string, extra: Record<string, string> = {}): string {
  const { root, command } = world.setting;
  return execFileSync("bash", [path.join(root, ".github/scripts", name), world.stack, world.project], {
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
  const text = fs.readFileSync(path.join(world.project, `Pulumi.${world.stack}.yaml`), "utf8");
  return /^(?:encryptionsalt|encryptedkey): .*$/m.exec(text)?.[0] ?? "";
}

export const CONTROL: readonly Scenario[] = [
  {
    id: "5.5",
    title: "the region of the state is lost: its copy goes on under a key of its own, and nothing changes",
    async run(stage) {
      const world = await stage.deployed();
      const backend = path.join(world.folder, "backend");
      const copy = path.join(world.folder, "copy");
      fs.mkdirSync(copy);
      const before = await world.recorded();
      const key = encryption(world);
      ensure(key !== "", "the stack file does not say how the state is encrypted");
      const to = { COPY_BACKEND_URL: `file://${copy}`, COPY_SECRETS_PROVIDER: "passphrase" };
      // Twice, as on two days: the second copy goes over the first and under its key.
      for (const day of [1, 2]) {
        const said = script(world, "copy-state.sh", to);
        ensure(said.includes(`${before.length} resources copied`), `day ${day}: ${said}`);
      }
      fs.rmSync(backend, { recursive: true });
      fs.renameSync(copy, backend);
      const said = script(world, "use-copied-state.sh");
      ensure(
        said.includes("set again: forma3d:secretValues"),
        `what must be set again was not named: ${said}`,
      );
      ensure(encryption(world) !== key, "the copy is encrypted with the key that was lost");
      // From the vault of a region that stands: docs/workloads.md.
      await world.engine.workspaceStack.setAllConfig(rehearsalSecrets(), true);
      const after = await world.recorded();
      ensure(
        JSON.stringify(after.map(({ urn }) => urn)) === JSON.stringify(before.map(({ urn }) => urn)),
        "the restored state has other resources",
      );
      noChange(await stage.preview(world, JUDGED));
      noChange(await stage.up(world, JUDGED));
      ensure(world.changes().length === 0, "the cloud was touched");
    },
  },
];
