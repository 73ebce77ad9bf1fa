/**
 * Measures the compiled policy pack over Pulumi's own protocol: how long it takes to start, to judge one resource and
 * to judge a whole stack, and how large it gets, for generated programs of several sizes.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import readline from "node:readline";
import * as grpc from "@grpc/grpc-js";
import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { readStacks, stackPlatformNames } from "../../../stacks/files";
import { createCommand, runCommand } from "../../../packages/command/program";
import { projectRoot } from "../../../packages/command/root";
import { median, wholeNumbers } from "./measure";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package ships no declaration of its client
const { AnalyzerClient } = require("@pulumi/pulumi/proto/analyzer_grpc_pb") as {
  AnalyzerClient: new (
    address: string,
    credentials: grpc.ChannelCredentials,
    options: object,
  ) => grpc.Client &
    Record<
      "analyze" | "analyzeStack" | "getPluginInfo",
      (request: object, done: (error: Error | null, response: proto.AnalyzeResponse) => void) => void
    >;
};

const SIZES = [500, 5_000, 20_000];
/** Size the budget is set for. */
const JUDGED = 5_000;
const STACK = "staging";
const MIB = 1024 * 1024;
/** Budget of the pack. */
const LIMITS = { millisecondsPerResource: 1, mebibytes: 300, startSeconds: 2.5, growth: 1.5 };

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
  readonly startSeconds: number;
  peakBytes(): number;
  stop(): Promise<void>;
}

async function startPack(root: string): Promise<Pack> {
  const folder = path.join(root, "policies");
  const started = performance.now();
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
  const startSeconds = (performance.now() - started) / 1000;
  const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
  const client = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), unlimited);
  return {
    client,
    startSeconds,
    peakBytes: () =>
      Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8"))?.[1] ?? 0) *
      1024,
    stop: async () => {
      client.close();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
}

const urnOf = ({ type, name }: Generated): string => `urn:pulumi:${STACK}::forma3d::${type}::${name}`;

function ask(
  pack: Pack,
  method: "analyze" | "analyzeStack" | "getPluginInfo",
  request: object,
): Promise<proto.AnalyzeResponse> {
  return new Promise((resolve, reject) => {
    pack.client[method](request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

interface Row {
  readonly resources: number;
  readonly startSeconds: number;
  /** Round trip of one resource, without that of an empty request, which is the protocol's own. */
  readonly medianMs: number;
  readonly protocolMs: number;
  readonly totalSeconds: number;
  readonly stackSeconds: number;
  readonly peakMiB: number;
}

async function measureSize(root: string, size: number): Promise<Row> {
  const pack = await startPack(root);
  try {
    const times: number[] = [];
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
      const started = performance.now();
      await ask(pack, "analyze", request);
      times.push(performance.now() - started);
      const part = new proto.AnalyzerResource()
        .setType(resource.type)
        .setName(resource.name)
        .setUrn(urnOf(resource));
      part.setProperties(properties);
      part.setOptions(options);
      all.push(part);
    }
    const empty: number[] = [];
    for (let i = 0; i < 1000; i++) {
      const asked = performance.now();
      await ask(pack, "getPluginInfo", new Empty());
      empty.push(performance.now() - asked);
    }
    const started = performance.now();
    await ask(pack, "analyzeStack", new proto.AnalyzeStackRequest().setResourcesList(all));
    return {
      resources: size,
      startSeconds: pack.startSeconds,
      medianMs: median(times) - median(empty),
      protocolMs: median(empty),
      totalSeconds: times.reduce((sum, time) => sum + time, 0) / 1000,
      stackSeconds: (performance.now() - started) / 1000,
      peakMiB: pack.peakBytes() / MIB,
    };
  } finally {
    await pack.stop();
  }
}

/** What of the budget is broken. It is set for {@link JUDGED} resources; other sizes show how cost grows. */
function broken(rows: readonly Row[]): string[] {
  const problems = rows
    .filter(({ resources }) => resources === JUDGED)
    .flatMap(({ medianMs, peakMiB, startSeconds }) => [
      { what: "milliseconds per resource", found: medianMs, limit: LIMITS.millisecondsPerResource },
      { what: "MiB in the largest process", found: peakMiB, limit: LIMITS.mebibytes },
      { what: "seconds to start", found: startSeconds, limit: LIMITS.startSeconds },
    ]);
  const growing = rows.filter(({ resources }) => resources >= JUDGED);
  const [small, large] = [growing[0], growing.at(-1)].map(
    (row) => row && (row.totalSeconds + row.stackSeconds) / row.resources,
  );
  if (small !== undefined && large !== undefined) {
    problems.push({
      what: "fold growth of the time per resource",
      found: large / small,
      limit: LIMITS.growth,
    });
  }
  return problems
    .filter(({ found, limit }) => found > limit)
    .map(({ what, found, limit }) => `${found.toFixed(2)} ${what}; allowed: ${limit}`);
}

async function bench(options: { sizes: readonly number[]; json?: boolean }): Promise<void> {
  const root = projectRoot(__dirname);
  const rows: Row[] = [];
  for (const size of options.sizes) rows.push(await measureSize(root, size));
  if (options.json) console.log(JSON.stringify(rows));
  else {
    console.log("resources   start s median ms protocol ms resources s   stack s  peak MiB");
    for (const row of rows) {
      const cells = [row.startSeconds, row.medianMs, row.protocolMs, row.totalSeconds, row.stackSeconds].map(
        (value) => value.toFixed(2),
      );
      console.log(
        [
          String(row.resources).padStart(9),
          ...cells.map((cell) => cell.padStart(9)),
          row.peakMiB.toFixed(0).padStart(9),
        ].join(" "),
      );
    }
  }
  const problems = broken(rows);
  problems.forEach((problem) => console.error(problem));
  if (problems.length > 0) process.exitCode = 1;
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand("bench policies", "Measures the compiled policy pack, for programs of several sizes.", {
      0: "within the budget",
      1: "beyond it",
    })
      .option("--sizes <list>", "numbers of resources, separated by commas", wholeNumbers, [...SIZES])
      .option("--json", "print the rows as JSON")
      .action(bench),
  );
}
