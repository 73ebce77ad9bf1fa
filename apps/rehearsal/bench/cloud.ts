/**
 * Measures the laptop cloud as its clients see it: how long Azure Resource Manager takes for a request while the cloud
 * holds 5,000 resources, how much memory it needs for them, and how long a served prod stack takes until it is ready,
 * its PostgreSQL pair included.
 */
import { fork, spawn } from "node:child_process";
import fs from "node:fs";
import https from "node:https";
import { createCommand, runCommand } from "../../../packages/command/program";
import { emulatedCloud } from "../../../packages/emulated-azure/cloud";
import { listen } from "../../../packages/emulated-azure/listen";
import { sandboxModel } from "../../../packages/emulated-azure/model";
import { grant } from "../../../packages/emulated-azure/rights/grant";
import { ARM_REFUSALS } from "../../../policies/arm/armLimits";
import { median } from "./measure";

const RESOURCES = 5_000;
const REQUESTS = 500;
const LIMITS = { medianMs: 5, mebibytes: 400, readySeconds: 60 };
const MIB = 1024 * 1024;
const SUBSCRIPTION = "00000000-0000-4000-8000-000000000001";
const ACCOUNT_VERSION = "2025-08-01";

interface Served {
  readonly address: string;
  readonly certificate: string;
  readonly token: string;
}

const groupId = (index: number): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-${Math.floor(index / 10)}`;
const accountId = (index: number): string =>
  `${groupId(index)}/providers/Microsoft.Storage/storageAccounts/st${index}bench`;

/** A cloud full of groups and accounts, in a process of its own. */
async function serve(): Promise<void> {
  const model = sandboxModel();
  const cloud = emulatedCloud(model, { retryAfter: 0, refusals: ARM_REFUSALS });
  const scope = { package: "azure-native", config: { subscriptionId: SUBSCRIPTION } };
  for (let index = 0; index < RESOURCES; index++) {
    const group = { resourceGroupName: `rg-${Math.floor(index / 10)}`, location: "westeurope" };
    const account = { accountName: `st${index}bench`, kind: "StorageV2", sku: { name: "Standard_LRS" } };
    if (index % 10 === 0) model.create("azure-native:resources:ResourceGroup", "", group, scope, cloud.cloud);
    else
      model.create("azure-native:storage:StorageAccount", "", { ...group, ...account }, scope, cloud.cloud);
  }
  const principal = cloud.directory.add({ displayName: "bench" });
  grant(cloud.cloud, { principal, role: "Owner", scope: `/subscriptions/${SUBSCRIPTION}` });
  const { address, certificate } = await listen(cloud);
  process.send?.({
    address,
    certificate,
    token: cloud.directory.issue(principal, "https://management.azure.com"),
  });
}

async function requests(): Promise<boolean> {
  const child = fork(process.argv[1] as string, ["serve"]);
  try {
    const served = await new Promise<Served>((resolve) =>
      child.once("message", (message) => resolve(message as Served)),
    );
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const timed = async (method: string, path: string, body?: object): Promise<number> => {
      const started = process.hrtime.bigint();
      const status = await ask(agent, served, method, path, body);
      if (status >= 400) throw new Error(`${method} ${path} was answered ${status}`);
      return Number(process.hrtime.bigint() - started) / 1e6;
    };
    const times: Record<string, number[]> = { read: [], change: [], list: [] };
    for (let index = 0; index < REQUESTS; index++) {
      const id = accountId(index * 10 + 1);
      const account = { location: "westeurope", kind: "StorageV2", sku: { name: "Standard_LRS" } };
      times["read"]?.push(await timed("GET", `${id}?api-version=${ACCOUNT_VERSION}`));
      times["change"]?.push(
        await timed("PUT", `${id}?api-version=${ACCOUNT_VERSION}`, { ...account, tags: { n: `${index}` } }),
      );
      const below = `${groupId(index * 10)}/providers/Microsoft.Storage/storageAccounts`;
      times["list"]?.push(await timed("GET", `${below}?api-version=${ACCOUNT_VERSION}`));
    }
    agent.destroy();
    const fits = Object.entries(times).map(([what, list]) => {
      const middle = median(list);
      console.log(
        `${what.padEnd(7)} median ${middle.toFixed(2)} ms of ${list.length} requests (limit ${LIMITS.medianMs} ms)`,
      );
      return middle < LIMITS.medianMs;
    });
    return [...fits, memory(child.pid)].every(Boolean);
  } finally {
    child.kill();
  }
}

function ask(
  agent: https.Agent,
  served: Served,
  method: string,
  path: string,
  body?: object,
): Promise<number> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = https.request(
      `${served.address}${path}`,
      {
        method,
        agent,
        ca: served.certificate,
        headers: {
          Authorization: `Bearer ${served.token}`,
          ...(text !== undefined && {
            "Content-Type": "application/json",
            "Content-Length": String(Buffer.byteLength(text)),
          }),
        },
      },
      (response) => response.resume().once("end", () => resolve(response.statusCode ?? 0)),
    );
    sent.once("error", reject).end(text);
  });
}

function memory(pid: number | undefined): boolean {
  const file = `/proc/${String(pid)}/status`;
  if (!fs.existsSync(file)) {
    console.log("memory  not measured: there is no /proc");
    return true;
  }
  const kibibytes = Number(/^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(file, "utf8"))?.[1] ?? 0);
  const mebibytes = (kibibytes * 1024) / MIB;
  console.log(
    `memory  ${mebibytes.toFixed(0)} MiB with ${RESOURCES} resources (limit ${LIMITS.mebibytes} MiB)`,
  );
  return mebibytes < LIMITS.mebibytes;
}

/** `npm run sandbox -- serve --stack prod`, from its start to its last line. */
async function ready(): Promise<boolean> {
  const started = process.hrtime.bigint();
  const child = spawn(
    process.execPath,
    ["packages/command/run.mjs", "apps/rehearsal/emulator.ts", "serve", "--stack", "prod"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.once("close", (code) => reject(new Error(`serve ended with ${String(code)}: ${said}`)));
    child.stdout.on("data", (part: Buffer) => {
      said += part.toString();
      if (said.includes("Ctrl-C ends it")) resolve();
    });
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(`serve   prod is ready after ${seconds.toFixed(1)} s (limit ${LIMITS.readySeconds} s)`);
  child.removeAllListeners("close");
  child.kill("SIGINT");
  await ended;
  return seconds < LIMITS.readySeconds;
}

const command = createCommand(
  "bench cloud",
  "Measures the cloud that stands on a laptop, as its clients see it",
  {
    0: "within the limits",
    1: "beyond one of them",
  },
).action(async () => {
  const fits = [await requests(), await ready()];
  if (!fits.every(Boolean)) process.exitCode = 1;
});
command.command("serve", { hidden: true }).action(serve);

void runCommand(command);
