import { DISK_SIZES_GB } from "../../../azure-facts";
import { numberAt, stringAt, textAt } from "../paths";
import { Failure, Made, Stored, Tree, Value } from "../types";
import { armKey, type ArmTable } from "./arm";
import { isFollower } from "./replication";

const SERVER = "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}";
const HOST = "postgres.database.azure.com";

/** DNS name of a server. */
export function hostOf(name: string): string {
  return `${name}.${HOST}`;
}

const READS_SOURCE = ["Replica", "PointInTimeRestore", "GeoRestore", "ReviveDropped"];

function checkServer(inputs: Tree): Failure[] {
  const failures: Failure[] = [];
  const mode = stringAt(inputs, "createMode") ?? "Default";
  const source = inputs["sourceServerResourceId"] !== undefined;
  const fresh = mode !== "Update" && !READS_SOURCE.includes(mode) && !source;
  if (fresh) {
    for (const property of ["sku", "storage", "version"]) {
      if (inputs[property] === undefined) {
        failures.push({ property, reason: "is required and missing for a new server", kind: "missing" });
      }
    }
    const password = (stringAt(inputs, "authConfig.passwordAuth") ?? "Enabled") === "Enabled";
    for (const property of ["administratorLogin", "administratorLoginPassword"]) {
      if (password && inputs[property] === undefined) {
        failures.push({
          property,
          reason: "is required while authConfig.passwordAuth is Enabled",
          kind: "missing",
        });
      }
    }
  } else if (READS_SOURCE.includes(mode) && !source) {
    failures.push({
      property: "sourceServerResourceId",
      reason: `is required by createMode ${mode}`,
      kind: "missing",
    });
  }
  const size = numberAt(inputs, "storage.storageSizeGB");
  const type = stringAt(inputs, "storage.type") ?? "Premium_LRS";
  if (size !== undefined && type === "Premium_LRS" && !DISK_SIZES_GB.includes(size)) {
    failures.push({
      property: "storage.storageSizeGB",
      reason: `must be one of ${DISK_SIZES_GB.join(", ")}, not ${size}`,
    });
  }
  return failures;
}

const FROZEN: Readonly<Record<string, string>> = {
  "backup.geoRedundantBackup": "is decided when a server is created",
  "network.delegatedSubnetResourceId": "is decided when a server is created",
  "dataEncryption.type": "is decided when a server is created",
};

/** What a server may not be sent while it follows another, whatever it was made as. */
function refusedOfReplica(next: Tree, live: Tree): Failure[] {
  if (!isFollower(live)) return [];
  const mode = stringAt(next, "highAvailability.mode") ?? "Disabled";
  const geo = stringAt(next, "backup.geoRedundantBackup") ?? "Disabled";
  return [
    ...(mode === "Disabled"
      ? []
      : [{ property: "highAvailability.mode", reason: "a read replica has no standby" }]),
    ...(geo === "Disabled"
      ? []
      : [{ property: "backup.geoRedundantBackup", reason: "a read replica has no backups" }]),
    ...(next["administratorLoginPassword"] === undefined
      ? []
      : [{ property: "administratorLoginPassword", reason: "a read replica takes it from its primary" }]),
  ];
}

/** Sent back by who still knows a server in its former role. What Azure makes of it is not sourced; a role is given by promotions only. */
function refusedRole(next: Tree, live: Tree): Failure[] {
  const [sent, role] = [stringAt(next, "replicationRole"), stringAt(live, "replicationRole")];
  return sent === undefined || role === undefined || sent === role
    ? []
    : [
        {
          property: "replicationRole",
          reason: `is given by a promotion only: it stays ${role}, not ${sent}`,
        },
      ];
}

/** Whether a server follows the one of that name: by what it is where that is known, by what it was made as otherwise. */
function follows(other: Tree, name: string): boolean {
  const source = other["sourceServerResourceId"];
  if (source === undefined) return false;
  const isKnown = other["replicationRole"] !== undefined;
  const made = stringAt(other, "createMode") ?? "Replica";
  if (!(isKnown ? isFollower(other) : made === "Replica")) return false;
  const known = typeof source === "string" && source.includes("/");
  return !known || source.toLowerCase().endsWith(`/${name.toLowerCase()}`);
}

