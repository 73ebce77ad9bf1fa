import { azure, CLUSTER, SERVER, STORAGE_ACCOUNT, VAULT } from "../../packages/isolation/kinds";
import { fault, isText, type Cursor, type Outcome } from "../../packages/isolation/read";

/** A change of an existing resource that Azure refuses; the provider plans it as a plain update. */
export interface ArmChange {
  readonly types: readonly RegExp[];
  readonly check: (before: Cursor, after: Cursor) => Outcome[];
}

function fixed(before: Cursor, after: Cursor, path: string[], why: string): Outcome[] {
  const [old, now] = [before.at(...path), after.at(...path)];
  const comparable = [old, now].every(({ value }) => value === undefined || typeof value !== "symbol");
  const [left, right] = [old, now].map(({ value }) =>
    typeof value === "string" ? value.toLowerCase() : value,
  );
  return comparable && old.present && now.present && left !== right
    ? fault(now, `cannot be changed: ${why}`)
    : [];
}

function never(before: Cursor, after: Cursor, path: string[], why: string): Outcome[] {
  const [old, now] = [before.at(...path).number, after.at(...path).number];
  return old !== undefined && now !== undefined && now < old
    ? fault(after.at(...path), `must be at least ${old}, but is ${now}: ${why}`)
    : [];
}

/** Between two kinds of standby there is none for a while (https://learn.microsoft.com/azure/postgresql/high-availability/how-to-configure-high-availability). */
function standbyKind(before: Cursor, after: Cursor): Outcome[] {
  const path = ["highAvailability", "mode"] as const;
  const [old, now] = [before.at(...path).text, after.at(...path).text];
  const switched = [old, now].every((mode) => isText("ZoneRedundant", "SameZone")(mode)) && old !== now;
  return switched
    ? fault(after.at(...path), `cannot be switched from ${old ?? ""} to ${now ?? ""}: turn it off first`)
    : [];
}

const server: ArmChange = {
  types: [SERVER],
  check: (before, after) => {
    const [old, now] = [before, after].map((side) => Number(side.at("version").text ?? Number.NaN));
    return [
      ...fixed(before, after, ["backup", "geoRedundantBackup"], "geo-redundancy is chosen at creation"),
      ...fixed(before, after, ["network", "delegatedSubnetResourceId"], "the subnet is chosen at creation"),
      ...fixed(before, after, ["dataEncryption", "type"], "the kind of key is chosen at creation"),
      ...fixed(before, after, ["storage", "type"], "the kind of disk is chosen at creation"),
      ...never(before, after, ["storage", "storageSizeGB"], "a disk never shrinks"),
      ...standbyKind(before, after),
      ...(isText("Replica")(after.at("createMode").value)
        ? fault(
            after.at("createMode"),
            "must be left out once the replica exists (ReadReplicaAlreadyExistWithGivenName)",
          )
        : []),
      ...(now !== undefined && old !== undefined && now < old
        ? fault(after.at("version"), `must be at least ${old}, but is ${now}: versions only go up`)
        : []),
      ...(isText("Burstable")(after.at("sku", "tier").value) &&
      isText("ZoneRedundant", "SameZone")(after.at("highAvailability", "mode").value)
        ? fault(after.at("sku", "tier"), "must not be Burstable while there is a standby")
        : []),
    ];
  },
};

const account: ArmChange = {
  types: [STORAGE_ACCOUNT],
  check: (before, after) => {
    const zoneRedundant = (side: Cursor) => /ZRS$/.test(side.at("sku", "name").text ?? "");
    return [
      ...fixed(before, after, ["immutableStorageWithVersioning", "enabled"], "it is chosen at creation"),
      ...(before.at("sku", "name").present && zoneRedundant(before) !== zoneRedundant(after)
        ? fault(
            after.at("sku", "name"),
            "cannot change between zone-redundant and other replication by an update",
          )
        : []),
    ];
  },
};

const vault: ArmChange = {
  types: [VAULT],
  check: (before, after) => [
    ...fixed(before, after, ["properties", "softDeleteRetentionInDays"], "it is chosen at creation"),
    ...(before.at("properties", "enablePurgeProtection").value === true &&
    after.at("properties", "enablePurgeProtection").value === false
      ? fault(after.at("properties", "enablePurgeProtection"), "cannot be turned off again")
      : []),
  ],
};

const grafana: ArmChange = {
  types: [azure("dashboard", "Grafana")],
  check: (before, after) => {
    const path = ["properties", "grafanaMajorVersion"] as const;
    const version = (side: Cursor): number => Number(side.at(...path).text ?? Number.NaN);
    const [old, now] = [version(before), version(after)];
    return now < old
      ? fault(after.at(...path), `must be at least ${old}, but is ${now}: an upgrade cannot be undone`)
      : [];
  },
};

/** As https://github.com/Azure/CanadaPubSecALZ/issues/317 shows the answer. */
const budget: ArmChange = {
  types: [azure("consumption", "Budget")],
  check: (before, after) =>
    fixed(
      before,
      after,
      ["timePeriod", "startDate"],
      "a budget begins when it was made; delete it and make it anew",
    ),
};

const minorOf = (version: string | undefined): number =>
  Number(/^1\.(\d+)/.exec(version ?? "")?.[1] ?? Number.NaN);

/** A version of Kubernetes at a place, which goes up a minor at a time (https://learn.microsoft.com/azure/aks/upgrade-aks-cluster). */
const upwards =
  (place: string, step: number): ArmChange["check"] =>
  (before, after) => {
    const [old, now] = [minorOf(before.at(place).text), minorOf(after.at(place).text)];
    if (now < old)
      return fault(after.at(place), `must be at least 1.${old}, but is 1.${now}: versions only go up`);
    return now > old + step
      ? fault(after.at(place), `must be at most 1.${old + step}, but is 1.${now}: a minor version at a time`)
      : [];
  };

const cluster: ArmChange = { types: [CLUSTER], check: upwards("kubernetesVersion", 1) };

/** Nodes may be several minor versions behind their cluster, and catch up at once. */
const nodes: ArmChange = {
  types: [azure("containerservice", "AgentPool")],
  check: upwards("orchestratorVersion", Infinity),
};

export const ARM_CHANGES: readonly ArmChange[] = [server, account, vault, grafana, budget, cluster, nodes];
