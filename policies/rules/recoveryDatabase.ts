import {
  chainDepths,
  cursor,
  isPromoted,
  isReplica,
  linked,
  ofType,
  targetsOf,
  waitsFor,
} from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import { fault, isText, mustBeText, mustBeWithin, when, type Outcome } from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { about, resourceRule, stackRule, type Verdict } from "./define";
import { ofWriter } from "./writer";

const DOCS = "https://learn.microsoft.com/azure/postgresql";
const { backupRetentionDays, postgresVersions } = THRESHOLDS;

/** Runs a check on primaries only: a replica takes what it asks about from its source. */
const ofPrimary = (resource: ResourceView, outcomes: () => Outcome[]): Outcome[] =>
  isReplica(resource) ? [] : outcomes();

const geoBackup = resourceRule(
  {
    id: "REC-001",
    name: "postgres-geo-redundant-backup",
    title: "Backups of the production database exist in a second region",
    description: "backup.geoRedundantBackup is Enabled on every primary server.",
    why: "Unsaid, Azure keeps backups in the server's own region only, and it can never be turned on later.",
    severity: "critical",
    framework: { waf: ["RE:09"], mcsb: ["BR-1"], risks: ["R01", "R02", "R10"] },
    remediation: "Set database.geoRedundantBackup to true before the first deployment.",
    url: `${DOCS}/backup-restore/concepts-backup-restore`,
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    ofPrimary(resource, () => mustBeText(server.at("backup", "geoRedundantBackup"), "Enabled")),
);

const retention = resourceRule(
  {
    id: "REC-002",
    name: "postgres-backup-retention",
    title: `The production database can be restored to any second of the last ${backupRetentionDays.value} days`,
    description: `backup.backupRetentionDays is at least ${backupRetentionDays.value} on every primary server, and on one that was promoted.`,
    why: "Damage that is noticed after a month could not be undone; lowering it drops older restore points at once.",
    severity: "critical",
    framework: { waf: ["RE:09"], mcsb: ["BR-1"], risks: ["R02", "R10"] },
    remediation: "Set database.backupRetentionDays to 35.",
    url: `${DOCS}/backup-restore/concepts-backup-restore`,
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    isReplica(resource) && !isPromoted(resource)
      ? []
      : mustBeWithin(server.at("backup", "backupRetentionDays"), backupRetentionDays.value, Infinity, "days"),
);

const standby = resourceRule(
  {
    id: "REC-003",
    name: "postgres-standby",
    title: "The production database has a standby that takes over by itself",
    description:
      "highAvailability.mode is ZoneRedundant or SameZone on every primary server, and on one that was promoted where it says anything.",
    why: "Without one, a crashed server is down until it has been repaired: hours instead of two minutes.",
    severity: "critical",
    framework: { waf: ["RE:05"], risks: ["R01"] },
    remediation: "Set database.highAvailability to ZoneRedundant.",
    url: "https://learn.microsoft.com/azure/reliability/reliability-azure-database-postgresql",
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    ofWriter(resource, server.at("highAvailability", "mode"), () =>
      mustBeText(server.at("highAvailability", "mode"), "ZoneRedundant", "SameZone"),
    ),
);

const zoneStandby = resourceRule(
  {
    id: "REC-004",
    name: "postgres-zone-redundant-standby",
    title: "The standby is in another zone",
    description: "highAvailability.mode is ZoneRedundant on every primary server.",
    why: "A standby in the same zone is lost together with the server when the zone is.",
    severity: "high",
    // Azure has blocked zone-redundant standbys in this pair of regions before.
    levelCanBeLowered: true,
    framework: { waf: ["RE:05"], risks: ["R01", "R11"] },
    remediation:
      "Set database.highAvailability to ZoneRedundant. Where Azure blocks it, lower this rule to advisory in the pack's configuration and say until when.",
    url: "https://learn.microsoft.com/azure/reliability/reliability-azure-database-postgresql",
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    ofPrimary(resource, () =>
      when(server.at("highAvailability", "mode"), isText("SameZone"), () =>
        mustBeText(server.at("highAvailability", "mode"), "ZoneRedundant"),
      ),
    ),
);

const autogrow = resourceRule(
  {
    id: "REC-005",
    name: "postgres-autogrow",
    title: "Disks of the production database grow before they are full",
    description: "storage.autoGrow is Enabled on every server, replicas included.",
    why: "At 95 % the server turns read-only, and a replica with a smaller disk cannot be promoted.",
    severity: "high",
    framework: { waf: ["RE:06"], risks: ["R13"] },
    remediation: "Set storage.autoGrow to Enabled, on the replica first.",
    url: `${DOCS}/compute-storage/concepts-storage-premium-ssd`,
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server) => mustBeText(server.at("storage", "autoGrow"), "Enabled"),
);

const tier = resourceRule(
  {
    id: "REC-006",
    name: "postgres-production-tier",
    title: "The production database does not run on borrowed CPU",
    description: "sku.tier is GeneralPurpose or MemoryOptimized.",
    why: "A Burstable server slows down when its credits are spent, and has no standby, replica or pooler.",
    severity: "high",
    framework: { waf: ["RE:06", "PE:07"], risks: ["R01", "R14"] },
    remediation: "Set database.tier to GeneralPurpose.",
    url: `${DOCS}/compute-storage/concepts-compute`,
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server) => mustBeText(server.at("sku", "tier"), "GeneralPurpose", "MemoryOptimized"),
);

const supported = resourceRule(
  {
    id: "REC-007",
    name: "postgres-supported-version",
    title: "The production database runs a version that is neither retired nor a preview",
    description: `version is one of ${postgresVersions.value.join(", ")} on every primary server.`,
    why: "A retired version gets no security fixes; a preview has no support when it fails.",
    severity: "high",
    framework: { mcsb: ["PV-6"], risks: ["R07", "R09"] },
    remediation: `Set database.version to ${postgresVersions.value.at(-1) ?? ""}.`,
    url: `${DOCS}/configure-maintain/concepts-version-policy`,
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    ofPrimary(resource, () => mustBeText(server.at("version"), ...postgresVersions.value)),
);

const maintenance = resourceRule(
  {
    id: "REC-008",
    name: "postgres-maintenance-window-set",
    title: "Azure patches the production database when it is quiet",
    description:
      "maintenanceWindow.customWindow is Enabled on every primary server, and on one that was promoted where it says anything.",
    why: "Otherwise Azure restarts the server at a time of its own choosing.",
    severity: "medium",
    framework: { waf: ["OE:11"], risks: ["R01", "R09"] },
    remediation: "Set database.maintenanceWindow.",
    url: `${DOCS}/configure-maintain/concepts-maintenance`,
    appliesTo: "prod",
    types: [kinds.SERVER],
  },
  (server, resource) =>
    ofWriter(resource, server.at("maintenanceWindow"), () =>
      mustBeText(server.at("maintenanceWindow", "customWindow"), "Enabled"),
    ),
);

/** Properties Azure changes by itself or takes only once; sending an old value back replaces or shrinks. */
const MOVED_BY_AZURE = [
  "availabilityZone",
  "highAvailability.standbyAvailabilityZone",
  "storage.storageSizeGB",
];
const ONLY_AT_BIRTH = ["sourceServerResourceId"];

const drift = resourceRule(
  {
    id: "REC-009",
    name: "postgres-drift-ignored",
    title: "What Azure moves by itself never replaces a server",
    description: `ignoreChanges names ${MOVED_BY_AZURE.join(", ")}, and on a replica also ${ONLY_AT_BIRTH.join(", ")}.`,
    why: "A failover swaps the zones and autogrow enlarges the disk: the next update would replace the server, and its backups with it.",
    severity: "critical",
    framework: { waf: ["RE:09", "OE:05"], risks: ["R09", "R10"] },
    remediation: "Add the property to ignoreChanges.",
    url: "https://www.pulumi.com/docs/iac/concepts/resources/options/ignorechanges/",
    appliesTo: "any",
    types: [kinds.SERVER],
  },
  (server, resource) => {
    const needed = [...MOVED_BY_AZURE, ...(isReplica(resource) ? ONLY_AT_BIRTH : [])];
    const ignored = resource.opts.ignoreChanges;
    return needed
      .filter(
        (path) => !ignored.some((entry) => entry === "*" || entry === path || path.startsWith(`${entry}.`)),
      )
      .flatMap((path) => fault(server.at(...path.split(".")), "must be listed in ignoreChanges"));
  },
);

function location(resource: ResourceView): string | undefined {
  return kinds.regionName(cursor(resource).at("location").value);
}

/** Servers without a source. */
function primaries(stack: StackView): ResourceView[] {
  return ofType(stack, kinds.SERVER).filter((server) => !isReplica(server));
}

function replicasOf(stack: StackView, primary: ResourceView): ResourceView[] {
  const replicas = ofType(stack, kinds.SERVER).filter(isReplica);
  const named = replicas.filter((replica) =>
    linked(stack, replica, "sourceServerResourceId", kinds.SERVER).includes(primary),
  );
  return named.length > 0 || primaries(stack).length > 1 ? named : replicas;
}

const replica = stackRule(
  {
    id: "REC-010",
    name: "postgres-replica-elsewhere",
    title: "The production database has a replica in another region",
    description: "Every primary server has a read replica whose location is another region.",
    why: "When the region is lost, geo-restored backups may be an hour old: the whole of the allowed loss.",
    severity: "critical",
    framework: { waf: ["RE:05", "RE:09"], risks: ["R01", "R11"] },
    remediation: "Set regions.secondary and database.replica.",
    url: `${DOCS}/read-replica/concepts-read-replicas-geo`,
    appliesTo: "prod",
  },
  (stack) =>
    primaries(stack).flatMap((primary) => {
      const elsewhere = replicasOf(stack, primary).filter((server) => location(server) !== location(primary));
      return elsewhere.length > 0 ? [] : [about(primary, "must have a read replica in another region")];
    }),
);

const twins = stackRule(
  {
    id: "REC-011",
    name: "postgres-replica-fit",
    title: "The replica can take over from its primary",
    description: "Compute size, tier, disk and autogrow of a replica equal those of its primary.",
    why: "Azure refuses to promote a replica with another size, in the very hour it is needed.",
    severity: "critical",
    framework: { waf: ["RE:05", "RE:09"], risks: ["R01"] },
    remediation: "Build both from the same values; scale the replica up first and down last.",
    url: `${DOCS}/read-replica/concepts-read-replicas-promote`,
    appliesTo: "any",
  },
  (stack) =>
    primaries(stack).flatMap((primary) =>
      replicasOf(stack, primary).map((server): Verdict => {
        const [mine, theirs] = [cursor(server), cursor(primary)];
        const same = [
          ["sku", "name"],
          ["sku", "tier"],
          ["storage", "autoGrow"],
        ].flatMap(([section = "", key = ""]) => {
          const wanted = theirs.at(section, key).text;
          return wanted === undefined ? [] : mustBeText(mine.at(section, key), wanted);
        });
        const disk = theirs.at("storage", "storageSizeGB").number;
        const size =
          disk === undefined ? [] : mustBeWithin(mine.at("storage", "storageSizeGB"), disk, Infinity, "GiB");
        return { resource: server, outcomes: [...same, ...size] };
      }),
    ),
);

const endpoint = stackRule(
  {
    id: "REC-012",
    name: "postgres-virtual-endpoint-present",
    title: "Clients reach the production database by a name that follows a promotion",
    description: "Every primary server with a replica has a virtual endpoint.",
    why: "Without one, a promoted replica needs new connection strings everywhere before anything works again.",
    severity: "high",
    framework: { waf: ["RE:07", "RE:09"], risks: ["R01", "R11"] },
    remediation: "Add a VirtualEndpoint on the primary with the replica as its member.",
    url: `${DOCS}/read-replica/concepts-read-replicas-virtual-endpoints`,
    appliesTo: "prod",
  },
  (stack) => {
    const endpoints = ofType(stack, kinds.VIRTUAL_ENDPOINT);
    const reachable = targetsOf(stack, endpoints, "serverName", kinds.SERVER);
    return primaries(stack)
      .filter((primary) => !reachable.has(primary) && replicasOf(stack, primary).length > 0)
      .map((primary) => about(primary, "must have a virtual endpoint"));
  },
);

const serialised = stackRule(
  {
    id: "REC-013",
    name: "postgres-children-serialised",
    title: "Changes of one server wait for each other",
    description:
      "Of any two databases, parameters, administrators and endpoints of one server, one depends on the other.",
    why: "Azure works on one at a time and answers ServerIsBusy to the next, so that a deployment fails half way.",
    severity: "high",
    framework: { waf: ["OE:05"], risks: ["R09"] },
    remediation: "Chain them with dependsOn, in the order they are declared.",
    url: `${DOCS}/server-parameters/concepts-server-parameters`,
    appliesTo: "any",
  },
  (stack) => {
    const children = ofType(
      stack,
      kinds.CONFIGURATION,
      kinds.DATABASE,
      kinds.VIRTUAL_ENDPOINT,
      kinds.ENTRA_ADMINISTRATOR,
    );
    const byServer = new Map<string, ResourceView[]>();
    for (const child of children) {
      const server = linked(stack, child, "serverName", kinds.SERVER)[0];
      if (server) byServer.set(server.urn, [...(byServer.get(server.urn) ?? []), child]);
    }
    return [...byServer.values()].flatMap((group) => unordered(stack, group));
  },
);

/** In a chain no two are at the same depth. Only the first that are is told: the rest follows from it. */
function unordered(stack: StackView, group: readonly ResourceView[]): Verdict[] {
  const holders = new Map<number, ResourceView>();
  for (const [child, depth] of chainDepths(stack, group)) {
    const holder = holders.get(depth);
    if (holder) return [about(child, `must wait for ${holder.name}, which changes the same server`)];
    holders.set(depth, child);
  }
  return [];
}

const poolerFirst = stackRule(
  {
    id: "REC-014",
    name: "postgres-pgbouncer-enabled-first",
    title: "PgBouncer is turned on before it is configured",
    description: "Every pgbouncer.* parameter depends on pgbouncer.enabled of its server.",
    why: "The other parameters do not exist until then, and Azure rejects them.",
    severity: "high",
    framework: { waf: ["OE:05"], risks: ["R01", "R09"] },
    remediation: "Declare pgbouncer.enabled first in the chain of parameters.",
    url: `${DOCS}/connectivity/concepts-pgbouncer`,
    appliesTo: "any",
  },
  (stack) => {
    const parameters = ofType(stack, kinds.CONFIGURATION).filter((one) =>
      (kinds.azureName(one) ?? "").startsWith("pgbouncer."),
    );
    const switches = parameters.filter((one) => kinds.azureName(one) === "pgbouncer.enabled");
    return parameters
      .filter((one) => !switches.includes(one))
      .filter((one) => !switches.some((enabled) => waitsFor(stack, one, enabled)))
      .map((one) => about(one, "must wait for the parameter pgbouncer.enabled of its server"));
  },
);

export const DATABASE_RECOVERY_RULES: readonly Rule[] = [
  geoBackup,
  retention,
  standby,
  zoneStandby,
  autogrow,
  tier,
  supported,
  maintenance,
  drift,
  replica,
  twins,
  endpoint,
  serialised,
  poolerFirst,
];
