import { createHash } from "node:crypto";
import { controlsOf, familyOf } from "./catalogue";
import type { Rule } from "../../packages/isolation/rule";

/** A finding as it arrives from the pack. */
export interface PackFinding {
  /** Name of the rule. */
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  /** Resource at fault; empty for the stack as a whole. */
  readonly urn: string;
  readonly message: string;
}

/** What was judged. */
export interface Judged {
  /** Stack, e.g. `prod`. */
  readonly stack: string;
  /** Version of the pack. */
  readonly version: string;
  readonly findings: readonly PackFinding[];
}

/** GitHub sorts security findings by this number: 9 and more is critical, 7 high, 4 medium. */
const SECURITY_SEVERITY: Readonly<Record<Rule["severity"], string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.0",
  low: "2.0",
};

function descriptor(rule: Rule): object {
  const { cis = [] } = rule.framework;
  return {
    id: rule.id,
    name: rule.name,
    shortDescription: { text: rule.title },
    fullDescription: { text: rule.description },
    help: {
      text: `${rule.why}\n\nFix: ${rule.remediation}`,
      markdown: `${rule.why}\n\n**Fix:** ${rule.remediation}`,
    },
    helpUri: rule.url,
    defaultConfiguration: { level: rule.level === "mandatory" ? "error" : "warning" },
    properties: {
      tags: [familyOf(rule), ...(cis.length > 0 ? ["cis"] : []), ...rule.framework.risks],
      "security-severity": SECURITY_SEVERITY[rule.severity],
      controls: controlsOf(rule),
    },
  };
}

/**
 * Stays the same from run to run for the same finding. The message is part of it, because it holds the property
 * path, and one rule may find several faults in one resource.
 */
function fingerprint(stack: string, { policy, urn, message }: PackFinding): string {
  return createHash("sha256").update([stack, policy, urn, message].join("\n")).digest("hex").slice(0, 32);
}

function result({ stack }: Judged, finding: PackFinding, rule: Rule, index: number): object {
  const { urn, level, message } = finding;
  const name = urn.split("::").at(-1) ?? "";
  return {
    ruleId: rule.id,
    ruleIndex: index,
    level: level === "mandatory" ? "error" : "warning",
    message: { text: name === "" ? message : `${name}: ${message}` },
    locations: [
      {
        // Resources are made by code from the stack's values: the file that holds them is where a fix begins.
        physicalLocation: {
          artifactLocation: { uri: `Pulumi.${stack}.yaml`, uriBaseId: "%SRCROOT%" },
          region: { startLine: 1 },
        },
        ...(urn !== "" && { logicalLocations: [{ fullyQualifiedName: urn, name, kind: "resource" }] }),
      },
    ],
    partialFingerprints: { "finding/v1": fingerprint(stack, finding) },
  };
}

/**
 * Findings as a SARIF 2.1.0 log, for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/). One run per
 * stack, with every rule described, broken or not.
 * @throws Error when a finding names a rule the catalogue does not have.
 */
export function toSarif(judged: readonly Judged[], rules: readonly Rule[]): object {
  const byName = new Map(rules.map((rule, index) => [rule.name, { rule, index }]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: judged.map((run) => ({
      tool: {
        driver: {
          name: "forma3d-policies",
          semanticVersion: run.version,
          informationUri: "https://www.pulumi.com/docs/insights/policy/",
          rules: rules.map(descriptor),
        },
      },
      automationDetails: { id: `policies/${run.stack}/` },
      columnKind: "utf16CodeUnits",
      originalUriBaseIds: { "%SRCROOT%": { description: { text: "The project's folder" } } },
      results: run.findings.map((finding) => {
        const known = byName.get(finding.policy);
        if (!known)
          throw new Error(`a finding names the rule ${finding.policy}, which the catalogue does not have`);
        return result(run, finding, known.rule, known.index);
      }),
    })),
  };
}
