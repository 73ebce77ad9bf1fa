import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { isMarker } from "../../../packages/wire/values";
import { Broken, ensure } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";

/** A resource as both sides write it down. */
interface Written {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  readonly inputs?: Record<string, unknown>;
  readonly parent?: string;
  readonly provider?: string;
  readonly protect?: boolean;
  readonly dependencies?: readonly string[] | null;
  readonly propertyDependencies?: Record<string, readonly string[] | null> | null;
}

const UNKNOWN = "[unknown]";
const MAX_DIFFERENCES = 40;

/** The same spelling for both: unknown values by one word, lists of URNs in order, nothing for what is empty. */
function plain(value: unknown): unknown {
  if (typeof value === "string") {
    const reference = /^(.*)::([0-9a-f-]{36})$/.exec(value);
    if (isMarker(value)) return UNKNOWN;
    return reference && isMarker(reference[2]) ? `${reference[1] ?? ""}::${UNKNOWN}` : value;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, plain(item)]),
  );
}

function facets(resource: Written): Record<string, string> {
  const dependencies = (list: readonly string[] | null | undefined): string[] => [...(list ?? [])].sort();
  const properties = Object.entries(resource.propertyDependencies ?? {})
    .map(([property, urns]): [string, string[]] => [property, dependencies(urns)])
    .filter(([, urns]) => urns.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const shown: Record<string, unknown> = {
    type: resource.type,
    custom: resource.custom ?? false,
    parent: resource.parent ?? "",
    provider: resource.provider ?? "",
    protect: resource.protect ?? false,
    dependencies: dependencies(resource.dependencies),
    propertyDependencies: properties,
    ...Object.fromEntries(
      Object.entries(resource.inputs ?? {})
        // The engine's own notes about a provider.
        .filter(([name]) => name !== "__internal")
        .map(([name, value]) => [`inputs.${name}`, value]),
    ),
  };
  return Object.fromEntries(
    Object.entries(shown).map(([name, value]) => [name, JSON.stringify(plain(value))]),
  );
}

function differences(ours: readonly Written[], theirs: readonly Written[]): string[] {
  const byUrn = (list: readonly Written[]) =>
    new Map(list.map((resource) => [resource.urn, facets(resource)]));
  const [plan, preview] = [byUrn(ours), byUrn(theirs)];
  return [...new Set([...plan.keys(), ...preview.keys()])].sort().flatMap((urn) => {
    const [a, b] = [plan.get(urn), preview.get(urn)];
    if (!a || !b) return [`${urn}: only in the ${a ? "plan" : "preview"}`];
    return [...new Set([...Object.keys(a), ...Object.keys(b)])]
      .filter((name) => a[name] !== b[name])
      .map(
        (name) =>
          `${urn}: ${name}\n    plan:    ${a[name] ?? "nothing"}\n    preview: ${b[name] ?? "nothing"}`,
      );
  });
}

async function offlinePlan(stage: Stage, world: World): Promise<Written[]> {
  const file = path.join(world.folder, "plan.json");
  const command = [
    "packages/command/run.mjs",
    "apps/tools/plan/plan.ts",
    stage.stack,
    "--save",
    file,
    "--quiet",
  ];
  // A plan with findings of the policies ends with 1, and is a plan nevertheless.
  await promisify(execFile)(process.execPath, command, { cwd: stage.setting.root }).catch(
    (error: unknown) => {
      if (!fs.existsSync(file)) throw new Broken(`the offline plan failed: ${(error as Error).message}`);
    },
  );
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { resources: Written[] }).resources;
}

async function enginePreview(world: World): Promise<Written[]> {
  const run = await world.engine.command(["preview", "--json"]);
  const text = run.output.slice(run.output.indexOf("{"));
  const { steps } = JSON.parse(text) as { steps: { newState?: Written }[] };
  return steps.flatMap(({ newState }) => (newState ? [newState] : []));
}

export const PARITY: readonly Scenario[] = [
  {
    id: "8.1",
    title:
      "the offline plan is the engine's preview: URNs, types, inputs, parents, providers and dependencies",
    async run(stage) {
      const world = await stage.asCommitted();
      const [plan, preview] = [await offlinePlan(stage, world), await enginePreview(world)];
      ensure(preview.length > 0, "the preview shows no resource");
      const found = differences(plan, preview);
      ensure(
        found.length === 0,
        [`${found.length} differences`, ...found.slice(0, MAX_DIFFERENCES)].join("\n"),
      );
    },
  },
];