function refusedServerUpdate(old: Tree, next: Tree, live: Tree, others: () => readonly Tree[]): Failure[] {
  const failures = Object.entries(FROZEN)
    .map(([property, why]) => ({
      property,
      before: textAt(old, property),
      now: textAt(next, property),
      why,
    }))
    .filter(({ before, now }) => before !== "" && now !== "" && before !== now)
    .map(({ property, before, now, why }) => ({
      property,
      reason: `${why}: it stays ${before}, not ${now}`,
    }));
  const [before, now] = [numberAt(old, "storage.storageSizeGB"), numberAt(next, "storage.storageSizeGB")];
  if (before !== undefined && now !== undefined && now < before) {
    failures.push({
      property: "storage.storageSizeGB",
      reason: `storage never shrinks: at least ${before}, not ${now}`,
    });
  }
  const [was, is] = [Number(stringAt(old, "version")), Number(stringAt(next, "version"))];
  if (is < was)
    failures.push({ property: "version", reason: `is never lowered: at least ${was}, not ${is}` });
  const name = stringAt(next, "serverName") ?? "";
  // Microsoft, "Major version upgrades": not supported for a server that has read replicas.
  if (is > was && others().some((other) => follows(other, name)))
    failures.push({
      property: "version",
      reason: `is not raised from ${was} to ${is} while a read replica follows: that is deleted first`,
    });
  return [...failures, ...refusedRole(next, live), ...refusedOfReplica(next, live)];
}

/**
 * What a server made from another has from it unless told otherwise; never its standby or its copies elsewhere. Once it is there it
 * keeps it, whoever it follows.
 */
const INHERITED = ["version", "sku", "storage", "administratorLogin", "authConfig"];

function inherited({ inputs, cloud, id }: Made): Tree {
  const source = stringAt(inputs, "sourceServerResourceId");
  const found = cloud.get(armKey(id)) ?? (source === undefined ? undefined : cloud.get(armKey(source)));
  if (!found) return {};
  const outputs = found.outputs;
  return {
    ...Object.fromEntries(
      INHERITED.flatMap((name) => {
        const value = outputs[name];
        return inputs[name] === undefined && value !== undefined ? [[name, value]] : [];
      }),
    ),
    backup: {
      backupRetentionDays: numberAt(outputs, "backup.backupRetentionDays") ?? 7,
      geoRedundantBackup: "Disabled",
      ...(inputs["backup"] as Tree | undefined),
    },
  };
}

/** Servers that are made from another and follow it; a restored one stands alone. */
function followsSource(inputs: Tree): boolean {
  const mode = stringAt(inputs, "createMode");
  return (
    inputs["sourceServerResourceId"] !== undefined &&
    !["PointInTimeRestore", "GeoRestore", "ReviveDropped"].includes(mode ?? "")
  );
}

function serverOutputs(made: Made): Readonly<Record<string, Value | undefined>> {
  const { inputs } = made;
  const replica = followsSource(inputs);
  const name = stringAt(inputs, "serverName") ?? "";
  return {
    ...inherited(made),
    fullyQualifiedDomainName: hostOf(name),
    minorVersion: "5",
    state: "Ready",
    // "This property is returned only when the target server is a read replica" (its description).
    ...(!replica && { sourceServerResourceId: undefined }),
    replicaCapacity: replica ? 0 : 5,
    replicationRole: stringAt(inputs, "replicationRole") ?? (replica ? "AsyncReplica" : "Primary"),
    privateEndpointConnections: [],
  };
}

/** Parameters a server reads when it starts, and not before. */
const STATIC_PARAMETERS = new Set([
  "autovacuum_freeze_max_age",
  "autovacuum_max_workers",
  "max_connections",
  "max_locks_per_transaction",
  "max_prepared_transactions",
  "max_replication_slots",
  "max_wal_senders",
  "max_worker_processes",
  "pg_stat_statements.max",
  "shared_buffers",
  "shared_preload_libraries",
  "track_activity_query_size",
  "wal_level",
]);

