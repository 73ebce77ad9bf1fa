import type { Plan } from "../../../packages/offline-engine/planner";
import { architectureOf } from "../render/architecture";
import { planDocument } from "../render/plan";
import { count } from "../render/text";
import { money } from "./cost";
import { Html, markup } from "./html";
import type { PageFacts, Section } from "./section";

/** A path in a narrow card is broken after its slashes, not within a name. */
const breakable = (text: string): Html[] =>
  text.split(/(?<=\/)/).map((part, i) => (i === 0 ? markup`${part}` : markup`<wbr>${part}`));

const card = (label: string, value: string, note: string): Html =>
  markup`<div class="card">
    <dt>${label}</dt>
    <dd><b>${value}</b><span>${breakable(note)}</span></dd>
  </div>`;

function minutes(value: number): string {
  return value % 60 === 0 ? count(value / 60, "hour") : `${value} minutes`;
}

/** What the stack is, in a few numbers. */
export function factsSection(plan: Plan, { cost, changes }: PageFacts): Section {
  const { regions, objectives, alertRules } = architectureOf(planDocument(plan));
  const resources = [...plan.deployment.resources.values()].filter(
    ({ custom, type }) => custom && !type.startsWith("pulumi:"),
  );
  const kept = resources.filter(({ protect }) => protect).length;
  const forbidden = plan.violations.filter(({ level }) => level === "mandatory").length;
  const cards = [
    card("Regions", String(regions.length), regions.map(({ name, role }) => `${name} ${role}`).join(", ")),
    ...(objectives
      ? [
          card("Loses at most", minutes(objectives.rpoMinutes), "of data (RPO)"),
          card("Back within", minutes(objectives.rtoMinutes), "of losing a region (RTO)"),
        ]
      : []),
    typeof cost === "string"
      ? card("Cost", "unknown", cost)
      : card("Cost", `${money(cost.total)} ${cost.currency}`, "a month, list prices"),
    typeof plan.pack === "string"
      ? card("Policies", "not checked", plan.pack)
      : card(
          "Policies",
          forbidden > 0 ? `${forbidden} ${forbidden === 1 ? "forbids" : "forbid"} it` : "none forbids it",
          `${plan.pack.policies} checked, ${plan.violations.length - forbidden} advise`,
        ),
    card("Resources", String(resources.length), `${kept} protected`),
    card("Alerts", String(alertRules), "rules watch it"),
    ...(changes ? [card("Changes", String(changes.list.length), `against ${changes.against}`)] : []),
  ];
  return { id: "facts", title: "At a glance", body: markup`<dl class="cards">${cards}</dl>` };
}
