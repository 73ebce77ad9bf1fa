import { controlsOf } from "./catalogue";
import type { Rule } from "../../packages/isolation/rule";

const SCOPE: Readonly<Record<Rule["appliesTo"], string>> = {
  any: "every environment",
  prod: "production",
  nonProd: "environments outside production",
};

function whenChecked({ scope }: Rule): string {
  return scope === "resource"
    ? "each resource by its inputs, before it is touched"
    : "the stack as a whole, at the end of a preview or update";
}

function levelOf({ level, levelCanBeLowered }: Rule): string {
  return levelCanBeLowered
    ? `${level}; the pack's configuration may lower it`
    : `${level}, and no configuration can lower it`;
}

/** Everything there is to know about a rule, as plain text of at most 100 columns. */
export function explain(rule: Rule): string {
  const { risks } = rule.framework;
  const facts: [string, string][] = [
    ["Checks", rule.description],
    ["Why", rule.why],
    ["Fix", rule.remediation],
    ["Applies to", SCOPE[rule.appliesTo]],
    ["Looks at", whenChecked(rule)],
    ["Level", levelOf(rule)],
    ["Severity", rule.severity],
    ["Controls", controlsOf(rule).join(", ") || "none"],
    ["Risks", risks.join(", ") || "none"],
    ["Read more", rule.url],
  ];
  return [
    `${rule.id}  ${rule.name}`,
    rule.title,
    "",
    ...facts.map(([label, text]) => indent(label, wrap(text, 86))),
  ].join("\n");
}

function indent(label: string, lines: string[]): string {
  return lines.map((line, index) => `${(index === 0 ? label : "").padEnd(12)}${line}`).join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** One line per rule. */
export function listRules(rules: readonly Rule[]): string {
  const width = Math.max(...rules.map(({ name }) => name.length));
  return rules.map(({ id, name, title }) => `${id.padEnd(9)}${name.padEnd(width + 2)}${title}`).join("\n");
}

/** The rule with an identifier or a name, whatever its case. */
export function findRule(rules: readonly Rule[], query: string): Rule | undefined {
  const wanted = query.trim().toLowerCase();
  return rules.find(({ id, name }) => id.toLowerCase() === wanted || name === wanted);
}

/** Names that could have been meant: those that contain a word of the query, or are a few letters away from it. */
export function suggestions(rules: readonly Rule[], query: string, most = 5): string[] {
  const wanted = query.trim().toLowerCase();
  const words = wanted.split(/[^a-z0-9]+/).filter((word) => word.length > 2);
  const ranked = rules
    .map(({ id, name }) => {
      const shared = words.filter((word) => name.includes(word)).length;
      const away = Math.min(distance(wanted, name), distance(wanted, id.toLowerCase()));
      return { name, score: away - shared * 8 };
    })
    .sort((a, b) => a.score - b.score || a.name.localeCompare(b.name));
  const best = ranked[0]?.score ?? 0;
  return ranked
    .filter(({ score }) => score <= Math.max(2, wanted.length / 3) && score <= best + 6)
    .slice(0, most)
    .map(({ name }) => name);
}

/** Letters to change, add or remove to turn one text into the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
