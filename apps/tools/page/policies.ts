import type { Plan } from "../../../packages/offline-engine/planner";
import { nameOf } from "../../../packages/wire/urn";
import { catalogue, FAMILIES, familyOf } from "../../../policies/pack/catalogue";
import { Html, markup } from "./html";
import type { Section } from "./section";

type Finding = Plan["violations"][number] & { readonly key?: string; readonly fix?: string };

interface Found {
  readonly finding: Finding;
  readonly names: readonly string[];
}

/** Findings, worst first; each message once, with the resources it is about. */
function foundOnce(violations: readonly Finding[]): Found[] {
  const byText = new Map<string, { finding: Finding; names: string[] }>();
  for (const finding of violations) {
    const key = [finding.level, finding.policy, finding.message].join("\0");
    const entry = byText.get(key) ?? { finding, names: [] };
    if (finding.urn !== "") entry.names.push(nameOf(finding.urn));
    byText.set(key, entry);
  }
  const rank = ({ finding }: Found): number => Number(finding.level !== "mandatory");
  return [...byText.values()].sort((a, b) => rank(a) - rank(b));
}

function findingRow({ finding, names }: Found): Html {
  const { level, policy, message, key } = finding;
  const rule = catalogue().find(({ name }) => name === policy);
  const fix = finding.fix ?? rule?.remediation;
  return markup`<tr class="${level}">
    <th scope="row"><span class="pill ${level}">${level}</span> <code>${policy}</code></th>
    <td>
      ${message.split("\n").map((line) => markup`<p>${line}</p>`)}
      ${key && markup`<p>Key: <code>${key}</code></p>`}
      ${fix && markup`<p><b>Fix:</b> ${fix}</p>`}
      ${names.length > 0 && markup`<p class="names">${names.join(", ")}</p>`}
    </td>
  </tr>`;
}

function rulesTable(plan: Plan): Html {
  const found = new Map<string, number>();
  for (const { policy } of plan.violations) found.set(policy, (found.get(policy) ?? 0) + 1);
  const families = Object.entries(FAMILIES).map(([family, { title }]) => {
    const rules = catalogue().filter((rule) => familyOf(rule) === family);
    return markup`<tbody>
      <tr class="family">
        <th colspan="3" scope="rowgroup">${title}</th>
      </tr>
      ${rules.map(
        ({ id, name, title: about }) =>
          markup`<tr>
            <th scope="row"><code>${id}</code></th>
            <td>${about}</td>
            <td class="number">${found.get(name) ?? 0}</td>
          </tr>`,
      )}
    </tbody>`;
  });
  return markup`<details>
    <summary>Every rule</summary>
    <table>
      <thead>
        <tr>
          <th scope="col">Rule</th>
          <th scope="col">What it wants</th>
          <th scope="col" class="number">Found</th>
        </tr>
      </thead>
      ${families}
    </table>
  </details>`;
}

/** What the policies found, and every rule that was asked. */
export function policiesSection(plan: Plan): Section {
  const [id, title] = ["policies", "Policies"];
  const { pack, violations } = plan;
  if (typeof pack === "string") return { id, title, body: markup`<p>${pack}</p>` };
  const mandatory = violations.filter(({ level }) => level === "mandatory").length;
  const body = markup`<p>
      ${pack.policies} checked (${pack.name} ${pack.version}):
      ${violations.length === 0 ? "none violated." : `${mandatory} mandatory and ${violations.length - mandatory} advisory findings.`}
    </p>
    ${
      violations.length > 0 &&
      markup`<table class="findings">
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">What it found</th>
          </tr>
        </thead>
        <tbody>
          ${foundOnce(violations).map(findingRow)}
        </tbody>
      </table>`
    }
    ${rulesTable(plan)}`;
  return { id, title, body };
}

const TITLES = { error: "Error", warning: "Missing", info: "Note" } as const;
const COMMAND = /^(?:pulumi|npm|npx|az|kubectl|git) /;

/** Messages of the program: what is wrong or missing, with the commands that set it; no section when there are none. */
export function missingSection(plan: Plan): Section[] {
  const { diagnostics } = plan.deployment;
  if (diagnostics.length === 0) return [];
  const items = diagnostics.map(({ severity, message }) => {
    const [first = "", ...rest] = message.split("\n").map((line) => line.trim());
    return markup`<div class="message ${severity}">
      <p><b>${TITLES[severity]}:</b> ${first}</p>
      ${rest
        .filter((line) => line !== "")
        .map((line) =>
          COMMAND.test(line) ? markup`<pre><code>${line}</code></pre>` : markup`<p>${line}</p>`,
        )}
    </div>`;
  });
  const failed = diagnostics.some(({ severity }) => severity === "error");
  return [
    {
      id: "missing",
      title: failed ? "Errors and what is missing" : "What is missing",
      body: markup`${items}`,
    },
  ];
}
