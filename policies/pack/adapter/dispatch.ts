import type {
  Policies,
  ReportViolation,
  ResourceValidation,
  ResourceValidationPolicy,
  StackValidation,
  StackValidationPolicy,
} from "@pulumi/policy";
import type { Finding, ResourceView, Rule } from "../../../packages/isolation/rule";
import { describeFinding, type Inspection } from "./inspection";
import { resourceView, stackView } from "./view";

/** One request of the engine, which is one walk over the policies: what was found, once somebody has looked. */
interface Request {
  /** Findings that wait for their own policy, by rule, because pack configuration may lower it. */
  waiting?: ReadonlyMap<string, readonly Finding[]>;
}

/** The SDK also takes an object, with which one policy reports for another and settles the level. */
type ReportObject = (violation: {
  name: string;
  message: string;
  description: string;
  urn: string;
  severity: Rule["severity"];
  enforcementLevel?: "mandatory" | "advisory";
}) => void;

type Policy = Policies[number];

/**
 * Policies as the SDK walks them, once for every request: first all of them, until one has judged; from then on those
 * alone that have something to say.
 */
class PolicyList extends Array<Policy> {
  constructor(private readonly ofRequest: () => Iterator<Policy>) {
    super();
  }

  override [Symbol.iterator](): ArrayIterator<Policy> {
    return this.ofRequest() as ArrayIterator<Policy>;
  }
}

/**
 * Turns rules into policies of the SDK.
 *
 * The SDK unpacks a resource anew for every policy, which for a hundred policies costs more than judging it. So
 * the first policy a request reaches judges the resource by all rules, and of the others only those come up that
 * have something under their name. The SDK walks the list once for every request, and requests may interleave, so
 * what was found is kept by that walk.
 *
 * A rule whose level may not be lowered is reported at once and with its level, so that pack configuration can
 * neither lower nor disable it short of disabling every policy, which the gate on the configuration refuses.
 */
export function toPolicies(rules: readonly Rule[], inspection: Inspection): Policies {
  const byId = new Map(rules.map((rule) => [rule.id, { rule, metadata: describe(rule) }]));

  const report = (finding: Finding, reportViolation: ReportViolation): void => {
    const rule = byId.get(finding.ruleId)?.rule;
    if (!rule) throw new Error(`a finding names the rule ${finding.ruleId}, which the pack does not have`);
    const level = finding.level ?? (rule.levelCanBeLowered ? undefined : rule.level);
    (reportViolation as unknown as ReportObject)({
      name: rule.name,
      message: describeFinding(finding),
      description: rule.description,
      urn: finding.urn,
      severity: rule.severity,
      ...(level && { enforcementLevel: level }),
    });
  };

  const settle = (request: Request, findings: readonly Finding[], reportViolation: ReportViolation): void => {
    const waiting = new Map<string, Finding[]>();
    for (const finding of findings) {
      if (!byId.get(finding.ruleId)?.rule.levelCanBeLowered) report(finding, reportViolation);
      else waiting.set(finding.ruleId, [...(waiting.get(finding.ruleId) ?? []), finding]);
    }
    request.waiting = waiting;
  };

  const policy = (rule: Rule, request: Request): Policy => {
    const metadata = byId.get(rule.id)?.metadata;
    const judged = request.waiting !== undefined;
    const speak = (_: unknown, reportViolation: ReportViolation): void => {
      for (const finding of request.waiting?.get(rule.id) ?? []) report(finding, reportViolation);
    };
    if (rule.scope === "stack") {
      const validateStack: StackValidation = async (args, reportViolation) => {
        if (!judged) settle(request, inspection.stack(await stackView(args.resources)), reportViolation);
        speak(args, reportViolation);
      };
      return { ...metadata, name: rule.name, validateStack } as StackValidationPolicy;
    }
    const inspect: ResourceValidation = (args, reportViolation) => {
      const judge = (view: ResourceView): void => settle(request, inspection.resource(view), reportViolation);
      const view = resourceView(args);
      return view instanceof Promise ? view.then(judge) : judge(view);
    };
    const validateResource = judged ? speak : rule.levelCanBeLowered ? [inspect, speak] : inspect;
    return { ...metadata, name: rule.name, validateResource } as ResourceValidationPolicy;
  };

  return new PolicyList(function* () {
    const request: Request = {};
    for (const rule of rules) {
      if (!request.waiting) yield policy(rule, request);
      else if (request.waiting.size === 0) return;
      else if (request.waiting.has(rule.id)) yield policy(rule, request);
    }
  });
}

function describe(rule: Rule): object {
  const { cis = [], waf = [], mcsb = [], risks } = rule.framework;
  const controls = [
    ...mcsb.map((id) => `MCSB ${id}`),
    ...cis.map((id) => `CIS ${id}`),
    ...waf.map((id) => `WAF ${id}`),
  ];
  return {
    displayName: rule.title,
    description: rule.description,
    enforcementLevel: rule.level,
    severity: rule.severity,
    framework: { name: "Microsoft cloud security benchmark", specification: controls.join(", ") },
    tags: [rule.id, `applies-to-${rule.appliesTo}`, ...risks],
    remediationSteps: rule.remediation,
    url: rule.url,
  };
}
