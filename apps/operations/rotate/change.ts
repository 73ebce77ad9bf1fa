import { setTimeout as sleep } from "node:timers/promises";
import { loginName } from "../../../infra/data/databaseLogins";
import { failed, messageOf, passes } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { Ground, SecretView } from "../ground/types";
import { primary } from "../pitr/assess";
import type { Platform, RegionFacts } from "../platform";
import { changeRole, endSessions, workloadRoles, type LoginRole } from "../roles";
import { partnerState } from "./partners";
import { handOut, restartedFor, restartReaders, until } from "./readers";
import type { Unit } from "./units";
import {
  generated,
  keyOf,
  readValues,
  renewed,
  ROTATION,
  withPassword,
  writeValues,
  type Values,
} from "./vaultValues";

const PARTNER_SECONDS = 180;
const ROLL_BACK_SECONDS = 1200;
const PASSWORD_SECONDS = 600;
const AGAIN_MS = 1_000;

export interface Supply {
  /** A partner's new value, from a person or standard input; undefined: the present one stays. */
  value(secret: string, signal: AbortSignal): Promise<string | undefined>;
  /** Partners whose value is taken without the API's word that it works. */
  untested: boolean;
}

/**
 * The step that changes one unit everywhere, or leaves it everywhere as it was.
 * @param reached the platform without a region that is lost: its vault and cluster are left alone, its logins are not
 */
export function rotation(
  platform: Platform,
  ground: Ground,
  unit: Unit,
  incident: string,
  supply: Supply,
  reached: Platform = platform,
): Step {
  const change = new Change(platform, ground, unit, incident, supply, reached);
  const vaults = reached.regions.map(({ vault }) => vault).join(", ");
  const places = unit.kind === "login" || unit.kind === "administrator" ? `${vaults}, database` : vaults;
  return {
    id: unit.id,
    title: `new value of ${unit.entries.map(({ name }) => name).join(", ")}: ${places}, rolling restart of ${change.readers || "nobody"}, the old one ends`,
    bound: 1800,
    undo: "a failure takes it back by itself; otherwise: rotate it once more",
    takesBack: ROLL_BACK_SECONDS,
    done: () => change.done(),
    run: (signal) => change.run(signal),
  };
}

/** What a rotation found, and what it makes of it. */
interface Begun {
  old: Values;
  before: readonly RegionRole[];
  values: Values;
  /** By the database's clock; undefined where nobody signs in there with what is rotated. */
  since?: Date;
}

