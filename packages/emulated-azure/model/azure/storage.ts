import { numberAt, objectsAt, stringAt, valueAt, withoutKey } from "../paths";
import { Cloud, CloudError, Failure, Stored, Tree } from "../types";
import { type ArmTable } from "./arm";
import { pairedRegion } from "./regionPairs";

const ACCOUNT = "Microsoft.Storage/storageAccounts/{accountName}";
const CONTAINER = `${ACCOUNT}/blobServices/default/containers/{containerName}`;

function accountOutputs(name: string, sku: string): Tree {
  const endpoints = (host: string): Tree =>
    Object.fromEntries(
      ["blob", "dfs", "file", "queue", "table"].map((s) => [s, `https://${host}.${s}.core.windows.net/`]),
    );
  return {
    primaryEndpoints: endpoints(name),
    statusOfPrimary: "available",
    ...(/^Standard_RAG/.test(sku) && { secondaryEndpoints: endpoints(`${name}-secondary`) }),
    ...(/GRS|GZRS/.test(sku) && { statusOfSecondary: "available" }),
  };
}

/** Where an account and its copy are. */
function locations(inputs: Tree, fallback: string | undefined): Tree {
  const primaryLocation = stringAt(inputs, "location") ?? fallback ?? "";
  const copy = /GRS|GZRS/.test(stringAt(inputs, "sku.name") ?? "")
    ? pairedRegion(primaryLocation)
    : undefined;
  return { primaryLocation, ...(copy && { secondaryLocation: copy }) };
}

/**
 * The copy becomes the account: it is locally redundant afterwards, and where the copy was
 * (https://learn.microsoft.com/azure/storage/common/storage-disaster-recovery-guidance).
 * @throws CloudError 409 when there is no copy.
 */
export function failOver(cloud: Cloud, account: Stored): Stored {
  const copy = stringAt(account.outputs, "secondaryLocation");
  if (copy === undefined) {
    throw new CloudError(
      409,
      "AccountFailoverNotAllowed",
      "The storage account has no copy in another region; failover is not possible.",
    );
  }
  const sku = { ...(account.outputs["sku"] as Tree | undefined), name: "Standard_LRS" };
  const gone = ["secondaryLocation", "secondaryEndpoints", "statusOfSecondary"];
  const failed: Stored = {
    ...account,
    inputs: {
      ...account.inputs,
      sku: { ...(account.inputs["sku"] as Tree | undefined), name: "Standard_LRS" },
    },
    outputs: { ...gone.reduce(withoutKey, account.outputs), sku, primaryLocation: copy },
  };
  cloud.put(failed);
  return failed;
}

function lifecycleRules(inputs: Tree): Failure[] {
  return objectsAt(inputs, "policy.rules").flatMap((rule, index) => {
    const at = `policy.rules[${index}]`;
    const actions = Object.keys((valueAt(rule, "definition.actions") as Tree | undefined) ?? {});
    return actions.length > 0 ? [] : [{ property: `${at}.definition.actions`, reason: "needs an action" }];
  });
}

function restoreWindow(inputs: Tree): Failure[] {
  const restore = numberAt(inputs, "restorePolicy.days");
  const kept = numberAt(inputs, "deleteRetentionPolicy.days");
  return restore !== undefined && kept !== undefined && restore >= kept
    ? [
        {
          property: "restorePolicy.days",
          reason: `must be less than deleteRetentionPolicy.days (${kept}), not ${restore}`,
        },
      ]
    : [];
}

/** State of an immutability policy nobody can take back; the other one is `Unlocked`. */
export const POLICY_LOCKED = "Locked";

/** As https://github.com/Azure/azure-powershell/issues/26148 words it; the code is not published. */
export const refusedPolicyChange = (): CloudError =>
  new CloudError(
    409,
    "ImmutabilityPolicyLocked",
    "Operation not allowed on immutability policy with current state.",
  );

export const STORAGE_TYPES: ArmTable = {
  "storage:StorageAccount": {
    id: ACCOUNT,
    immutable: ["isHnsEnabled", "immutableStorageWithVersioning", "kind"],
    holdsData: true,
    globalName: "storage",
    check: (inputs) => {
      const name = stringAt(inputs, "accountName");
      return name === undefined || /^[a-z0-9]{3,24}$/.test(name)
        ? []
        : [
            {
              property: "accountName",
              reason: `must be 3 to 24 lower-case letters and digits, unlike ${name}`,
            },
          ];
    },
    computed: ({ inputs, scope }) => ({
      ...accountOutputs(stringAt(inputs, "accountName") ?? "", stringAt(inputs, "sku.name") ?? ""),
      ...locations(inputs, stringAt(scope.config, "location")),
      privateEndpointConnections: [],
    }),
  },
  "storage:BlobServiceProperties": {
    id: `${ACCOUNT}/blobServices/{blobServicesName}`,
    auto: "never",
    check: restoreWindow,
  },
  "storage:BlobContainer": {
    id: CONTAINER,
    immutable: ["immutableStorageWithVersioning"],
    holdsData: true,
    check: (inputs) => {
      const name = stringAt(inputs, "containerName");
      return name === undefined || /^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$/.test(name)
        ? []
        : [
            {
              property: "containerName",
              reason: `must be 3 to 63 lower-case letters, digits and single hyphens, unlike ${name}`,
            },
          ];
    },
    computed: () => ({
      deleted: false,
      hasLegalHold: false,
      leaseState: "Available",
      leaseStatus: "Unlocked",
    }),
  },
  "storage:BlobContainerImmutabilityPolicy": {
    id: `${CONTAINER}/immutabilityPolicies/{immutabilityPolicyName}`,
    auto: "never",
    keptOutputs: ["state"],
    refusedUpdate: (_old, next, live) => {
      const period = "immutabilityPeriodSinceCreationInDays";
      return stringAt(live, "state") === POLICY_LOCKED && numberAt(live, period) !== numberAt(next, period)
        ? [{ property: period, reason: "of a locked policy is changed by extending it alone" }]
        : [];
    },
    computed: ({ random }) => ({ state: "Unlocked", etag: random("etag", 16) }),
  },
  "storage:ManagementPolicy": {
    id: `${ACCOUNT}/managementPolicies/{managementPolicyName}`,
    auto: "never",
    check: lifecycleRules,
    computed: () => ({ lastModifiedTime: "2026-01-01T00:00:00.0000000Z" }),
  },
};
