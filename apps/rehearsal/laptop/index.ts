import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { CloudStore } from "../../../packages/emulated-azure/store/cloud";
import { loadCloud } from "../../../packages/emulated-azure/store/file";
import { projectRoot } from "../../../packages/command/root";
import { platformOf, type Platform } from "../../operations/platform";
import { postgres } from "../../operations/ground/database";
import type { DatabaseGround } from "../../operations/ground/types";
import { serveCloud, type Served } from "../serve";
import { Customer } from "./customer";
import { ORDERS } from "./application";
import { PublicNames } from "./edge";
import { approveLinks, supplySecrets } from "./deployer";
import { settingsOf } from "./settings";
import { Workloads } from "./workloads";

const ROOT = projectRoot(__dirname);

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
  /** Kills it with SIGKILL once what it has said matches. */
  killAt?: RegExp;
  environment?: Readonly<Record<string, string>>;
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

  private constructor(
    readonly platform: Platform,
    readonly served: Served,
    readonly workloads: Workloads,
    readonly names: PublicNames,
  ) {}

  /** @throws NotRunError when a program that is to run is not installed */
  static async open(stack: string): Promise<Laptop> {
    const platform = platformOf(ROOT, stack);
    const workloads = new Workloads(
      (name) => platform.regions.find(({ cluster }) => cluster === name)?.location ?? "",
    );
    const served = await serveCloud(await planned(stack), {
      real: true,
      pods: workloads.behaviour,
    });
    await supplySecrets(served, platform);
    approveLinks(served);
    workloads.attach(served);
    return new Laptop(platform, served, workloads, await PublicNames.open(platform, served, workloads));
  }

  /** Variables of a command that acts as a principal. */
  environment(principal = "operator"): Record<string, string> {
    return settingsOf(this.served, this.platform, this.names, principal);
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

  lose(region: string): Promise<void> {
    return this.served.cloud.losses.lose(region);
  }

  async bringBack(region: string): Promise<void> {
    await this.served.cloud.losses.restore(region);
    await this.served.real?.databases.settled();
  }

  /** Runs `npm run operations` with these arguments, as an operator types it. */
  operations(args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    const journal = args.includes("--journal") ? [] : ["--journal", path.join(this.folder, "journal")];
    return this.command("apps/operations/cli.ts", [...args, "--json", ...journal], options);
  }

  /** Runs a command of this repository, as a process of its own. */
  command(entry: string, args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    const { principal, killAt, environment, say } = options;
    const started = Date.now();
    const child = spawn(process.execPath, [path.join(ROOT, "packages/command/run.mjs"), entry, ...args], {
      cwd: ROOT,
      env: { PATH: process.env["PATH"], HOME: this.folder, ...this.environment(principal), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, said] = ["", ""];
    child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => {
      said += part.toString();
      say?.(part.toString());
      if (killAt?.test(said)) child.kill("SIGKILL");
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) =>
        resolve({
          code: code ?? undefined,
          document: documentOf(stdout),
          printed: stdout,
          said,
          seconds: (Date.now() - started) / 1000,
        }),
      );
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.customers.map((customer) => customer.stop()));
    await this.names.close();
    await this.workloads.close();
    await this.served.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

async function planned(stack: string): Promise<CloudStore> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "planned-"));
  try {
    const run = path.join(ROOT, "packages/command/run.mjs");
    await promisify(execFile)(process.execPath, [run, "apps/rehearsal/laptop/planned.ts", stack, folder], {
      cwd: ROOT,
    });
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
