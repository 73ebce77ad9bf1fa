import { createHash } from "node:crypto";
import { controlsOf, familyOf } from "./catalogue";
import type { PackFinding } from "./finding";
import { mendOf, pageOf, placeOf } from "./mend";
import type { Rule } from "../../packages/isolation/rule";
import { nameOf } from "../../packages/wire/urn";

/** What was judged. */
export interface Judged {
  /** Stack, e.g. `prod`. */
  readonly stack: string;
  /** Version of the pack. */
  readonly version: string;
  readonly findings: readonly PackFinding[];
  /** Text of the stack file, in which a finding is shown at the line of its key; absent: at the first line. */
  readonly stackFile?: string;
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
      text: `${rule.why}\n\nFix: ${rule.remediation}\n\nPage: ${pageOf(rule)}`,
      markdown: `${rule.why}\n\n**Fix:** ${rule.remediation}\n\n**Page:** \`${pageOf(rule)}\``,
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

/** Line of a key such as `database.backupRetentionDays`, as far down as the file says it; 1 where it says nothing. */
function lineOf(stackFile: string, key: string | undefined): number {
  const [top = "", ...below] = (key ?? "").split(".");
  const lines = stackFile.split("\n");
  const start = lines.findIndex((line) => line.trimStart().startsWith(`forma3d:${top}:`));
  if (key === undefined || start < 0) return 1;
  let at = start;
  for (const name of below) {
    const next = lines.findIndex(
      (line, index) => index >= at && new RegExp(`(?:^|[\\s{])${name}:`).test(line),
    );
    const isOutside = next < 0 || lines.slice(start + 1, next + 1).some((line) => /^\s*\w+:\w+:/.test(line));
    if (isOutside) break;
    at = next;
  }
  return at + 1;
}

function result({ stack, stackFile = "" }: Judged, finding: PackFinding, rule: Rule, index: number): object {
  const { urn, level, message } = finding;
  const name = nameOf(urn);
  const { key, fix, page } = mendOf(rule, { urn, path: placeOf(message) }, stack);
  const text = [
    name === "" ? message : `${name}: ${message}`,
    ...(key === undefined ? [] : [`Key: forma3d:${key} in Pulumi.${stack}.yaml`]),
    `Fix: ${fix}`,
    `Page: ${page}`,
  ].join("\n");
  return {
    ruleId: rule.id,
    ruleIndex: index,
    level: level === "mandatory" ? "error" : "warning",
    message: { text },
    locations: [
      {
        // Resources are made by code from the stack's values: the file that holds them is where a fix begins.
        physicalLocation: {
          artifactLocation: { uri: `Pulumi.${stack}.yaml`, uriBaseId: "%SRCROOT%" },
          region: { startLine: lineOf(stackFile, key) },
        },
        ...(urn !== "" && { logicalLocations: [{ fullyQualifiedName: urn, name, kind: "resource" }] }),
      },
    ],
    properties: { ...(key !== undefined && { key }), fix, page },
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
