import { ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import {
  EngineEvent,
  LocalWorkspace,
  PolicyEvent,
  PulumiCommand,
  Stack,
  StepEventMetadata,
} from "@pulumi/pulumi/automation";
import { nameOf, providerUrn, typeOf } from "../../packages/wire/urn";
import { projectRoot } from "../../packages/command/root";
import { PACK } from "./project";
import { descendants, killAll } from "../../packages/command/processes";

/**
 * How much of Pulumi's SDK runs the program: `quiet`, without what a rehearsal does not look at
 * (`packages/offline-engine/quietSdk.cjs`), or the `whole` of it. What the program declares is the same.
 */
export type Sdk = "quiet" | "whole";

/** One step of the engine that is not a mere "same". */
export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Properties that differ, where the provider said. */
  readonly diffs: readonly string[];
}

/** One command of the engine, as it ended. */
export interface Run {
  readonly command: string;
  readonly ok: boolean;
  readonly steps: readonly Step[];
  /** Errors and warnings, one a line, as the engine printed them. */
  readonly diagnostics: readonly string[];
  readonly policies: readonly PolicyEvent[];
  readonly seconds: number;
  /** Everything that was printed. */
  readonly output: string;
}

export interface EngineOptions {
  readonly command: PulumiCommand;
  readonly stack: string;
  /** Folder with `project`, `backend` and `home`. */
  readonly folder: string;
  /** Folder of the Pulumi project it runs: `project`, or one below it. */
  readonly workDir: string;
  /** Value of `PULUMI_DEBUG_PROVIDERS`. */
  readonly attach: string;
  readonly sdk: Sdk;
}

export interface PreviewOptions {
  /** Runs the policy pack too; default true. */
  readonly policies?: boolean;
}

export interface RunOptions extends PreviewOptions {
  /** URNs to limit the operation to, or patterns of them. */
  readonly target?: readonly string[];
  readonly refresh?: boolean;
  /** URNs the operation leaves out, or patterns of them. */
  readonly exclude?: readonly string[];
  /** Variables set for this command alone, as in front of one that is typed. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** For commands on a program that the policies have judged already, as it stands: that a second look finds the same is no promise. */
export const JUDGED = { policies: false } as const;

const QUIET_SDK = "packages/offline-engine/quietSdk.cjs";

/** Without a question and without a preview of its own. */
const AT_ONCE = ["--yes", "--skip-preview"];

/** Protects nothing: the state holds made-up values only, and is deleted with the folder. */
const PASSPHRASE = "rehearsal";

/** Settings that keep the engine to this machine, this folder and these providers. */
export function engineEnvironment(folder: string, attach: string): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${path.join(folder, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_DEBUG_PROVIDERS: attach,
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
    // Commands are short and memory is plenty: collecting garbage seldom saves a twentieth of the processor time.
    GOGC: "400",
    GOMAXPROCS: "1",
    NO_COLOR: "1",
  };
}

function environmentOf(options: EngineOptions): Record<string, string> {
  const { folder, attach, sdk } = options;
  const root = projectRoot(__dirname);
  return {
    ...engineEnvironment(folder, attach),
    // The state is written at the end of each command, in half the time.
    PULUMI_SKIP_CHECKPOINTS: "true",
    // Without this the engine knows no --event-log.
    PULUMI_DEBUG_COMMANDS: "true",
    ...(sdk === "quiet" && { NODE_OPTIONS: `--require ${JSON.stringify(path.join(root, QUIET_SDK))}` }),
    // Every command loads the SDK twice, for the program and for the pack.
    NODE_COMPILE_CACHE: path.join(root, ".build/code"),
    // Nothing leaves this machine, and Node.js reads all certificates whenever it is started.
    NODE_EXTRA_CA_CERTS: "",
  };
}

/** The real engine on one stack. */
export class Engine {
  private constructor(
    private readonly stack: Stack,
    private readonly options: EngineOptions,
    private readonly transcript: (text: string) => void,
  ) {}

