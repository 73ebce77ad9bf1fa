import { dependenciesOf, viewOf } from "../views";
import { readSettings } from "../../../packages/offline-engine/config";
import type { Plan } from "../../../packages/offline-engine/planner";
import type { PlannedResource } from "../../../packages/offline-engine/resource";
import type { Finding, ResourceView, Rule } from "../../../packages/isolation/rule";
import { providerUrn } from "../../../packages/wire/urn";
import { Inspection } from "../../../policies/pack/adapter/inspection";
import { allRules } from "../../../policies/pack/pack";
import { readProduction } from "../../../policies/pack/statement";
import { Waivers } from "../../../policies/pack/waivers";
import type { Inventory } from "../../../packages/isolation/inventory";
import { typeOf } from "../../../policies/rules/statement";
import { readInventory } from "../../../stacks/inventory";
import { planProject } from "../../tools/plan/planProject";
import type { State } from "../states";
import { type Change, changesOf } from "./changes";

/** A change and what became of it. */
export interface Tried extends Change {
  readonly urn: string;
  readonly type: string;
  /** Rules that refused it; empty: it went through. */
  readonly refusedBy: readonly string[];
}

/**
 * Rules that cannot answer a change of one value in production: outputs repeat inputs, and rules for other
 * environments are silent.
 */
const isIdle = ({ id, appliesTo }: Rule): boolean => id === "ISO-012" || appliesTo === "nonProd";

const stops = ({ level }: Finding): boolean => level !== "advisory";

/** Judges a plan whose one resource was changed. */
export class Judge {
  /** By type of the changed resource, since the statement is long and speaks of one type at a time. */
  private readonly byType = new Map<string, { inspection: Inspection; before: ReadonlySet<string> }>();

  constructor(
    private readonly inputs: readonly ResourceView[],
    private readonly rulesFor: (type: string) => readonly Rule[],
    private readonly inventory: Inventory,
    private readonly config: Readonly<Record<string, string>>,
  ) {}

  private of(type: string): { inspection: Inspection; before: ReadonlySet<string> } {
    const known = this.byType.get(type);
    if (known) return known;
    const inspection = new Inspection({
      rules: this.rulesFor(type).filter((rule) => !isIdle(rule)),
      inventory: this.inventory,
      waivers: new Waivers([], ""),
      isDryRun: true,
      config: this.config,
    });
    const found = [
      ...this.inputs.flatMap((view) => inspection.resource(view)),
      ...judgeStack(inspection, this.inputs),
    ];
    const made = { inspection, before: new Set(found.filter(stops).map(key)) };
    this.byType.set(type, made);
    return made;
  }

  /** Whether nothing is refused before anything was changed, as far as it was asked. */
  get clean(): boolean {
    return [...this.byType.values()].every(({ before }) => before.size === 0);
  }

  /** Rules that refuse the plan for this change. */
  refusals(resource: ResourceView, { to }: Change): string[] {
    const { inspection, before } = this.of(resource.type);
    const fresh = (found: readonly Finding[]): string[] => [
      ...new Set(found.filter((one) => stops(one) && !before.has(key(one))).map(({ ruleId }) => ruleId)),
    ];
    if (!to)
      return fresh(
        judgeStack(
          inspection,
          this.inputs.filter((view) => view !== resource),
        ),
      );
    const own = fresh(inspection.resource(to));
    const rules =
      own.length > 0
        ? own
        : fresh(
            judgeStack(
              inspection,
              this.inputs.map((view) => (view === resource ? to : view)),
            ),
          );
    inspection.resource(resource);
    return rules;
  }
}

/** A preview of a first run: nothing is known of outputs but what was asked for. */
const judgeStack = (inspection: Inspection, resources: readonly ResourceView[]): Finding[] =>
  inspection.stack({ resources, byUrn: new Map(resources.map((view) => [view.urn, view])) });

const key = ({ ruleId, urn, path, message }: Finding): string => `${ruleId} ${urn} ${path} ${message}`;

/** The views of a plan's own resources, as the pack is shown them. */
export function viewsOf({ deployment }: Plan): ResourceView[] {
  const unread = { secrets: 0 };
  const isOutside = (urn: string): boolean => deployment.resources.get(urn)?.external ?? true;
  return [...deployment.resources.values()]
    .filter(({ external }) => !external)
    .map((resource: PlannedResource): ResourceView => {
      const provider = deployment.resources.get(providerUrn(resource.provider));
      return viewOf(
        {
          urn: resource.urn,
          type: resource.type,
          props: resource.inputs,
          protect: resource.protect,
          ignoreChanges: resource.options.ignoreChanges,
          deleteBeforeReplace: resource.options.deleteBeforeReplace,
          additionalSecretOutputs: resource.options.additionalSecretOutputs,
          aliases: resource.options.aliases,
          dependencies: resource.dependencies,
          propertyDependencies: dependenciesOf(resource.propertyDependencies, isOutside),
          ...(provider && { provider: { urn: provider.urn, type: provider.type, props: provider.inputs } }),
        },
        unread,
      );
    });
}

/**
 * Plans a stack as its file is in one of its states, and hands out its resources with a judge of changes to them.
 * @param project folder of its program, below the root of the stack files; the platform's when absent
 */
export async function subject(
  root: string,
  stack: string,
  { overrides }: Pick<State, "overrides">,
  project?: string,
): Promise<{ views: ResourceView[]; judge: Judge }> {
  const plan = await planProject(root, project, stack, { overrides });
  const { config } = readSettings(root, stack, overrides);
  const views = viewsOf(plan);
  const { statements, shapes } = readProduction(root, { stack, config });
  const rulesFor = (type: string): readonly Rule[] =>
    allRules(new Waivers([], ""), {
      statements: new Map(
        [...statements].map(([of, demands]) => [of, demands.filter((one) => typeOf(one).test(type))]),
      ),
      shapes,
    });
  return { views, judge: new Judge(views, rulesFor, readInventory(root), plan.settings.config) };
}

/** Components and the stack, which are nothing beside what is in them, and providers, which are judged as such. */
const COUNTERPARTLESS = /^(?:forma3d:|pulumi:)/;

/** Tries every single change to those of these resources whose type is wanted. */
export function* tried(views: readonly ResourceView[], judge: Judge, wanted = /./): Generator<Tried> {
  for (const view of views.filter(({ type }) => wanted.test(type) && !COUNTERPARTLESS.test(type)))
    for (const change of changesOf(
      view,
      views.filter(({ type }) => type === view.type),
    ))
      yield { ...change, urn: view.urn, type: view.type, refusedBy: judge.refusals(view, change) };
}
