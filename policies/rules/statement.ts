import { cursor, isReplica, linked, ofType } from "../../packages/isolation/graph";
import { azure, kubernetes, SERVER } from "../../packages/isolation/kinds";
import { fault, type Cursor, type Outcome } from "../../packages/isolation/read";
import {
  UNKNOWN,
  type ResourceView,
  type StackRule,
  type StackView,
  type Value,
} from "../../packages/isolation/rule";
import { partedRule, type Verdict } from "./define";
import { GIVEN, placesAt, plain, says } from "./expected";

/** What a stack must have, and how it must be. Texts, numbers, lists and maps compare by value. */
export interface Demand {
  /** What it is called, e.g. `the alert DatabaseCpuHigh`: the path of a finding of what is missing, which a waiver names. */
  readonly what: string;
  /** Key of the stack file, or source, that decides about it. */
  readonly key: string;
  /** `module:Name` of Azure, or a kind of Kubernetes. */
  readonly type: string;
  /** What tells it from others of its type: value by path. */
  readonly where?: Readonly<Record<string, unknown>>;
  /** Arguments a container of it has, for what runs a command. */
  readonly args?: readonly string[];
  /** Members of one of its lists, told apart by a property of theirs. */
  readonly members?: {
    readonly list: string;
    /** The first of these an expected member has. */
    readonly by: readonly string[];
    readonly of: readonly Readonly<Record<string, unknown>>[];
  };
  /** How one of them must be: value, or bound, by path. A map may have more than is said. */
  readonly is?: Readonly<Record<string, unknown>>;
  /**
   * How each of them must be, in the same way. A path may lead through all members of a list (`rules[].enabled`), and then
   * holds for those that are there; one that ends in `?` holds only where there is something.
   */
  readonly each?: Readonly<Record<string, unknown>>;
  /** One for each resource of this type, or those `where` tells, which a top-level property of its own leads to; `count` then says how many. */
  readonly per?: Pick<Demand, "type" | "where"> & { readonly by: string };
  /** How many there must be at least. Default: one, or with `each` alone any number. */
  readonly count?: number;
  /** How many may be as `is` says at most. Default: any number. */
  readonly most?: number;
}

export const STATEMENT_RULE = "REC-052";

/** Everything a stack must have, by `project/stack`. */
export type Statements = ReadonlyMap<string, readonly Demand[]>;

const at = (place: Cursor, path: string): Cursor => placesAt(place, path)[0] ?? place;

const isOne = (place: Cursor, { where = {}, args = [] }: Pick<Demand, "where" | "args">): boolean =>
  Object.entries(where).every(([path, value]) => {
    const found = at(place, path).value;
    // What nobody knows yet is taken for none in particular.
    return found !== UNKNOWN && says(found, value);
  }) &&
  (args.length === 0 || argumentsOf(place).some((own) => args.every((wanted) => own.includes(wanted))));

const argumentsOf = (job: Cursor): string[][] =>
  job
    .at("spec", "jobTemplate", "spec", "template", "spec", "containers")
    .items()
    .map((container) => [...container.at("command").texts(), ...container.at("args").texts()]);

const mustBe = (place: Cursor, expected: unknown, demand: Demand): Outcome[] => {
  // What is to be given is given, whatever it turns out to be.
  if (place.unknown) return expected === GIVEN ? [] : [{ path: place.path, unknown: true }];
  return says(place.value, expected)
    ? []
    : fault(place, `must be as ${demand.key} says for ${demand.what}${plain(expected)}`);
};

function eachOf(place: Cursor, demand: Demand): Outcome[] {
  return Object.entries(demand.each ?? {}).flatMap(([path, expected]) => {
    const places = placesAt(place, path.replace(/\?$/, ""));
    return places
      .filter((one) => !path.endsWith("?") || one.present)
      .flatMap((one) => mustBe(one, expected, demand));
  });
}

/** What is wrong with one candidate; empty when it fulfils the demand. */
function wrong(place: Cursor, demand: Demand): Outcome[] {
  const { is = {}, members } = demand;
  const findings = [
    ...Object.entries(is).flatMap(([path, expected]) => mustBe(at(place, path), expected, demand)),
    ...eachOf(place, demand),
  ];
  if (!members) return findings;
  const list = at(place, members.list);
  if (list.unknown) return [...findings, { path: list.path, unknown: true }];
  return [
    ...findings,
    ...members.of.flatMap((expected): Outcome[] => {
      const by = members.by.find((key) => key in expected) ?? "";
      const own = list.items().filter((one) => says(expected[by] as Value, one.at(by).value));
      const outcomes = own.map((one) =>
        Object.entries(expected).flatMap(([key, value]) => mustBe(one.at(key), value, demand)),
      );
      if (outcomes.some((found) => found.length === 0)) return [];
      return outcomes[0] ?? fault(list, `has no ${by} ${String(expected[by])} (${demand.key})`);
    }),
  ];
}

