import { styleText } from "node:util";
import type { Violation } from "../../../packages/offline-engine/policies";
import { nameOf } from "../../../packages/wire/urn";
import { indented } from "../../../packages/command/terminal";

const RANK: Readonly<Record<Violation["level"], number>> = { mandatory: 0, advisory: 1 };
const SHOWN_NAMES = 4;

/** A finding may carry the stack file's key that causes it, and what mends it. */
type Explained = Violation & { readonly key?: string; readonly fix?: string };

/** What the policies found, worst first; each message once, with the resources it is about, the key and the fix. */
export function renderFindings(violations: readonly Explained[], columns: number, indent: string): string[] {
  const byText = new Map<string, { violation: Explained; names: string[] }>();
  for (const violation of violations) {
    const key = [violation.level, violation.policy, violation.message].join("\0");
    const entry = byText.get(key) ?? { violation, names: [] };
    const name = nameOf(violation.urn);
    if (name !== "") entry.names.push(name);
    byText.set(key, entry);
  }
  return [...byText.values()]
    .sort((a, b) => RANK[a.violation.level] - RANK[b.violation.level])
    .flatMap(({ violation: { level, policy, message, key, fix }, names }) => {
      const mark = level === "mandatory" ? styleText("red", "mandatory") : styleText("yellow", "advisory ");
      const more = names.length - SHOWN_NAMES;
      const shown = names.slice(0, SHOWN_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
      return [
        ...indented(`${mark} ${policy}${shown && ` on ${shown}`}`, columns, indent, "  "),
        ...message.split("\n").flatMap((line) => indented(line, columns, `${indent}  `, "  ")),
        ...(key ? indented(`key: ${key}`, columns, `${indent}  `, "  ") : []),
        ...(fix ? indented(`fix: ${fix}`, columns, `${indent}  `, "  ") : []),
      ];
    });
}
