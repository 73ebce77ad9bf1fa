import { waiverRules } from "./adapter/waiverRules";
import { isolationRules } from "../../packages/isolation/rules";
import type { Rule } from "../../packages/isolation/rule";
import { rules } from "../rules";
import { productionRules } from "../rules/production";
import { Waivers } from "./waivers";

/** Families of rules, by the beginning of their identifiers, in the order readers meet them. */
export const FAMILIES: Readonly<Record<string, { readonly title: string; readonly about: string }>> = {
  ISO: {
    title: "Isolation",
    about:
      "No environment reaches another's data. [isolation.md](isolation.md) says how each way is stopped.",
  },
  REC: { title: "Recovery", about: "Production data survives a server, a zone, a region and a mistake." },
  WRK: {
    title: "Workloads",
    about: "Services survive a pod, a node and a rollout, and pods can do little harm.",
  },
  SEC: {
    title: "Security",
    about: "Doors are closed, people and workloads are themselves, and both are in the log.",
  },
  COST: { title: "Cost guard", about: "Environments outside production stay small." },
  ARM: {
    title: "Azure will refuse this",
    about:
      "What Azure Resource Manager rejects only when it is asked, or accepts and never does. The emulated Azure of plan and rehearsal refuses by the same list.",
  },
  WVR: { title: "Waivers", about: "Exceptions are reviewed, needed and end." },
};

/** Every rule of the pack, as data. */
export function catalogue(): readonly Rule[] {
  return [...isolationRules, ...rules, ...productionRules(), ...waiverRules(new Waivers([], ""))];
}

/** Family of a rule: the letters its identifier begins with. */
export function familyOf({ id }: Pick<Rule, "id">): string {
  return id.slice(0, id.indexOf("-"));
}

/** Controls a rule serves, as they are cited: `MCSB NS-2`, `CIS 4.3.1`, `WAF RE:05`. */
export function controlsOf({ framework }: Pick<Rule, "framework">): string[] {
  const { cis = [], mcsb = [], waf = [] } = framework;
  return [
    ...mcsb.map((control) => `MCSB ${control}`),
    ...cis.map((control) => `CIS ${control}`),
    ...waf.map((control) => `WAF ${control}`),
  ];
}
