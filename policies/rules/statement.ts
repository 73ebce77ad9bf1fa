import { cursor, isReplica, ofType } from "../../packages/isolation/graph";
import { azure, kubernetes, SERVER } from "../../packages/isolation/kinds";
import { fault, type Cursor, type Outcome } from "../../packages/isolation/read";
import { UNKNOWN, type StackRule, type StackView, type Value } from "../../packages/isolation/rule";
import { about, stackRule, type Verdict } from "./define";

/** One thing a stack must have, and how it must be. Texts, numbers, lists and maps compare by value. */
export interface Demand {
  /** What it is called in a message, e.g. `the alert DatabaseCpuHigh`. */
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
  /** How it must be: value by path. A map may have more than is said. */
  readonly is?: Readonly<Record<string, unknown>>;
}

/** Everything a stack must have, by `project/stack`. */
export type Statements = ReadonlyMap<string, readonly Demand[]>;

const at = (place: Cursor, path: string): Cursor => place.at(...path.split("."));

/** Whether a value says what is expected; an unknown one may. */
function says(found: Value | undefined, expected: unknown): boolean {
  if (found === UNKNOWN) return true;
  if (typeof expected !== "object" || expected === null) return found === expected;
  if (typeof found !== "object" || found === null) return false;
  if (Array.isArray(expected)) {
    return (
      Array.isArray(found) &&
      found.length === expected.length &&
      expected.every((one, index) => says((found as readonly Value[])[index], one))
    );
  }
  return Object.entries(expected).every(([key, one]) => says((found as Record<string, Value>)[key], one));
}

const isOne = (place: Cursor, { where = {}, args = [] }: Demand): boolean =>
  Object.entries(where).every(([path, value]) => at(place, path).value === value) &&
  (args.length === 0 || argumentsOf(place).some((own) => args.every((wanted) => own.includes(wanted))));

const argumentsOf = (job: Cursor): string[][] =>
  job
    .at("spec", "jobTemplate", "spec", "template", "spec", "containers")
    .items()
    .map((container) => [...container.at("command").texts(), ...container.at("args").texts()]);

const mustBe = (place: Cursor, expected: unknown, demand: Demand): Outcome[] => {
  if (place.unknown) return [{ path: place.path, unknown: true }];
  return says(place.value, expected)
    ? []
    : fault(place, `must be as ${demand.key} says for ${demand.what}${plain(expected)}`);
};

const plain = (expected: unknown): string =>
  typeof expected === "object" ? "" : `: ${JSON.stringify(expected)}`;

/** What is wrong with one candidate; empty when it fulfils the demand. */
function wrong(place: Cursor, demand: Demand): Outcome[] {
  const { is = {}, members } = demand;
  const findings = Object.entries(is).flatMap(([path, expected]) =>
    mustBe(at(place, path), expected, demand),
  );
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

function judged(stack: StackView, demand: Demand): Verdict[] {
  const [module = "", name] = demand.type.split(":");
  const type = name === undefined ? kubernetes(module) : azure(module, name);
  const candidates = ofType(stack, type)
    .map((resource) => ({ resource, place: cursor(resource) }))
    .filter(({ place }) => isOne(place, demand));
  const verdicts = candidates.map(({ resource, place }) => ({ resource, outcomes: wrong(place, demand) }));
  // A region that stands by keeps its copy suspended: one that is as it must be is enough.
  if (verdicts.some(({ outcomes }) => outcomes.length === 0)) return [];
  const [first] = verdicts;
  if (first) return [first];
  const [holder] = stack.resources;
  return holder ? [about(home(stack) ?? holder, `has not ${demand.what} (${demand.key})`)] : [];
}

const home = (stack: StackView) => ofType(stack, SERVER).find((server) => !isReplica(server));

/**
 * Holds a stack against what its stack file and the catalogues say it has, where it is whole: where it has the
 * database and the application. A part of one, such as a test's, is no incomplete whole.
 */
export function statementRule(statements: Statements): StackRule {
  return stackRule(
    {
      id: "REC-052",
      name: "production-statement",
      title: "Production is what its stack file and the catalogues say",
      description:
        "Each alert, rule, action group, recovery job, site of the edge, log route and backup container that the stack file, the catalogue of alerts and the list of recovery jobs give production is in the program, switched on, with the thresholds and schedules they give it.",
      why: "A program that leaves one of them out, or weakens it, still deploys, and looks as green as before.",
      severity: "critical",
      framework: { waf: ["RE:09", "RE:10", "OE:07"], mcsb: ["BR-1", "LT-3"], risks: ["R01", "R02", "R09"] },
      remediation:
        "Put it back into the program; or, where less is meant, change the named key of the stack file or the entry of the catalogue, which is reviewed.",
      url: "https://learn.microsoft.com/azure/well-architected/reliability",
      appliesTo: "prod",
    },
    (stack, { project, stack: name }) => {
      const demands = statements.get(`${project}/${name}`) ?? [];
      const isWhole = home(stack) !== undefined && ofType(stack, kubernetes("Deployment")).length > 0;
      return isWhole ? demands.flatMap((demand) => judged(stack, demand)) : [];
    },
  );
}
