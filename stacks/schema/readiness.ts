import { z } from "zod";
import { cron, image } from "./common";

export const readiness = z
  .strictObject({
    image: image.describe("Image of the operations, built from apps/operations/Dockerfile."),
    schedule: cron
      .default("30 5 * * *")
      .describe(
        "When the region that serves checks whether a failover would work (UTC), at least once a day. alerts.thresholds.readinessMaxAgeHours is longer than the time between two.",
      ),
  })
  .describe("The daily readiness checks in the cluster.");
