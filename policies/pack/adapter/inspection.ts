import { isDeepStrictEqual } from "node:util";
import { forget, watchOf } from "../../../packages/isolation/context";
import type { Inventory } from "../../../packages/isolation/inventory";
import type {
  Context,
  Finding,
  ResourceRule,
  ResourceView,
  Rule,
  StackRule,
  StackView,
  Tree,
  Violation,
} from "../../../packages/isolation/rule";
import { STACK_TYPE } from "../../../packages/wire/urn";
import type { Waivers } from "../waivers";

/** What is the same for the whole run. */
export interface Run {
  readonly rules: readonly Rule[];
  readonly inventory: Inventory;
  readonly waivers: Waivers;
  readonly isDryRun: boolean;
  /** Stack configuration in clear text, judged with the root stack. */
  readonly config: Readonly<Record<string, string>>;
}

/** Judges resources and stacks by every rule. Knows nothing of how they arrive or where findings go. */
export class Inspection {
  private readonly contexts = new Map<string, Context>();
  /** How the URNs of the stack begin that was judged last, and its context. */
  private last: { readonly beginning: string; readonly context: Context } | undefined;
  private readonly rulesByType = {
    prod: new Map<string, readonly ResourceRule[]>(),
    nonProd: new Map<string, readonly ResourceRule[]>(),
  };
  private readonly inputs = new Map<string, Tree>();

  constructor(private readonly run: Run) {}

  resource(resource: ResourceView): Finding[] {
    const context = this.contextOf(resource.urn);
    this.inputs.set(resource.urn, resource.props);
    const judged =
      resource.type === STACK_TYPE && Object.keys(this.run.config).length > 0
        ? { ...resource, props: { ...resource.props, config: this.run.config } }
        : resource;
    const found: Finding[] = [];
    for (const rule of this.rulesFor(resource.type, context)) {
      const violations = checked(rule, judged.urn, () => rule.check(judged, context));
      if (violations.length > 0) found.push(...this.findings(rule, judged.urn, violations));
    }
    return found;
  }

  stack(seen: StackView): Finding[] {
    const stack = this.withInputs(seen);
    const root = stack.resources[0];
    if (!root) return [];
    const context = this.contextOf(root.urn);
    const rules = this.run.rules.filter((rule): rule is StackRule => rule.scope === "stack");
    const urn = rootUrn(stack);
    const findings = rules
      .filter((rule) => applies(rule, context))
      .flatMap((rule) =>
        this.findings(
          rule,
          urn,
          checked(rule, urn, () => rule.check(stack, context)),
        ),
      );
    forget(context);
    return findings;
  }

  /** With what was asked for. What came out exactly so is the same tree, of which everything is known that was found out then. */
  private withInputs(stack: StackView): StackView {
    const resources = stack.resources.map((resource) => {
      const inputs = this.inputs.get(resource.urn);
      if (!inputs) return resource;
      return { ...resource, inputs, ...(isDeepStrictEqual(inputs, resource.props) && { props: inputs }) };
    });
    return { resources, byUrn: new Map(resources.map((resource) => [resource.urn, resource])) };
  }

  private findings(rule: Rule, urn: string, violations: readonly Violation[]): Finding[] {
    return violations.map((violation): Finding => {
      const finding = { ...violation, ruleId: rule.id, urn: violation.urn ?? urn };
      const waiver = this.run.waivers.covering(finding);
      return waiver
        ? {
            ...finding,
            level: "advisory",
            message: `${finding.message} (waived until ${waiver.expires} by ${waiver.owner})`,
          }
        : finding;
    });
  }

  /** Rules on one resource that look at a type in an environment. */
  private rulesFor(type: string, context: Context): readonly ResourceRule[] {
    const byType = this.rulesByType[context.environment];
    let rules = byType.get(type);
    if (!rules) {
      rules = this.run.rules.filter(
        (rule): rule is ResourceRule =>
          rule.scope === "resource" &&
          applies(rule, context) &&
          (!rule.types ||
            rule.types.some((wanted) => (typeof wanted === "string" ? wanted === type : wanted.test(type)))),
      );
      byType.set(type, rules);
    }
    return rules;
  }

  private contextOf(urn: string): Context {
    if (this.last && urn.startsWith(this.last.beginning)) return this.last.context;
    const parts = urn.split(":", 6);
    const context = this.contextOfStack(parts[2] ?? "", parts[4] ?? "");
    if (parts.length === 6) this.last = { beginning: `${parts.slice(0, 5).join(":")}::`, context };
    return context;
  }

  private contextOfStack(stack: string, project: string): Context {
    const key = `${project}/${stack}`;
    let context = this.contexts.get(key);
    if (!context) {
      const { inventory, isDryRun } = this.run;
      const base = { stack, project, inventory, isDryRun, config: {} };
      const isProd = watchOf({ ...base, environment: "nonProd" }).perimeter.isProd;
      context = { ...base, environment: isProd ? "prod" : "nonProd" };
      this.contexts.set(key, context);
    }
    return context;
  }
}

/** What a rule finds, or an error that says which rule broke, and on what. */
function checked(rule: Rule, urn: string, check: () => readonly Violation[]): readonly Violation[] {
  try {
    return check();
  } catch (error) {
    throw new Error(
      `rule ${rule.id} (${rule.name}) failed on ${urn}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

const applies = (rule: Rule, context: Context): boolean =>
  rule.appliesTo === "any" || rule.appliesTo === context.environment;

const rootUrn = (stack: StackView): string =>
  stack.resources.find(({ type }) => type === STACK_TYPE)?.urn ?? stack.resources[0]?.urn ?? "";

/** A finding in one line: what rule, where, what, and how it was decoded. Never the value. */
export function describeFinding({ ruleId, path, message, decoding }: Finding): string {
  const where = path === "" ? "" : ` ${path}:`;
  const how = decoding && decoding.length > 0 ? ` (found after decoding: ${decoding.join(" → ")})` : "";
  return `[${ruleId}]${where} ${message}${how}`;
}
