import { z } from "zod";

export const registry = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        "Whether the clusters pull from a registry of the environment's own, with a copy in each of its regions; images are imported by digest before they run (docs/deploying.md, step 8), private ones too. About 51 USD a month for each region, and 8 for each region's private way there. false: nodes pull from the registries the stack file names, which must give each image to anybody and must answer on the day a region is lost.",
      ),
  })
  .prefault({})
  .describe("Where the clusters' images come from.");
