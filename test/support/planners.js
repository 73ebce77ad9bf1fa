/**
 * The processes that plan for all test files of a run. What a plan loads takes longer than the plan, and the second plan
 * of a process half as long as the first. They are asked over a socket, one line of JSON each way (`PlanJob`,
 * `PlanAnswer`), start when they are needed, and end with the run, however that ends.
 */
const { spawn } = require("node:child_process");
const { existsSync } = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const readline = require("node:readline");

const ROOT = path.resolve(__dirname, "../..");
/** A plan keeps one processor busy, and its test file waits for it. */
const PROCESSES = 2;
/**
 * What lives between two plans is 190 MB, and V8 looks through all of it the more often the nearer the limit is: with 512 a
 * plan costs a fifth more, and without any limit a gigabyte of garbage lies about.
 */
const COMMAND = ["--max-old-space-size=1500", "packages/command/run.mjs", "test/support/planWorker.ts"];

/** A process that plans; ask one thing at a time. */
class Planner {
  constructor() {
    this.ended = false;
    this.stderr = "";
    this.child = spawn(process.execPath, COMMAND, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.child.stderr.on("data", (data) => (this.stderr = `${this.stderr}${data}`.slice(-4000)));
    // It keeps nobody alive: whoever waits for a plan keeps the run alive.
    this.child.unref();
    this.child.stderr.unref();
    this.child.channel.unref();
  }

  ask(job) {
    return new Promise((resolve) => {
      const answered = (answer) => {
        this.child.off("close", closed);
        resolve(answer);
      };
      const closed = () => {
        this.ended = true;
        this.child.off("message", answered);
        resolve({ error: `the process that plans ended: ${this.stderr}` });
      };
      this.child.once("message", answered);
      this.child.once("close", closed);
      this.child.send(job);
    });
  }
}

const idle = [];
const waiting = [];
let busy = 0;

async function perform(job) {
  if (busy >= PROCESSES) await new Promise((resolve) => waiting.push(resolve));
  busy++;
  const planner = idle.pop() ?? new Planner();
  try {
    return await planner.ask(job);
  } finally {
    if (!planner.ended) idle.push(planner);
    busy--;
    waiting.shift()?.();
  }
}

/** Plans under way, by the file they are written to: two test files may want the same one. */
const underWay = new Map();

function answer(job) {
  if (existsSync(job.file)) return {};
  const asked = underWay.get(job.file) ?? perform(job).finally(() => underWay.delete(job.file));
  underWay.set(job.file, asked);
  return asked;
}

/** Listens on a socket in a folder, and tells whoever tests where it is. */
module.exports = async function planners(folder) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    // Whoever asked may be gone before the answer comes.
    socket.on("error", () => undefined);
    readline
      .createInterface({ input: socket })
      .on("line", async (line) => socket.end(`${JSON.stringify(await answer(JSON.parse(line)))}\n`));
  });
  const file = path.join(folder, "planners.sock");
  await new Promise((resolve, reject) => server.once("error", reject).listen(file, resolve));
  server.unref();
  process.env.PLANNERS = file;
};
