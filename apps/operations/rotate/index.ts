import { loginName } from "../../../infra/data/databaseLogins";
import { branchOf } from "../frame/commit";
import { messageOf, notRun, refused } from "../frame/errors";
import type { Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { workloadRoles } from "../roles";
import { servingRegion } from "../serves";
import { rotation, type Supply } from "./change";
import { askReaders } from "./readers";
import { partnerState } from "./partners";
import { UNITS, unitsOf, type Unit } from "./units";
import { setAdministrator, signIn } from "./signIn";
import { readValues, ROTATION, type Values } from "./vaultValues";

export interface RotateChoice {
  /** Secrets by name, or all of them. */
  secrets: readonly string[] | "all";
  supply: Supply;
  /** Whether a value can be had for a partner's secret: somebody is there to type, or it was handed in. */
  offered(secret: string): boolean;
  /** A region that is lost: what its vault and cluster hold stays, and its logins get passwords nobody has there. */
  without?: string;
}

/** `rotate`: every secret that is wanted gets a new value everywhere, or keeps its old one everywhere. */
export function rotate(platform: Platform, ground: Ground, choice: RotateChoice): Verb {
  let units: Unit[] = [];
  return {
    name: "rotate",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      units = chosen(choice);
      const left = leftOut(platform, choice);
      const reached = { ...platform, regions: platform.regions.filter((region) => region !== left) };
      const signedIn = await signIn(reached, ground);
      if (left && signedIn && (await servingRegion(platform, ground)) === left)
        throw refused(
          `--without ${left.location}: it serves; where it is lost, failover ${platform.stack} to the other one first`,
        );
      const roles = signedIn ? await workloadRoles(platform, ground) : undefined;
      const again: string[] = [];
      for (const unit of units) {
        const names = roles?.map(({ role }) => role);
        const values = await possible(platform, reached, ground, unit, choice, names);
        if ([...values.values()].every(({ tags }) => tags[ROTATION] === incident)) again.push(unit.id);
      }
      const others = UNITS.filter((unit) => !units.includes(unit)).map(({ id }) => id);
      return {
        subject: platform.stack,
        facts: [
          `rotate ${units.map(({ id }) => id).join(", ")} of ${platform.stack}, in ${reached.regions.map(({ vault }) => vault).join(" and ")}`,
          ...(left ? [withoutIt(platform, left)] : []),
          ...(others.length > 0 && choice.secrets === "all"
            ? [`not rotated, because nobody hands their new values in: ${others.join(", ")}`]
            : []),
          ...(again.length > 0
            ? [
                `${incident} gave new values to ${again.join(", ")} already: those stay; under another --incident they are made anew`,
              ]
            : []),
          ...(units.some(({ id }) => id === "session-secret") ? ["every user is signed out"] : []),
        ],
        steps: [
          ...(signedIn ? [] : [setAdministrator(reached, ground)]),
          ...units.map((unit) => rotation(platform, ground, unit, incident, choice.supply, reached)),
        ],
        document: { stack: platform.stack, units: units.map(({ id }) => id), left: others },
      };
    },
    report(finished) {
      const today = finished.endedAt.toISOString().slice(0, 10);
      const partners = units.filter(({ kind }) => kind === "partner").map(({ id }) => id);
      const left = leftOut(platform, choice);
      const made = units.some(({ kind }) => kind !== "partner");
      return plainReport(platform, finished, {
        title: "Rotate",
        outcome: `${units.map(({ id }) => id).join(", ")}: new values ${left ? `everywhere but in ${left.location}` : "everywhere"}, no old database password works`,
        notes: [
          ...(left ? [withoutIt(platform, left)] : []),
          ...(partners.length > 0
            ? [`revoke the old keys at ${partners.join(", ")}: here nothing uses them any more`]
            : []),
          ...(units.some(({ kind }) => kind === "administrator")
            ? ["DATABASE_URL of before is void: take the new one from the vault"]
            : []),
        ],
        // Pulumi's state still has the values of before; from this date on it makes new ones.
        ...(made && {
          commit: {
            stack: platform.stack,
            changes: [{ path: "vault.secretsIssued", how: "set" as const, value: today }],
            branch: branchOf("rotate", finished),
            subject: `chore(${platform.stack}): secrets are of ${today} (${finished.incident})`,
          },
        }),
      });
    },
  };
}

/** @throws OperationError for a region the environment has not, or has alone */
function leftOut({ regions, stack }: Platform, { without }: RotateChoice): RegionFacts | undefined {
  if (without === undefined) return undefined;
  const found = regions.find(({ location }) => location === without);
  if (!found || regions.length < 2)
    throw refused(
      `--without ${without}: no region of ${stack} that could be left out; it has ${regions.map(({ location }) => location).join(", ")}`,
    );
  return found;
}

const withoutIt = ({ stack }: Platform, { location, vault, cluster }: RegionFacts): string =>
  `without ${location}: ${vault} and ${cluster} keep what they have, and its database logins get passwords nobody has there; rotate ${stack} again once it is back`;

/** With `--all`, partners whose values nobody has are left out, and told. */
function chosen({ secrets, offered }: RotateChoice): Unit[] {
  if (secrets !== "all") return unitsOf(secrets);
  return UNITS.filter(({ kind, entries }) => kind !== "partner" || entries.some(({ name }) => offered(name)));
}

/** Refuses what could not be finished, or not be taken back. @param roles undefined while nobody can ask the database */
async function possible(
  platform: Platform,
  reached: Platform,
  ground: Ground,
  unit: Unit,
  { supply, offered }: RotateChoice,
  roles: readonly string[] | undefined,
): Promise<Values> {
  const values = await readValues(platform, ground, unit, reached.regions);
  await askReaders(reached, ground, unit).catch((error: unknown) => {
    throw notRun(`${unit.id}: the clusters cannot be asked whether they have it: ${messageOf(error)}`, error);
  });
  const { role } = unit;
  const wanted = role ? platform.regions.map((region) => loginName(role, region)) : [];
  for (const name of wanted)
    if (roles && !roles.includes(name)) throw refused(`the database has no login role ${name}`);
  if (unit.kind !== "partner") return values;
  const missing = unit.entries.filter(({ name }) => !offered(name));
  if (missing.length === unit.entries.length)
    throw refused(
      `${unit.id}: nobody is here to type a new value; hand it in on standard input with --values`,
    );
  if (supply.untested) return values;
  const asked = await partnerState(platform, ground, unit.id).catch((error: unknown) => messageOf(error));
  if (asked !== true && !asked.includes(` ${unit.id} is `))
    throw refused(
      `${unit.id}: its new value could not be tested (${asked}); --untested takes it all the same`,
    );
  return values;
}
