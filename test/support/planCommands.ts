import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { projectRoot } from "../../packages/command/root";

/** Words after `npm run plan --`, and the columns of the screen it is typed at; default: of none. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly columns?: number;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A process that runs command lines of `npm run plan` one after another, for tests that are not about the process. */
export class PlanCommands {
  private readonly child: ChildProcess;
  private last: Promise<unknown> = Promise.resolve();

  constructor() {
    this.child = spawn(process.execPath, ["packages/command/run.mjs", "test/support/planCommandsWorker.ts"], {
      cwd: projectRoot(__dirname),
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  /** Runs it when those before it have ended. @throws Error when the process is gone */
  run(line: CommandLine): Promise<Ended> {
    const ended = this.last.then(async () => {
      const over = new AbortController();
      const { signal } = over;
      const gone = once(this.child, "exit", { signal }).then(() => {
        throw new Error(`the process ended at: plan ${line.args.join(" ")}`);
      });
      this.child.send(line);
      try {
        const [answer] = (await Promise.race([once(this.child, "message", { signal }), gone])) as [Ended];
        return answer;
      } finally {
        over.abort();
      }
    });
    this.last = ended.catch(() => undefined);
    return ended;
  }

  stop(): void {
    this.child.disconnect();
  }
}
