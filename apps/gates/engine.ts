import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { PROOF_VARIABLES } from "../../policies/proof";
import { ConfigError } from "../../stacks/problems";
import { descendants, killAll } from "../../packages/command/processes";
import { checkEngineHome } from "./engineHome";
import { allowedEnvironment } from "./environment";
import type { Ended, Expectation } from "./evidence";
import { readEvents } from "./events";

export interface EngineCommand {
  readonly root: string;
  /** Name of the stack; the organization's part is added. */
  readonly stack: string;
  /** Command and flags, e.g. `["preview", "--refresh"]`. */
  readonly args: readonly string[];
  /** Whether the pack is to refuse the canary. */
  readonly canary: boolean;
  /** Minutes after which the engine is ended; absent: never, as for an update, which must not be cut off. */
  readonly minutes?: number;
  readonly env: NodeJS.ProcessEnv;
}

export interface EngineResult extends Ended {
  readonly nonce: string;
  /** What the engine wrote to standard output. */
  readonly output: string;
}

/** How a stack is named in a backend of one's own. */
export const stackReference = (project: string, stack: string): string => `organization/${project}/${stack}`;

/**
 * Runs the engine with the project's own pack, an allow-listed environment and a nonce only this run knows.
 * @throws ConfigError when there is no pulumi command on PATH, and as {@link checkEngineHome}
 */
export async function runEngine(
  { root, stack, args, canary, minutes, env }: EngineCommand,
  { project }: Pick<Expectation, "project">,
): Promise<EngineResult> {
  checkEngineHome(root, env);
  const nonce = randomBytes(16).toString("hex");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gate-"));
  const log = path.join(folder, "events.jsonl");
  try {
    const child = spawn(
      "pulumi",
      [
        ...args,
        ...["--stack", stackReference(project, stack)],
        ...["--policy-pack", "policies", "--event-log", log, "--non-interactive", "--color", "never"],
      ],
      {
        cwd: root,
        env: {
          ...allowedEnvironment(env),
          PULUMI_SKIP_UPDATE_CHECK: "true",
          // Without it the engine knows no --event-log.
          PULUMI_DEBUG_COMMANDS: "true",
          PULUMI_NODEJS_TRANSPILE_ONLY: "true",
          [PROOF_VARIABLES.nonce]: nonce,
          [PROOF_VARIABLES.canary]: canary ? "refuse" : "",
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const output: string[] = [];
    child.stdout?.on("data", (data: Buffer) => output.push(data.toString()));
    const code = await ended(child, minutes);
    return { code, nonce, output: output.join(""), ...readEvents(log) };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Exit code; undefined when the time was up. */
function ended(child: ChildProcess, minutes: number | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer =
      minutes === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            // The engine puts what it starts into process groups of their own.
            if (child.pid !== undefined) killAll([child.pid, ...descendants(child.pid)]);
            child.stdout?.destroy();
          }, minutes * 60_000);
    child.once("error", () =>
      reject(
        new ConfigError("pulumi", [
          {
            path: [],
            found: undefined,
            allowed: "a pulumi command on PATH: https://www.pulumi.com/docs/install/",
          },
        ]),
      ),
    );
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(late ? undefined : (code ?? 1));
    });
  });
}
