/**
 * Measures the emulated providers over Pulumi's own protocol: how long a call takes while the cloud fills up, and how
 * much memory it needs when it is full. The server runs in a process of its own, as it does beside an engine.
 */
import { fork } from "node:child_process";
import fs from "node:fs";
import * as grpc from "@grpc/grpc-js";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { Faults } from "../../../packages/emulated-azure/faults";
import { sandboxModel } from "../../../packages/emulated-azure/model";
import { Front } from "../../../packages/emulated-azure/provider/front";
import { serveProviders } from "../../../packages/emulated-azure/provider/server";
import { CloudStore } from "../../../packages/emulated-azure/store/cloud";
import { createCommand, runCommand } from "../../../packages/command/program";
import { median } from "./measure";
import { ARM_REFUSALS } from "../../../policies/arm/armLimits";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package ships no declaration of its client
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb") as {
  ResourceProviderClient: grpc.ServiceClientConstructor;
};

/** Argument of the process that serves. */
const SERVE = "serve";
const RESOURCES = 5_000;
const LIMITS = { medianMs: 2, mebibytes: 300 };
const MIB = 1024 * 1024;
const SUBSCRIPTION = "00000000-0000-4000-8000-000000000001";
const GROUP = "azure-native:resources:ResourceGroup";
const ACCOUNT = "azure-native:storage:StorageAccount";

type Method = "configure" | "check" | "create" | "read" | "diff";
type Client = grpc.Client &
  Record<Method, (request: object, done: (error: Error | null, response: unknown) => void) => void>;

async function serve(): Promise<void> {
  const { attach } = await serveProviders(
    sandboxModel(),
    new CloudStore("bench"),
    new Front({ faults: new Faults(), busyMs: 0, refusals: ARM_REFUSALS }),
  );
  process.send?.(/azure-native:(\d+)/.exec(attach)?.[1]);
}

const struct = (value: object): Struct => Struct.fromJavaScript(value as Record<string, JavaScriptValue>);

async function bench(): Promise<boolean> {
  const child = fork(process.argv[1] as string, [SERVE]);
  try {
    const port = await new Promise<string>((resolve) =>
      child.once("message", (text) => resolve(text as string)),
    );
    const client = new ResourceProviderClient(
      `127.0.0.1:${port}`,
      grpc.credentials.createInsecure(),
    ) as unknown as Client;
    const times = new Map<Method, number[]>();
    const call = <Response>(method: Method, request: object): Promise<Response> =>
      new Promise((resolve, reject) => {
        const started = process.hrtime.bigint();
        client[method](request, (error, response) => {
          const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
          times.set(method, times.get(method) ?? []);
          times.get(method)?.push(milliseconds);
          if (error) reject(error);
          else resolve(response as Response);
        });
      });
    await call("configure", new proto.ConfigureRequest().setArgs(struct({ subscriptionId: SUBSCRIPTION })));
    for (let i = 0; i < RESOURCES; i++) await lifecycle(call, i);
    client.close();
    return report(times, peakBytes(child.pid));
  } finally {
    child.kill();
  }
}

/** What the engine asks about one resource: check, create, read, and whether it differs. */
async function lifecycle(
  call: <Response>(method: Method, request: object) => Promise<Response>,
  index: number,
): Promise<void> {
  const type = index % 10 === 0 ? GROUP : ACCOUNT;
  const group = { resourceGroupName: `rg-${Math.floor(index / 10)}`, location: "westeurope" };
  const inputs =
    type === GROUP
      ? group
      : {
          ...group,
          accountName: `st${index}bench`,
          kind: "StorageV2",
          sku: { name: "Standard_LRS" },
          tags: { index: String(index) },
        };
  const urn = `urn:pulumi:bench::bench::${type}::r${index}`;
  const checked = await call<proto.CheckResponse>(
    "check",
    new proto.CheckRequest().setUrn(urn).setType(type).setName(`r${index}`).setNews(struct(inputs)),
  );
  const made = await call<proto.CreateResponse>(
    "create",
    new proto.CreateRequest()
      .setUrn(urn)
      .setType(type)
      .setName(`r${index}`)
      .setProperties(checked.getInputs()),
  );
  const id = made.getId();
  await call(
    "read",
    new proto.ReadRequest().setUrn(urn).setType(type).setId(id).setInputs(checked.getInputs()),
  );
  await call(
    "diff",
    new proto.DiffRequest()
      .setUrn(urn)
      .setType(type)
      .setId(id)
      .setOldInputs(checked.getInputs())
      .setNews(checked.getInputs()),
  );
}

function peakBytes(pid: number | undefined): number {
  const file = `/proc/${String(pid)}/status`;
  return fs.existsSync(file)
    ? Number(/^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(file, "utf8"))?.[1] ?? 0) * 1024
    : 0;
}

function report(times: ReadonlyMap<Method, readonly number[]>, bytes: number): boolean {
  let fits = true;
  for (const [method, list] of times) {
    if (method === "configure") continue;
    const middle = median([...list]);
    fits &&= middle < LIMITS.medianMs;
    console.log(
      `${method.padEnd(7)} median ${middle.toFixed(2)} ms of ${list.length} calls (limit ${LIMITS.medianMs} ms)`,
    );
  }
  const mebibytes = bytes / MIB;
  console.log(
    bytes === 0
      ? `memory  not measured: there is no /proc`
      : `memory  ${mebibytes.toFixed(0)} MiB with ${RESOURCES} resources (limit ${LIMITS.mebibytes} MiB)`,
  );
  return fits && mebibytes < LIMITS.mebibytes;
}

export async function main(): Promise<void> {
  const exits = { 0: "within the limits", 1: "beyond one, or not measured" };
  const about = `Measures the emulated providers over Pulumi's own protocol, with ${RESOURCES} resources.`;
  await runCommand(
    createCommand("bench emulator", about, exits).action(async () => {
      if (!(await bench())) process.exitCode = 1;
    }),
  );
}

// The server's own process, which loads this very file.
if (process.argv[2] === SERVE) void serve();
