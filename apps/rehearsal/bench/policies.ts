/**
 * Measures the compiled policy pack over Pulumi's own protocol, for generated programs of several sizes, beside a pack
 * without a rule that is asked the same in the same run: what the rules take of a processor, and how large the pack gets.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import * as grpc from "@grpc/grpc-js";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { buildPack } from "../../../policies/pack/build";
import { readStacks, stackPlatformNames } from "../../../stacks/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { wholeNumbers } from "./measure";

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
const STACK = "staging";
const MIB = 1024 * 1024;
/**
 * Budget of the rules, at {@link JUDGED} resources: processor time beyond the empty pack's, in milliseconds per resource; the
 * largest the process may get beside the empty pack's; seconds of a processor to start; and how much the time per resource may grow from
 * there to the largest size, which is none but for noise.
 */
const LIMITS = { millisecondsPerResource: 0.5, memoryRatio: 1.3, startSeconds: 2.5, growth: 1.25 };

interface Generated {
  readonly type: string;
  readonly name: string;
  readonly props: Record<string, unknown>;
}

/** A program of ordinary resources, 11 values each on average; the real plans have 16 to 19. */
function* program(size: number, root: string): Generator<Generated> {
  const config = readStacks(root)[STACK];
  if (!config) throw new Error(`the project has no stack ${STACK}`);
  const names = stackPlatformNames(config);
  const group = `/subscriptions/${config.azure.subscriptionId}/resourceGroups/${names.primary.resourceGroup}`;
  const tags = { product: "forma3d", environment: STACK, managedBy: "pulumi", owner: config.tags.owner };
  for (let i = 0; i < size; i++) {
    const name = `resource-${i}`;
    const metadata = {
      name,
      namespace: names.namespace,
      labels: { "app.kubernetes.io/name": `app-${i % 50}` },
    };
    switch (i % 5) {
      case 0:
        yield {
          type: "kubernetes:apps/v1:Deployment",
          name,
          props: deployment(metadata, i, names.virtualEndpoint),
        };
        break;
      case 1:
        yield {
          type: "kubernetes:core/v1:ConfigMap",
          name,
          props: { apiVersion: "v1", kind: "ConfigMap", metadata, data: settings(i) },
        };
        break;
      case 2:
        yield {
          type: "kubernetes:core/v1:Secret",
          name,
          props: {
            apiVersion: "v1",
            kind: "Secret",
            metadata,
            data: { key: Buffer.from(`secret value number ${i}`).toString("base64") },
          },
        };
        break;
      case 3:
        yield {
          type: "azure-native:authorization:RoleAssignment",
          name,
          props: {
            scope: `${group}/providers/Microsoft.KeyVault/vaults/${names.primary.vault}`,
            principalId: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
            roleDefinitionId: `/subscriptions/${config.azure.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6`,
            description: `lets workload ${i} read its own secret`,
          },
        };
        break;
      default:
        yield {
          type: "azure-native:managedidentity:UserAssignedIdentity",
          name,
          props: {
            resourceName: `id-${i}`,
            resourceGroupName: names.primary.resourceGroup,
            location: names.primary.region,
            tags,
          },
        };
    }
  }
}

const deployment = (metadata: object, i: number, endpoint: string): Record<string, unknown> => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata,
  spec: {
    replicas: 2,
    selector: { matchLabels: { "app.kubernetes.io/name": `app-${i % 50}` } },
    template: {
      metadata: { labels: { "app.kubernetes.io/name": `app-${i % 50}` } },
      spec: {
        serviceAccountName: `app-${i % 50}`,
        containers: [
          {
            name: "app",
            image: `ghcr.io/forma3d/app@sha256:${String(i).padStart(64, "0")}`,
            env: Array.from({ length: 6 }, (_, n) => ({
              name: `SETTING_${n}`,
              value: `value ${n} of ${i}`,
            })).concat({
              name: "PGHOST",
              value: `${endpoint}.writer.postgres.database.azure.com`,
            }),
            resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { memory: "1Gi" } },
            ports: [{ containerPort: 8080 }],
          },
        ],
      },
    },
  },
});

const settings = (i: number): Record<string, string> => ({
  "app.yaml": `server:\n  port: 8080\n  name: app-${i}\nfeatures:\n  - orders\n  - shipping\nlimits:\n  rate: ${i % 100}\n`,
  LOG_LEVEL: "info",
  API_URL: "https://api.shopify.com/admin",
});

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

async function measure(folder: string, size: number, root: string): Promise<Measured> {
  const pack = await startPack(folder);
  try {
    const before = pack.processorMs();
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
      await ask(pack, "analyze", request);
      const part = new proto.AnalyzerResource()
        .setType(resource.type)
        .setName(resource.name)
        .setUrn(urnOf(resource));
      part.setProperties(properties);
      part.setOptions(options);
      all.push(part);
    }
    await ask(pack, "analyzeStack", new proto.AnalyzeStackRequest().setResourcesList(all));
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
