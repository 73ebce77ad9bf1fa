import { setTimeout as sleep } from "node:timers/promises";
import { loginName } from "../../../infra/data/databaseLogins";
import { DATABASE_ROLES, SECRET_CATALOG } from "../../../infra/secrets/secretCatalogue";
import { failed, isLocked } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { changeRole, endSessions, shutOut, workloadRoles, type LoginRole } from "../roles";
import { POSTGRES_API, serverId } from "../server";
import { takesWrites } from "../takesWrites";
import type { PitrAssessment } from "./assess";
import { giveParameters, sameParameters } from "./parameters";
import { endpointBelow, endpointName, virtualEndpointId } from "./virtualEndpoint";

const LOCK_API = "2020-05-01";
/** Between two tries where Azure heeds a lock that is gone. */
const LOCK_GONE_MS = 1_000;

/** Steps by which a restored server takes the place of the one it was restored from. */
export class Succession {
  /** The same platform, asked at the server that is left. */
  private readonly left: Platform;
  /** And at the one that is to serve. */
  private readonly next: Platform;

  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly found: PitrAssessment,
    private readonly incident: string,
  ) {
    this.left = { ...platform, writerHost: found.region.serverHost };
    this.next = { ...platform, writerHost: found.restoredHost };
  }

  /** Restored servers come up with Azure's own parameters: without PgBouncer nothing would answer the pods. */
  parameters(): Step {
    const { found, ground } = this;
    const { region, restored, id, sourceId } = found;
    return {
      id: "parameters",
      title: `${restored} gets the parameters of ${region.server}, and a restart where one waits for it`,
      bound: 1800,
      undo: this.drop,
      done: () => sameParameters(ground, sourceId, id),
      run: (signal) =>
        giveParameters(
          ground,
          sourceId,
          { id, resourceGroup: region.resourceGroup, server: restored },
          signal,
        ),
    };
  }

  /** Azure extends a server's lock to what hangs on it, its endpoint included. Whoever lacks the right learns it before anything stops. */
  unlock(): Step {
    return {
      id: "unlock",
      title: `${this.found.region.server}: the lock against deletion comes off while its endpoint moves`,
      bound: 120,
      undo: "the step lock puts it back",
      done: async () =>
        (await this.pointed()) === true || (await this.lockOf()) === undefined || "it is locked",
      run: (signal) => this.ground.resources.delete(this.lockId, LOCK_API, signal),
    };
  }

  /** The server that is left takes no workload's word any more; from here on nothing is lost that anybody was told is safe. */
  fence(): Step {
    const { ground, incident, left } = this;
    return {
      id: "fence",
      title: `${this.found.region.server}: no workload may log in any more, sessions end; requests fail from here on`,
      bound: 60,
      undo: "the roles whose comment says left get LOGIN there",
      done: async () => shutOut(left, ground, await workloadRoles(left, ground)),
      run: async () => {
        const roles = await workloadRoles(left, ground);
        for (const { role, login, notes } of roles)
          if (login)
            await changeRole(left, ground, role, { login: false, notes: { ...notes, left: incident } });
        await endSessions(
          left,
          ground,
          roles.map(({ role }) => role),
        );
      },
    };
  }

  /** The logins of today: who may log in, what is remembered of them, and the vault's passwords. */
  logins(): Step {
    const { ground, next } = this;
    return {
      id: "logins",
      title: `${this.found.restored}: logins, fences and passwords of today, not of the moment`,
      bound: 120,
      undo: this.drop,
      done: async () => {
        const now = new Map((await workloadRoles(next, ground)).map((one) => [one.role, one]));
        for (const { role, login, notes, password } of await this.wanted()) {
          const is = now.get(role);
          if (!is) continue;
          if (is.login !== login) return `${role} ${login ? "may not log in yet" : "may still log in"}`;
          if (JSON.stringify(is.notes) !== JSON.stringify(notes))
            return `${role} does not say what was done to it`;
          const who = { user: role, password, database: this.platform.database };
          const works = login ? await ground.database.login(next.writerHost, who) : true;
          if (works !== true) return `${role} cannot sign in with what the vault holds: ${works}`;
        }
        return true;
      },
      run: async () => {
        const now = new Set((await workloadRoles(next, ground)).map(({ role }) => role));
        // One that was made since comes with the update that follows.
        for (const { role, login, notes, password } of await this.wanted())
          if (now.has(role)) await changeRole(next, ground, role, { login, notes, password });
      },
    };
  }

  /** The writer's name leads to the restored server. */
  point(): Step {
    const { platform, ground, found } = this;
    const { region, restored } = found;
    return {
      id: "point",
      title: `${platform.writerHost} leads to ${restored}`,
      bound: 600,
      undo: `move the endpoint back below ${region.server}`,
      done: () => this.pointed(),
      run: async (signal) => {
        for (const other of platform.regions)
          if (await endpointBelow(platform, ground, other, other.server))
            await this.unlocked(signal, () =>
              ground.resources.delete(virtualEndpointId(platform, other, other.server), POSTGRES_API, signal),
            );
        await ground.resources.put(
          virtualEndpointId(platform, region, restored),
          POSTGRES_API,
          { properties: { endpointType: "ReadWrite", members: [restored] } },
          signal,
        );
      },
    };
  }

  lock(): Step {
    return {
      id: "lock",
      title: `${this.found.region.server} is kept, fenced, and locked against deletion again`,
      bound: 120,
      done: async () => (await this.lockOf()) !== undefined || "it is not locked",
      run: (signal) =>
        this.ground.resources.put(
          this.lockId,
          LOCK_API,
          { properties: { level: "CanNotDelete", notes: "Deleting the server deletes its backups." } },
          signal,
        ),
    };
  }

  /** Does what a lock kept from being done, again for as long as Azure heeds one that is gone. */
  private async unlocked(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (;;)
      try {
        return await work();
      } catch (error) {
        if (!isLocked(error) || (await this.lockOf()) !== undefined) throw error;
        await sleep(LOCK_GONE_MS, undefined, { signal });
      }
  }

  /** Asked by SQL: the writer's name leads to the restored server itself, and that takes a write. */
  private async pointed(): Promise<true | string> {
    const { platform, ground, found } = this;
    const started = async (host: string) => {
      const [row] = await ground.database.query<{ started: string }>(
        host,
        "SELECT pg_postmaster_start_time()::text AS started",
      );
      return row?.started;
    };
    if ((await endpointBelow(platform, ground, found.region, found.restored)) === undefined)
      return `${endpointName(platform)} does not stand below ${found.restored} yet`;
    const [own, named] = [await started(found.restoredHost), await started(platform.writerHost)];
    if (own === undefined || own !== named)
      return `${platform.writerHost} does not lead to ${found.restored} yet`;
    return takesWrites(ground, platform.writerHost);
  }

  /** What each login is to be there, by what it is at the server that is left, and was before the fence. */
  private async wanted(): Promise<(LoginRole & { password: string })[]> {
    const roles = await workloadRoles(this.left, this.ground);
    return Promise.all(
      roles.map(async ({ role, login, notes: { left, ...notes } }) => ({
        role,
        login: login || left !== undefined,
        notes,
        password: await passwordOf(this.platform, this.ground, this.found.region, role),
      })),
    );
  }

  private get lockId(): string {
    const { region } = this.found;
    return `${serverId(this.platform, region)}/providers/Microsoft.Authorization/locks/cannot-delete`;
  }

  private lockOf() {
    return this.ground.resources.get(this.lockId, LOCK_API);
  }

  private get drop(): string {
    return `pitr ${this.platform.stack} --drop`;
  }
}

/** A login's password of today, as the vault of a region has it. @throws OperationError when it has none, or is not read */
export async function passwordOf(
  { regions }: Platform,
  ground: Ground,
  { vault, code }: RegionFacts,
  role: string,
): Promise<string> {
  for (const whose of ["own", "peer"] as const)
    for (const name of DATABASE_ROLES)
      for (const region of regions.filter((one) => (one.code === code) === (whose === "own"))) {
        if (loginName(name, region) !== role) continue;
        const entry = SECRET_CATALOG.find(({ login }) => login?.role === name && login.of === whose);
        const found = entry && (await ground.vaults.read(vault, entry.name));
        if (found) return found.value;
      }
  throw failed(`${vault} has no password of ${role}`);
}
