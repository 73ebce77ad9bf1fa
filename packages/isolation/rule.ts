import type { Tree } from "../wire/tree";
import type { Inventory } from "./inventory";

export { UNKNOWN } from "../wire/tree";
export type { Tree, Value } from "../wire/tree";

/**
 * Objects of a tree that stand for an asset or archive. Beside `path` stands `content`, the named files in base64,
 * where they could be read.
 */
export const ASSETS = new WeakSet<object>();

/** Provider a resource is deployed with. Nested values are JSON strings, as Pulumi passes them. */
export interface ProviderView {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly props: Tree;
}

/** One resource, as a rule sees it: inputs for a resource rule, outputs for a stack rule. Secrets are in clear text. */
export interface ResourceView {
  readonly urn: string;
  /** Type token, e.g. `azure-native:dbforpostgresql:Server`. */
  readonly type: string;
  /** Logical name, the last part of the URN. */
  readonly name: string;
  readonly props: Tree;
  /**
   * Inputs as judged earlier in the run; stack rules only, and only where the run has shown them. The outputs of a
   * preview can be empty: those of Kubernetes objects are while their cluster does not exist yet.
   */
  readonly inputs?: Tree;
  /** Paths in `props` whose value is {@link UNKNOWN}, e.g. `network.subnets[0].id`. */
  readonly unknownPaths: readonly string[];
  readonly opts: {
    readonly protect: boolean;
    readonly ignoreChanges: readonly string[];
    readonly aliases: readonly string[];
    readonly additionalSecretOutputs: readonly string[];
    readonly deleteBeforeReplace?: boolean;
    /** URN of the parent. */
    readonly parent?: string;
  };
  readonly provider?: ProviderView;
  /** URNs of resources this one depends on; empty for resource rules, which Pulumi does not tell. */
  readonly dependencies: readonly string[];
  /**
   * URNs each property's value came from; empty for resource rules. A key with an empty list depends only on things
   * outside the stack: an existing resource that was read, or another stack.
   */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
}

/** All resources of a stack, at the end of a preview or update. */
export interface StackView {
  readonly resources: readonly ResourceView[];
  readonly byUrn: ReadonlyMap<string, ResourceView>;
}

/** What a rule knows about the run besides the resource. */
export interface Context {
  readonly stack: string;
  readonly project: string;
  /** `prod` only for a stack of the inventory's prod environments; every other stack is `nonProd`. */
  readonly environment: "prod" | "nonProd";
  /** Whether this is a preview, in which values may be unknown. */
  readonly isDryRun: boolean;
  readonly inventory: Inventory;
  /** The rule's own entry in the pack configuration; empty when there is none. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** One broken promise. The message never contains a value that could be secret. */
export interface Violation {
  /** Property path, e.g. `spec.template.spec.containers[0].env[2].value`; empty for the resource as a whole. */
  readonly path: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
  /** Resource at fault; needed from stack rules, the resource under check otherwise. */
  readonly urn?: string;
  /** How the value was decoded before it matched, outermost first, e.g. `["base64", "json"]`. */
  readonly decoding?: readonly string[];
  /** Environment that was reached. */
  readonly environment?: string;
  /** Lowers this one violation below the rule's own level. */
  readonly level?: "advisory";
  /** Rule that judges the same thing elsewhere; a waiver of it covers this violation too. */
  readonly origin?: string;
}

/** A violation with the rule and resource it belongs to. */
export interface Finding extends Violation {
  readonly ruleId: string;
  readonly urn: string;
}

/** Risks of the disaster-recovery report. */
export type RiskId =
  `R${"01" | "02" | "03" | "04" | "05" | "06" | "07" | "08" | "09" | "10" | "11" | "12" | "13" | "14" | "15"}`;

interface RuleMetadata {
  /** Stable identifier such as `ISO-001`; never reused. */
  readonly id: string;
  /** Name in the pack and in `npm run policy:explain`, kebab-case, unique. */
  readonly name: string;
  readonly title: string;
  /** What is checked, one sentence. */
  readonly description: string;
  /** What goes wrong without it. */
  readonly why: string;
  readonly severity: "low" | "medium" | "high" | "critical";
  readonly level: "mandatory" | "advisory";
  /** Whether pack configuration may lower or disable it. Never for isolation. */
  readonly levelCanBeLowered: boolean;
  readonly framework: {
    /** Controls of the CIS Microsoft Azure or Kubernetes benchmark. */
    readonly cis?: readonly string[];
    /** Azure Well-Architected Framework recommendations, e.g. `RE:05`. */
    readonly waf?: readonly string[];
    /** Microsoft cloud security benchmark controls, e.g. `NS-2`. */
    readonly mcsb?: readonly string[];
    readonly risks: readonly RiskId[];
  };
  /** How to fix it. */
  readonly remediation: string;
  /** Documentation of the fact the rule rests on. */
  readonly url: string;
  /** Environments in which it is checked. */
  readonly appliesTo: "any" | "prod" | "nonProd";
}

/** A rule that judges one resource by its inputs, before it is touched. */
export interface ResourceRule extends RuleMetadata {
  readonly scope: "resource";
  /**
   * Type tokens the rule looks at; absent for all. A RegExp is tested against the whole token. Only saves time:
   * `check` is not called for other types.
   */
  readonly types?: readonly (string | RegExp)[];
  readonly check: (resource: ResourceView, context: Context) => readonly Violation[];
}

/** A rule that judges the stack as a whole by its outputs, after everything else. */
export interface StackRule extends RuleMetadata {
  readonly scope: "stack";
  readonly check: (stack: StackView, context: Context) => readonly Violation[];
}

/** A pure check with everything a reader needs to know about it. */
export type Rule = ResourceRule | StackRule;
