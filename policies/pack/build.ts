import path from "node:path";
import { bundle } from "../../packages/command/bundle.cjs";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";

/**
 * Compiles the policy pack of the project in a folder to policies/bin/index.js, which Pulumi starts directly, unless it is
 * there and nothing it is made of has changed. Pulumi's own packages stay outside the bundle: the pack must share them with
 * Pulumi's launcher.
 * @throws esbuild's Error
 */
export function buildPack(root: string): void {
  const folder = path.join(root, "policies");
  bundle({
    absWorkingDir: folder,
    entryPoints: ["index.ts"],
    outfile: path.join(folder, "bin/index.js"),
    external: ["@pulumi/*"],
    logLevel: "warning",
  });
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("policy:build", "Compiles the policy pack to policies/bin, unless that is done already.", {
      0: "compiled",
      1: "it does not compile",
    }).action(() => buildPack(projectRoot(__dirname))),
  );
}
