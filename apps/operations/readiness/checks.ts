import { isWanted, SECRET_CATALOG } from "../../../infra/secrets/secretCatalogue";
import { ROOT } from "../commandLine";
import { readContacts, unfilled } from "../contacts";
import { duration } from "../duration";
import { CDN_API, edgeId } from "../edge";
import type { AzureResource, Ground } from "../ground/types";
import type { Platform } from "../platform";
import { ROTATION } from "../rotate/vaultValues";
import { POSTGRES_API, serverId } from "../server";
import { REPLICAS_MARK, ROLE_MARK, STANDBY } from "../regionMarks";
import { shutBy } from "../switches/contained";
import { fences, replication } from "../status/database";
import { certificates, frontDoor, publicNames } from "../status/edge";
import { attention, judged, ok, type LookUp } from "../status/findings";
import { backups } from "../status/records";
import { images, quota, sizes, standsBy } from "./offers";
import { operatorRoles } from "./operatorRoles";

/** One thing that must be so on the day a region is lost. */
export interface Check {
  /** What to do when it is not. */
  todo: string;
  look: LookUp;
}

export interface ReadinessChoice {
  /** Compares the vaults' secrets by their values, which whoever runs it every day may not read. */
  values?: boolean;
  /** Names of checks that are not made, because they are somebody else's: contacts stand in the repository. */
  leaveOut?: readonly string[];
  /** Keeps the result in the stores of evidence, where metrics and drills find it. */
  record?: boolean;
}

const GROUPS_API = "2025-04-01";

/** Days a secret must still be valid. */
const SECRET_DAYS = 14;

/** Everything `preflight` checks, by its name in the metric. */
export function readinessChecks(
  platform: Platform,
  ground: Ground,
  { values = false }: ReadinessChoice = {},
): Record<string, Check> {
  let asked: ReturnType<typeof standsBy> | undefined;
  /** Asked once for all the checks that need it. */
  const next = () => (asked ??= standsBy(platform, ground));
  return {
    contacts: {
      todo: "fill in docs/incident/contacts.yaml",
      look: () => {
        const open = unfilled(readContacts(ROOT));
        return Promise.resolve(
          open.length > 0 ? attention(`not filled in: ${open.join("; ")}`) : ok("all filled in"),
        );
      },
    },
    replication: {
      todo: "docs/runbooks/database-failover.md; a failover now would lose what is behind",
      look: replication(platform, ground),
    },
    reader: {
      todo: "npm run -s operations -- status; an update makes the virtual endpoint",
      look: reader(platform, ground),
    },
    symmetry: {
      todo: "give both servers the same size, storage and version (docs/changing.md)",
      look: symmetry(platform, ground),
    },
    fences: { todo: "docs/operations.md, the fence", look: fences(platform, ground) },
    standby: {
      todo: "an update brings the standby's workloads, reopen what a containment shut; failover refuses until then",
      look: standby(platform, ground, next),
    },
    "private-links": {
      todo: "approve Front Door's connections (docs/deploying.md); without it the origin counts as down",
      look: privateLinks(platform, ground),
    },
    quota: {
      todo: "raise the quota of the standby region at Azure; it can take days",
      look: quota(platform, ground, next),
    },
    sizes: {
      todo: "choose a size the standby region offers (docs/changing.md), or ask Azure for it",
      look: sizes(platform, ground, next),
    },
    images: {
      todo: "push what is missing, or correct the digest in the stack file; a failover starts every image anew",
      look: images(platform, ground),
    },
    "operator-roles": {
      todo: "npm run -s permissions -- role <role> <stack>, and make the operators eligible (docs/deploying.md)",
      look: operatorRoles(platform, ground),
    },
    "incident-store": {
      todo: "docs/operations.md; without it the journal is one machine's alone",
      look: async () => {
        const open = await ground.records.openIncidents();
        return ok(`answers; ${open.length} incidents are open`);
      },
    },
    "edge-group": {
      todo: "docs/changing.md, where the group of what is global stands",
      look: edgeGroup(platform, ground),
    },
    "front-door": { todo: "docs/runbooks/network-dns.md", look: frontDoor(platform, ground) },
    "public-names": { todo: "docs/runbooks/network-dns.md", look: publicNames(platform, ground) },
    vaults: {
      todo: "rotate the secrets that differ, or run an update",
      look: vaults(platform, ground, values),
    },
    "secret-life": { todo: "npm run -s operations -- rotate", look: secretLife(platform, ground) },
    backups: { todo: "docs/runbooks/backup-failed.md", look: backups(platform, ground) },
    certificates: { todo: "docs/runbooks/ssl-renewal.md", look: certificates(platform, ground) },
  };
}

