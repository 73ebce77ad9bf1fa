import type { Verb } from "../../apps/operations/frame/operate";

/** The verb, killed at one of its steps, by its place or its id: before that did anything, or when it had and nobody had heard of it yet. */
export function killed(verb: Verb, at: number | string, when: "before" | "after"): Verb {
  return {
    ...verb,
    async plan(incident) {
      const plan = await verb.plan(incident);
      const steps = plan.steps.map((step, index) =>
        index === at || step.id === at
          ? {
              ...step,
              run: async (signal: AbortSignal) => {
                if (when === "after") await step.run(signal);
                throw new Error(`killed at ${step.id}`);
              },
            }
          : step,
      );
      return { ...plan, steps };
    },
  };
}
