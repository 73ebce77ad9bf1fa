import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { Diagnostic } from "../../packages/offline-engine/resource";
import type { JsonValue, ResourceDocument } from "../../apps/tools/render/plan";
import { projectRoot } from "../../packages/command/root";

const run = promisify(execFile);
const ROOT = projectRoot(__dirname);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Rooms with anything that runs in a plan or decides one, whole: a list of files would sooner or later lack one, and a
 * stale plan would pass.
 */
const SOURCES = ["infra", "stacks", "policies", "packages", "apps/tools", "test/support"];
/** Made by a build, or never read by a plan. */
const PASSED_OVER = /(^|\/)(node_modules|bin|README\.md)$/;

export interface PlanRequest {
  root: string;
  stack: string;
  config: Record<string, unknown>;
  resolve: boolean;
}

export interface PlanChoices {
  /** Overrides by path, e.g. `{ "database.backupRetentionDays": 7 }`; null takes a value away. */
  config?: Record<string, unknown>;
  /** Fills in the ids and values Azure would assign, so that references can be followed. */
  resolve?: boolean;
  /** Folder of another project with its own Pulumi.yaml and program. */
  root?: string;
}

/** A plan as tests look at it. */
export interface PlanView {
  resources: ResourceDocument[];
  diagnostics: Diagnostic[];
  /** Errors among the diagnostics. */
  errors: string[];
  outputs: Record<string, JsonValue>;
  /** Resources of a type (`azure-native:storage:StorageAccount`), whose logical name contains a text. */
  ofType(type: string, nameIncludes?: string): ResourceDocument[];
  /** The only such resource. @throws Error when there is none, or more than one. */
  one(type: string, nameIncludes?: string): ResourceDocument;
}

function files(entry: string): string[] {
  const full = path.join(ROOT, entry);
  if (!fs.existsSync(full)) return [];
  if (fs.statSync(full).isFile()) return [entry];
  return fs
    .readdirSync(full)
    .filter((name) => !PASSED_OVER.test(name))
    .flatMap((name) => files(path.join(entry, name)));
}

function digest(entries: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of [...entries].sort()) {
    hash
      .update(file)
      .update("\0")
      .update(fs.readFileSync(path.join(ROOT, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

let sources: string | undefined;

/** Of this run as it began: tests beside this one come and go with files of their own. */
function sourcesDigest(): string {
  const settings = (): string[] =>
    fs.readdirSync(ROOT).filter((name) => /^(Pulumi.*\.yaml|package.*\.json)$/.test(name));
  return (sources ??= digest([...SOURCES.flatMap(files), ...settings()]));
}

function fingerprint(request: PlanRequest): string {
  const own = path.relative(ROOT, request.root);
  return createHash("sha256")
    .update(JSON.stringify(request))
    .update(sourcesDigest())
    .update(own === "" ? "" : digest(files(own)))
    .digest("hex")
    .slice(0, 32);
}

interface Outcome {
  resources: ResourceDocument[];
  diagnostics: Diagnostic[];
}

const FOLDER = path.join(ROOT, ".build/plans");

function place(request: PlanRequest): string {
  return path.join(FOLDER, `${fingerprint(request)}.json`);
}

/** Plans what is not stored yet, all of it in one process. */
async function plan(requests: PlanRequest[]): Promise<void> {
  const missing = requests.filter((request) => !fs.existsSync(place(request)));
  if (missing.length === 0) return;
  const { stdout } = await run(
    process.execPath,
    ["packages/command/run.mjs", "test/support/planWorker.ts", JSON.stringify(missing)],
    { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES },
  ).catch((error: Error & { stderr?: string }) => {
    const stacks = missing.map(({ stack }) => stack).join(", ");
    throw new Error(`${stacks} cannot be planned: ${(error.stderr ?? error.message).slice(0, 2000)}`);
  });
  const outcomes = JSON.parse(stdout) as Outcome[];
  fs.mkdirSync(FOLDER, { recursive: true });
  missing.forEach((request, i) => {
    const draft = `${place(request)}.${process.pid}`;
    fs.writeFileSync(draft, JSON.stringify(outcomes[i]));
    fs.renameSync(draft, place(request));
  });
}

async function outcome(request: PlanRequest): Promise<Outcome> {
  await plan([request]);
  return JSON.parse(fs.readFileSync(place(request), "utf8")) as Outcome;
}

function complete(stack: string, choices: PlanChoices): PlanRequest {
  return {
    root: choices.root ?? ROOT,
    stack,
    config: choices.config ?? {},
    resolve: choices.resolve ?? false,
  };
}

/** Makes several plans in one process, for tests that ask for each of them afterwards. */
export function preparePlans(wanted: readonly (PlanChoices & { stack: string })[]): Promise<void> {
  return plan(wanted.map(({ stack, ...choices }) => complete(stack, choices)));
}

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

function view({ resources, diagnostics }: Outcome): PlanView {
  const ofType = (type: string, nameIncludes = ""): ResourceDocument[] =>
    resources.filter((r) => r.type === type && nameOf(r.urn).includes(nameIncludes));
  return {
    resources,
    diagnostics,
    errors: diagnostics
      .filter((d) => d.severity === "error")
      .map((d) => `${nameOf(d.urn)} ${d.message}`.trim()),
    outputs: resources.find((r) => r.type === "pulumi:pulumi:Stack")?.outputs ?? {},
    ofType,
    one: (type, nameIncludes) => {
      const found = ofType(type, nameIncludes);
      const [only] = found;
      if (!only || found.length > 1) {
        const names = found.map((r) => nameOf(r.urn)).join(", ") || "none";
        throw new Error(`expected one ${type} named *${nameIncludes ?? ""}*, found ${names}`);
      }
      return only;
    },
  };
}

const plans = new Map<string, Promise<PlanView>>();

/**
 * The real program's plan of a stack, made in a process of its own. Plans are stored under .build by everything that
 * decides them, so that the test files of a run share them.
 */
export function planStack(stack: string, choices: PlanChoices = {}): Promise<PlanView> {
  const request = complete(stack, choices);
  const key = JSON.stringify(request);
  const known = plans.get(key) ?? outcome(request).then(view);
  plans.set(key, known);
  return known;
}
