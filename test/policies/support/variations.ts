import { isolationRules } from "../../../packages/isolation/rules";
import type { Inventory } from "../../../packages/isolation/inventory";
import type { ResourceView, Tree } from "../../../packages/isolation/rule";
import { Inspection } from "../../../policies/pack/adapter/inspection";
import { resourceView } from "../../../policies/pack/adapter/view";
import { Waivers } from "../../../policies/pack/waivers";
import { readStacks } from "../../../stacks/files";
import { deriveInventory } from "../../../stacks/inventory";
import { places } from "./changes";
import type { ResourceFixture } from "./fixture";
import { ROOT } from "./names";
import { type Place, urnOf, urnsOf } from "./requests";
import type { Innocent, Vector } from "./vectors";

type Program = Vector | Innocent;

const stacks = readStacks(ROOT);

/** What a policy is shown of a resource before it is touched, and at the end of the run. */
interface Shown {
  readonly before: ResourceView;
  readonly after: ResourceView;
}

type Source = Parameters<typeof resourceView>[0];

async function shown(
  place: Place,
  fixture: ResourceFixture,
  all: readonly ResourceFixture[],
): Promise<Shown> {
  const { name, provider, opts = {}, propertyDependencies = {} } = fixture;
  const type = fixture.type.slice(fixture.type.lastIndexOf("$") + 1);
  const source = {
    urn: urnOf(place, fixture),
    type,
    name,
    opts: { protect: false, ignoreChanges: [], aliases: [], additionalSecretOutputs: [], ...opts },
    ...(provider && { provider: { ...provider, name: provider.name ?? "provider", urn: "urn:provider" } }),
  };
  const from = Object.entries(propertyDependencies).map(([key, names]) => [
    key,
    urnsOf(place, names, all).map((urn) => ({ urn })),
  ]);
  const before = resourceView({ ...source, props: fixture.props } as unknown as Source);
  const after = resourceView({
    ...source,
    props: fixture.outputs ?? fixture.props,
    propertyDependencies: Object.fromEntries(from) as unknown,
  } as unknown as Source);
  return { before: await before, after: await after };
}

/** What isolation rules say of a program in a preview: rule, resource and path. */
function told({ config = {} }: Program, inventory: Inventory, all: readonly Shown[]): Set<string> {
  const waivers = new Waivers([], "2026-01-01");
  const inspection = new Inspection({ rules: isolationRules, inventory, waivers, isDryRun: true, config });
  const resources = all.map(({ after }) => after);
  const findings = [
    ...all.flatMap(({ before }) => inspection.resource(before)),
    ...inspection.stack({ resources, byUrn: new Map(resources.map((one) => [one.urn, one])) }),
  ];
  return new Set(
    findings
      // What is found in an input is found in the output as well.
      .filter(({ ruleId }) => ruleId !== "ISO-012")
      .map(({ ruleId, urn, path, level }) =>
        [ruleId, urn.split("::").at(-1), path, level].filter(Boolean).join(" "),
      ),
  );
}

/** A program that differs in one thing. */
interface Variation {
  readonly id: string;
  readonly all: readonly Shown[];
}

function* variationsOf(all: readonly Shown[]): Generator<Variation> {
  for (const [index, one] of all.entries()) {
    const { before, after } = one;
    const changed = (id: string, other: Shown | undefined): Variation => ({
      id: `${before.name} ${id}`,
      all: all.flatMap((each, at) => (at === index ? (other ?? []) : [each])),
    });
    if (all.length > 1) yield changed("left out", undefined);
    const both = (change: (view: ResourceView) => ResourceView): Shown => ({
      before: change(before),
      after: change(after),
    });
    yield changed(
      "of another type",
      both((view) => ({ ...view, type: `${view.type}Like` })),
    );
    const isSame = JSON.stringify(before.props) === JSON.stringify(after.props);
    for (const { path, put } of places(before.props)) {
      const props = put(undefined) as Tree;
      const view = { ...before, props };
      yield changed(`without ${path}`, { before: view, after: isSame ? { ...after, props } : after });
    }
    for (const { path, put } of isSame ? [] : places(after.props))
      yield changed(`turned out without ${path}`, {
        before,
        after: { ...after, props: put(undefined) as Tree },
      });
    for (const { path, put } of before.provider ? places(before.provider.props) : []) {
      const provider = { ...before.provider, props: put(undefined) as Tree } as ResourceView["provider"];
      yield changed(
        `with a provider without ${path}`,
        both((view) => ({ ...view, provider })),
      );
    }
  }
}

/** Values of a program, lists and maps among them. */
const sizeOf = ({ resources }: Program): number =>
  resources.reduce((sum, { props }) => sum + [...places(props as Tree)].length, 0);

/** Most values of a program that is varied: it is judged as often as it has values. */
const MOST_VALUES = 40;

/** Programs that are varied, by their ids. */
export const varied = (programs: readonly Program[]): ReadonlyMap<string, Program> =>
  new Map(
    programs
      .filter((program) => !("refuses" in program) && sizeOf(program) > 0 && sizeOf(program) <= MOST_VALUES)
      .map((program) => [program.id, program]),
  );

/**
 * What changes in what is said of a program where one of its values or resources is left out or a type is another: a line for
 * each change, `-` before what is said no more and `+` before what is new, with the variations that make it.
 */
export async function variationsTold(program: Program): Promise<string[]> {
  const { stack = "staging", project = "forma3d", extras, resources } = program;
  const inventory = deriveInventory(stacks, { environments: [], shared: [], ...extras });
  const all = await Promise.all(resources.map((one) => shown({ stack, project }, one, resources)));
  const usual = told(program, inventory, all);
  const byChange = new Map<string, string[]>();
  for (const { id, all: other } of variationsOf(all)) {
    const now = told(program, inventory, other);
    const lost = [...usual].filter((one) => !now.has(one)).map((one) => `-${one}`);
    const more = [...now].filter((one) => !usual.has(one)).map((one) => `+${one}`);
    const change = [...lost, ...more].sort().join(", ");
    if (change !== "") byChange.set(change, [...(byChange.get(change) ?? []), id]);
  }
  return [...byChange].map(([change, ids]) => `${change}: ${ids.join("; ")}`);
}