  /** Opens the stack in the folder, creating it on first use. */
  static async open(options: EngineOptions, transcript: (text: string) => void): Promise<Engine> {
    const { folder, workDir, command } = options;
    for (const part of ["backend", "home"]) fs.mkdirSync(path.join(folder, part), { recursive: true });
    const workspace = await LocalWorkspace.create({
      workDir,
      pulumiHome: path.join(folder, "home"),
      pulumiCommand: command,
      envVars: environmentOf(options),
    });
    const stack = await Stack.createOrSelect(options.stack, workspace);
    return new Engine(stack, options, transcript);
  }

  get workspaceStack(): Stack {
    return this.stack;
  }

  get policyPack(): string {
    return path.join(this.options.folder, "project", PACK);
  }

  /** What would change. */
  preview({ policies = true }: PreviewOptions = {}): Promise<Run> {
    return this.logged("preview", ["preview", ...this.scope({ policies })]);
  }

  up(options: RunOptions = {}): Promise<Run> {
    return this.logged("up", ["up", ...AT_ONCE, ...this.scope(options)], options.variables);
  }

  /** Reads everything back from the cloud. The program does not run. */
  refresh(): Promise<Run> {
    return this.logged("refresh", ["refresh", ...AT_ONCE]);
  }

  destroy(): Promise<Run> {
    return this.logged("destroy", ["destroy", ...AT_ONCE]);
  }

  /** What destroy would do, which it shows before it does it. */
  previewDestroy(): Promise<Run> {
    return this.logged("destroy --preview-only", ["destroy", "--preview-only"]);
  }

  /** Any other command. */
  async command(args: readonly string[]): Promise<Run> {
    const name = args.find((arg) => !arg.startsWith("-")) ?? "";
    return this.run(name, (print) => this.spawned(args, print));
  }

