import type { Case } from "../stack";
import { armClusterCases } from "./armCluster";
import { armDatabaseCases } from "./armDatabase";
import { armEdgeCases } from "./armEdge";
import { armMonitoringCases } from "./armMonitoring";
import { armNamesCases } from "./armNames";
import { armStorageCases } from "./armStorage";
import { completenessCases } from "./completeness";
import { costCases } from "./cost";
import { manyCases } from "./many";
import { recoveryDataCases } from "./recoveryData";
import { recoveryDatabaseCases } from "./recoveryDatabase";
import { securityDataCases } from "./securityData";
import { securityPlatformCases } from "./securityPlatform";
import { standbyCases } from "./standby";
import { wiringCases } from "./wiring";
import { workloadPartnersCases } from "./workloadPartners";
import { workloadPodsCases } from "./workloadPods";
import { workloadServiceCases } from "./workloadService";

export const CASES: readonly Case[] = [
  ...recoveryDatabaseCases,
  ...recoveryDataCases,
  ...workloadPodsCases,
  ...workloadServiceCases,
  ...workloadPartnersCases,
  ...securityDataCases,
  ...securityPlatformCases,
  ...completenessCases,
  ...costCases,
  ...wiringCases,
  ...armDatabaseCases,
  ...armStorageCases,
  ...armNamesCases,
  ...armClusterCases,
  ...armMonitoringCases,
  ...armEdgeCases,
  ...manyCases,
  ...standbyCases,
];