class Change {
  readonly readers: string;
  private begun: Begun | undefined;

  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly unit: Unit,
    private readonly incident: string,
    private readonly supply: Supply,
    private readonly reached: Platform,
  ) {
    this.readers = [...new Set(unit.entries.flatMap(({ readers }) => readers))].join(", ");
  }

  /** Asked of vaults, database and clusters, never remembered. */
  async done(): Promise<true | string> {
    const { platform, ground, unit, incident, reached } = this;
    const values = await readValues(platform, ground, unit, reached.regions);
    const old = [...values].filter(([, { tags }]) => tags[ROTATION] !== incident).map(([key]) => key);
    if (old.length > 0) return `${old.join(", ")} is of before`;
    for (const { role, notes, login, region } of await this.roles()) {
      if (notes.rotated !== incident) return `${role} has its old password`;
      if (!login) continue;
      const works = await this.works(role, this.password(values, region));
      if (works !== true) return `${role} cannot sign in with what ${region.vault} holds: ${works}`;
    }
    if (unit.kind === "administrator") {
      const works = await this.works(
        ground.database.administrator,
        this.password(values, reached.regions[0]),
      );
      if (works !== true) return `the administrator cannot sign in with what the vault holds: ${works}`;
    }
    return restartedFor(reached, ground, unit, this.incident);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { platform, ground, unit, incident, reached } = this;
    // Run once more it gives the same values, and would go back to what there was before the first time.
    const { old, before, values, since } = (this.begun ??= await this.begin(signal));
    try {
      await writeValues(platform, ground, values);
      // The clusters have it before the database takes it: what restarts in between is the least that can be.
      await handOut(reached, ground, unit, values, signal);
      await this.setPasswords(values, before, incident);
      await restartReaders(reached, ground, unit, this.incident, signal);
      await this.oldOneEnds(old, before, since);
      await this.partnerTakesIt(signal);
    } catch (error) {
      // Whoever interrupts wants to leave at once: the next run finds how far this one came.
      if (signal.aborted && !(signal.reason instanceof DOMException)) throw signal.reason;
      // What was only not heard is no reason to go back, which would not be heard either: it is run once more.
      if (!signal.aborted && passes(error)) throw error;
      await this.rollBack(old, values, before, error);
    }
  }

  private async begin(signal: AbortSignal): Promise<Begun> {
    const { platform, ground, unit, incident, reached } = this;
    const old = await readValues(platform, ground, unit, reached.regions);
    const fresh = await this.fresh(old, signal);
    const before = await this.roles();
    const since = before.length > 0 ? await ground.database.clock(platform.writerHost) : undefined;
    return { old, before, since, values: renewed(platform, unit, old, incident, ground.now(), fresh) };
  }

  /** The function that gives each secret its new value. */
  private async fresh(
    old: Values,
    signal: AbortSignal,
  ): Promise<(region: RegionFacts, entry: Unit["entries"][number]) => string> {
    const { unit, supply } = this;
    const present = (region: RegionFacts, name: string) => old.get(keyOf(region, name))?.value ?? "";
    if (unit.kind === "partner") {
      const given = new Map<string, string | undefined>();
      for (const { name } of unit.entries) given.set(name, await supply.value(name, signal));
      return (region, { name }) => given.get(name) ?? present(region, name);
    }
    if (unit.kind === "key") {
      // The same in every region: a failover must not sign everybody out.
      const [entry] = unit.entries;
      const value = generated(entry ?? {});
      return () => value;
    }
    const shared = generated({});
    const own = new Map(this.platform.regions.map(({ code }) => [code, generated({})]));
    const password = ({ code }: RegionFacts) =>
      unit.kind === "administrator" ? shared : (own.get(code) ?? shared);
    const peer = (region: RegionFacts) => this.platform.regions.find((other) => other !== region) ?? region;
    return (region, { name, connection, login }) => {
      if (connection) return withPassword(present(region, name), password(region));
      return password(login?.of === "peer" ? peer(region) : region);
    };
  }

  /** @param rotated by which incident; undefined: what is remembered stays as well */
  private async setPasswords(values: Values, roles: readonly RegionRole[], rotated?: string): Promise<void> {
    const { platform, ground, unit } = this;
    for (const { role, notes, region } of roles)
      await changeRole(platform, ground, role, {
        password: this.password(values, region),
        notes: rotated === undefined ? notes : { ...notes, rotated },
      });
    if (unit.kind !== "administrator") return;
    const password = this.password(values, this.reached.regions[0]);
    const { resourceGroup, server } = await primary(this.reached, ground);
    await ground.servers.setPassword(
      resourceGroup,
      server,
      password,
      AbortSignal.timeout(PASSWORD_SECONDS * 1000),
    );
    ground.database.useAdministrator(password);
  }

  /** Sessions of before end, and nobody signs in with the old password any more. */
  private async oldOneEnds(old: Values, roles: readonly RegionRole[], since?: Date): Promise<void> {
    const { platform, ground, reached } = this;
    const names = roles.map(({ role }) => role);
    if (since) await endSessions(platform, ground, names, since);
    const logins = roles.filter(({ login }) => login).map(({ role, region }) => ({ role, region }));
    const [first] = reached.regions;
    if (this.unit.kind === "administrator" && first)
      logins.push({ role: ground.database.administrator, region: first });
    for (const { role, region } of logins)
      if ((await this.works(role, this.password(old, region))) === true)
        throw failed(`${role} still signs in with its old password`);
  }

  private async partnerTakesIt(signal: AbortSignal): Promise<void> {
    const { platform, ground, unit, supply } = this;
    if (unit.kind !== "partner" || supply.untested) return;
    await until(PARTNER_SECONDS, signal, () => partnerState(platform, ground, unit.id));
  }

  private async rollBack(
    old: Values,
    fresh: Values,
    before: readonly RegionRole[],
    cause: unknown,
  ): Promise<never> {
    const { platform, ground, unit, reached } = this;
    const reason = messageOf(cause);
    const signal = AbortSignal.timeout(ROLL_BACK_SECONDS * 1000);
    try {
      await heard(signal, async () => {
        await writeValues(platform, ground, old);
        await this.setPasswords(old, before);
        await handOut(reached, ground, unit, old, signal);
        await restartReaders(reached, ground, unit, `${this.incident}.back`, signal);
      });
    } catch (error) {
      // Whoever cannot see how a change of the administrator ended must not be left with the password that is void.
      if (unit.kind === "administrator" && (await this.inForce(fresh))) {
        await writeValues(platform, ground, fresh);
        throw failed(`${unit.id}: ${reason}; the new password is in force, and the vaults hold it`, cause);
      }
      throw failed(
        `${unit.id}: ${reason}; and it could not be rolled back (${messageOf(error)}): vaults, database and pods may disagree`,
        cause,
      );
    }
    const interrupted = [...old.values()].some(({ tags }) => tags[ROTATION] === this.incident);
    throw failed(
      `${unit.id}: ${reason}; it was rolled back: the value of before is in force everywhere` +
        (interrupted
          ? ", which a run that was interrupted had set; the one before that is an earlier version in the vault"
          : ""),
      cause,
    );
  }

  private async roles(): Promise<RegionRole[]> {
    const { role } = this.unit;
    if (role === undefined) return [];
    const all = await workloadRoles(this.platform, this.ground);
    return this.platform.regions.map((region) => {
      const name = loginName(role, region);
      const found = all.find((one) => one.role === name);
      if (!found) throw failed(`the database has no login role ${name}`);
      return { ...found, region };
    });
  }

  /** Whether the administrator signs in with these values. */
  private async inForce(values: Values): Promise<boolean> {
    const password = this.password(values, this.reached.regions[0]);
    const works = await this.works(this.ground.database.administrator, password).catch(() => false);
    return works === true;
  }

  /** What a region's login, or the administrator, signs in with: by its own vault, or by the other's where that is left out. */
  private password(values: Values, region: RegionFacts | undefined): string {
    const held = (vaultOf: RegionFacts | undefined, peer: boolean): SecretView | undefined => {
      const entry = this.unit.entries.find(
        ({ connection, login }) => !connection && (login?.of === "peer") === peer,
      );
      return vaultOf && entry && values.get(keyOf(vaultOf, entry.name));
    };
    const other = this.platform.regions.find((one) => one !== region);
    return (held(region, false) ?? held(other, true))?.value ?? "";
  }

  private works(user: string, password: string): Promise<true | string> {
    const { writerHost, database } = this.platform;
    return this.ground.database.login(writerHost, { user, password, database });
  }
}

/** Does something again until it was heard, or the time is over. */
async function heard(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !passes(error)) throw error;
      await sleep(AGAIN_MS);
    }
}

interface RegionRole extends LoginRole {
  region: RegionFacts;
}
