import { messageOf } from "../../packages/command/errors";
import type { Ground } from "../operations/ground/types";
import { endpointServer } from "../operations/pitr/virtualEndpoint";
import type { Platform } from "../operations/platform";
import { POSTGRES_API, serverId } from "../operations/server";
import { containedBy } from "../operations/switches/contained";
import { placesOf } from "../operations/switches/places";
import { asideOf } from "../operations/switches/services";
import type { Verdict } from "./judge";

/** Whether somebody holds the lease of the operations. */
export type Leased = () => Promise<boolean>;

/**
 * Whether an update may run now: the stack file names who serves in Azure, and no operation, maintenance or containment is under
 * way that it would undo. What cannot be asked is a finding: an update that nobody could judge is none.
 */
export async function judgeServing(platform: Platform, ground: Ground, leased: Leased): Promise<Verdict> {
  const [servers, switches, lease] = await Promise.all([
    contradictions(platform, ground),
    underWay(platform, ground),
    asked("the lease of the operations", async () => {
      const held = await leased();
      return { findings: held ? ["an operation holds the lease: wait until it has ended"] : [], notes: [] };
    }),
  ]);
  return together([servers, switches, lease]);
}

const together = (all: readonly Verdict[]): Verdict => ({
  findings: all.flatMap(({ findings }) => findings),
  notes: all.flatMap(({ notes }) => notes),
});

const unasked = (what: string, error: unknown): Verdict => ({
  findings: [`${what} cannot be asked: ${messageOf(error)}`],
  notes: [],
});

const asked = (what: string, ask: () => Promise<Verdict>): Promise<Verdict> =>
  ask().catch((error: unknown) => unasked(what, error));

/** The stack file's roles and names against Azure's. */
async function contradictions(platform: Platform, ground: Ground): Promise<Verdict> {
  const roles = await Promise.all(
    platform.regions
      .filter(({ role }) => role !== "lost")
      .map((region) =>
        asked(region.server, async () => {
          const server = await ground.resources.get(serverId(platform, region), POSTGRES_API);
          if (!server) return { findings: [], notes: [`${region.server} is not there yet`] };
          const primary = server.properties?.["replicationRole"] === "Primary";
          if (primary === (region.role === "serving")) return { findings: [], notes: [] };
          return {
            findings: [
              `forma3d:regions.${region.place}.role is ${region.role}, and ${region.server} ${primary ? "is the primary" : "follows another"}: commit who serves, or fail over`,
            ],
            notes: [],
          };
        }),
      ),
  );
  let owner: string | undefined;
  try {
    owner = await endpointServer(platform, ground);
  } catch (error) {
    return together([...roles, unasked("the virtual endpoint", error)]);
  }
  if (owner === undefined || platform.regions.some(({ server }) => server === owner)) return together(roles);
  // A pair that was left still has its roles; what counts is who clients are led to.
  return {
    findings: [`clients are led to ${owner}, which the stack file does not name: commit database.generation`],
    notes: [],
  };
}

async function underWay(platform: Platform, ground: Ground): Promise<Verdict> {
  const { places, silent } = await placesOf(platform, ground);
  const notes = silent.map((reason) => `whether it is maintained or contained was not asked: ${reason}`);
  return asked("the clusters", async () => {
    const findings: string[] = [];
    const contained = await containedBy(platform, places);
    if (contained !== undefined)
      findings.push(`contained by ${contained}: an update would open what was shut; reopen first`);
    for (const { cluster, region } of places)
      for (const service of await cluster.services(platform.namespace)) {
        const aside = asideOf(service);
        if (aside?.by === "contain" && contained === undefined)
          findings.push(
            `${service.name} of ${region.cluster} is shut by ${aside.incident}, half contained or half reopened: an update would open it; contain ${platform.stack} again, or reopen first`,
          );
        if (aside?.by === "maintenance")
          findings.push(
            `maintenance is on (${aside.incident}): an update would lead ${service.name} of ${region.cluster} back; maintenance ${platform.stack} off first`,
          );
      }
    return { findings, notes };
  });
}
