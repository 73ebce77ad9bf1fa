import type { ResourceRule, RiskId, Rule, StackRule } from "../rule";

/** What every isolation rule has in common: nothing may lower it, and a broken one is critical. */
type Common = "level" | "levelCanBeLowered" | "framework" | "severity" | "url";

interface Extra {
  readonly level?: "mandatory" | "advisory";
  readonly severity?: Rule["severity"];
  readonly risks?: readonly RiskId[];
  readonly mcsb?: readonly string[];
  readonly waf?: readonly string[];
  readonly url: string;
}

const common = ({ level, severity, risks, mcsb, waf, url }: Extra) => ({
  level: level ?? ("mandatory" as const),
  severity: severity ?? ("critical" as const),
  levelCanBeLowered: false,
  url,
  framework: {
    risks: risks ?? (["R07", "R08", "R09"] as const),
    mcsb: mcsb ?? ["NS-1", "NS-2"],
    waf: waf ?? ["SE:04"],
  },
});

/** A resource rule of the isolation family. */
export function resourceRule(rule: Omit<ResourceRule, Common | "scope"> & Extra): ResourceRule {
  return { ...rule, ...common(rule), scope: "resource" };
}

/** A stack rule of the isolation family. */
export function stackRule(rule: Omit<StackRule, Common | "scope"> & Extra): StackRule {
  return { ...rule, ...common(rule), scope: "stack" };
}
