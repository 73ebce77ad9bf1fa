import { overlaps, parseCidr } from "../../infra/network/addressing";
import {
  AKS_RESERVED_BLOCKS,
  ARCHIVE_READ_HOURS,
  BLOCK_BITS_PER_NODE,
  databaseSize,
  LARGEST_SERVICE_PREFIX,
  NO_AMD_REGIONS,
  RESERVED_CONNECTIONS,
  vmSize,
} from "../../packages/azure-facts";
import type { Problem } from "../problems";
import { GIB_IN_MIB, MEASURES } from "./quantities";
import type { StackConfig } from "./shape";
import { BACKUP_TIERS } from "./storage";

/** Size, tier and connections of the database fit together. */
export function computeRules({ database, regions }: StackConfig): Problem[] {
  const size = databaseSize(database.skuName);
  if (!size) return [];
  const problems: Problem[] = [];
  if (database.tier !== size.tier) {
    problems.push({
      path: ["database", "tier"],
      found: database.tier,
      allowed: `${size.tier}, the tier of database.skuName (${database.skuName})`,
    });
  }
  const places = [regions.primary.location, ...(regions.secondary ? [regions.secondary.location] : [])];
  const without = size.amd ? places.find((place) => NO_AMD_REGIONS.includes(place)) : undefined;
  if (without) {
    problems.push({
      path: ["database", "skuName"],
      found: database.skuName,
      allowed: `an Intel size such as ${database.skuName.replace("ads_", "ds_")}, because ${without} offers no AMD sizes`,
    });
  }
  const connections = Number(database.parameters["max_connections"] ?? size.connections);
  const usable = connections - RESERVED_CONNECTIONS;
  if (database.pool.defaultPoolSize > usable) {
    problems.push({
      path: ["database", "pool", "defaultPoolSize"],
      found: database.pool.defaultPoolSize,
      allowed: `at most ${usable}, the ${connections} connections of the server less ${RESERVED_CONNECTIONS} Azure keeps`,
    });
  }
  return problems;
}

/** A pod asks for no more than it may use, and may use no more than a node has. */
export function podRules({ workloads, cluster }: StackConfig): Problem[] {
  const node = vmSize(cluster.userPool.vmSize);
  const most = node && { cpu: node.vCpus * 1000, memory: node.memoryGiB * GIB_IN_MIB };
  return Object.entries(workloads).flatMap(([name, { resources }]) =>
    MEASURES.flatMap(([kind, amount]): Problem[] => {
      const [request, limit] = [resources[`${kind}Request`], resources[`${kind}Limit`]];
      const at = (end: "Request" | "Limit") => ["workloads", name, "resources", `${kind}${end}`];
      if (amount(request) > amount(limit)) {
        return [{ path: at("Request"), found: request, allowed: `at most ${kind}Limit (${limit})` }];
      }
      return most && amount(limit) > most[kind]
        ? [
            {
              path: at("Limit"),
              found: limit,
              allowed: `at most what a node of cluster.userPool.vmSize has: ${cluster.userPool.vmSize}, ${node.vCpus} CPUs and ${node.memoryGiB}Gi`,
            },
          ]
        : [];
    }),
  );
}

/** Nodes an upgrade adds to a pool while it replaces the old ones. */
const SURGE = 0.33;

/** Blocks of addresses AKS can work with. */
export function clusterAddressRules({ network, cluster }: StackConfig): Problem[] {
  const nodes = [cluster.systemPool.count, cluster.userPool.maxCount].reduce(
    (sum, count) => sum + count + Math.ceil(count * SURGE),
    0,
  );
  const podPrefix = BLOCK_BITS_PER_NODE - Math.ceil(Math.log2(nodes));
  return (["primary", "secondary"] as const).flatMap((place) => {
    const plan = network[place];
    if (!plan) return [];
    const problems: Problem[] = [];
    const prefix = (key: "podCidr" | "serviceCidr"): number => parseCidr(plan[key])?.prefix ?? 0;
    if (prefix("podCidr") > podPrefix) {
      problems.push({
        path: ["network", place, "podCidr"],
        found: plan.podCidr,
        allowed: `a block of /${podPrefix} or larger: ${nodes} nodes, those of an upgrade included, take a /${BLOCK_BITS_PER_NODE} each`,
      });
    }
    if (prefix("serviceCidr") <= LARGEST_SERVICE_PREFIX) {
      problems.push({
        path: ["network", place, "serviceCidr"],
        found: plan.serviceCidr,
        allowed: `a block smaller than /${LARGEST_SERVICE_PREFIX}, AKS takes no larger one`,
      });
    }
    for (const key of ["addressSpace", "podCidr", "serviceCidr"] as const) {
      const taken = AKS_RESERVED_BLOCKS.find((block) => overlaps(block, plan[key]));
      if (taken) {
        problems.push({
          path: ["network", place, key],
          found: plan[key],
          allowed: `a block that does not overlap ${taken}, which AKS uses itself`,
        });
      }
    }
    return problems;
  });
}

/** Backups can be read in the time in which everything must be back. */
export function archiveRules({ storage, recovery }: StackConfig): Problem[] {
  const minutes = ARCHIVE_READ_HOURS * 60;
  if (recovery.rtoMinutes > minutes) return [];
  return storage.containers.flatMap(({ purpose, tiers }, index) =>
    (BACKUP_TIERS as readonly string[]).includes(purpose)
      ? tiers.flatMap(({ tier }, step): Problem[] =>
          tier === "Archive"
            ? [
                {
                  path: ["storage", "containers", index, "tiers", step, "tier"],
                  found: tier,
                  allowed: `Cool or Cold: reading the archive takes up to ${ARCHIVE_READ_HOURS} hours, and recovery.rtoMinutes is ${recovery.rtoMinutes}`,
                },
              ]
            : [],
        )
      : [],
  );
}
