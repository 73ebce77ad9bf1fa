import { POSTGRES_VERSIONS } from "../../../azure-facts";
import { promote } from "../../model/azure/replication";
import { hostOf } from "../../model/azure/database";
import { lastName } from "../../model/ids";
import { stringAt } from "../../model/paths";
import type { Stored, Tree } from "../../model/types";
import { ArmAnswer, ArmContext, ArmRequest, list, textIn } from "../context";
import { ArmError, notFound } from "../errors";
import { accepted, perform } from "../perform";
import { shown } from "../views";
import { undoing } from "../../store/changes";
import { replicasOf } from "../../model/azure/replication";
import type { ActionTable } from "./table";

const SERVER = "azure-native:dbforpostgresql:Server";

function server(context: ArmContext, { route }: ArmRequest, id = route.target): Stored {
  const found = context.cloud.get(`arm:${id.toLowerCase()}`);
  if (!found || found.softDeleted) {
    throw notFound("Microsoft.DBforPostgreSQL/flexibleServers", lastName(id), route.group);
  }
  return found;
}

function attemptOn(stored: Stored) {
  const name = lastName(stored.id);
  return { operation: "update" as const, urn: "", type: SERVER, name, key: stored.key };
}

/** Restarts a server; with a failover its zones swap, as after one Azure makes by itself. */
async function restart(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const before = server(context, request);
  const failover = request.body["restartWithFailover"] === true;
  const mode = textIn(request.body, "failoverMode");
  const allowed = ["PlannedFailover", "ForcedFailover", "PlannedSwitchover", "ForcedSwitchover"];
  if (mode !== undefined && !allowed.some((one) => one.toLowerCase() === mode.toLowerCase())) {
    throw new ArmError(
      400,
      "InvalidParameterValue",
      `Invalid value given for parameter 'failoverMode': must be one of ${allowed.join(", ")}, not ${mode}.`,
    );
  }
  if (failover && (stringAt(before.outputs, "highAvailability.mode") ?? "Disabled") === "Disabled") {
    throw new ArmError(
      400,
      "HANotEnabled",
      "High availability is not enabled for this server, so there is no standby to fail over to.",
    );
  }
  const started = await perform(context, attemptOn(before), before.key, async (done) => {
    const snapshot = context.cloud.snapshot();
    const { moves = {} } = context.model.resource(SERVER);
    const moved = failover ? moves["ha-failover"]?.(before) : undefined;
    const stored = moved ? { ...before, outputs: { ...before.outputs, ...moved } } : before;
    context.cloud.put(stored);
    restarted(context, stored);
    done(stored);
    await context.hooks.emit({ kind: "restarted", stored, failover }, undoing(context.cloud, snapshot));
  });
  return accepted(context, request, started, { result: () => undefined, bare: true });
}

/** Parameters a server reads only when it starts are in force now. */
function restarted({ cloud, model }: ArmContext, { id }: Stored): void {
  const type = "azure-native:dbforpostgresql:Configuration";
  const move = model.resource(type).moves?.["server-restarted"];
  for (const stored of [...cloud.all()]) {
    if (stored.type !== type || !stored.id.toLowerCase().startsWith(`${id.toLowerCase()}/`) || !move)
      continue;
    cloud.put({ ...stored, outputs: { ...stored.outputs, ...move(stored) } });
  }
}

function switched(state: "Ready" | "Stopped") {
  return async (context: ArmContext, request: ArmRequest): Promise<ArmAnswer> => {
    const before = server(context, request);
    const started = await perform(context, attemptOn(before), before.key, async (done) => {
      const snapshot = context.cloud.snapshot();
      const stored = { ...before, outputs: { ...before.outputs, state } };
      context.cloud.put(stored);
      done(stored);
      await context.hooks.emit({ kind: "updated", stored, before }, undoing(context.cloud, snapshot));
    });
    return accepted(context, request, started, { result: () => undefined, bare: true });
  };
}

/** A body that asks a replica to take over rather than to change. */
export function asksForPromotion(body: Tree): boolean {
  return stringAt(body, "properties.replica.promoteMode") !== undefined;
}

/** From this version on the service wants to be told the source too (https://github.com/Azure/azure-cli/issues/33776). */
const SOURCE_REQUIRED_FROM = "2026-01-01-preview";

