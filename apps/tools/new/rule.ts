import { RISKS } from "../../../packages/alerting/types";
import { catalogue, FAMILIES, familyOf } from "../../../policies/pack/catalogue";
import type { Made } from "./made";
import { camel, formed, literal, type Making, oneOf, prose, refuse, scaffold } from "./scaffold";

export interface NewRule {
  readonly family: string;
  /** Type token, such as `azure-native:storage:StorageAccount` or `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  /** Path of the property, such as `sku.name`. */
  readonly property: string;
  /** Values it may have: words, numbers, true or false. */
  readonly allowed: readonly string[];
  readonly optional: boolean;
  /** Environments in which it is checked: `any`, `prod` or `nonProd`. */
  readonly appliesTo: string;
  readonly title: string;
  readonly why: string;
  readonly remediation: string;
  readonly url: string;
  readonly severity: string;
  readonly control: readonly string[];
  readonly risk: readonly string[];
}

/** Families that take rules of this form; isolation and waivers have engines of their own, cost is a limit for others than production. */
export const RULE_FAMILIES = ["REC", "WRK", "SEC", "ARM"];
export const ENVIRONMENTS = ["any", "prod", "nonProd"];
const SEVERITIES = ["low", "medium", "high", "critical"];
const AZURE = /^azure-native:([a-z]+):([A-Z]\w*)$/;
const KUBERNETES = /^kubernetes:[\w./-]+:([A-Z]\w*)$/;

const valueOf = (text: string): string | number | boolean =>
  /^(true|false)$/.test(text) ? text === "true" : /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;

/** An identifier of a family that no rule has: one above its highest. */
function freshId(family: string): string {
  const numbers = catalogue()
    .filter((rule) => familyOf(rule) === family)
    .map(({ id }) => Number(id.split("-")[1]));
  return `${family}-${String(Math.max(0, ...numbers) + 1).padStart(3, "0")}`;
}

/** How a value is named in a finding; see packages/isolation/read.ts. */
const shown = (value: unknown): string => (typeof value === "string" ? literal(value) : String(value));

/** A value of the same kind that is not allowed. */
function wrongValue(allowed: readonly (string | number | boolean)[]): string | number | boolean {
  const [first] = allowed;
  if (typeof first === "boolean") return !first;
  return typeof first === "number" ? Math.max(...allowed.map(Number)) + 1 : "something-else";
}

/** A rule that demands one of some values of one property, registered, with a case that breaks it. */
export async function newRule(making: Making, name: string, wanted: NewRule): Promise<Made> {
  refuse(problems(name, wanted));
  const id = freshId(wanted.family);
  const allowed = wanted.allowed.map(valueOf);
  const file = camel(name);
  const rules = `policies/rules/${file}.ts`;
  const cases = `test/policies/rules/cases/${file}.ts`;
  return scaffold(
    making,
    async (sources) => {
      for (const one of [rules, cases])
        if (sources.exists(one)) refuse([`rule ${name}: ${one} exists; allowed: a name of its own`]);
      await sources.write(rules, ruleFile(id, name, wanted, allowed));
      await sources.addImport("policies/rules/index.ts", `import { ${file}Rule } from "./${file}";`);
      await sources.add("policies/rules/index.ts", ["rules"], `${file}Rule`);
      await sources.write(cases, caseFile(name, wanted, allowed));
      const index = "test/policies/rules/cases/index.ts";
      await sources.addImport(index, `import { ${file}Cases } from "./${file}";`);
      await sources.add(index, ["CASES"], `...${file}Cases`);
    },
    [
      `${rules}: what the rule demands, when one property is not enough`,
      `${cases}: what it must find, word for word; honest ones that it must leave alone go to test/policies/rules/silent.ts`,
      "npx jest test/policies/rules.test.ts",
      `npm run policy:explain -- ${name}`,
    ],
  );
}

function pathOf(property: string): string {
  return property.split(".").map(literal).join(", ");
}

function kindOf(type: string): string {
  const [, module, noun] = AZURE.exec(type) ?? [];
  return module
    ? `kinds.azure(${literal(module)}, ${literal(noun)})`
    : `kinds.kubernetes(${literal(KUBERNETES.exec(type)?.[1])})`;
}

