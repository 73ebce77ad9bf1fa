/**
 * Measures the compiled policy pack over Pulumi's own protocol, for generated programs of several sizes, beside a pack
 * without a rule that is asked the same in the same run: what the rules take of a processor, and how large the pack gets. No rule
 * finds anything in them: a program that is refused costs what telling it costs, and is not deployed.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import * as grpc from "@grpc/grpc-js";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { buildPack } from "../../../policies/pack/build";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { wholeNumbers } from "./measure";
import { type Generated, program, STACK } from "./policies/program";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package ships no declaration of its client
const { AnalyzerClient } = require("@pulumi/pulumi/proto/analyzer_grpc_pb") as {
  AnalyzerClient: new (
    address: string,
    credentials: grpc.ChannelCredentials,
    options: object,
  ) => grpc.Client &
    Record<
      "analyze" | "analyzeStack",
      (request: object, done: (error: Error | null, response: proto.AnalyzeResponse) => void) => void
    >;
};

const SIZES = [500, 5_000, 20_000];
/** Size the budget is set for. */
const JUDGED = 5_000;
const MIB = 1024 * 1024;
/**
 * Budget of the rules, at {@link JUDGED} resources: processor time beyond the empty pack's, in milliseconds per resource; the
 * largest the process may get beside the empty pack's; seconds of a processor to start; and how much the time per resource may grow from
 * there to the largest size, which is none but for noise.
 */
const LIMITS = { millisecondsPerResource: 0.5, memoryRatio: 1.3, startSeconds: 2.5, growth: 1.25 };

interface Pack {
  readonly client: InstanceType<typeof AnalyzerClient>;
  /** Processor time since it was started, in milliseconds. */
  processorMs(): number;
  peakBytes(): number;
  stop(): Promise<void>;
}

/** Length of a tick in which Linux counts processor time. */
const TICK_MS = 10;