/** The reader's name must lead to a server that follows: a switchover needs it. */
function reader({ regions, writerHost }: Platform, ground: Ground): LookUp {
  return async () => {
    if (regions.length < 2) return ok("one region");
    const host = writerHost.replace(".writer.", ".reader.");
    const [row] = await ground.database.query<{ recovering: boolean }>(
      host,
      "SELECT pg_is_in_recovery() AS recovering",
    );
    return row?.recovering ? ok(`${host} leads to a replica`) : attention(`${host} leads to no replica`);
  };
}

/** A server that is smaller than the one it replaces does not carry its load. */
function symmetry(platform: Platform, ground: Ground): LookUp {
  return async () => {
    const servers = await Promise.all(
      platform.regions.map(async (region) => {
        const { server } = region;
        const found = await ground.resources.get(serverId(platform, region), POSTGRES_API);
        if (!found) throw new Error(`there is no server ${server}`);
        const { sku } = found as AzureResource & { sku?: { name?: string; tier?: string } };
        const { storage, version } = (found.properties ?? {}) as {
          storage?: { storageSizeGB?: number };
          version?: string;
        };
        return {
          server,
          size: `${sku?.name ?? "?"}, ${storage?.storageSizeGB ?? "?"} GiB, PostgreSQL ${version ?? "?"}`,
        };
      }),
    );
    const text = servers.map(({ server, size }) => `${server}: ${size}`).join("; ");
    return new Set(servers.map(({ size }) => size)).size > 1 ? attention(`they differ: ${text}`) : ok(text);
  };
}

/** What the failover asks of the cluster it goes to, before the day it does. */
function standby(platform: Platform, ground: Ground, next: () => ReturnType<typeof standsBy>): LookUp {
  return async () => {
    const region = await next();
    if (!region) return attention("no region stands by: the loss of the one that serves is a rebuild");
    const cluster = ground.cluster(region.cluster);
    const deployments = await cluster.deployments(platform.namespace);
    if (deployments.length === 0) return attention(`${region.cluster} has no deployment`);
    const standing = deployments.filter(({ annotations }) => annotations[ROLE_MARK] === STANDBY);
    const unready = standing.filter(({ annotations }) => !(Number(annotations[REPLICAS_MARK]) > 0));
    // Of a region that was left and is back, until the update that makes it stand by; its logins are shut.
    const running = deployments.filter(({ replicas }) => replicas > 0).length;
    const by = await shutBy(platform, { region, cluster });
    return judged(
      [
        ...unready.map(({ name }) => `${name} does not say with how many pods it serves`),
        ...(by === undefined ? [] : [`${region.cluster} is shut by ${by}`]),
      ],
      `${region.cluster}: ${standing.length} deployments stand by${running > 0 ? `, ${running} run` : ""}`,
    );
  };
}