function ruleFile(
  id: string,
  name: string,
  wanted: NewRule,
  allowed: readonly (string | number | boolean)[],
): string {
  const { title, why, severity, control, risk, remediation, url, type, property, optional, appliesTo } =
    wanted;
  const values = allowed.map(literal).join(", ");
  const description = `${property} of ${type.split(":").at(-1) ?? type} is ${allowed.map(String).join(" or ")}.`;
  const at = `inputs.at(${pathOf(property)})`;
  const check = optional
    ? `ifPresent(${at}, (value) => mustBe(value, ${values}))`
    : `mustBe(${at}, ${values})`;
  return `import * as kinds from "../../packages/isolation/kinds";
import { ${optional ? "ifPresent, " : ""}mustBe } from "../../packages/isolation/read";
import { resourceRule } from "./define";

export const ${camel(name)}Rule = resourceRule(
  {
    id: ${literal(id)},
    name: ${literal(name)},
    title: ${literal(title)},
    description: ${literal(description)},
    why: ${literal(why)},
    severity: ${literal(severity)},
    framework: { ${frameworks(control)}risks: ${literal(risk)} },
    remediation: ${literal(remediation)},
    url: ${literal(url)},
    appliesTo: ${literal(appliesTo)},
    types: [${kindOf(type)}],
  },
  (inputs) => ${check},
);
`;
}

const FRAMEWORKS = { waf: /^(RE|SE|CO|OE|PE):\d\d$/, mcsb: /^(NS|IM|PA|DP|AM|LT|PV|BR|DS)-\d+$/ };

function frameworks(controls: readonly string[]): string {
  return Object.entries(FRAMEWORKS)
    .map(([framework, form]) => [framework, controls.filter((control) => form.test(control))] as const)
    .map(([framework, found]) => (found.length > 0 ? `${framework}: ${literal(found)}, ` : ""))
    .join("");
}

/** A resource with nothing but the wrong value: what else is wrong with it is for other rules to say. */
function caseFile(
  name: string,
  { type, property, appliesTo }: NewRule,
  allowed: readonly (string | number | boolean)[],
): string {
  const wrong = wrongValue(allowed);
  const props = property.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), wrong);
  const message = `must be ${allowed.map(shown).join(" or ")}, but is ${shown(wrong)}`;
  return `import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const ${camel(name)}Cases: readonly Case[] = [
  {
    rule: ${literal(name)},${appliesTo === "nonProd" ? '\n    environment: "nonProd",' : ""}
    add: [{ name: "wrong", type: ${literal(type)}, props: ${literal(props)} }],
    finds: [["wrong", ${literal(property)}, ${literal(message)}]],
  },
];
`;
}

function problems(name: string, wanted: NewRule): string[] {
  const { type, property, allowed, control, risk, url } = wanted;
  const forms = Object.values(FRAMEWORKS);
  return [
    ...formed(
      "rule",
      name,
      /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/,
      "two lower-case words or more, joined by hyphens",
    ),
    ...(catalogue().some((rule) => rule.name === name)
      ? [`rule ${name}: exists; allowed: a name of its own`]
      : []),
    ...(catalogue().some((rule) => rule.title === wanted.title)
      ? [`--title ${wanted.title}: another rule has it; allowed: one of its own`]
      : []),
    ...oneOf("--family", wanted.family, RULE_FAMILIES).map(
      (problem) =>
        `${problem} (${RULE_FAMILIES.map((key) => `${key}: ${FAMILIES[key]?.title ?? ""}`).join(", ")})`,
    ),
    ...(AZURE.test(type) || KUBERNETES.test(type)
      ? []
      : [`--type ${type}: allowed: a type token, such as azure-native:storage:StorageAccount`]),
    ...formed("--property", property, /^[A-Za-z]\w*(\.[A-Za-z]\w*)*$/, "a path of names, such as sku.name"),
    ...(new Set(allowed.map((text) => typeof valueOf(text))).size > 1
      ? [`--allowed ${allowed.join(", ")}: allowed: values of one kind`]
      : []),
    ...(/^[A-Z].*[^.]$/.test(wanted.title)
      ? []
      : [`--title ${wanted.title}: allowed: a capital first, no full stop`]),
    ...prose({ "--why": wanted.why, "--remediation": wanted.remediation }, true),
    ...formed(
      "--url",
      url,
      /^https:\/\/(learn\.microsoft\.com|kubernetes\.io|www\.pulumi\.com|azure\.microsoft\.com)\/\S*$/,
      "a page of learn.microsoft.com, kubernetes.io, www.pulumi.com or azure.microsoft.com",
    ),
    ...oneOf("--severity", wanted.severity, SEVERITIES),
    ...oneOf("--applies-to", wanted.appliesTo, ENVIRONMENTS),
    ...(control.length + risk.length > 0
      ? []
      : ["--control, --risk: required; allowed: one of either at least"]),
    ...control.flatMap((one) =>
      forms.some((form) => form.test(one))
        ? []
        : [
            `--control ${one}: allowed: of the Well-Architected Framework (RE:05) or the cloud security benchmark (NS-2)`,
          ],
    ),
    ...risk.flatMap((one) => oneOf("--risk", one, RISKS)),
  ];
}
