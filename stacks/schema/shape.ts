import { z } from "zod";
import {
  azure,
  domains,
  environment,
  lastingNameSuffix,
  nameSuffix,
  regions,
  shortName,
  tags,
} from "./azure";
import { cluster } from "./cluster";
import { controlPlane } from "./controlPlane";
import { database } from "./database";
import { budget, defender } from "./governance";
import { alerts, monitoring, statusPage } from "./monitoring";
import { network } from "./network";
import { readiness } from "./readiness";
import { recovery } from "./recovery";
import { registry } from "./registry";
import { serving } from "./serving";
import { storage } from "./storage";
import { vault } from "./vault";
import { edge, gateway, workloads } from "./workloads";

/** One environment, as `Pulumi.<stack>.yaml` states it under the project's namespace. Unknown keys are errors. */
export const stackSchema = z.strictObject({
  environment,
  shortName,
  nameSuffix,
  lastingNameSuffix,
  azure,
  domains,
  regions,
  serving,
  controlPlane,
  registry,
  tags,
  protectData: z
    .boolean()
    .describe(
      "Whether what holds data is protected: Pulumi refuses to delete it, keeps it when it leaves the program, and Azure locks it against deletion. Turn off only to tear an environment down.",
    ),
  logRetentionDays: z
    .int()
    .min(30)
    .max(730)
    .default(90)
    .describe("Days the Log Analytics workspace keeps logs, 30-730. Lowering it drops the older ones."),
  budget,
  defender,
  network,
  database,
  storage,
  vault,
  cluster,
  workloads,
  edge,
  gateway,
  recovery,
  readiness,
  monitoring,
  alerts,
  statusPage,
});

export type StackConfig = z.infer<typeof stackSchema>;
