// Runs command lines of `npm run plan` in this one process, one after another, as test/support/planCommands.ts asks. A stack
// with the same overrides is planned once: most of such a command is its plan.
import { plan } from "../../apps/tools/plan/plan";
import { planCommand } from "../../apps/tools/plan/planCommand";
import { planProject } from "../../apps/tools/plan/planProject";
import { runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import type { CommandLine, Ended } from "./planCommands";

const ROOT = projectRoot(__dirname);
const plans = new Map<string, ReturnType<typeof planProject>>();

const planOnce: typeof planProject = (root, project, stack, options = {}) => {
  const key = JSON.stringify([project, stack, options.overrides, options.resolve]);
  const made = plans.get(key) ?? planProject(root, project, stack, options);
  plans.set(key, made);
  return made;
};

const streams = (["stdout", "stderr"] as const).map((name) => ({
  name,
  write: process[name].write.bind(process[name]),
}));
// Each command listens to both.
for (const { name } of streams) process[name].setMaxListeners(0);

async function perform({ args, columns }: CommandLine): Promise<Ended> {
  const ended: Ended = { code: 0, stdout: "", stderr: "" };
  if (columns === undefined) delete process.env["COLUMNS"];
  else process.env["COLUMNS"] = `${columns}`;
  for (const { name } of streams) process[name].write = (text) => ((ended[name] += String(text)), true);
  process.exitCode = 0;
  const command = planCommand(ROOT, async (given) => {
    process.exitCode = await plan(ROOT, given, planOnce);
  });
  await runCommand(command, args);
  for (const { name, write } of streams) process[name].write = write;
  ended.code = Number(process.exitCode);
  process.exitCode = 0;
  return ended;
}

process.on("disconnect", () => process.exit());
process.on("message", (line: CommandLine) => void perform(line).then((ended) => process.send?.(ended)));
