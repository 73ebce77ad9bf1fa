import { planStack } from "../support/plan";

test("plans prod and staging without a refusal", async () => {
  for (const stack of ["prod", "staging"]) {
    const plan = await planStack(stack);
    expect(plan.errors).toEqual([]);
    expect(plan.resources.length).toBeGreaterThan(100);
  }
});
