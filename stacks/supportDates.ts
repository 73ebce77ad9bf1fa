import {
  KEY_VAULT_API,
  KUBERNETES_ENDS,
  OLDER_KEY_VAULT_APIS_END,
  POSTGRES_ENDS,
  SDK_KEY_VAULT_API,
} from "../packages/azure-facts";
import type { StackConfig } from "./schema";

/** Time in which a release of the SDK is taken in, with its plan read and rehearsed. */
const SDK_CHANGE_DAYS = 60;
const DAY_MS = 86_400_000;

/**
 * Versions nobody mends any more, and what Azure will soon not answer. Warnings, never errors: a day that has passed must not stop the update that brings a
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
  const unmended = versions.flatMap(({ key, version, end, leave }) =>
    end !== undefined && end < day
      ? [
          `${key}: ${version} has had no security fixes since ${end}, and Azure takes it for no new one: ${leave}`,
        ]
      : [],
  );
  return [...unmended, ...sdkWarnings(today)];
}

function sdkWarnings(today: Date): string[] {
  const left = (new Date(OLDER_KEY_VAULT_APIS_END).getTime() - today.getTime()) / DAY_MS;
  return SDK_KEY_VAULT_API < KEY_VAULT_API && left < SDK_CHANGE_DAYS
    ? [
        `@pulumi/azure-native speaks the management API ${SDK_KEY_VAULT_API} of vaults, which Azure answers until ${OLDER_KEY_VAULT_APIS_END}: no update of a vault or a secret after it; raise the SDK to one that speaks ${KEY_VAULT_API}`,
      ]
    : [];
}
