import { KUBERNETES_ENDS, POSTGRES_ENDS } from "../packages/azure-facts";
import type { StackConfig } from "./schema";

/**
 * Versions nobody mends any more. Warnings, never errors: a day that has passed must not stop the update that brings a
 * lost region back, nor the one that leaves the version.
 * @param today only its day counts, UTC.
 */
export function supportWarnings(
  { cluster, database }: Pick<StackConfig, "cluster" | "database">,
  today: Date,
): string[] {
  const day = today.toISOString().slice(0, 10);
  const versions = [
    {
      key: "cluster.kubernetesVersion",
      version: cluster.kubernetesVersion,
      end: KUBERNETES_ENDS[cluster.kubernetesVersion],
      leave: "raise it one minor version at a time",
    },
    {
      key: "database.version",
      version: database.version,
      end: POSTGRES_ENDS[database.version],
      leave: "docs/changing.md says how to raise it",
    },
  ];
  return versions.flatMap(({ key, version, end, leave }) =>
    end !== undefined && end < day
      ? [
          `${key}: ${version} has had no security fixes since ${end}, and Azure takes it for no new one: ${leave}`,
        ]
      : [],
  );
}
