import { styleText } from "node:util";
import type { Estimate } from "../cost/price";
import type { Plan } from "../../../packages/offline-engine/planner";
import { architectureOf, type Architecture, type DatabaseView, type RegionView } from "./architecture";
import { renderFindings } from "./findings";
import { planDocument } from "./plan";
import { commandLines, indented } from "../../../packages/command/terminal";
import { count, labelled, standbyText } from "./text";
import { byHandFirst } from "./byHand";
import type { ResourceChange } from "./change";
import { countChanges } from "./diff";
import { dangersInWords } from "./danger";

const LABEL = 12;

/** What a verdict is made of beside the plan. */
export interface VerdictFacts {
  /** Price of the plan, or why there is none. */
  readonly cost: Estimate | string;
  /** What changes against an earlier plan, what that is called, and whether every change is told below. */
  readonly changes?: {
    readonly against: string;
    readonly list: readonly ResourceChange[];
    readonly told?: boolean;
  };
  readonly columns: number;
}

/** How a plan ends: 0 fine, 1 forbidden, failed, or data or service would be lost. */
export interface Outcome {
  readonly code: 0 | 1;
  /** One sentence with what the code means. */
  readonly sentence: string;
}

const errorsOf = (plan: Plan) => plan.deployment.diagnostics.filter(({ severity }) => severity === "error");
const forbidden = (plan: Plan) => plan.violations.filter(({ level }) => level === "mandatory");

/** What a plan ends with. */
export function outcomeOf(plan: Plan, changes: readonly ResourceChange[]): Outcome {
  const { stack } = plan.settings;
  const [errors, rules] = [errorsOf(plan).length, new Set(forbidden(plan).map(({ policy }) => policy)).size];
  const dangers = changes.filter(({ danger }) => danger !== "");
  const stopped = dangers.filter(({ stops }) => stops).length;
  const lost = dangers.length - stopped;
  const reasons = [
    ...(errors > 0 ? [`the plan has ${count(errors, "error")}`] : []),
    ...(rules > 0 ? [`${count(rules, "policy", "policies")} ${rules === 1 ? "forbids" : "forbid"} it`] : []),
    ...(lost > 0 ? [`${count(lost, "change")} would lose data or be refused`] : []),
    ...(stopped > 0 ? [`${count(stopped, "change")} would stop what runs`] : []),
  ];
  return reasons.length > 0
    ? { code: 1, sentence: `${stack} must not be deployed as it is: ${reasons.join(", ")} (exit code 1).` }
    : {
        code: 0,
        sentence: `${stack} is fine: no error, no policy forbids it${changes.length > 0 ? ", no data would be lost" : ""}${byHandFirst(changes).length > 0 ? "; a step by hand comes before the update" : ""} (exit code 0).`,
      };
}

const sizeName = (size: string): string => size.replace("Standard_", "");

function databaseText(database: DatabaseView): string {
  const facts = [
    database.replica ? "replica" : `PostgreSQL ${database.version ?? ""}`.trim(),
    sizeName(database.size),
    `${database.diskGB} GiB`,
    ...(database.replica ? [] : [standbyText(database.standby)]),
    ...(database.restoreDays ? [`any moment of ${database.restoreDays} days`] : []),
    ...(database.geoBackup ? ["copy in the paired region"] : []),
  ];
  return `${database.server}: ${facts.join(", ")}`;
}

function regionTexts(region: RegionView): string[] {
  const { cluster } = region;
  const running = region.services.filter(({ pods }) => pods !== "0");
  return [
    `${styleText("bold", region.name)} ${region.role}`,
    ...(cluster
      ? [
          `  ${cluster.name}: nodes ${cluster.nodes.map(sizeName).join(" + ").replaceAll("-", "–")}, ${cluster.zones > 0 ? count(cluster.zones, "zone") : "no zones"}`,
        ]
      : ["  no cluster"]),
    ...region.databases.map((database) => `  ${databaseText(database)}`),
    ...(running.length > 0
      ? [`  ${running.map(({ name, pods }) => `${name} ×${pods.replace("-", "–")}`).join(", ")}`]
      : region.services.length > 0
        ? [`  ${count(region.services.length, "service")} at zero`]
        : []),
  ];
}

function backupTexts({ regions, containers, jobs }: Architecture): string[] {
  const accounts = regions.flatMap((region) =>
    region.accounts.map(
      ({ name, redundancy }) => `${name} (${redundancy.replace("Standard_", "")}, ${region.name})`,
    ),
  );
  const held = containers.map(({ name, immutableDays }) =>
    immutableDays > 0 ? `${name} unchangeable ${immutableDays} days` : name,
  );
  const runs = jobs
    .filter(({ name }) => name.startsWith("recovery-") && name !== "recovery-operator")
    .map(({ name, schedule }) => `${name.replace("recovery-", "")} "${schedule}"`);
  return [
    ...(accounts.length > 0 ? [`${accounts.join(", ")}: ${[...new Set(held)].join(", ")}`] : ["none"]),
    ...(runs.length > 0 ? [`runs ${runs.join(", ")}`] : []),
  ];
}

function resourceText(plan: Plan): string {
  const all = [...plan.deployment.resources.values()].filter(
    ({ custom, type }) => custom && !type.startsWith("pulumi:"),
  );
  const of = (pkg: string): number => all.filter(({ type }) => type.startsWith(pkg)).length;
  const kept = all.filter(({ protect }) => protect).length;
  return `${all.length} (${of("azure-native:")} Azure, ${of("kubernetes:")} Kubernetes, ${of("random:")} generated secrets), ${kept} protected`;
}

