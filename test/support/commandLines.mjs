// Runs command lines, given as JSON, one after another in this one process, each as a shell would start it:
// `run.mjs <entry> <words>`. Prints a line of JSON for each: what it wrote, and its exit code.
import { createRequire } from "node:module";

const { cache } = createRequire(import.meta.url);
const streams = ["stdout", "stderr"].map((name) => [name, process[name].write.bind(process[name])]);
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
for (const [at, words] of JSON.parse(process.argv[2]).entries()) {
  const ended = { code: 0, stdout: "", stderr: "" };
  for (const [name] of streams) process[name].write = (text) => ((ended[name] += text), true);
  process.exitCode = 0;
  process.argv = [process.argv[0], "run.mjs", ...words];
  await import(`../../packages/command/run.mjs?${at}`);
  // Whoever comes next starts anew.
  for (const file of Object.keys(cache)) if (!file.includes("/node_modules/")) delete cache[file];
  for (const [name, write] of streams) process[name].write = write;
  console.log(JSON.stringify({ ...ended, code: process.exitCode }));
}
process.exitCode = 0;