  private async spawned(
    args: readonly string[],
    print: Print,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const child = this.start(args, variables);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => print(data.toString()));
    }
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`exit code ${String(code)}`);
  }

  /** A command line as somebody types it in the project's folder, who says yes. */
  async shell(line: string, variables: Readonly<Record<string, string>>, input: string): Promise<Run> {
    const { folder, workDir, command } = this.options;
    return this.run(line.replace(/^pulumi /, ""), async (print) => {
      const child = spawn("bash", ["--norc", "-uc", line], {
        cwd: workDir,
        env: {
          ...process.env,
          ...environmentOf(this.options),
          ...variables,
          PATH: `${path.dirname(command.command)}${path.delimiter}${process.env["PATH"] ?? ""}`,
          PULUMI_HOME: path.join(folder, "home"),
          PULUMI_SKIP_CONFIRMATIONS: "true",
        },
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data: Buffer) => print(data.toString()));
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      if (code !== 0) throw new Error(`exit code ${String(code)}`);
    });
  }

  /** Takes existing resources into the state, each in its place below its component. */
  importResources(
    resources: readonly { urn: string; type: string; id: string; parent: string; provider: string }[],
  ): Promise<Run> {
    const file = path.join(this.options.folder, "import.json");
    const references = resources.flatMap(({ parent, provider }, index) => [
      [`parent${index}`, parent],
      [`provider${index}`, providerUrn(provider)],
    ]);
    const document = {
      nameTable: Object.fromEntries(references) as Record<string, string>,
      resources: resources.map(({ urn, type, id }, index) => ({
        type,
        id,
        name: nameOf(urn),
        parent: `parent${index}`,
        provider: `provider${index}`,
      })),
    };
    fs.writeFileSync(file, JSON.stringify(document, null, 2));
    return this.command(["import", "--yes", "--skip-preview", "--generate-code=false", "--file", file]);
  }

  /** An update whose engine is killed, with everything it started, as soon as `when` is fulfilled. */
  upKilled(when: Promise<unknown>): Promise<Run> {
    return this.run("up", async () => {
      // What a killed engine leaves behind is what it wrote at every step.
      const child = this.start(["up", "--yes", "--skip-preview"], { PULUMI_SKIP_CHECKPOINTS: "false" });
      const ended = new Promise((resolve) => child.once("close", resolve));
      const struck = await Promise.race([when.then(() => true), ended.then(() => false)]);
      // The engine puts what it starts into process groups of their own.
      if (struck && child.pid !== undefined) killAll([child.pid, ...descendants(child.pid)]);
      await ended;
      throw new Error(struck ? "killed" : "ended before it was killed");
    });
  }

  private start(args: readonly string[], settings: Readonly<Record<string, string>> = {}): ChildProcess {
    const { folder, workDir, stack, command } = this.options;
    return spawn(command.command, [...args, "--stack", stack, "--non-interactive", "--color", "never"], {
      cwd: workDir,
      env: {
        ...process.env,
        ...environmentOf(this.options),
        ...settings,
        PULUMI_HOME: path.join(folder, "home"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Frees the lock and marks the operation of an engine that was killed as ended. */
  cancel(): Promise<void> {
    return this.stack.cancel();
  }

  private scope({ policies = true, target = [], exclude = [], refresh = false }: RunOptions): string[] {
    return [
      ...(policies ? ["--policy-pack", this.policyPack] : []),
      ...target.flatMap((urn) => ["--target", urn]),
      ...exclude.flatMap((urn) => ["--exclude", urn]),
      ...(refresh ? ["--refresh"] : []),
    ];
  }

  /**
   * A command whose events are read from a file when it has ended. The Automation API would have them sent one by one,
   * which takes a tenth of a rehearsal's time.
   */
  private async logged(
    command: string,
    args: readonly string[],
    variables?: Readonly<Record<string, string>>,
  ): Promise<Run> {
    const file = path.join(this.options.folder, "events.jsonl");
    try {
      return await this.run(
        command,
        (print) => this.spawned([...args, "--suppress-progress", "--event-log", file], print, variables),
        () => readEvents(file),
      );
    } finally {
      fs.rmSync(file, { force: true });
    }
  }

  private async run(
    command: string,
    action: (print: Print) => Promise<unknown>,
    events: () => readonly EngineEvent[] = () => [],
  ): Promise<Run> {
    const printed: string[] = [];
    const started = process.hrtime.bigint();
    let failure: Error | undefined;
    try {
      await action((text) => void printed.push(text));
    } catch (error) {
      failure = error as Error;
    }
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    return this.written(summarise(command, events(), printed.join(""), failure, seconds));
  }

  private written(run: Run): Run {
    const { command, seconds } = run;
    this.transcript(
      `$ pulumi ${command} (${seconds.toFixed(1)} s, ${run.ok ? "succeeded" : "failed"})\n${run.output}\n`,
    );
    return run;
  }
}

type Print = (text: string) => void;

/** One event a line; no file when the engine ended before there was any. */
function readEvents(file: string): EngineEvent[] {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, "utf8").split("\n");
  return lines.filter((text) => text !== "").map((text) => JSON.parse(text) as EngineEvent);
}

/** Steps that change nothing. */
const QUIET = new Set(["same", "read", "refresh"]);

function summarise(
  command: string,
  events: readonly EngineEvent[],
  printed: string,
  failure: Error | undefined,
  seconds: number,
): Run {
  // A refresh announces every resource alike; only the end of each step says what was found.
  const steps = events.flatMap(({ resourcePreEvent, resOutputsEvent }) => {
    const event = command === "refresh" ? resOutputsEvent : resourcePreEvent;
    return event ? [toStep(event.metadata)] : [];
  });
  return {
    command,
    ok: failure === undefined,
    steps: steps.filter(({ op }) => !QUIET.has(op)),
    diagnostics: events.flatMap(({ diagnosticEvent: one }) =>
      one && (one.severity === "error" || one.severity === "warning")
        ? [`${one.severity}: ${plain(one.prefix ?? "")}${plain(one.message).trim()}`]
        : [],
    ),
    policies: events.flatMap(({ policyEvent }) =>
      policyEvent ? [{ ...policyEvent, message: plain(policyEvent.message) }] : [],
    ),
    seconds,
    output: failure && printed === "" ? failure.message : printed,
  };
}

function toStep(metadata: StepEventMetadata): Step {
  const { op, urn, diffs, detailedDiff } = metadata;
  return {
    op,
    urn,
    type: typeOf(urn),
    name: nameOf(urn),
    diffs: detailedDiff ? Object.keys(detailedDiff).sort() : (diffs ?? []),
  };
}

/** Engine events carry colours as `<{%fg 1%}>`. */
function plain(text: string): string {
  return text.replace(/<\{%.*?%\}>/g, "");
}
