import { execFile, spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Loss } from "../../../packages/emulated-azure/cloud";
import type { CloudStore } from "../../../packages/emulated-azure/store/cloud";
import { loadCloud } from "../../../packages/emulated-azure/store/file";
import { ExitCode } from "../../../packages/command/errors";
import { projectRoot } from "../../../packages/command/root";
import { readStackFile, readStacks } from "../../../stacks/files";
import type { Entrance } from "../../../packages/emulated-azure/listen";
import { podsOf } from "../../../packages/emulated-azure/network/vantage";
import { platformOf, type Platform } from "../../operations/platform";
import type { RoleName } from "../../operations/rights";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { postgres } from "../../operations/ground/database";
import type { DatabaseGround } from "../../operations/ground/types";
import { serveCloud, type Served } from "../serve";
import { Customer } from "./customer";
import { ORDERS } from "./application";
import { PublicNames } from "./edge";
import { addOperators, groupOf, roleFor } from "./operators";
import { DIE_AT, type DieAt } from "./kill";
import { approveLinks, proveNames, supplySecrets } from "./deployer";
import { settingsOf } from "./settings";
import { Workloads } from "./workloads";
import { stopwatch } from "../../../packages/programs/waiting";

const ROOT = projectRoot(__dirname);
const LATE = /timeout expired|due to timeout/;
/** How often a verb is typed that could not ask for something. */
const ASKED_AGAIN = 10;

/** What a command left behind. */
export interface Ran {
  /** Exit code; undefined for one that was killed. */
  code: number | undefined;
  /** Its document on standard output, where it is one. */
  document: Record<string, unknown>;
  /** What it said on standard output. */
  printed: string;
  /** What it said on standard error. */
  said: string;
  seconds: number;
}

export interface CommandOptions {
  principal?: string;
  /** Location of the region from whose pods it asks; see {@link Laptop.entrance}. */
  region?: string;
  /** Kills it with SIGKILL once what it has said matches. */
  killAt?: RegExp;
  /** Kills it with SIGKILL at a moment of one of its steps, as its journal tells it. */
  dieAt?: DieAt;
  environment?: Readonly<Record<string, string>>;
  /** What it reads on standard input. */
  input?: string;
  /** Told what it says as it says it. */
  say?: (text: string) => void;
}

/**
 * A planned stack, served on this machine with its pods at work: real database servers, the clusters' APIs, the vaults, the
 * accounts of backups and the public names. Commands run against it as they would against Azure: as processes of their own, by
 * the stack's own file, as a principal with the rights it was given.
 */