/** Every origin's private link must have been approved; until then Front Door counts it as down. */
function privateLinks(platform: Platform, ground: Ground): LookUp {
  return async () => {
    const id = edgeId(platform);
    const groups = await ground.resources.list(`${id}/originGroups`, CDN_API);
    const origins = (
      await Promise.all(
        groups.map(async ({ name = "" }) =>
          (await ground.resources.list(`${id}/originGroups/${name}/origins`, CDN_API)).map((origin) => ({
            name: `${name}/${origin.name ?? ""}`,
            link: (origin.properties?.["sharedPrivateLinkResource"] ?? {}) as { status?: string },
          })),
        ),
      )
    ).flat();
    if (origins.length === 0) return attention("Front Door has no origin");
    const open = origins.filter(({ link }) => link.status !== "Approved");
    return judged(
      open.map(({ name, link }) => `${name} is ${link.status ?? "of unknown state"}`),
      `${origins.length} origins`,
    );
  };
}

/** Azure changes nothing in a group whose own region is lost, and a containment switches the edge off and on. */
function edgeGroup({ subscriptionId, regions, edge: { resourceGroup } }: Platform, ground: Ground): LookUp {
  return async () => {
    if (regions.length < 2) return ok("one region");
    const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
    const { location } = (await ground.resources.get(id, GROUPS_API)) ?? {};
    if (location === undefined) throw new Error(`there is no group ${resourceGroup}`);
    const lies = `${resourceGroup} lies in ${location}`;
    return regions.some((region) => region.location === location)
      ? attention(`${lies}: while that region is lost, no contain switches the edge off, and no reopen on`)
      : ok(lies);
  };
}

/** Secrets both regions share must be the same: a failover must not sign everybody out, or lose a partner. */
function vaults({ regions, secretFeatures }: Platform, ground: Ground, values: boolean): LookUp {
  return async () => {
    const wanted = SECRET_CATALOG.filter(
      (entry) => isWanted(entry, secretFeatures) && (regions.length > 1 || entry.login?.of !== "peer"),
    );
    const records = await Promise.all(
      regions.map(async ({ vault }) => [vault, await ground.vaults.list(vault)] as const),
    );
    const problems: string[] = [];
    for (const { name, readers, login, connection, encryptionKey } of wanted) {
      const own = records.map(([vault, all]) => [vault, all.get(name)] as const);
      const lacking = own.filter(([, record]) => !record?.enabled).map(([vault]) => vault);
      // Nobody has had a key before the first one.
      if (lacking.length === regions.length && encryptionKey === "previous") continue;
      if (lacking.length > 0) {
        problems.push(`${name} is missing in ${lacking.join(" and ")}`);
        continue;
      }
      const ends = own.map(([, record]) => record?.expires?.getTime());
      const rotations = own.map(([, record]) => record?.tags[ROTATION]);
      if (new Set(rotations).size > 1 || new Set(ends).size > 1)
        problems.push(`${name} was renewed in one vault only`);
      else if (values && readers.length > 0 && !login && !connection) {
        const found = await Promise.all(
          regions.map(async ({ vault }) => (await ground.vaults.read(vault, name))?.value),
        );
        if (new Set(found).size > 1) problems.push(`${name} differs`);
      }
    }
    return judged(
      problems,
      `${wanted.length} secrets in ${regions.length} vaults, compared by ${values ? "value" : "their dates and rotations"}`,
    );
  };
}

function secretLife({ regions }: Platform, ground: Ground): LookUp {
  return async () => {
    const now = ground.now().getTime();
    const ends = (
      await Promise.all(
        regions.map(async ({ vault }) =>
          [...(await ground.vaults.list(vault))].flatMap(([name, { expires }]) =>
            expires ? [{ name: `${vault}/${name}`, left: (expires.getTime() - now) / 1000 }] : [],
          ),
        ),
      )
    ).flat();
    if (ends.length === 0) throw new Error("no secret says when it ends");
    const first = Math.min(...ends.map(({ left }) => left));
    return judged(
      ends
        .filter(({ left }) => left < SECRET_DAYS * 86_400)
        .map(({ name, left }) => `${name} ends in ${duration(left)}`),
      `the first of ${ends.length} ends in ${duration(first)}`,
    );
  };
}
