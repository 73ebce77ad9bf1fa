import type { Rule } from "../../../packages/isolation/rule";
import { STACK_TYPE } from "../../../packages/wire/urn";
import type { Waiver, Waivers } from "../waivers";

const common = {
  severity: "high",
  level: "mandatory",
  levelCanBeLowered: false,
  framework: { risks: ["R09"], waf: ["OE:11"] },
  appliesTo: "any",
  url: "https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure",
} as const;

const line = ({ rule, resource, owner }: Waiver): string =>
  `the waiver of ${rule} for ${resource} (owner ${owner})`;

/** Rules that keep the list of waivers honest. */
export function waiverRules(waivers: Waivers): readonly Rule[] {
  return [
    {
      ...common,
      id: "WVR-001",
      name: "expired-waiver",
      title: "No waiver has run out",
      description: "Every waiver of the stack in policies/waivers.yaml still holds.",
      why: "An exception that outlives its date is a hole nobody decided on.",
      remediation: "Fix the cause and delete the waiver, or have a new date reviewed.",
      scope: "resource",
      types: [STACK_TYPE],
      check: (_, { project, stack }) =>
        waivers.expired(project, stack).map((waiver) => ({
          path: "",
          message: `${line(waiver)} expired on ${waiver.expires}`,
        })),
    },
    {
      ...common,
      id: "WVR-002",
      name: "unused-waiver",
      title: "Every waiver is needed",
      description: "Every waiver of the stack in policies/waivers.yaml covered a finding of this run.",
      why: "A waiver nothing needs any more waits for the next mistake on the same resource.",
      remediation: "Delete the waiver.",
      scope: "stack",
      check: (_, { project, stack }) =>
        waivers.unused(project, stack).map((waiver) => ({
          path: "",
          message: `${line(waiver)} covers nothing any more`,
        })),
    },
  ];
}
