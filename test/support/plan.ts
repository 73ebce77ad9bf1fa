import { createHash } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { Diagnostic } from "../../packages/offline-engine/resource";
import type { Violation } from "../../packages/offline-engine/policies";
import type { JsonValue, ResourceDocument } from "../../apps/tools/render/plan";
import { projectRoot } from "../../packages/command/root";

const ROOT = projectRoot(__dirname);

/**
 * Rooms with anything that runs in a plan or decides one, whole: a list of files would sooner or later lack one, and a
 * stale plan would pass.
 */
const SOURCES = ["infra", "stacks", "policies", "packages", "apps/tools", "test/support"];
/** Made by a build, or never read by a plan. */
const PASSED_OVER = /(^|\/)(node_modules|\.build|bin|README\.md)$/;

export interface PlanRequest {
  root: string;
  stack: string;
  config: Record<string, unknown>;
  resolve: boolean;
  judged: boolean;
}

/** What the process that plans is asked: a plan, and the file it writes it to. */
export interface PlanJob {
  request: PlanRequest;
  file: string;
}

/** Why there is no such file; nothing when there is. */
export interface PlanAnswer {
  error?: string;
}

export interface PlanChoices {
  /** Overrides by path, e.g. `{ "database.backupRetentionDays": 7 }`; null takes a value away. */
  config?: Record<string, unknown>;
  /** Fills in the ids and values Azure would assign, so that references can be followed. */
  resolve?: boolean;
  /** Folder of another project with its own Pulumi.yaml and program. */
  root?: string;
  /** Has the project's policy pack, as it is compiled, judge the plan. */
  judged?: boolean;
}

/** A plan as tests look at it. */
export interface PlanView {
  resources: ResourceDocument[];
  diagnostics: Diagnostic[];
  /** Errors among the diagnostics. */
  errors: string[];
  /** What the policies found; empty where they are not asked, as they always are about a stack as committed. */
  violations: Violation[];
  outputs: Record<string, JsonValue>;
  /** What `npm run plan -- --mermaid` writes. */
  picture: string;
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
  violations: Violation[];
  picture: string;
}

const FOLDER = path.join(ROOT, ".build/plans");

function place(request: PlanRequest): string {
  return path.join(FOLDER, `${fingerprint(request)}.json`);
}

/** Has the run's processes make a plan (`planners.js`). */
async function makePlan(job: PlanJob): Promise<void> {
  const socket = net.connect(process.env["PLANNERS"] ?? "");
  socket.end(`${JSON.stringify(job)}\n`);
  const { error } = JSON.parse(await text(socket)) as PlanAnswer;
  if (error !== undefined) throw new Error(`${job.request.stack} cannot be planned: ${error.slice(0, 2000)}`);
}

/** Plans what is not stored yet. */
async function plan(requests: PlanRequest[]): Promise<void> {
  fs.mkdirSync(FOLDER, { recursive: true });
  const jobs = requests.map((request) => ({ request, file: place(request) }));
  await Promise.all(jobs.filter(({ file }) => !fs.existsSync(file)).map(makePlan));
}

async function outcome(request: PlanRequest): Promise<Outcome> {
  await plan([request]);
  return JSON.parse(fs.readFileSync(place(request), "utf8")) as Outcome;
}

/** A stack as committed is always judged: a run asks for it with and without, and one plan does for both. */
function complete(stack: string, choices: PlanChoices): PlanRequest {
  const { root = ROOT, config = {}, resolve = false } = choices;
  const committed = root === ROOT && Object.keys(config).length === 0;
  return { root, stack, config, resolve, judged: committed || (choices.judged ?? false) };
}

/** Makes several plans at once, for tests that ask for each of them afterwards. */
export function preparePlans(wanted: readonly (PlanChoices & { stack: string })[]): Promise<void> {
  return plan(wanted.map(({ stack, ...choices }) => complete(stack, choices)));
}

const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

function view({ resources, diagnostics, violations, picture }: Outcome): PlanView {
  const ofType = (type: string, nameIncludes = ""): ResourceDocument[] =>
    resources.filter((r) => r.type === type && nameOf(r.urn).includes(nameIncludes));
  return {
    resources,
    diagnostics,
    violations,
    picture,
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
 * The real program's plan of a stack, made in a process of the run. Plans are stored under .build by everything that
 * decides them, so that the test files of a run share them.
 */
export function planStack(stack: string, choices: PlanChoices = {}): Promise<PlanView> {
  const request = complete(stack, choices);
  const key = JSON.stringify(request);
  const known = plans.get(key) ?? outcome(request).then(view);
  plans.set(key, known);
  return known;
}