async function startPack(folder: string): Promise<Pack> {
  const child = spawn(
    process.execPath,
    [require.resolve("@pulumi/pulumi/cmd/run-policy-pack"), "127.0.0.1:1", folder],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        PULUMI_NODEJS_STACK: STACK,
        PULUMI_NODEJS_PROJECT: "forma3d",
        PULUMI_NODEJS_DRY_RUN: "true",
      },
    },
  );
  const port = await new Promise<string>((resolve, reject) => {
    readline.createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the pack did not start: exit code ${String(code)}`)));
  });
  const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
  const client = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), unlimited);
  const proc = (file: string): string => fs.readFileSync(`/proc/${child.pid ?? 0}/${file}`, "utf8");
  return {
    client,
    processorMs: () => {
      const [user, system] = proc("stat")
        .replace(/^.*\) /s, "")
        .split(" ")
        .slice(11, 13)
        .map(Number);
      return ((user ?? 0) + (system ?? 0)) * TICK_MS;
    },
    peakBytes: () => Number(/^VmHWM:\s+(\d+)/m.exec(proc("status"))?.[1] ?? 0) * 1024,
    stop: async () => {
      client.close();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
}

/** A pack as everybody else's, with no rule in it. It stands where the project's modules are found. */
function emptyPack(root: string): string {
  const folder = path.join(root, ".build/empty-pack");
  fs.mkdirSync(folder, { recursive: true });
  const files = {
    "PulumiPolicy.yaml": "runtime: nodejs\n",
    "package.json": JSON.stringify({ name: "empty", version: "0.0.1", main: "index.js" }),
    "index.js": `new (require("@pulumi/policy").PolicyPack)("empty", { policies: [] });\n`,
  };
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), content);
  return folder;
}

const urnOf = ({ type, name }: Generated): string => `urn:pulumi:${STACK}::forma3d::${type}::${name}`;

function ask(
  pack: Pack,
  method: "analyze" | "analyzeStack",
  request: object,
): Promise<proto.AnalyzeResponse> {
  return new Promise((resolve, reject) => {
    pack.client[method](request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

interface Measured {
  /** Until it answers, in seconds of a processor. */
  readonly startSeconds: number;
  /** For every resource and the stack as a whole, in milliseconds of a processor. */
  readonly processorMs: number;
  readonly peakMiB: number;
}

/** @throws Error when a rule finds something: what is measured is a program that passes */
async function measure(folder: string, size: number, root: string): Promise<Measured> {
  const pack = await startPack(folder);
  try {
    const before = pack.processorMs();
    const found: string[] = [];
    const tell = (response: proto.AnalyzeResponse): void => {
      found.push(...response.getDiagnosticsList().map((one) => one.getMessage()));
    };
    const all: proto.AnalyzerResource[] = [];
    for (const resource of program(size, root)) {
      const properties = Struct.fromJavaScript(resource.props as never);
      const options = new proto.AnalyzerResourceOptions();
      const request = new proto.AnalyzeRequest()
        .setType(resource.type)
        .setName(resource.name)
        .setUrn(urnOf(resource));
      request.setProperties(properties);
      request.setOptions(options);
      tell(await ask(pack, "analyze", request));
      const part = new proto.AnalyzerResource()
        .setType(resource.type)
        .setName(resource.name)
        .setUrn(urnOf(resource));
      part.setProperties(properties);
      part.setOptions(options);
      all.push(part);
    }
    tell(await ask(pack, "analyzeStack", new proto.AnalyzeStackRequest().setResourcesList(all)));
    if (found.length > 0) throw new Error(`the program does not pass: ${found[0] ?? ""}`);
    return {
      startSeconds: before / 1000,
      processorMs: pack.processorMs() - before,
      peakMiB: pack.peakBytes() / MIB,
    };
  } finally {
    await pack.stop();
  }
}

interface Row {
  readonly resources: number;
  readonly own: Measured;
  readonly empty: Measured;
  /** Processor time beyond the empty pack's, milliseconds per resource. */
  readonly beyondMs: number;
  readonly memoryRatio: number;
}

async function measureSize(root: string, size: number): Promise<Row> {
  const empty = await measure(emptyPack(root), size, root);
  const own = await measure(path.join(root, "policies"), size, root);
  return {
    resources: size,
    own,
    empty,
    beyondMs: (own.processorMs - empty.processorMs) / size,
    memoryRatio: own.peakMiB / empty.peakMiB,
  };
}

/** What of the budget is broken. It is set for {@link JUDGED} resources; other sizes show how cost grows. */
function broken(rows: readonly Row[]): string[] {
  const problems = rows
    .filter(({ resources }) => resources === JUDGED)
    .flatMap(({ beyondMs, memoryRatio, own }) => [
      {
        what: "ms of a processor per resource beyond the empty pack's",
        found: beyondMs,
        limit: LIMITS.millisecondsPerResource,
      },
      { what: "times the empty pack's memory", found: memoryRatio, limit: LIMITS.memoryRatio },
      { what: "seconds of a processor to start", found: own.startSeconds, limit: LIMITS.startSeconds },
    ]);
  const growing = rows.filter(({ resources }) => resources >= JUDGED);
  const [small, large] = [growing[0], growing.at(-1)].map(
    (row) => row && row.own.processorMs / row.resources,
  );
  if (small !== undefined && large !== undefined)
    problems.push({
      what: "fold growth of the time per resource",
      found: large / small,
      limit: LIMITS.growth,
    });
  return problems
    .filter(({ found, limit }) => found > limit)
    .map(({ what, found, limit }) => `${found.toFixed(2)} ${what}; allowed: ${limit}`);
}

const COLUMNS: readonly (readonly [string, (row: Row) => string])[] = [
  ["resources", ({ resources }) => String(resources)],
  ["start s", ({ own }) => own.startSeconds.toFixed(2)],
  ["ms each", ({ own, resources }) => (own.processorMs / resources).toFixed(2)],
  ["empty ms", ({ empty, resources }) => (empty.processorMs / resources).toFixed(2)],
  ["beyond ms", ({ beyondMs }) => beyondMs.toFixed(2)],
  ["peak MiB", ({ own }) => own.peakMiB.toFixed(0)],
  ["empty MiB", ({ empty }) => empty.peakMiB.toFixed(0)],
  ["times", ({ memoryRatio }) => memoryRatio.toFixed(2)],
];

async function bench(options: { sizes: readonly number[]; json?: boolean }): Promise<void> {
  const root = projectRoot(__dirname);
  buildPack(root);
  const rows: Row[] = [];
  for (const size of options.sizes) rows.push(await measureSize(root, size));
  if (options.json) console.log(JSON.stringify(rows));
  else {
    const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(9)).join(" ");
    console.log(line(COLUMNS.map(([title]) => title)));
    for (const row of rows) console.log(line(COLUMNS.map(([, cell]) => cell(row))));
  }
  const problems = broken(rows);
  problems.forEach((problem) => console.error(problem));
  if (problems.length > 0) process.exitCode = 1;
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand(
      "bench policies",
      "Measures the compiled policy pack beside one without a rule, for programs of several sizes.",
      {
        0: "within the budget",
        1: "beyond it",
      },
    )
      .option("--sizes <list>", "numbers of resources, separated by commas", wholeNumbers, [...SIZES])
      .option("--json", "print the rows as JSON")
      .action(bench),
  );
}
