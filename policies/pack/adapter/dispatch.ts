import { AsyncLocalStorage } from "node:async_hooks";
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

/** One request of the engine: what was found, once somebody has looked. */
interface Request {
  /** Findings that wait for their own policy, by rule, because pack configuration may lower it. */
  waiting?: ReadonlyMap<string, readonly Finding[]>;
}

/** A resource policy that has nothing to say; the SDK then unpacks nothing for it. */
const SILENT: ResourceValidation[] = [];

/** The SDK also takes an object, with which one policy reports for another and settles the level. */
type ReportObject = (violation: {
  name: string;
  message: string;
  description: string;
  urn: string;
  severity: Rule["severity"];
  enforcementLevel?: "mandatory" | "advisory";
}) => void;

/**
 * Turns rules into policies of the SDK.
 *
 * The SDK unpacks a resource anew for every policy, which for a hundred policies costs more than judging it. So
 * the first policy a request reaches judges the resource by all rules, and the others only speak up when there is
 * something under their name. The SDK asks for the first policy's name at the start of every request and walks the
 * list in order; requests may interleave, so what was found is kept in the request's own asynchronous context.
 *
 * A rule whose level may not be lowered is reported at once and with its level, so that pack configuration can
 * neither lower nor disable it short of disabling every policy, which the gate on the configuration refuses.
 */
export function toPolicies(rules: readonly Rule[], inspection: Inspection): Policies {
  const requests = new AsyncLocalStorage<Request>();
  const byId = new Map(rules.map((rule) => [rule.id, rule]));

  const report = (finding: Finding, reportViolation: ReportViolation): void => {
    const rule = byId.get(finding.ruleId);
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
      if (!byId.get(finding.ruleId)?.levelCanBeLowered) report(finding, reportViolation);
      else waiting.set(finding.ruleId, [...(waiting.get(finding.ruleId) ?? []), finding]);
    }
    request.waiting = waiting;
  };

  const inspectResource: ResourceValidation = (args, reportViolation) => {
    const request = requests.getStore() ?? {};
    const judge = (view: ResourceView): void => settle(request, inspection.resource(view), reportViolation);
    const view = resourceView(args);
    return view instanceof Promise ? view.then(judge) : judge(view);
  };

  const inspectStack: StackValidation = async (args, reportViolation) => {
    const request = requests.getStore() ?? {};
    settle(request, inspection.stack(await stackView(args.resources)), reportViolation);
  };

  const policy = (rule: Rule, index: number): ResourceValidationPolicy | StackValidationPolicy => {
    const metadata = describe(rule);
    const speak = (_: unknown, reportViolation: ReportViolation): void => {
      for (const finding of requests.getStore()?.waiting?.get(rule.id) ?? [])
        report(finding, reportViolation);
    };
    const name = {
      enumerable: true,
      get: () => {
        if (index === 0) requests.enterWith({});
        return rule.name;
      },
    };
    const validate: PropertyDescriptorMap =
      rule.scope === "resource"
        ? {
            validateResource: {
              enumerable: true,
              get: () => {
                const waiting = requests.getStore()?.waiting;
                if (!waiting) return rule.levelCanBeLowered ? [inspectResource, speak] : inspectResource;
                return waiting.has(rule.id) ? speak : SILENT;
              },
            },
          }
        : {
            validateStack: {
              enumerable: true,
              get: (): StackValidation | undefined => {
                const waiting = requests.getStore()?.waiting;
                if (!waiting) {
                  return async (args, reportViolation) => {
                    await inspectStack(args, reportViolation);
                    speak(args, reportViolation);
                  };
                }
                return waiting.has(rule.id) ? speak : undefined;
              },
            },
          };
    return Object.defineProperties(metadata, { name, ...validate }) as never;
  };
  return rules.map(policy);
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