/** Amount the environment's budget allows for a month, in the currency it is billed in; undefined without one. */
function budgetOf({ deployment }: Plan): number | undefined {
  const budget = [...deployment.resources.values()].find(
    ({ type }) => type === "azure-native:consumption:Budget",
  );
  const amount: unknown = budget?.inputs["amount"];
  return typeof amount === "number" ? amount : undefined;
}

function costTexts(plan: Plan, cost: Estimate | string): string[] {
  const budget = budgetOf(plan);
  return [
    costText(cost),
    ...(typeof cost !== "string" && budget !== undefined && budget < cost.total
      ? [
          `above budget.monthlyAmount (${budget}, in the currency of the bill): its mails come every month, and warn of nothing`,
        ]
      : []),
  ];
}

function costText(cost: Estimate | string): string {
  if (typeof cost === "string") return cost;
  const top = Object.entries(cost.byComponent)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, value]) => `${name.replace(/^forma3d-[^-]+-/, "")} ${Math.round(value)}`);
  return `${Math.round(cost.total).toLocaleString("en")} ${cost.currency} a month at list prices of ${cost.date}${top.length > 0 ? `; most of it ${top.join(", ")}` : ""}`;
}

function policyText({ pack, violations }: Plan): string {
  if (typeof pack === "string") return pack;
  const mandatory = violations.filter(({ level }) => level === "mandatory").length;
  const checked = `${pack.policies} checked`;
  return violations.length === 0
    ? `${checked}, none violated`
    : `${checked}: ${mandatory} mandatory and ${violations.length - mandatory} advisory findings`;
}

/** Messages of the program: what is missing, and the commands that set it. */
function messages(plan: Plan, columns: number): string[] {
  return plan.deployment.diagnostics.flatMap(({ severity, message }) => {
    const [first = "", ...rest] = message.split("\n");
    const colour = severity === "error" ? "red" : "yellow";
    const label = severity === "error" ? "Error" : severity === "warning" ? "Missing" : "Note";
    const [head = "", ...more] = labelled(label, [first], columns, LABEL);
    return [
      head.replace(label, styleText(colour, label)),
      ...more,
      ...rest.flatMap((line) => commandLines(line.trim(), columns, " ".repeat(LABEL))),
    ];
  });
}

function changeTexts({ against, list }: NonNullable<VerdictFacts["changes"]>): string[] {
  if (list.length === 0) return [`none against ${against}`];
  return [`${countChanges(list)} against ${against}`];
}

function nextTexts(plan: Plan, changes: VerdictFacts["changes"], code: number): string[] {
  const { stack } = plan.settings;
  const look = `npm run plan -- ${stack}`;
  return [
    ...byHandFirst(changes?.list ?? []),
    ...(code === 0 && changes && changes.list.length > 0
      ? ["npm run plan:update, and commit the difference with the change that caused it"]
      : []),
    ...(forbidden(plan).length > 0 ? ["npm run policy:explain -- <rule>: what a rule wants, and why"] : []),
    ...(changes && changes.list.length > 0 && !changes.told
      ? [`${look} --diff ${changes.against}: every change`]
      : []),
    `${look} --full: every resource and output`,
  ];
}

/** One screen about a stack: what would be lost first, then what it is, and what to do next. */
export function renderVerdict(plan: Plan, facts: VerdictFacts): string {
  const { columns, cost, changes } = facts;
  const architecture = architectureOf(planDocument(plan));
  const outcome = outcomeOf(plan, changes?.list ?? []);
  const row = (label: string, texts: readonly string[]) => labelled(label, texts, columns, LABEL);
  const dangers = (changes?.list ?? []).filter(({ danger }) => danger !== "");
  const { objectives, edge } = architecture;
  return [
    styleText("bold", `${plan.settings.project}/${plan.settings.stack}`),
    ...(dangers.length > 0
      ? [
          "",
          styleText(
            ["red", "bold"],
            `STOP: ${count(dangers.length, "change")} against ${changes?.against ?? ""}`,
          ),
          ...dangersInWords(dangers).flatMap((danger) =>
            indented(`- ${danger}`, columns, "  ", "  ").map((line) => styleText("red", line)),
          ),
        ]
      : []),
    "",
    ...row("Regions", architecture.regions.flatMap(regionTexts)),
    ...(edge
      ? row("Edge", [
          `${architecture.hosts.join(", ")} through Front Door ${edge.sku.replace("_AzureFrontDoor", "")}, firewall in ${edge.waf.toLowerCase()} mode`,
        ])
      : []),
    ...(architecture.endpoint
      ? row("Writer", [`${architecture.endpoint}.writer.postgres.database.azure.com`])
      : []),
    ...row("Backups", backupTexts(architecture)),
    ...(objectives
      ? row("Objectives", [
          `at most ${objectives.rpoMinutes} minutes of data lost, back within ${objectives.rtoMinutes} minutes`,
        ])
      : []),
    ...row("Watched by", [count(architecture.alertRules, "alert rule")]),
    ...row("Resources", [resourceText(plan)]),
    ...row("Cost", costTexts(plan, cost)),
    ...row("Policies", [policyText(plan)]),
    ...renderFindings(plan.violations, columns, " ".repeat(LABEL)),
    ...(changes ? row("Changes", changeTexts(changes)) : []),
    ...messages(plan, columns),
    ...row("Next", nextTexts(plan, changes, outcome.code)),
  ].join("\n");
}
