import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { nextDatabaseServer } from "../../../infra/naming";
import { HELP, ROOT } from "../commandLine";
import { messageOf, notRun, refused } from "../frame/errors";
import { addressOf } from "../ground";
import { platformOf, type Platform, type RegionFacts } from "../platform";
import { kubectl } from "./kubectl";
import { inPod, openTunnel, type Pod, type PrivateHosts } from "./tunnel";

/** Longest the operator's pod may take to be ready: a node for it may have to be made. */
const START_SECONDS = 600;

interface ReachOptions {
  through?: string;
}

export function registerReach(program: Command): void {
  program
    .command("reach")
    .argument("<stack>", "environment, by its stack file")
    .argument("[command...]", "what runs with the settings of a verb, behind `--`; default a shell")
    .description(
      "Opens a way to what has private addresses only, through the operator's pod of a cluster, and runs a command with it.",
    )
    .option("--through <region>", "region whose pod is used; default the first that answers")
    .addHelpText("after", HELP)
    .action(async (stack: string, command: string[], { through }: ReachOptions) => {
      process.exitCode = await reach(platformOf(ROOT, stack), command, through);
    });
}

/** Runs a command that reaches the platform from here. @returns its exit code */
async function reach(platform: Platform, command: string[], through: string | undefined): Promise<number> {
  const { region, pod } = await operatorPod(platform, through);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "reach-"));
  const keep = (name: string, text: string): string => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const tunnel = await openTunnel(pod, privateHosts(platform), say, proxyOf(process.env));
  try {
    const url = await kubectl(inPod(pod, ["sh", "-c", 'cat "$DATABASE_URL_FILE"']));
    say(`through the operator's pod of ${region.cluster}; it ends by itself after its shift`);
    return await run(command, {
      ...process.env,
      HTTPS_PROXY: tunnel.proxy,
      https_proxy: tunnel.proxy,
      // What this machine has of its own leads past the way that was opened.
      DATABASE_URL: undefined,
      DATABASE_HOSTS: undefined,
      DATABASE_URL_FILE: keep("database-url", url),
      DATABASE_HOSTS_FILE: keep("hosts", tunnel.hosts),
    });
  } finally {
    await tunnel.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The proxy this machine must take to the world outside, which goes on to be taken. @throws OperationError for one that is none */
function proxyOf(env: NodeJS.ProcessEnv): string | undefined {
  const text = env["HTTPS_PROXY"] ?? env["https_proxy"];
  if (text) addressOf("HTTPS_PROXY", text, /^http:$/, "http://proxy.example:3128");
  return text;
}

function run(
  [program = process.env["SHELL"] ?? "bash", ...args]: string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: "inherit" });
    // What is typed at the terminal is the command's.
    const ignore = (): void => undefined;
    process.on("SIGINT", ignore);
    child.once("error", (error) => reject(refused(`${program}: ${messageOf(error)}`)));
    child.once("close", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(code ?? (signal ? 130 : 1));
    });
  });
}

/** Starts the operator's pod where a cluster answers, unless it runs. @throws OperationError */
async function operatorPod(
  { regions, namespace, stack }: Platform,
  through: string | undefined,
): Promise<{ region: RegionFacts; pod: Pod }> {
  const chosen = regions.filter(({ location }) => through === undefined || location === through);
  if (chosen.length === 0)
    throw refused(
      `--through ${through ?? ""}: no region of ${stack}; allowed: ${regions.map(({ location }) => location).join(", ")}`,
    );
  const reasons: string[] = [];
  // One that stands by has the time, and is there when the other is not.
  for (const region of [...chosen].sort(
    (a, b) => Number(a.role === "serving") - Number(b.role === "serving"),
  )) {
    const pod = { context: region.cluster, namespace };
    const at = ["--context", pod.context, "--namespace", namespace];
    try {
      await kubectl(["get", "cronjob", "recovery-operator", "--request-timeout", "15s", ...at]);
      await kubectl(["create", "job", "operator", "--from", "cronjob/recovery-operator", ...at]).catch(
        (error: unknown) => {
          if (!/already exists/i.test(messageOf(error))) throw error;
        },
      );
      const until = ["--for", "condition=ready", "--timeout", `${START_SECONDS}s`];
      await kubectl(["wait", "pod", ...until, "--selector", "job-name=operator", ...at], START_SECONDS + 30);
      return { region, pod };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT")
        throw notRun("kubectl is not installed here, or not on PATH; reach runs it", error);
      reasons.push(`${region.cluster}: ${messageOf(error).split("\n").slice(0, 3).join(" ")}`);
    }
  }
  throw notRun(`no cluster gives an operator's pod: ${reasons.join("; ")}`);
}

/** What the pods of either region have private endpoints for; the accounts and vaults of the state are none of it. */
function privateHosts(platform: Platform): PrivateHosts {
  const accounts = [...platform.backupAccounts, ...platform.servingPlaces].map(
    ({ url }) => new URL(url).hostname,
  );
  const vaults = platform.regions.map(({ vault }) => `${vault}.vault.azure.net`);
  return { databases: databaseHosts(platform), https: [...vaults, ...accounts] };
}

/** Names of the database a verb may ask for: those of the endpoint, of each server, and of those it makes. */
function databaseHosts({ regions, writerHost, databaseGeneration }: Platform): string[] {
  const servers = regions.flatMap(({ server }) => [
    server,
    `${server}-pitr`,
    nextDatabaseServer(server, databaseGeneration),
  ]);
  return [
    writerHost,
    writerHost.replace(".writer.", ".reader."),
    ...servers.map((server) => `${server}.postgres.database.azure.com`),
  ];
}
