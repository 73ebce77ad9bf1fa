import { REGIONS } from "../../infra/regions";
import { nodeRoom } from "../../infra/cluster/clusterPools";
import { vmSize } from "../../packages/azure-facts";
import type { Problem } from "../problems";
import { MEASURES } from "./quantities";
import type { StackConfig } from "./shape";

/** Fewest no more than most, and nodes for all of them, also where a region stands by. */
export function capacityRules(config: StackConfig): Problem[] {
  const { workloads, cluster, regions } = config;
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
  const { minCount, maxCount } = cluster.userPool;
  if (minCount > maxCount) {
    problems.push({
      path: ["cluster", "userPool", "minCount"],
      found: minCount,
      allowed: `at most maxCount (${maxCount})`,
    });
  }
  const waiting = cluster.standby.userMinCount;
  if (waiting > 0 && (!regions.secondary || waiting > maxCount)) {
    problems.push({
      path: ["cluster", "standby", "userMinCount"],
      found: waiting,
      allowed: regions.secondary
        ? `at most userPool.maxCount (${maxCount})`
        : "0 without regions.secondary: no region stands by",
    });
  }
  return problems.length > 0 ? problems : roomRules(config);
}

/** All pods at their most find room on the nodes at their most; otherwise those that scale would wait for ever. */
function roomRules({ workloads, cluster }: StackConfig): Problem[] {
  const { vmSize: size, maxCount } = cluster.userPool;
  const node = nodeRoom(size);
  if (!node) return [];
  const room = { cpu: node.milliCpus * maxCount, memory: node.memoryMiB * maxCount };
  const tight = MEASURES.flatMap(([kind, amount]) => {
    const asked = Object.entries(workloads).map(([name, { resources, maxReplicas }]) => ({
      name,
      maxReplicas,
      each: amount(resources[`${kind}Request`]),
      limit: amount(resources[`${kind}Limit`]),
    }));
    // A pod that no node holds, or that asks for more than it may use, is refused where it stands.
    if (asked.some(({ each, limit }) => each > Math.min(limit, room[kind] / maxCount))) return [];
    // A pod lies on one node: what is left on each of them is nobody's.
    const split = asked
      .map(({ name, maxReplicas, each }) => ({
        kind,
        name,
        found: maxReplicas,
        fits: Math.floor(room[kind] / maxCount / each) * maxCount,
      }))
      .filter(({ found, fits }) => found > fits);
    if (split.length > 0) return split;
    const sum = asked.reduce((total, { maxReplicas, each }) => total + maxReplicas * each, 0);
    const [most] = [...asked].sort(
      (one, other) => other.maxReplicas * other.each - one.maxReplicas * one.each,
    );
    if (sum <= room[kind] || !most) return [];
    const left = Math.max(0, room[kind] - (sum - most.maxReplicas * most.each));
    return [{ kind, name: most.name, found: most.maxReplicas, fits: Math.floor(left / most.each) }];
  });
  const [tightest] = tight.sort((one, other) => one.fits - other.fits);
  return tightest
    ? [
        {
          path: ["workloads", tightest.name, "maxReplicas"],
          found: tightest.found,
          allowed: `at most ${tightest.fits}: cluster.userPool has ${maxCount} nodes of ${size} at most, and no more ${tightest.kind} for what pods request`,
        },
      ]
    : [];
}

/** AKS runs its own services on no burstable nodes (https://learn.microsoft.com/azure/aks/use-system-pools). */
export function systemPoolRules({ cluster: { systemPool } }: StackConfig): Problem[] {
  return vmSize(systemPool.vmSize)?.burstable
    ? [
        {
          path: ["cluster", "systemPool", "vmSize"],
          found: systemPool.vmSize,
          allowed:
            "a size that is not burstable, such as Standard_D2ds_v5: AKS supports none for system pools",
        },
      ]
    : [];
}

/** Zones that are there, with a node for each. */
export function zoneRules({ cluster, regions }: StackConfig): Problem[] {
  const { zones, systemPool, userPool } = cluster;
  if (zones.length === 0) return [];
  const without = [regions.primary, ...(regions.secondary ? [regions.secondary] : [])].find(
    ({ location }) => !REGIONS[location].zones,
  );
  if (without) {
    return [
      {
        path: ["cluster", "zones"],
        found: zones,
        allowed: `[], because ${without.location} has no availability zones`,
      },
    ];
  }
  return (
    [
      ["systemPool", "count", systemPool.count],
      ["userPool", "maxCount", userPool.maxCount],
    ] as const
  ).flatMap(([pool, key, found]) =>
    found < zones.length
      ? [
          {
            path: ["cluster", pool, key],
            found,
            allowed: `at least ${zones.length}, a node for each of cluster.zones`,
          },
        ]
      : [],
  );
}
