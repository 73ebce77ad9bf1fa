import { isolationRules } from "../../../packages/isolation/rules";
import { rules } from "../../../policies/rules";
import { RISK_REGISTER, Risk } from "./riskMatrix";
import { allAlerts } from "./runbookPages";
import { readRunbooks } from "./runbook";

/** A risk with everything that names it. */
export interface TracedRisk extends Risk {
  score: number;
  policies: { id: string; title: string }[];
  alerts: string[];
  runbooks: { id: string; title: string }[];
}

/** Joins the register with the policies, alerts and runbooks that carry a risk's id. */
export function traceRisks(root: string): TracedRisk[] {
  const books = readRunbooks(root);
  const alerts = allAlerts();
  const policies = [...isolationRules, ...rules];
  return RISK_REGISTER.map((risk) => ({
    ...risk,
    score: risk.probability * risk.impact,
    policies: policies
      .filter(({ framework }) => framework.risks.some((id) => id === risk.id))
      .map(({ id, title }) => ({ id, title })),
    alerts: alerts.filter((alert) => alert.risks.some((id) => id === risk.id)).map(({ name }) => name),
    runbooks: books.filter((book) => book.risks.includes(risk.id)).map(({ id, title }) => ({ id, title })),
  }));
}

const IMPACTS = ["Minimal (1)", "Minor (2)", "Moderate (3)", "Major (4)", "Catastrophic (5)"];
const PROBABILITIES = ["Rare (1)", "Unlikely (2)", "Possible (3)", "Likely (4)", "Frequent (5)"];

function matrix(): string[] {
  return [
    `| Impact | ${PROBABILITIES.join(" | ")} |`,
    `|---|${PROBABILITIES.map(() => "---|").join("")}`,
    ...[5, 4, 3, 2, 1].map((impact) => {
      const cells = [1, 2, 3, 4, 5].map((probability) =>
        RISK_REGISTER.filter((risk) => risk.impact === impact && risk.probability === probability)
          .map(({ id }) => `[${id}](#${id.toLowerCase()})`)
          .join(" "),
      );
      return `| ${IMPACTS[impact - 1] ?? ""} | ${cells.join(" | ")} |`;
    }),
  ];
}

function section(risk: TracedRisk): string[] {
  return [
    `## ${risk.id}`,
    "",
    `**${risk.description}** · ${risk.category} · probability ${risk.probability} × impact ${risk.impact} = **${risk.score}**`,
    "",
    "| | |",
    "|---|---|",
    `| Controls in the plan | ${risk.controls.map(({ what, type }) => `${what} (\`${type.split(":").at(-1) ?? type}\`)`).join("; ")} |`,
    `| Policies | ${risk.policies.map(({ id }) => `\`${id}\``).join(", ")} |`,
    `| Alerts | ${risk.alerts.map((name) => `\`${name}\``).join(", ")} |`,
    `| Runbooks | ${risk.runbooks.map(({ id, title }) => `[${title}](runbooks/${id}.md)`).join(", ")} |`,
    `| Practised by | ${risk.drill}${risk.scenarios ? `; \`npm run rehearse -- --only ${risk.scenarios.join(",")}\`` : ""} |`,
    `| Proved by | ${risk.tests.map(({ file, title }) => `[${title}](../${file})`).join("; ")} |`,
    "",
  ];
}

/** `docs/risks.md`: the report's risks, each traced to controls, policies, alerts, runbook, drill and tests. */
export function renderRisks(root: string): string {
  return [
    "# Risks",
    "",
    "<!-- Generated from apps/tools/docs/riskMatrix.ts, the policies, the alerts and the runbooks by `npm run docs`. -->",
    "",
    "The fifteen risks of the disaster-recovery report with its scores, and for each what stops it, what notices it, who does what, how it is practised, and the tests that prove it. A test fails when a cell is empty, a control is missing from the plan of production, or a test is gone.",
    "",
    ...matrix(),
    "",
    ...traceRisks(root).flatMap(section),
  ].join("\n");
}
