import { azureType } from "../declarations";
import { AZURE_CLASSES, AZURE_DANGERS } from "./azure";
import { KIND_CLASSES, KIND_DANGERS } from "./kubernetes";

/** What is wrong with declaring a type at all. */
export type Danger = "code" | "manifests" | "above" | "identities" | "unlisted";

/** A verdict on a type: what is wrong, in words that complete "…, which …"; undefined when nothing is. */
export interface Verdict {
  readonly danger: Danger;
  readonly why: string;
}

const UNLISTED: Verdict = {
  danger: "unlisted",
  why: "is not on the list of types somebody has looked at",
};

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\/]/g, "\\$&");
const wild = (text: string): string => escaped(text).replace(/\*/g, "\\w*");

/** `module: Name Name…` as one pattern over `module:Name`, whatever the case. */
function typePattern(lines: readonly string[]): RegExp {
  const parts = lines.map((line) => {
    const [module = "", names = ""] = line.split(": ");
    const group = module.startsWith("*.") ? `(?:[\\w.-]+\\.)?${escaped(module.slice(2))}` : escaped(module);
    return `${group}:(?:${names.split(" ").map(wild).join("|")})`;
  });
  return new RegExp(`^(?:${parts.join("|") || "(?!)"})$`, "i");
}

/** Resource types of templates; `/**` takes in everything below. */
function templatePattern(types: readonly string[]): RegExp {
  const parts = types.map((type) =>
    type.endsWith("/**") ? `${escaped(type.slice(0, -3))}(?:\\/[\\w/]+)?` : escaped(type),
  );
  return new RegExp(`^(?:${parts.join("|") || "(?!)"})$`, "i");
}

const azureListed = {
  any: typePattern(AZURE_CLASSES.filter(({ where }) => where === "any").flatMap(({ types }) => types)),
  nonProd: typePattern(AZURE_CLASSES.flatMap(({ types }) => types)),
};
const templatesListed = templatePattern(AZURE_CLASSES.flatMap(({ templates }) => templates));
const azureDangers = AZURE_DANGERS.map((entry) => ({
  verdict: { danger: entry.danger, why: entry.why },
  types: typePattern(entry.types),
  templates: templatePattern(entry.templates),
}));
const kindsListed = typePattern(KIND_CLASSES.flatMap(({ kinds }) => kinds));
const kindDangers = KIND_DANGERS.map((entry) => ({
  verdict: { danger: entry.danger, why: entry.why },
  kinds: typePattern(entry.kinds),
}));

/** A verdict that depends on nothing but a name, which a program repeats. */
function remembered(judge: (name: string) => Verdict | undefined): (name: string) => Verdict | undefined {
  const known = new Map<string, Verdict | undefined>();
  return (name) => {
    if (known.has(name)) return known.get(name);
    const verdict = judge(name);
    if (known.size < MAX_REMEMBERED) known.set(name, verdict);
    return verdict;
  };
}
const MAX_REMEMBERED = 10_000;

const verdicts = {
  prod: remembered((type) => azureVerdict(type, true)),
  nonProd: remembered((type) => azureVerdict(type, false)),
};

/** Judges a type of azure-native, in any API version. */
export function judgeAzureType(type: string, isProd: boolean): Verdict | undefined {
  return (isProd ? verdicts.prod : verdicts.nonProd)(type);
}

function azureVerdict(type: string, isProd: boolean): Verdict | undefined {
  const short = azureType(type) ?? "";
  const danger = azureDangers.find(({ types }) => types.test(short));
  if (danger) return danger.verdict;
  return (isProd ? azureListed.any : azureListed.nonProd).test(short) ? undefined : UNLISTED;
}

/** Judges a resource type of a template, e.g. `Microsoft.Storage/storageAccounts`; templates are not for prod. */
export function judgeTemplateType(type: string): Verdict | undefined {
  const danger = azureDangers.find(({ templates }) => templates.test(type));
  return danger?.verdict ?? (templatesListed.test(type) ? undefined : UNLISTED);
}

/** Judges a kind of Kubernetes object; the core group is empty. Lists and patches are stripped before. */
export function judgeKind(group: string, kind: string): Verdict | undefined {
  return kindVerdicts(`${group === "" ? "core" : group.toLowerCase()}:${kind}`);
}

const kindVerdicts = remembered((short) => {
  // Some groups hold harmless kinds beside dangerous ones: those are listed one by one.
  const byName = kindsListed.test(short) && !short.includes("*");
  const danger = kindDangers.find(({ kinds }) => kinds.test(short));
  if (danger && !byName) return danger.verdict;
  return byName ? undefined : UNLISTED;
});
