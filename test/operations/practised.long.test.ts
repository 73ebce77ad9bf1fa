import { spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../support/recoveryCli";

/*
 * What the README tells a new user to type, section "Lose a region, on this machine": its own command, the lines it names, and the
 * commands that `practice` prints, in a shell of their own.
 */
jest.setTimeout(1_800_000);

const README = fs.readFileSync(path.join(root, "README.md"), "utf8");
const section = README.slice(README.indexOf("## Lose a region"), README.indexOf("## Deploy for real"));
const home = fs.mkdtempSync(path.join(os.tmpdir(), "practised-"));

let practice: ChildProcess;
let said = "";
let read = 0;

beforeAll(() => {
  const [, command = ""] = /```bash\n(npm run practice .*)\n```/.exec(section) ?? [];
  practice = spawn("bash", ["-c", `exec ${command}`], { cwd: root, env: { ...process.env, HOME: home } });
  for (const stream of [practice.stdout!, practice.stderr!])
    stream.on("data", (part: Buffer) => (said += part.toString()));
});
afterAll(() => {
  if (practice.exitCode === null) practice.kill();
  fs.rmSync(home, { recursive: true, force: true });
});

/** Waits for what it says next, however long that takes; one that ends meanwhile says why. */
async function says(what: RegExp): Promise<string> {
  for (;;) {
    const found = what.exec(said.slice(read));
    if (found) {
      read += found.index + found[0].length;
      return found[0];
    }
    if (practice.exitCode !== null) throw new Error(`practice ended with ${practice.exitCode}: ${said}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
const type = (line: string) => practice.stdin!.write(`${line}\n`);

/** Types a printed command in another shell; nobody is there to type the region's name. */
function inAnotherShell(command: string, incident: string): Promise<{ code: number | null; text: string }> {
  const shell = spawn("bash", ["-c", `${command} --yes --incident ${incident}`], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: home },
  });
  let text = "";
  for (const stream of [shell.stdout, shell.stderr])
    stream.on("data", (part: Buffer) => (text += part.toString()));
  return new Promise((done) => shell.on("close", (code) => done({ code, text })));
}

test("the README's walk: a region is lost, one command, the other serves; back again, and nothing more is missing", async () => {
  for (const typed of ["`lose westeurope`", "`orders`", "`back westeurope`", "`quit`"])
    expect(section).toContain(typed);
  await says(/begin with: lose westeurope\n/);
  const [, failover = ""] =
    /^ {2}(\. \S+operator; npm run -s operations -- failover prod --to northeurope)$/m.exec(said) ?? [];
  type("lose westeurope");
  await says(/westeurope is lost; .*\n/);
  type("orders");
  expect(await says(/\d+ orders confirmed.*\n/)).toMatch(/the database does not answer/);
  const over = await inAnotherShell(failover, "INC-there");
  expect([over.code, over.text]).toEqual([0, expect.stringMatching(/northeurope serves\. Recovery time/)]);
  const [, told = "", seconds = ""] =
    /loss: at most what was confirmed after (.+), (\d+) s/.exec(over.text) ?? [];
  expect([Number.isNaN(Date.parse(told)), seconds]).toEqual([false, expect.stringMatching(/^\d+$/)]);
  type("orders");
  const [, missing] = /; (\d+) of the confirmed ones are missing/.exec(
    await says(/\d+ orders confirmed.*\n/),
  )!;
  type("back westeurope");
  await says(/westeurope is back; .*\n/);
  const home = await inAnotherShell(failover.replace("northeurope", "westeurope"), "INC-back");
  expect([home.code, home.text]).toEqual([
    0,
    expect.stringMatching(/westeurope serves\. .*loss at most 0\.0 s/s),
  ]);
  type("orders");
  expect(await says(/\d+ orders confirmed.*\n/)).toContain(`; ${missing} of the confirmed ones are missing`);
  const ended = new Promise((done) => practice.on("close", done));
  // Its input stays open, as a terminal's does.
  type("quit");
  expect(await ended).toBe(0);
});
