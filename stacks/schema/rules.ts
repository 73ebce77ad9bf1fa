import { contains, hostAt, overlaps, parseCidr, regionSubnets } from "../../infra/network/addressing";
import { controlNameProblems } from "../../infra/control/names";
import { nameProblems } from "../../infra/naming";
import { stackControlNames, stackPlatformNames } from "../names";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";
import { capacityRules, systemPoolRules, zoneRules } from "./capacityRules";
import { databaseRules, parameterRules } from "./databaseRules";
import { dateRules, incidentDateRules } from "./dateRules";
import {
  edgeRules,
  environmentRules,
  errorReportRules,
  gatewayRules,
  productionRules,
  withoutReplicaRules,
} from "./environmentRules";
import { outsideHostRules, ownHostRules, strangerRules } from "./hostRules";
import { identifierRules } from "./identifierRules";
import { imageRules } from "./imageRules";
import { maintenanceRules, windowsApartRules } from "./maintenanceRules";
import { monitoringRules, reachableRules } from "./monitoringRules";
import { confidentialRules, parameterLimits } from "./parameterLimits";
import { recoveryRules } from "./recoveryRules";
import { controlPlaneRules, regionRules, restrictedRules, roleRules, servingRules } from "./regionRules";
import { readinessRules, scheduleRules } from "./scheduleRules";
import { archiveRules, clusterAddressRules, computeRules, podRules, poolerRules } from "./sizeRules";
import { storageRules } from "./storageRules";

/** Address blocks of a stack with the key each comes from. */
export function addressBlocks({ network }: Pick<StackConfig, "network">): { path: string[]; cidr: string }[] {
  return (["primary", "secondary"] as const).flatMap((place) => {
    const plan = network[place];
    if (!plan) return [];
    return (["addressSpace", "podCidr", "serviceCidr"] as const).map((key) => ({
      path: ["network", place, key],
      cidr: plan[key],
    }));
  });
}

function addressRules(config: StackConfig): Problem[] {
  const blocks = addressBlocks(config);
  const problems: Problem[] = [];
  blocks.forEach((block, index) => {
    const other = blocks.slice(0, index).find((earlier) => overlaps(earlier.cidr, block.cidr));
    if (other) {
      problems.push({
        path: block.path,
        found: block.cidr,
        allowed: `a block that does not overlap ${other.path.join(".")} (${other.cidr})`,
      });
    }
    if (block.path[2] === "addressSpace") {
      try {
        const subnets = regionSubnets(block.cidr);
        if (!Object.values(subnets).every((subnet) => contains(block.cidr, subnet))) throw new RangeError();
      } catch {
        problems.push({
          path: block.path,
          found: block.cidr,
          allowed: "a block large enough for all subnets: /19 or larger",
        });
      }
    }
    if (block.path[2] === "serviceCidr" && (parseCidr(block.cidr)?.prefix ?? 32) > 24) {
      problems.push({ path: block.path, found: block.cidr, allowed: "a block of /24 or larger" });
    }
  });
  return problems;
}

/** The cluster's DNS service: the tenth address of the service block, as Kubernetes installers place it. */
export function dnsServiceAddress(serviceCidr: string): string {
  return hostAt(serviceCidr, 10);
}

function namingRules(config: StackConfig): Problem[] {
  return nameProblems(stackPlatformNames(config)).map((problem) => ({
    path: ["shortName"],
    found: config.shortName,
    allowed: `values whose derived names Azure accepts; ${problem}`,
  }));
}

function controlNamingRules(config: StackConfig): Problem[] {
  return controlNameProblems(stackControlNames(config)).map((problem) => ({
    path: ["shortName"],
    found: config.shortName,
    allowed: `values whose derived names Azure accepts; ${problem}`,
  }));
}

/** What is wrong with a parameter itself is said, and not what follows from it. */
function parameters(config: StackConfig): Problem[] {
  const told = parameterRules(config);
  const names = new Set(told.map(({ path }) => path.join("/")));
  return [...told, ...parameterLimits(config).filter(({ path }) => !names.has(path.join("/")))];
}

/** A rule and the sections it reads; it runs only when all of them are valid in themselves. */
const RULES: {
  needs: (keyof StackConfig)[];
  check: (config: StackConfig, today: Date) => Problem[];
}[] = [
  { needs: ["environment", "shortName"], check: environmentRules },
  { needs: ["environment", "tags", "regions", "database", "recovery"], check: productionRules },
  { needs: ["environment", "database"], check: withoutReplicaRules },
  { needs: ["edge"], check: edgeRules },
  { needs: ["edge", "domains"], check: ownHostRules },
  { needs: ["domains", "tags", "alerts", "gateway", "controlPlane"], check: strangerRules },
  { needs: ["domains", "edge", "alerts", "recovery"], check: outsideHostRules },
  { needs: ["edge", "gateway"], check: errorReportRules },
  { needs: ["gateway"], check: gatewayRules },
  { needs: ["vault", "database", "budget"], check: dateRules },
  { needs: ["alerts", "statusPage"], check: incidentDateRules },
  { needs: ["azure", "cluster", "controlPlane", "database"], check: identifierRules },
  {
    needs: [
      "domains",
      "workloads",
      "gateway",
      "recovery",
      "readiness",
      "monitoring",
      "statusPage",
      "controlPlane",
    ],
    check: imageRules,
  },
  { needs: ["database", "regions"], check: computeRules },
  { needs: ["workloads", "cluster"], check: podRules },
  { needs: ["network", "cluster"], check: clusterAddressRules },
  { needs: ["storage", "recovery"], check: archiveRules },
  { needs: ["regions", "database"], check: roleRules },
  { needs: ["regions", "storage", "controlPlane", "monitoring", "statusPage"], check: restrictedRules },
  { needs: ["regions", "serving"], check: servingRules },
  { needs: ["regions", "controlPlane"], check: controlPlaneRules },
  { needs: ["regions", "network", "database", "storage"], check: regionRules },
  { needs: ["database"], check: databaseRules },
  { needs: ["storage"], check: storageRules },
  { needs: ["database"], check: parameters },
  { needs: ["database", "tags"], check: confidentialRules },
  { needs: ["database", "workloads"], check: poolerRules },
  { needs: ["workloads", "cluster", "regions"], check: capacityRules },
  { needs: ["cluster"], check: systemPoolRules },
  { needs: ["cluster", "regions"], check: zoneRules },
  { needs: ["recovery", "alerts", "storage"], check: scheduleRules },
  { needs: ["readiness", "alerts"], check: readinessRules },
  { needs: ["database", "recovery"], check: maintenanceRules },
  { needs: ["database", "cluster"], check: windowsApartRules },
  { needs: ["recovery", "database"], check: recoveryRules },
  { needs: ["network"], check: addressRules },
  { needs: ["shortName", "nameSuffix", "lastingNameSuffix", "regions", "storage"], check: namingRules },
  { needs: ["shortName", "lastingNameSuffix", "controlPlane"], check: controlNamingRules },
  { needs: ["alerts", "statusPage", "monitoring", "regions", "vault"], check: monitoringRules },
  { needs: ["alerts", "edge", "database", "recovery", "monitoring", "budget"], check: reachableRules },
];

/** Problems of every cross-field rule whose sections are present. */
export function crossFieldProblems(config: Partial<StackConfig>, today: Date): Problem[] {
  return RULES.filter(({ needs }) => needs.every((section) => config[section] !== undefined)).flatMap(
    ({ check }) => check(config as StackConfig, today),
  );
}
