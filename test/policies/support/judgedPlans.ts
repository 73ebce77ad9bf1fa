import { catalogue } from "../../../policies/pack/catalogue";
import { planStack, preparePlans, type PlanView } from "../../support/plan";

export type Overrides = Record<string, unknown>;

/** Plans a stack offline, judged by the compiled pack. */
export const judged = (stack: string, config: Overrides): Promise<PlanView> =>
  planStack(stack, { config, judged: true });

/** Rules of a plan's findings, in the order of the catalogue. */
export function found({ violations }: PlanView): string[] {
  const named = new Set(violations.map(({ policy }) => policy));
  return catalogue()
    .filter(({ id, name }) => !id.startsWith("ISO-") && named.has(name))
    .map(({ name }) => name);
}

export const mandatory = ({ violations }: PlanView): unknown[] =>
  violations.filter(({ level }) => level === "mandatory");

/** What it is, a stack, and values beside those of its file. */
export type Fine = readonly [what: string, stack: string, config: Overrides];

/** Tests that no rule of the compiled pack finds anything. */
export function testFine(cases: readonly Fine[]): void {
  beforeAll(() => preparePlans(cases.map(([, stack, config]) => ({ stack, config, judged: true }))));

  test.each(cases)("%s has no finding", async (_, stack, config) => {
    const plan = await judged(stack, config);
    expect(found(plan)).toEqual([]);
    // What the plan command ends with 0 for, as its own tests show.
    expect([mandatory(plan), plan.errors]).toEqual([[], []]);
  });
}
