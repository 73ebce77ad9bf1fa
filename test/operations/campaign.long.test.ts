import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { projectRoot } from "../../packages/command/root";
import { waitFor } from "../../packages/programs/waiting";

jest.setTimeout(600_000);

const ROOT = projectRoot(__dirname);

test("a campaign that is interrupted ends with 3, judges nothing, and leaves neither servers nor verbs", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "campaign-"));
  const journal = path.join(folder, "journal.jsonl");
  const own = path.join(folder, "own");
  fs.mkdirSync(own);
  // As the system's own folder: the servers' account gets in and takes away what it made.
  for (const one of [folder, own]) fs.chmodSync(one, 0o1777);
  const run = ["packages/command/run.mjs", "apps/rehearsal/chaos.ts", "--seed", "77", "--journal", journal];
  const child = spawn(process.execPath, run, {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: own },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  let [printed, said] = ["", ""];
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  // The first step has begun: each is told once it is over, and takes seconds.
  await new Promise<void>((resolve) =>
    child.stdout.on("data", (part: Buffer) => {
      printed += part.toString();
      if (printed.includes("a platform is served")) resolve();
    }),
  );
  child.kill("SIGINT");
  expect([await ended, said]).toEqual([3, "error: interrupted\n"]);
  expect(fs.existsSync(journal)).toBe(false);
  await waitFor(() => fs.readdirSync(own).length === 0, 30, 100);
  expect(fs.readdirSync(own)).toEqual([]);
  fs.rmSync(folder, { recursive: true });
});