function swapZones({ outputs }: Stored): Tree {
  const standby = stringAt(outputs, "highAvailability.standbyAvailabilityZone");
  const zone = stringAt(outputs, "availabilityZone");
  const ha = outputs["highAvailability"];
  return {
    availabilityZone: standby || (zone === "1" ? "2" : "1"),
    ...(typeof ha === "object" && {
      highAvailability: { ...(ha as Tree), standbyAvailabilityZone: zone ?? "1" },
    }),
  };
}

function membersOf(outputs: Tree): readonly Value[] {
  const members = outputs["members"];
  return Array.isArray(members) ? (members as Value[]) : [];
}

export const DATABASE_TYPES: ArmTable = {
  "dbforpostgresql:Server": {
    id: SERVER,
    immutable: ["administratorLogin", "availabilityZone", "sourceServerResourceId", "pointInTimeUTC"],
    holdsData: true,
    writeOnly: ["administratorLoginPassword", "createMode", "pointInTimeUTC"],
    // Zones can only be swapped, by a failover.
    keptOnUpdate: ["availabilityZone", "highAvailability.standbyAvailabilityZone"],
    globalName: "postgres",
    serialisedUpTo: "serverName",
    check: checkServer,
    refusedUpdate: refusedServerUpdate,
    // Only a promotion gives another role and source; the administrator's name is the one it was made with, or its source was.
    keptOutputs: ["replicationRole", "replicaCapacity", "sourceServerResourceId", "administratorLogin"],
    // Who a server is from matters when it is made; that may be gone since.
    linkedAtBirth: ["sourceServerResourceId"],
    computed: serverOutputs,
    moves: {
      "ha-failover": swapZones,
      autogrow: ({ outputs }) => ({
        storage: {
          ...(outputs["storage"] as Tree | undefined),
          storageSizeGB: (numberAt(outputs, "storage.storageSizeGB") ?? 32) * 2,
        },
      }),
      // Either way the server has no standby afterwards.
      promoted: () => ({ replicationRole: "Primary", highAvailability: { mode: "Disabled" } }),
      demoted: () => ({ replicationRole: "AsyncReplica", highAvailability: { mode: "Disabled" } }),
    },
  },
  "dbforpostgresql:Database": {
    id: `${SERVER}/databases/{databaseName}`,
    immutable: ["charset", "collation"],
    holdsData: true,
    serialisedUpTo: "serverName",
  },
  "dbforpostgresql:Configuration": {
    id: `${SERVER}/configurations/{configurationName}`,
    required: ["value", "source"],
    auto: "never",
    serialisedUpTo: "serverName",
    computed: ({ inputs }) => {
      const fixed = STATIC_PARAMETERS.has(stringAt(inputs, "configurationName") ?? "");
      return { isReadOnly: false, isConfigPendingRestart: fixed, isDynamicConfig: !fixed };
    },
    // Neither Azure nor the provider restarts a server for a parameter.
    moves: { "server-restarted": () => ({ isConfigPendingRestart: false }) },
  },
  "dbforpostgresql:VirtualEndpoint": {
    id: `${SERVER}/virtualendpoints/{virtualEndpointName}`,
    required: ["endpointType", "members"],
    globalName: "postgres",
    serialisedUpTo: "serverName",
    computed: ({ inputs }) => {
      const name = stringAt(inputs, "virtualEndpointName") ?? "";
      return { virtualEndpoints: [`${name}.writer.${HOST}`, `${name}.reader.${HOST}`] };
    },
    // Members are named writer first; a switchover turns them round.
    moves: {
      "follows-promotion": ({ outputs }) => ({ members: [...membersOf(outputs)].reverse() }),
    },
  },
  "dbforpostgresql:AdministratorsMicrosoftEntra": {
    id: `${SERVER}/administrators/{objectId}`,
    required: ["principalName", "principalType", "tenantId"],
    auto: "never",
    immutable: ["principalName", "principalType", "tenantId"],
    serialisedUpTo: "serverName",
  },
};
