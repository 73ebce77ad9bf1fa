import { nodeRoom } from "../../infra/cluster/clusterPools";
import { overlaps, parseCidr } from "../../infra/network/addressing";
import {
  AKS_RESERVED_BLOCKS,
  ARCHIVE_READ_HOURS,
  BLOCK_BITS_PER_NODE,
  databaseSize,
  LARGEST_SERVICE_PREFIX,
  RESERVED_CONNECTIONS,
  sizesMissingIn,
  vmSize,
} from "../../packages/azure-facts";
import { CONNECTIONS_PER_POD } from "../sites";
import type { Problem } from "../problems";
import { GIB_IN_MIB, MEASURES } from "./quantities";
import type { StackConfig } from "./shape";
import { BACKUP_TIERS } from "./storage";

/** Connections for what comes past the pooler: a backup, a restore with its jobs, migrations, exporters, people. */
const DIRECT_CONNECTIONS = 30;

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
  const without = places.find((place) => sizesMissingIn(place, size));
  if (without) {
    problems.push({
      path: ["database", "skuName"],
      found: database.skuName,
      allowed: `an Intel size such as ${size.tier === "MemoryOptimized" ? "Standard_E4ds_v5" : "Standard_D4ds_v5"}, because ${without} offers no ${sizesMissingIn(without, size) ?? ""}`,
    });
  }
  const connections = Number(database.parameters["max_connections"] ?? size.connections);
  const usable = connections - RESERVED_CONNECTIONS - DIRECT_CONNECTIONS;
  if (size.tier !== "Burstable" && database.pool.defaultPoolSize > usable) {
    problems.push({
      path: ["database", "pool", "defaultPoolSize"],
      found: database.pool.defaultPoolSize,
      allowed: `at most ${usable}, the ${connections} connections of the server less ${RESERVED_CONNECTIONS} Azure keeps and ${DIRECT_CONNECTIONS} for what comes past the pooler`,
    });
  }
  return problems;
}

/** The pooler takes the connections of all API pods there may be, and of one more while they are replaced. */
export function poolerRules({ database: { pool, tier }, workloads: { api } }: StackConfig): Problem[] {
  const least = (api.maxReplicas + 1) * CONNECTIONS_PER_POD;
  // Fewer than it shares out are refused where they stand.
  const short = pool.maxClientConnections < least && pool.maxClientConnections >= pool.defaultPoolSize;
  return tier === "Burstable" || !short
    ? []
    : [
        {
          path: ["database", "pool", "maxClientConnections"],
          found: pool.maxClientConnections,
          allowed: `at least ${least}: ${CONNECTIONS_PER_POD} for each of workloads.api.maxReplicas (${api.maxReplicas}) and one more during a rollout`,
        },
      ];
}

/** A pod asks for no more than it may use, and may use no more than a node has. */
export function podRules({ workloads, cluster }: StackConfig): Problem[] {
  const size = cluster.userPool.vmSize;
  const [machine, left] = [vmSize(size), nodeRoom(size)];
  const most = machine && { cpu: machine.vCpus * 1000, memory: machine.memoryGiB * GIB_IN_MIB };
  const room = left && { cpu: left.milliCpus, memory: left.memoryMiB };
  return Object.entries(workloads).flatMap(([name, { resources }]) =>
    MEASURES.flatMap(([kind, amount]): Problem[] => {
      const [request, limit] = [resources[`${kind}Request`], resources[`${kind}Limit`]];
      const at = (end: "Request" | "Limit") => ["workloads", name, "resources", `${kind}${end}`];
      if (amount(request) > amount(limit)) {
        return [{ path: at("Request"), found: request, allowed: `at most ${kind}Limit (${limit})` }];
      }
      if (room && amount(request) > room[kind]) {
        return [
          {
            path: at("Request"),
            found: request,
            allowed: `at most what AKS leaves to pods on a node of cluster.userPool.vmSize: ${size}, ${room.cpu}m and ${room.memory}Mi`,
          },
        ];
      }
      return most && amount(limit) > most[kind]
        ? [
            {
              path: at("Limit"),
              found: limit,
              allowed: `at most what a node of cluster.userPool.vmSize has: ${size}, ${machine.vCpus} CPUs and ${machine.memoryGiB}Gi`,
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
