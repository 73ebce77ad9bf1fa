import { REGIONS, RESTRICTED_REGIONS } from "../../infra/regions";
import { takesDatabases } from "../../packages/azure-facts";
import type { Problem } from "../problems";
import type { StackConfig } from "./shape";

const at = (...path: string[]) => ["regions", ...path];

/**
 * Roles that together are a state of the platform. What is refused says which transition was meant:
 * a failover, the way back, or the loss of the region that stands by.
 */
export function roleRules(config: StackConfig): Problem[] {
  return [...pairRules(config), ...geoBackupRules(config)];
}

/** Only a pair that was made by an adoption can have another server with copies than the first. */
function geoBackupRules({ regions, database }: StackConfig): Problem[] {
  const { geoBackupOf: found, generation } = database;
  const path = ["database", "geoBackupOf"];
  if (found === "secondary" && !(regions.secondary && database.replica))
    return [{ path, found, allowed: "primary or neither without database.replica" }];
  return found !== "primary" && generation === 1
    ? [{ path, found, allowed: "primary until an adoption makes another pair (database.generation)" }]
    : [];
}

function pairRules({ regions, database }: StackConfig): Problem[] {
  const { primary, secondary } = regions;
  if (!secondary) {
    return primary.role === "serving"
      ? []
      : [
          {
            path: at("primary", "role"),
            found: primary.role,
            allowed: "serving, because there is no other region; one that is lost is rebuilt",
          },
        ];
  }
  const serving = [primary, secondary].filter(({ role }) => role === "serving").length;
  if (serving === 1) {
    if (secondary.role === "serving" && database.replica?.bootstrap) {
      return [
        {
          path: ["database", "replica", "bootstrap"],
          found: true,
          allowed:
            "false while regions.secondary serves: its server is the writer, and would be asked to be a replica",
        },
      ];
    }
    return secondary.role === "serving" && !database.replica
      ? [
          {
            path: at("secondary", "role"),
            found: secondary.role,
            allowed: "standby or lost without database.replica: there would be no database to serve with",
          },
        ]
      : [];
  }
  return serving === 2
    ? [
        {
          path: at("secondary", "role"),
          found: secondary.role,
          allowed:
            "one serving region: after a failover set the region that gave over to standby, or to lost while it does not answer",
        },
      ]
    : [
        {
          path: at("secondary", "role"),
          found: secondary.role,
          allowed: `serving for one of the two (primary is ${primary.role}): a failover makes the region that takes over serving`,
        },
      ];
}

/** Two regions have a witness that lies in neither, with zones of its own. */
export function servingRules({ regions, serving }: StackConfig): Problem[] {
  const { primary, secondary } = regions;
  const path = ["serving", "witness"];
  if (!secondary)
    return serving.witness
      ? [{ path, found: serving.witness, allowed: "nothing without regions.secondary" }]
      : [];
  const taken = [primary.location, secondary.location];
  if (!serving.witness) {
    return [
      {
        path,
        found: undefined,
        allowed: `a region other than ${taken.join(" and ")}: without a third place a region that is cut off goes on calling partners`,
      },
    ];
  }
  if (taken.includes(serving.witness))
    return [{ path, found: serving.witness, allowed: `a region other than ${taken.join(" and ")}` }];
  return REGIONS[serving.witness].zones
    ? []
    : [{ path, found: serving.witness, allowed: "a region with availability zones" }];
}

/** State lies in a region that does not serve, and its copy in another. */
export function controlPlaneRules({ regions, controlPlane }: StackConfig): Problem[] {
  const { location, copy } = controlPlane;
  const problems: Problem[] = [];
  // After a failover it may be the region that serves: moving it then is the last thing anybody should do.
  if (regions.secondary && location === regions.primary.location) {
    problems.push({
      path: ["controlPlane", "location"],
      found: location,
      allowed: "a region other than the primary: losing that one must not take away what a deployment needs",
    });
  }
  if (copy === location)
    problems.push({
      path: ["controlPlane", "copy"],
      found: copy,
      allowed: `a region other than ${location}`,
    });
  for (const [key, place] of [
    ["location", location],
    ["copy", copy],
  ] as const) {
    if (!REGIONS[place].zones)
      problems.push({
        path: ["controlPlane", key],
        found: place,
        allowed: "a region with availability zones",
      });
  }
  return problems;
}