/** Types a demand is about. */
export function typeOf({ type }: Pick<Demand, "type">): RegExp {
  const [module = "", name] = type.split(":");
  return name === undefined ? kubernetes(module) : azure(module, name);
}

function judged(stack: StackView, demand: Demand): Verdict[] {
  const { per } = demand;
  const candidates = ofType(stack, typeOf(demand)).filter((resource) => isOne(cursor(resource), demand));
  if (!per) return amongst(stack, demand, candidates);
  const type = typeOf(per);
  const pairs = candidates.map((resource) => ({ resource, of: linked(stack, resource, per.by, type) }));
  return ofType(stack, type)
    .filter((holder) => isOne(cursor(holder), per))
    .flatMap((holder) =>
      amongst(
        stack,
        demand,
        pairs.filter(({ of }) => of.includes(holder)).map(({ resource }) => resource),
        holder,
      ),
    );
}

/** Holds those of a demand's kind against it; with what they are to be there for. */
function amongst(
  stack: StackView,
  demand: Demand,
  resources: readonly ResourceView[],
  holder = home(stack) ?? stack.resources[0],
): Verdict[] {
  const { each, is, members } = demand;
  const candidates = resources.map((resource) => ({ resource, place: cursor(resource) }));
  const verdicts = candidates.map(({ resource, place }) => ({ resource, outcomes: wrong(place, demand) }));
  const isAboutAll = each !== undefined && is === undefined && members === undefined;
  const least = demand.count ?? (isAboutAll ? 0 : 1);
  const missing = candidates.length < least ? lacking(holder, demand, candidates.length, least) : [];
  if (isAboutAll) return [...missing, ...verdicts.filter(({ outcomes }) => outcomes.length > 0)];
  if (missing.length > 0) return missing;
  // A region that stands by keeps its copy suspended: as many as must be there and are as they must be are enough.
  const fulfilled = verdicts.filter(({ outcomes }) => outcomes.length === 0).length;
  if (fulfilled < least) return verdicts.filter(({ outcomes }) => outcomes.length > 0).slice(0, 1);
  const { most = Infinity } = demand;
  const [extra] = verdicts.filter(({ outcomes }) => outcomes.length === 0).slice(most);
  return extra ? [ofDemand(extra.resource, demand, `is there ${fulfilled} times, and may be ${most}`)] : [];
}

function lacking(holder: ResourceView | undefined, demand: Demand, found: number, least: number): Verdict[] {
  const message = least === 1 ? "is missing" : `is there ${found} times of ${least}`;
  return holder ? [ofDemand(holder, demand, message)] : [];
}

/** A finding of no property. Its path names the demand, as many are found at one resource, and a waiver is of one. */
const ofDemand = (resource: ResourceView, { what, key }: Demand, message: string): Verdict => ({
  resource,
  outcomes: fault({ path: what }, `${message} (${key})`),
});

const home = (stack: StackView) => ofType(stack, SERVER).find((server) => !isReplica(server));

/**
 * Holds a stack against what its stack file and the catalogues say it has. Which stacks have a statement is data of the
 * project; one of them that has nothing of it has everything missing.
 */
export function statementRule(statements: Statements): StackRule {
  return partedRule(
    {
      id: STATEMENT_RULE,
      name: "production-statement",
      title: "Production is what its stack file and the catalogues say",
      description:
        "Everything the stack file, the catalogue of alerts, the list of recovery jobs and the lists of what guards production give it (alerts and who hears of them, jobs, sites of the edge, logs, networks and their policies, locks, private endpoints, clusters, pods and their probes, budgets and limits; and of what it is deployed from the homes of the state, their keys, logs and locks, who may use them, and whom the pipelines' identities trust) is in the program, as often as it must be, switched on, and no weaker than they say.",
      why: "A program that leaves one of them out, or weakens it, still deploys, and looks as green as before.",
      severity: "critical",
      framework: { waf: ["RE:09", "RE:10", "OE:07"], mcsb: ["BR-1", "LT-3"], risks: ["R01", "R02", "R09"] },
      remediation:
        "Put it back into the program; or, where less is meant, change the named key of the stack file or the entry of the named list, which is reviewed.",
      url: "https://learn.microsoft.com/azure/well-architected/reliability",
      appliesTo: "prod",
    },
    (stack, { project, stack: name }) => {
      const demands = statements.get(`${project}/${name}`) ?? [];
      return demands.map((demand) => () => judged(stack, demand));
    },
  );
}
