import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { PolicyPackArgs } from "@pulumi/policy";
import { toPolicies } from "./adapter/dispatch";
import { Inspection } from "./adapter/inspection";
import { waiverRules } from "./adapter/waiverRules";
import { readInventory } from "../../stacks/inventory";
import { readWaivers } from "./waiverFile";
import { isolationRules } from "../../packages/isolation/rules";
import { proofRules } from "../proof";
import type { Rule } from "../../packages/isolation/rule";
import { rules } from "../rules";
import { productionRules, type Production } from "../rules/production";
import { readProduction } from "./statement";
import { Waivers } from "./waivers";

/** Every rule the pack enforces. */
export function allRules(waivers: Waivers, production?: Production): readonly Rule[] {
  return [...isolationRules, ...rules, ...productionRules(production), ...waiverRules(waivers)];
}

/**
 * The pack of the project whose `policies` folder is the working directory, as Pulumi starts it. Reads the stack
 * files, the inventory and the waivers at that moment; nothing of them is built in.
 * @throws pulumi.RunError when one of them is unreadable, malformed or empty, before any resource is judged.
 */
export function packArgs(): PolicyPackArgs {
  const root = path.dirname(process.cwd());
  try {
    const now = new Date();
    const waivers = new Waivers(readWaivers(root, now), now.toISOString().slice(0, 10));
    const inventory = readInventory(root);
    const config = pulumi.runtime.allConfig() as Record<string, string>;
    const rules = allRules(waivers, readProduction(root, { stack: pulumi.getStack(), config }));
    const all = [...rules, ...proofRules(process.env, root, __filename, rules, inventory)];
    const inspection = new Inspection({
      rules: all,
      inventory,
      waivers,
      isDryRun: pulumi.runtime.isDryRun(),
      config,
    });
    return { enforcementLevel: "mandatory", policies: toPolicies(all, inspection) };
  } catch (error) {
    throw new pulumi.RunError(
      `The policy pack does not start: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