/** Promotes a replica; answered as the update of a server that it is. */
export async function promotion(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const replica = server(context, request, request.route.path);
  const { body, apiVersion } = request;
  const mode = stringAt(body, "properties.replica.promoteMode")?.toLowerCase();
  const option = (stringAt(body, "properties.replica.promoteOption") ?? "planned").toLowerCase();
  if (mode !== "standalone" && mode !== "switchover") {
    throw new ArmError(
      400,
      "InvalidParameterValue",
      `Invalid value given for parameter 'properties.replica.promoteMode': must be one of standalone, switchover, not ${mode ?? "nothing"}.`,
    );
  }
  if (option !== "planned" && option !== "forced") {
    throw new ArmError(
      400,
      "InvalidParameterValue",
      `Invalid value given for parameter 'properties.replica.promoteOption': must be one of planned, forced, not ${option}.`,
    );
  }
  if (
    apiVersion >= SOURCE_REQUIRED_FROM &&
    stringAt(body, "properties.sourceServerResourceId") === undefined
  ) {
    throw new ArmError(
      400,
      "MissingRequiredParameter",
      "Parameter 'properties.sourceServerResourceId' must be specified. This parameter cannot be NULL or empty.",
    );
  }
  const source =
    stringAt(replica.outputs, "sourceServerResourceId") ??
    stringAt(replica.inputs, "sourceServerResourceId") ??
    "";
  const primary = context.cloud.get(`arm:${source.toLowerCase()}`);
  const primaryAnswers =
    primary !== undefined &&
    context.front.unreachable({ operation: "update", type: SERVER, name: "", key: primary.key }) ===
      undefined;
  const started = await perform(context, attemptOn(replica), replica.key, async (done) => {
    const snapshot = context.cloud.snapshot();
    const { stored, former } = promote(context.cloud, replica, { mode, option, primaryAnswers });
    done(stored);
    const event = { kind: "promoted", stored, ...(former && { former }), mode, option } as const;
    await context.hooks.emit(event, undoing(context.cloud, snapshot));
  });
  return accepted(context, request, started, {
    result: () => {
      const now = context.cloud.get(replica.key);
      return now && shown(now, context);
    },
  });
}

/** Sizes and versions a server of this cloud may have: those the model's rules admit. */
function capabilities(): ArmAnswer {
  const skus = (family: string, sizes: readonly number[]): Tree[] =>
    sizes.map((vCores) => ({
      name: `Standard_${family === "B" ? `B${vCores}ms` : `${family}${vCores}ds_v5`}`,
      vCores,
      supportedIops: 3200 * vCores,
      supportedMemoryPerVcoreMb: 4096,
      supportedZones: ["1", "2", "3"],
      supportedHaMode: family === "B" ? [] : ["SameZone", "ZoneRedundant"],
    }));
  const disks = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768].map((gib) => ({
    storageSizeMb: gib * 1024,
    supportedIops: gib * 3,
    defaultIopsTier: "P10",
    supportedIopsTiers: [{ name: "P10", iops: 500 }],
  }));
  const editions = [
    ["Burstable", "B", [1, 2, 4]],
    ["GeneralPurpose", "D", [2, 4, 8, 16, 32]],
    ["MemoryOptimized", "E", [2, 4, 8, 16, 32]],
  ] as const;
  return list([
    {
      name: "FlexibleServerCapabilities",
      supportedServerEditions: editions.map(([name, family, sizes]) => ({
        name,
        defaultSkuName: skus(family, sizes)[0]?.["name"],
        supportedStorageEditions: [
          { name: "ManagedDisk", defaultStorageSizeMb: 131072, supportedStorageMb: disks },
        ],
        supportedServerSkus: skus(family, sizes),
      })),
      supportedServerVersions: POSTGRES_VERSIONS.map((name, i) => ({
        name,
        supportedVersionsToUpgrade: POSTGRES_VERSIONS.slice(i + 1),
      })),
      supportedFeatures: Object.entries({
        OfferRestricted: "Disabled",
        ZoneRedundantHa: "Enabled",
        GeoBackup: "Enabled",
        OnlineResize: "Enabled",
      }).map(([name, status]) => ({ name, status })),
      fastProvisioningSupported: "Disabled",
      geoBackupSupported: "Enabled",
      zoneRedundantHaSupported: "Enabled",
      zoneRedundantHaAndGeoBackupSupported: "Enabled",
      storageAutoGrowthSupported: "Enabled",
      onlineResizeSupported: "Enabled",
      restricted: "Disabled",
    },
  ]);
}

function nameAvailability(context: ArmContext, { body }: ArmRequest): ArmAnswer {
  const name = textIn(body, "name");
  if (!name) throw new ArmError(400, "MissingRequiredParameter", "Parameter 'name' must be specified.");
  const host = hostOf(name).toLowerCase();
  const taken = [...context.cloud.all()].some(
    ({ type, outputs }) =>
      type === SERVER && stringAt(outputs, "fullyQualifiedDomainName")?.toLowerCase() === host,
  );
  return {
    status: 200,
    body: {
      name,
      type: "Microsoft.DBforPostgreSQL/flexibleServers",
      nameAvailable: !taken,
      ...(taken && { reason: "AlreadyExists", message: `Specified server name is already used.` }),
    },
  };
}

export const POSTGRES_ACTIONS: ActionTable = {
  "POST Microsoft.DBforPostgreSQL/flexibleServers/restart": restart,
  "POST Microsoft.DBforPostgreSQL/flexibleServers/start": switched("Ready"),
  "POST Microsoft.DBforPostgreSQL/flexibleServers/stop": switched("Stopped"),
  "GET Microsoft.DBforPostgreSQL/flexibleServers/capabilities": capabilities,
  "GET Microsoft.DBforPostgreSQL/locations/capabilities": capabilities,
  "GET Microsoft.DBforPostgreSQL/flexibleServers/replicas": (context, request) =>
    list(replicasOf(context.cloud, server(context, request)).map((stored) => shown(stored, context))),
  "POST Microsoft.DBforPostgreSQL/checkNameAvailability": nameAvailability,
  "POST Microsoft.DBforPostgreSQL/locations/checkNameAvailability": nameAvailability,
};