/** Regions that are there to recover in are used for that alone: as the pair of the region that serves first. */
export function restrictedRules({
  regions,
  storage,
  controlPlane,
  monitoring,
  statusPage,
}: StackConfig): Problem[] {
  const { primary } = regions;
  const places = [
    { path: at("primary", "location"), found: primary.location },
    { path: at("secondary", "location"), found: regions.secondary?.location, recovers: true },
    { path: ["storage", "copy", "location"], found: storage.copy.location, recovers: true },
    { path: ["controlPlane", "copy"], found: controlPlane.copy, recovers: true },
    { path: ["monitoring", "region"], found: monitoring.region },
    { path: ["statusPage", "outsideRegion"], found: statusPage.outsideRegion },
  ];
  return places.flatMap(({ path, found, recovers }): Problem[] =>
    found === undefined ||
    !RESTRICTED_REGIONS.includes(found) ||
    (recovers && REGIONS[primary.location].pair === found) ||
    // What runs where the first region is lies there because of it.
    (path[0] === "monitoring" && found === primary.location)
      ? []
      : [
          {
            path,
            found,
            allowed: `a region Azure lets everybody into: ${found} is only for who recovers from the loss of ${REGIONS[found].pair}`,
          },
        ],
  );
}

/** Where regions may lie, and what has to be there for each. */
export function regionRules({ regions, network, database, storage }: StackConfig): Problem[] {
  const problems: Problem[] = [];
  const { primary, secondary } = regions;
  const { pair, zones } = REGIONS[primary.location];
  if (secondary?.location === primary.location) {
    problems.push({
      path: at("secondary", "location"),
      found: secondary.location,
      allowed: `a region other than the primary`,
    });
  } else if (secondary && database.geoRedundantBackup && secondary.location !== pair) {
    problems.push({
      path: at("secondary", "location"),
      found: secondary.location,
      allowed: `${pair}, the Azure pair of ${primary.location}, because backups are geo-redundant`,
    });
  }
  if (!!secondary !== !!network.secondary) {
    problems.push({
      path: ["network", "secondary"],
      found: network.secondary && "an address plan",
      allowed: secondary
        ? "an address plan, because there is a secondary region"
        : "nothing without regions.secondary",
    });
  }
  if (database.replica && !secondary) {
    problems.push({
      path: ["database", "replica"],
      found: "set",
      allowed: "nothing without regions.secondary",
    });
  }
  if (!zones && database.highAvailability === "ZoneRedundant") {
    problems.push({
      path: ["database", "highAvailability"],
      found: "ZoneRedundant",
      allowed: `SameZone or Disabled, because ${primary.location} has no availability zones`,
    });
  }
  if (
    secondary &&
    !REGIONS[secondary.location].zones &&
    database.replica?.highAvailability === "ZoneRedundant"
  ) {
    problems.push({
      path: ["database", "replica", "highAvailability"],
      found: "ZoneRedundant",
      allowed: `SameZone or Disabled, because ${secondary.location} has no availability zones`,
    });
  }
  return [...problems, ...offerRules(regions), ...backupAccountRules({ regions, storage })];
}

/** A region that is to take over has to have what a database stands by in; the first one is refused as restricted. */
function offerRules({ secondary }: StackConfig["regions"]): Problem[] {
  return !secondary || takesDatabases(secondary.location)
    ? []
    : [
        {
          path: at("secondary", "location"),
          found: secondary.location,
          allowed: `a region in which Azure offers flexible servers, and ${secondary.location} is none`,
        },
      ];
}

/** Two accounts in two regions, each as safe as its region allows. */
function backupAccountRules({ regions, storage }: Pick<StackConfig, "regions" | "storage">): Problem[] {
  const problems: Problem[] = [];
  const { copy } = storage;
  const { primary, secondary } = regions;
  if (secondary && copy.location !== undefined) {
    problems.push({
      path: ["storage", "copy", "location"],
      found: copy.location,
      allowed: `nothing: the second account stands in regions.secondary (${secondary.location})`,
    });
  } else if (!secondary && (copy.location === undefined || copy.location === primary.location)) {
    problems.push({
      path: ["storage", "copy", "location"],
      found: copy.location,
      allowed: `a region other than ${primary.location}: a backup is kept in two accounts in two regions`,
    });
  }
  const second = secondary?.location ?? copy.location;
  const accounts = [
    { path: ["storage", "redundancy"], location: primary.location, redundancy: storage.redundancy },
    ...(second
      ? [
          {
            path: ["storage", ...(copy.redundancy ? ["copy"] : []), "redundancy"],
            location: second,
            redundancy: copy.redundancy ?? storage.redundancy,
          },
        ]
      : []),
  ];
  const archived = storage.containers.some(({ tiers }) => tiers.some(({ tier }) => tier === "Archive"));
  for (const { path, location, redundancy } of accounts) {
    if (redundancy !== "Standard_ZRS") continue;
    if (!REGIONS[location].zones) {
      problems.push({
        path: location === primary.location ? path : ["storage", "copy", "redundancy"],
        found: redundancy,
        allowed: `Standard_LRS, because ${location} has no availability zones`,
      });
    } else if (archived) {
      problems.push({
        path,
        found: redundancy,
        allowed: "Standard_LRS, because a container uses the Archive tier",
      });
      break;
    }
  }
  return problems;
}
