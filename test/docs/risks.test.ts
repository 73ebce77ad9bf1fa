import fs from "node:fs";
import path from "node:path";
import { RISK_REGISTER } from "../../apps/tools/docs/riskMatrix";
import { traceRisks } from "../../apps/tools/docs/riskPages";
import { readRunbooks } from "../../apps/tools/docs/runbook";
import { SCENARIOS } from "../../apps/rehearsal/scenarios";
import { LOSSES } from "../../apps/rehearsal/scenarios/losses";
import { planStack, PlanView } from "../support/plan";

const ROOT = path.join(__dirname, "../..");
const RISKS = traceRisks(ROOT);

/** Report §3: probability, impact, score. */
const REPORT: Record<string, [number, number, number]> = {
  R01: [2, 5, 10],
  R02: [1, 5, 5],
  R03: [3, 4, 12],
  R04: [2, 4, 8],
  R05: [3, 4, 12],
  R06: [2, 3, 6],
  R07: [2, 5, 10],
  R08: [2, 5, 10],
  R09: [3, 4, 12],
  R10: [2, 5, 10],
  R11: [2, 4, 8],
  R12: [2, 3, 6],
  R13: [3, 3, 9],
  R14: [3, 3, 9],
  R15: [2, 4, 8],
};

let plan: PlanView;
beforeAll(async () => {
  plan = await planStack("prod", { resolve: true });
}, 180_000);

test("the register has the report's fifteen risks with its scores", () => {
  expect(
    Object.fromEntries(RISKS.map((risk) => [risk.id, [risk.probability, risk.impact, risk.score]])),
  ).toEqual(REPORT);
});

test.each(RISKS.map((risk) => [risk.id, risk] as const))("%s has no empty cell", (_, risk) => {
  for (const cell of ["controls", "policies", "alerts", "runbooks", "tests"] as const) {
    expect([cell, risk[cell].length > 0]).toEqual([cell, true]);
  }
  expect(risk.drill.length).toBeGreaterThan(10);
});

test.each(RISK_REGISTER.map((risk) => [risk.id, risk] as const))(
  "%s: every control is in the plan of production",
  (_, risk) => {
    for (const { type, name } of risk.controls) {
      expect([type, name, plan.ofType(type, name).length > 0]).toEqual([type, name, true]);
    }
  },
);

describe("what is said to be rehearsed", () => {
  const known = SCENARIOS.map(({ id }) => id);
  const books = readRunbooks(ROOT);
  const changing = fs.readFileSync(path.join(ROOT, "docs/changing.md"), "utf8");
  /** Numbers in the sentences and the table of docs/changing.md. */
  const named = [
    ...[...changing.matchAll(/Rehearsed: scenarios? ([\d.]+\d)(?: and ([\d.]+\d))?/g)].flatMap(
      ([, ...ids]) => ids,
    ),
    ...[...changing.matchAll(/^\|.*\| (\d+\.\d+) +\|$/gm)].map(([, id]) => id),
  ].filter((id) => id !== undefined);

  test.each([
    ...RISK_REGISTER.map(({ id, scenarios = [] }) => [`risk ${id}`, scenarios] as const),
    ...books.map(({ id, rehearse }) => [`runbook ${id}`, rehearse.scenarios] as const),
    ["docs/changing.md", named] as const,
  ])("%s names scenarios that exist", (_, ids) => {
    expect(ids.filter((id) => !known.includes(id))).toEqual([]);
  });

  test("a page that speaks of the rehearsal says which scenario", () => {
    const silent = books.filter(
      ({ rehearse: { how, scenarios } }) => /\b[Tt]he rehearsal\b/.test(how) && scenarios.length === 0,
    );
    expect(silent.map(({ id }) => id)).toEqual([]);
    expect(RISK_REGISTER.filter(({ drill }) => /rehears/i.test(drill)).map(({ id }) => id)).toEqual([]);
    expect(named.length).toBeGreaterThanOrEqual(12);
  });

  test("whatever is stopped has its line of what to do instead", () => {
    expect(LOSSES.map(({ id }) => id).filter((id) => !named.includes(id))).toEqual([]);
  });
});

test.each(RISK_REGISTER.map((risk) => [risk.id, risk] as const))(
  "%s: every test that proves it exists by its title",
  (_, risk) => {
    for (const { file, title } of risk.tests) {
      expect([file, fs.existsSync(path.join(ROOT, file))]).toEqual([file, true]);
      expect([title, title !== "" && fs.readFileSync(path.join(ROOT, file), "utf8").includes(title)]).toEqual(
        [title, true],
      );
    }
  },
);

describe("the faults a lost region once exposed", () => {
  test("have tests that would catch them, under the names the page gives", () => {
    const page = fs.readFileSync(path.join(ROOT, "docs/rehearsal.md"), "utf8");
    const rows = page
      .slice(page.indexOf("## What would catch the faults"), page.indexOf("## What it cannot show"))
      .split("\n")
      .filter((line) => /`test\//.test(line));
    expect(rows).toHaveLength(12);
    for (const row of rows) {
      const [, , tests = "", scenarios = ""] = row.split("|").map((cell) => cell.trim());
      for (const one of tests.split("; `")) {
        const [, file = "", title = ""] = /^`?(test\/[\w/.]+)`: (.+)$/.exec(one) ?? [];
        expect([one, fs.readFileSync(path.join(ROOT, file), "utf8").includes(`"${title}"`)]).toEqual([
          one,
          true,
        ]);
      }
      for (const id of scenarios.split(", ").filter(Boolean))
        expect([row, SCENARIOS.map((scenario) => scenario.id)]).toEqual([row, expect.arrayContaining([id])]);
    }
  });

  test("no step of the page for a lost region runs in a cluster, and its alert pages", () => {
    const book = readRunbooks(ROOT).find(({ id }) => id === "region-loss");
    expect(book?.steps.length).toBeGreaterThan(3);
    for (const { title, runs, command = "" } of book?.steps ?? [])
      expect([title, runs === "cluster" || command.includes("kubectl")]).toEqual([title, false]);
    expect(fs.readFileSync(path.join(ROOT, "docs/runbooks/region-loss.md"), "utf8")).toMatch(/\(P1\)/);
  });
});
