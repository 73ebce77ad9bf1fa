import { contains, hostAt, overlaps, parseCidr, regionSubnets } from "../../infra/network/addressing";
import { nameProblems } from "../../infra/naming";
import { ACCESS_TIERS } from "../../packages/azure-facts";
import { stackPlatformNames } from "../names";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";
import { PURPOSES } from "./storage";
import {
  dateRules,
  edgeRules,
  environmentRules,
  productionRules,
  withoutReplicaRules,
} from "./environmentRules";
import { maintenanceRules } from "./maintenanceRules";
import { monitoringRules } from "./monitoringRules";
import { recoveryRules } from "./recoveryRules";
import { controlPlaneRules, regionRules, roleRules, servingRules } from "./regionRules";
import { archiveRules, clusterAddressRules, computeRules, podRules } from "./sizeRules";

function databaseRules({ database }: StackConfig): Problem[] {
  if (database.tier !== "Burstable") return [];
  const problems: Problem[] = [];
  if (database.highAvailability !== "Disabled") {
    problems.push({
      path: ["database", "highAvailability"],
      found: database.highAvailability,
      allowed: "Disabled on the Burstable tier",
    });
  }
  if (database.replica) {
    problems.push({ path: ["database", "replica"], found: "set", allowed: "nothing on the Burstable tier" });
  }
  return problems;
}

function storageRules({ storage }: StackConfig): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  storage.containers.forEach((container, index) => {
    const at = (...rest: (string | number)[]) => ["storage", "containers", index, ...rest];
    if (seen.has(container.purpose)) {
      problems.push({ path: at("purpose"), found: container.purpose, allowed: "each purpose once" });
    }
    seen.add(container.purpose);
    container.tiers.forEach((step, place) => {
      const before = container.tiers[place - 1];
      if (before && step.afterDays <= before.afterDays) {
        problems.push({
          path: at("tiers", place, "afterDays"),
          found: step.afterDays,
          allowed: `more than ${before.afterDays}, the days of the tier before`,
        });
      }
      if (before && ACCESS_TIERS.indexOf(step.tier) <= ACCESS_TIERS.indexOf(before.tier)) {
        problems.push({
          path: at("tiers", place, "tier"),
          found: step.tier,
          allowed: `a tier colder than ${before.tier}`,
        });
      }
    });
    const last = container.tiers.at(-1);
    if (container.deleteAfterDays !== undefined) {
      const floor = Math.max(container.retentionDays, (last?.afterDays ?? 0) + 1);
      if (container.deleteAfterDays < floor) {
        problems.push({
          path: at("deleteAfterDays"),
          found: container.deleteAfterDays,
          allowed: `at least ${floor}: the promised ${container.retentionDays} days, and later than the last tier`,
        });
      }
    }
    if (container.immutabilityDays !== undefined && container.immutabilityDays > container.retentionDays) {
      problems.push({
        path: at("immutabilityDays"),
        found: container.immutabilityDays,
        allowed: `at most ${container.retentionDays}, the retention, or nothing could ever end it`,
      });
    }
    if (container.purpose !== "incidents" && container.deleteAfterDays !== undefined) {
      problems.push({
        path: at("deleteAfterDays"),
        found: container.deleteAfterDays,
        allowed:
          container.purpose === "evidence"
            ? "nothing: drill reports are a chain, which the lifecycle would cut"
            : "nothing: only the runner's prune ends backups, and only those with a verified successor",
      });
    } else if (container.immutabilityDays !== undefined && container.deleteAfterDays !== undefined) {
      problems.push({
        path: at("deleteAfterDays"),
        found: container.deleteAfterDays,
        allowed: "nothing on an immutable container: the lifecycle never deletes there",
      });
    }
  });
  for (const purpose of PURPOSES) {
    if (!seen.has(purpose)) {
      problems.push({
        path: ["storage", "containers"],
        found: [...seen],
        allowed: `a container for ${purpose}`,
      });
    }
  }
  return problems;
}

function scalingRules({ workloads, cluster, recovery }: StackConfig): Problem[] {
  const problems: Problem[] = [];
  for (const [name, workload] of Object.entries(workloads)) {
    if (workload.minReplicas > workload.maxReplicas) {
      problems.push({
        path: ["workloads", name, "minReplicas"],
        found: workload.minReplicas,
        allowed: `at most maxReplicas (${workload.maxReplicas})`,
      });
    }
  }
  if (cluster.userPool.minCount > cluster.userPool.maxCount) {
    problems.push({
      path: ["cluster", "userPool", "minCount"],
      found: cluster.userPool.minCount,
      allowed: `at most maxCount (${cluster.userPool.maxCount})`,
    });
  }
  if (recovery.deadlineMinutes.drill <= recovery.rtoMinutes) {
    problems.push({
      path: ["recovery", "deadlineMinutes", "drill"],
      found: recovery.deadlineMinutes.drill,
      allowed: `more than rtoMinutes (${recovery.rtoMinutes}), or a missed RTO could not be measured`,
    });
  }
  return problems;
}

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

/** A rule and the sections it reads; it runs only when all of them are valid in themselves. */
const RULES: {
  needs: (keyof StackConfig)[];
  check: (config: StackConfig, today: Date) => Problem[];
}[] = [
  { needs: ["environment", "shortName"], check: environmentRules },
  { needs: ["environment", "tags", "regions", "database"], check: productionRules },
  { needs: ["database"], check: withoutReplicaRules },
  { needs: ["edge"], check: edgeRules },
  { needs: ["vault", "database"], check: dateRules },
  { needs: ["database", "regions"], check: computeRules },
  { needs: ["workloads", "cluster"], check: podRules },
  { needs: ["network", "cluster"], check: clusterAddressRules },
  { needs: ["storage", "recovery"], check: archiveRules },
  { needs: ["regions", "database"], check: roleRules },
  { needs: ["regions", "serving"], check: servingRules },
  { needs: ["regions", "controlPlane"], check: controlPlaneRules },
  { needs: ["regions", "network", "database", "storage"], check: regionRules },
  { needs: ["database"], check: databaseRules },
  { needs: ["storage"], check: storageRules },
  { needs: ["workloads", "cluster", "recovery"], check: scalingRules },
  { needs: ["database", "recovery"], check: maintenanceRules },
  { needs: ["recovery", "database"], check: recoveryRules },
  { needs: ["network"], check: addressRules },
  { needs: ["shortName", "nameSuffix", "regions", "storage"], check: namingRules },
  { needs: ["alerts", "statusPage", "monitoring", "regions"], check: monitoringRules },
];

/** Problems of every cross-field rule whose sections are present. */
export function crossFieldProblems(config: Partial<StackConfig>, today: Date): Problem[] {
  return RULES.filter(({ needs }) => needs.every((section) => config[section] !== undefined)).flatMap(
    ({ check }) => check(config as StackConfig, today),
  );
}