export class Laptop {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "laptop-"));
  private readonly customers: Customer[] = [];
  private readonly running = new Set<ChildProcess>();
  /** Folder of the stack files as they were merged last; undefined while those of this project are. */
  private stacks: string | undefined;

  private constructor(
    private known: Platform,
    readonly served: Served,
    readonly operators: Readonly<Record<RoleName, Principal>>,
    readonly workloads: Workloads,
    readonly names: PublicNames,
    /** Of the pods of each region, by its location. */
    private readonly entrances: ReadonlyMap<string, Entrance>,
  ) {}

  /**
   * @param options `control`: serves what the stack is deployed from, too
   * @throws NotRunError when a program that is to run is not installed
   */
  static async open(stack: string, { control = false }: { control?: boolean } = {}): Promise<Laptop> {
    const platform = platformOf(ROOT, stack);
    const workloads = new Workloads(
      (name) => platform.regions.find(({ cluster }) => cluster === name)?.location ?? "",
    );
    const store = await planned(stack);
    if (control) for (const one of (await planned(stack, path.join(ROOT, "control"))).all()) store.put(one);
    const { config } = readStackFile(ROOT, stack);
    const [admitted = ""] = config.cluster.authorizedIpRanges;
    const served = await serveCloud(store, {
      real: true,
      // Who sits at the machine is at an address the platform admits.
      from: { address: admitted.split("/")[0] ?? "" },
      pods: workloads.behaviour,
      objectIds: { deploy: readStacks(ROOT)[stack]?.controlPlane.deployObjectId },
    });
    await supplySecrets(served, platform);
    approveLinks(served);
    proveNames(served);
    workloads.attach(served);
    const names = await PublicNames.open(platform, served, workloads);
    const entrances = await Promise.all(
      platform.regions.map(async ({ location, cluster }) => {
        const from = podsOf(served.cloud.cloud, cluster);
        return [location, await served.listening.entrance(from)] as const;
      }),
    );
    const operators = addOperators(served, platform);
    return new Laptop(platform, served, operators, workloads, names, new Map(entrances));
  }

  /** What the stack file says, as it was merged last. */
  get platform(): Platform {
    return this.known;
  }

  /** Merges changes into the stack file, by the verb that writes them; what is typed from then on goes by that. */
  async commit(changes: readonly string[]): Promise<Ran> {
    const { stack } = this.known;
    if (this.stacks === undefined) {
      this.stacks = path.join(this.folder, "stacks");
      fs.mkdirSync(this.stacks);
      for (const file of fs.readdirSync(ROOT).filter((one) => /^Pulumi\..*yaml$/.test(one)))
        fs.copyFileSync(path.join(ROOT, file), path.join(this.stacks, file));
    }
    const ran = await this.command("apps/operations/cli.ts", ["record", stack, ...changes]);
    this.known = platformOf(this.stacks, stack);
    return ran;
  }

  /**
   * Where a region's pods ask from, the operator's among them, through which `reach` leads every verb.
   * @param location of a region; unless given the one `reach` takes: one that answers, rather one that does not serve
   */
  private entrance(location = this.reached()): Entrance {
    const entrance = this.entrances.get(location);
    if (!entrance) throw new Error(`no region is called ${location}`);
    return entrance;
  }

  private reached(): string {
    const { lost } = this.served.cloud.losses;
    const answering = this.known.regions.filter(({ location }) => !lost.has(location));
    const place = answering.find(({ role }) => role !== "serving") ?? answering[0] ?? this.known.regions[0];
    return place?.location ?? "";
  }

  /**
   * Variables of a command that acts as a principal, or as whoever holds a custom role (`operators`, `adopters`, …).
   * @param region location of the region from whose pods it asks; see {@link entrance}
   */
  environment(principal = "owner", region?: string): Record<string, string> {
    const { served, operators, platform, names } = this;
    const holders = Object.entries(operators).map(([role, who]) => [groupOf(role as RoleName), who] as const);
    const everybody = { ...served.principals, ...Object.fromEntries(holders) };
    return settingsOf(
      { ...served, principals: everybody },
      platform,
      names,
      principal,
      this.entrance(region),
    );
  }

  /** The administrator's connection; names lead to this machine. */
  database(): DatabaseGround {
    const { DATABASE_URL = "" } = this.environment();
    const { real, listening } = this.served;
    return postgres(
      DATABASE_URL,
      (host) => {
        const port = real?.databases.portOf(host);
        return port === undefined ? undefined : { host: "127.0.0.1", port };
      },
      listening.certificate,
    );
  }

  sql<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return this.database().query<T>(this.platform.writerHost, text, values);
  }

  customer(): Customer {
    const customer = new Customer(this.platform, this.names.port);
    this.customers.push(customer);
    return customer;
  }

  /** Orders a customer was told are placed that the writer's name does not show. */
  async missing({ confirmed }: Customer): Promise<number[]> {
    const told = [...confirmed.keys()];
    const rows = await this.sql<{ id: string }>(`SELECT id::text AS id FROM ${ORDERS}`);
    const kept = new Set(rows.map(({ id }) => Number(id)));
    return told.filter((id) => !kept.has(id));
  }

  lose(region: string, how: Loss = "dead"): Promise<void> {
    return this.served.cloud.losses.lose(region, how);
  }

  async bringBack(region: string): Promise<void> {
    await this.served.cloud.losses.restore(region);
    await this.served.real?.databases.settled();
  }

  /**
   * Runs `npm run operations` with these arguments, as somebody types it who holds the verb's own role and nothing else. Who is told
   * that something could not be asked (exit code 3), or was waited for in vain, types the same again: a busy machine answers late.
   */
  async operations(args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    const journal = args.includes("--journal") ? [] : ["--journal", path.join(this.folder, "journal")];
    for (let tries = 1; ; tries++) {
      const ran = await this.command("apps/operations/cli.ts", [...args, "--json", ...journal], {
        principal: groupOf(roleFor(args)),
        ...options,
      });
      const late = ran.code === ExitCode.notRun || (ran.code === ExitCode.failed && LATE.test(ran.said));
      if (!late || tries === ASKED_AGAIN) return ran;
    }
  }

  /** Runs a command of this repository, as a process of its own. */
  command(entry: string, args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    const { principal, region, killAt, dieAt, environment, input, say } = options;
    const seconds = stopwatch();
    const run = [path.join(ROOT, "packages/command/run.mjs"), entry, ...args];
    const child = spawn(process.execPath, [...(dieAt ? ["--require", DIE_AT] : []), ...run], {
      cwd: ROOT,
      env: {
        PATH: process.env["PATH"],
        HOME: this.folder,
        ...this.environment(principal, region),
        ...(this.stacks !== undefined && { STACK_FOLDER: this.stacks }),
        ...environment,
        ...(dieAt && { DIE_AT: dieAt }),
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.running.add(child);
    child.stdin.end(input);
    let [stdout, said] = ["", ""];
    child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => {
      said += part.toString();
      say?.(part.toString());
      if (killAt?.test(said)) child.kill("SIGKILL");
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        this.running.delete(child);
        resolve({
          code: code ?? undefined,
          document: documentOf(stdout),
          printed: stdout,
          said,
          seconds: seconds(),
        });
      });
    });
  }

  /** Ends everything, commands that run included. */
  async close(): Promise<void> {
    for (const child of this.running) child.kill("SIGKILL");
    await Promise.all(this.customers.map((customer) => customer.stop()));
    await this.names.close();
    await this.workloads.close();
    await this.served.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

async function planned(stack: string, project?: string): Promise<CloudStore> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "planned-"));
  try {
    const run = path.join(ROOT, "packages/command/run.mjs");
    const args = [run, "apps/rehearsal/laptop/planned.ts", stack, folder, ...(project ? [project] : [])];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    return loadCloud(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function documentOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
