// Asks the commands it is given for their help, one after another in this one process, each as a shell would start it:
// `run.mjs <entry> --help`. Prints a line of JSON for each: what it wrote, and its exit code.
const streams = ["stdout", "stderr"].map((name) => [name, process[name].write.bind(process[name])]);
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
for (const entry of process.argv.slice(2)) {
  const ended = { code: 0, stdout: "", stderr: "" };
  for (const [name] of streams) process[name].write = (text) => ((ended[name] += text), true);
  process.exitCode = 0;
  process.argv = [process.argv[0], "run.mjs", entry, "--help"];
  await import(`../../packages/command/run.mjs?${entry}`);
  for (const [name, write] of streams) process[name].write = write;
  console.log(JSON.stringify({ entry, ...ended, code: process.exitCode }));
}
process.exitCode = 0;
