import { z } from "zod";
import { allRules } from "../../policies/pack/pack";
import { Waivers } from "../../policies/pack/waivers";
import type { Verdict } from "./judge";

const level = z.enum(["advisory", "mandatory", "remediate", "disabled"]);

/** Configuration of the pack as `--policy-pack-config` takes it. */
export const packConfigSchema = z.record(
  z.string(),
  z.union([level, z.looseObject({ enforcementLevel: level.optional() })]),
);

/** Gate over a pack configuration: it may lower only rules that say so, and never the pack as a whole. */
export function judgePackConfig(config: z.infer<typeof packConfigSchema>): Verdict {
  const rules = new Map(allRules(new Waivers([], "")).map((rule) => [rule.name, rule]));
  const findings = Object.entries(config).flatMap(([name, entry]): string[] => {
    if (name === "environments") return [];
    const wanted = typeof entry === "string" ? entry : entry.enforcementLevel;
    if (name === "all") {
      return wanted === undefined || wanted === "mandatory"
        ? []
        : [`all: found ${wanted}; allowed: mandatory, because "all" lowers every rule of the pack`];
    }
    const rule = rules.get(name);
    if (!rule) return [`${name}: is no rule of the pack; npm run policy:explain lists them`];
    if (wanted === undefined || wanted === rule.level || wanted === "mandatory" || rule.levelCanBeLowered)
      return [];
    return [
      `${name}: found ${wanted}; allowed: ${rule.level}, because the level of ${rule.id} may not be lowered`,
    ];
  });
  return { findings, notes: [] };
}
