import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { buildPack } from "../build.cjs";

export async function main(): Promise<void> {
  await runCommand(
    createCommand("policy:build", "Compiles the policy pack to policies/bin, unless that is done already.", {
      0: "compiled",
      1: "it does not compile",
    }).action(() => buildPack(projectRoot(__dirname))),
  );
}
