import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../command/root";
import type { Account } from "../programs/postgres";
import { copyInstallation } from "./installation";
import type { ServerPrograms } from "./postgresPrograms";

const run = promisify(execFile);

/** Where clusters are kept that the next server can be a copy of: setting one up takes longer than most of what is asked of it. */
const KEPT = path.join(projectRoot(__dirname), ".build/clusters");
const DATA = "data";
const PROGRAMS = "programs";
const FACTS = "facts.json";
/** After that long without a use a kept cluster goes: another release or another script has taken its place. */
const UNUSED_DAYS = 7;
/**
 * A password of these servers is 18 random bytes and lives as long as they do: hashing it four thousand times keeps nobody
 * out, and every connection of a client does it again. Releases before 16 have no such setting.
 */
const quickPasswords = (version: number) => (version >= 16 ? ["-c", "scram_iterations=1"] : []);

export interface ClusterOptions {
  programs: ServerPrograms;
  superuser: string;
  locale: string;
  /** Extensions a role without superuser may create; undefined: the installation as it is. */
  extensions?: readonly string[] | undefined;
  /** Lines of pg_hba.conf; undefined: those of initdb. */
  access?: readonly string[] | undefined;
  account: Account | undefined;
  /** What it holds beyond an empty one: another key, another cluster. */
  content?: { key: string } | undefined;
}

export interface Cluster {
  dataDir: string;
  programs: ServerPrograms;
  limitsExtensions: boolean;
  password: string;
  facts: Record<string, string>;
}

interface Facts {
  password: string;
  limited: boolean;
  facts: Record<string, string>;
}

/**
 * Sets up a cluster in a folder, as a copy of one that was set up before where there is one.
 * @param fill runs a server on the new cluster, has it filled, and stops it in order
 */
export async function makeCluster(
  options: ClusterOptions,
  directory: string,
  fill: (cluster: Cluster) => Promise<Record<string, string>>,
): Promise<Cluster> {
  const kept = path.join(KEPT, keyOf(options));
  const facts = await copyOf(kept, directory);
  if (facts) return describe(options, directory, facts);
  const password = randomBytes(18).toString("base64url");
  const { programs, account } = options;
  const limited =
    options.extensions &&
    copyInstallation(programs, options.extensions, path.join(directory, PROGRAMS), account);
  await initialise(limited ?? programs, directory, password, options);
  const made: Facts = { password, limited: Boolean(limited), facts: {} };
  if (options.content) made.facts = await fill(describe(options, directory, made));
  await keep(directory, kept, made);
  return describe(options, directory, made);
}

function keyOf(options: ClusterOptions): string {
  const { programs, superuser, locale, extensions, access, account, content } = options;
  const { mtimeMs, size } = fs.statSync(programs.postgres);
  const facts = [programs, mtimeMs, size, superuser, locale, extensions, access, account, content?.key];
  const made = JSON.stringify([...facts, quickPasswords(programs.version)]);
  return createHash("sha256").update(made).digest("hex").slice(0, 24);
}

function describe({ programs }: ClusterOptions, directory: string, made: Facts): Cluster {
  const bin = path.join(directory, PROGRAMS, "bin");
  return {
    dataDir: path.join(directory, DATA),
    programs: made.limited
      ? { ...programs, postgres: path.join(bin, "postgres"), initdb: path.join(bin, "initdb") }
      : programs,
    limitsExtensions: made.limited,
    password: made.password,
    facts: made.facts,
  };
}

/** With its owners and modes: a server refuses a folder that is anybody else's. */
const copy = (from: string, to: string) => run("cp", ["-a", from, to]);

async function copyOf(kept: string, directory: string): Promise<Facts | undefined> {
  try {
    const facts = JSON.parse(fs.readFileSync(path.join(kept, FACTS), "utf8")) as Facts;
    for (const part of facts.limited ? [DATA, PROGRAMS] : [DATA])
      await copy(path.join(kept, part), directory);
    fs.utimesSync(kept, new Date(), new Date());
    return facts;
  } catch {
    // None yet, or it was just taken away: a new one is made where the half of a copy may lie.
    for (const part of [DATA, PROGRAMS])
      fs.rmSync(path.join(directory, part), { recursive: true, force: true });
    return undefined;
  }
}

/** Nobody is told of a failure: the server at hand works, and the next one takes longer. */
async function keep(directory: string, kept: string, made: Facts): Promise<void> {
  const draft = `${kept}.${process.pid}-${randomBytes(3).toString("hex")}`;
  try {
    fs.mkdirSync(draft, { recursive: true, mode: 0o700 });
    sweep();
    for (const part of made.limited ? [DATA, PROGRAMS] : [DATA])
      await copy(path.join(directory, part), draft);
    fs.writeFileSync(path.join(draft, FACTS), JSON.stringify(made), { mode: 0o600 });
    fs.renameSync(draft, kept);
  } catch {
    // Another process was quicker, or the checkout cannot be written.
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

function sweep(): void {
  const since = Date.now() - UNUSED_DAYS * 86_400_000;
  for (const name of fs.readdirSync(KEPT)) {
    const folder = path.join(KEPT, name);
    if ((fs.statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? since) < since)
      fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function initialise(
  { initdb, version }: ServerPrograms,
  directory: string,
  password: string,
  { superuser, locale, access, account }: ClusterOptions,
): Promise<void> {
  const dataDir = path.join(directory, DATA);
  const passwordFile = path.join(directory, "password");
  fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) fs.chownSync(passwordFile, account.uid, account.gid);
  await run(
    initdb,
    [
      ...["-D", dataDir, "-U", superuser, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8"],
      ...[`--locale=${locale}`, "--no-sync", "--no-instructions", ...quickPasswords(version)],
    ],
    { cwd: directory, ...(account ?? {}) },
  );
  fs.rmSync(passwordFile);
  if (access) fs.writeFileSync(path.join(dataDir, "pg_hba.conf"), access.map((line) => `${line}\n`).join(""));
}
