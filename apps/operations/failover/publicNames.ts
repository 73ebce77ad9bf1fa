import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";

/** Answers in a row from each public name. */
const STEADY = 3;

/** Waits until every public name answers, and not from the region that was left. */
export function publicNamesAnswer(
  { sites }: Platform,
  ground: Ground,
  { to, from }: { to: RegionFacts; from?: RegionFacts },
): Step {
  return {
    id: "edge",
    title: `${sites.length} public names answer from ${to.location}: ${sites.join(", ")}`,
    bound: 300,
    done: async () => {
      for (const site of sites)
        for (let time = 1; time <= STEADY; time++) {
          const { status, region } = await ground.edge(site);
          if (status !== 200) return `${site} answers ${status}`;
          if (from && region === from.location) return `${site} still answers from ${from.location}`;
        }
      return true;
    },
    run: () => Promise.resolve(),
  };
}
