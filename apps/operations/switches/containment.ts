import type { Step } from "../frame/steps";
import { CDN_API, endpointId, endpointState } from "../edge";
import type { DeploymentView, Ground } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";
import { CONTAINED_MARK, CONTAINED_REPLICAS, REPLICAS_MARK, ROLE_MARK, STANDBY } from "../regionMarks";
import { changeRole, endSessions, shutOut, workloadRoles } from "../roles";
import type { Place } from "./places";
import { asideOf, leadAside, leadBack, publicServices } from "./services";

/** The one way out to partners. */
const GATEWAY = "gateway";

/** One part of a containment: what shuts it, and what opens it again for the region that serves. The pair stands together so that it stays one. */
interface Part {
  shut: Step;
  open(serves: RegionFacts): Step;
}

/** The steps that shut: what is quickest first. */
export function shutting(...what: ConstructorParameters<typeof Containment>): Step[] {
  const containment = new Containment(...what);
  const parts = [containment.entry(), containment.logins(), containment.workers(), containment.edge()];
  return parts.map(({ shut }) => shut);
}

/**
 * The steps that open again: what lets requests in last.
 * @param serves the region that is opened; what another one had stands by from then on
 */
export function opening(serves: RegionFacts, ...what: ConstructorParameters<typeof Containment>): Step[] {
  const containment = new Containment(...what);
  const parts = [containment.logins(), containment.workers(), containment.edge(), containment.entry()];
  return parts.map(({ open }) => open(serves));
}

/** The step that shuts logins, which a cluster has no part in. */
export const shuttingLogins = (platform: Platform, ground: Ground, incident: string): Step =>
  new Containment(platform, ground, [], incident).logins().shut;

class Containment {
  private readonly undo: string;
  private readonly redo: string;

  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly places: readonly Place[],
    private readonly incident: string,
  ) {
    this.undo = `reopen ${platform.stack}`;
    this.redo = `contain ${platform.stack}`;
  }

  /** Seconds, not minutes: nothing has to travel to the edge. Pods live on, and their memory is evidence. */
  entry(): Part {
    const services = async () =>
      (await Promise.all(this.places.map((place) => publicServices(this.platform, place)))).flat();
    return {
      shut: {
        id: "entry",
        title: `${this.clusters()}: the public names lead nowhere; pods and their memory stay`,
        bound: 30,
        undo: this.undo,
        done: async () => {
          const open = (await services()).filter((service) => asideOf(service)?.by !== "contain");
          return open.length === 0 || `${open.map(({ name }) => name).join(", ")} still leads to pods`;
        },
        run: async () => {
          for (const place of this.places)
            await leadAside(
              this.platform,
              place,
              { by: "contain", incident: this.incident },
              { [CONTAINED_MARK]: this.incident },
            );
        },
      },
      open: () => ({
        id: "entry",
        title: `${this.clusters()}: the public names lead to their own pods again`,
        bound: 30,
        undo: this.redo,
        done: async () => {
          const aside = (await services()).filter(asideOf);
          return aside.length === 0 || `${aside.map(({ name }) => name).join(", ")} still leads nowhere`;
        },
        run: async () => {
          for (const place of this.places) await leadBack(this.platform, place);
        },
      }),
    };
  }

  logins(): Part {
    const { platform, ground, incident } = this;
    const contained = async () =>
      (await workloadRoles(platform, ground)).filter(({ notes }) => notes.contained !== undefined);
    return {
      shut: {
        id: "logins",
        title: "the workloads' database roles may not log in, their sessions end",
        bound: 60,
        undo: this.undo,
        done: async () => shutOut(platform, ground, await workloadRoles(platform, ground)),
        run: async () => {
          const roles = await workloadRoles(platform, ground);
          for (const { role, login, notes } of roles)
            if (login)
              await changeRole(platform, ground, role, {
                login: false,
                notes: { ...notes, contained: incident },
              });
          await endSessions(
            platform,
            ground,
            roles.map(({ role }) => role),
          );
        },
      },
      open: ({ code, location }) => ({
        id: "logins",
        title: `the database roles of ${location} that the containment shut may log in again; another region's may not`,
        bound: 60,
        undo: this.redo,
        done: async () => {
          const shut = await contained();
          return shut.length === 0 || `${shut.map(({ role }) => role).join(", ")} may not log in`;
        },
        run: async () => {
          for (const {
            role,
            notes: { contained: _by, ...notes },
          } of await contained())
            await changeRole(platform, ground, role, { login: role.endsWith(`_${code}`), notes });
        },
      }),
    };
  }

  workers(): Part {
    const { namespace } = this.platform;
    const workers = async () =>
      Promise.all(
        this.places.map(async ({ cluster, region }) => {
          const deployments = await cluster.deployments(namespace);
          const gateway = deployments.find(({ name }) => name === GATEWAY);
          return { cluster, region, deployments, gateway, cronJobs: await cluster.cronJobs(namespace) };
        }),
      );
    const marked = ({ annotations }: Pick<DeploymentView, "annotations">) =>
      annotations[CONTAINED_MARK] !== undefined;
    return {
      shut: {
        id: "workers",
        title: `${this.clusters()}: no call to partners (${GATEWAY} to 0 pods), no CronJob, backups included`,
        bound: 120,
        undo: this.undo,
        done: async () => {
          const all = await workers();
          const pods = all.reduce(
            (sum, { gateway }) => sum + (gateway?.replicas ?? 0) + (gateway?.ready ?? 0),
            0,
          );
          const on = all.flatMap(({ cronJobs }) => cronJobs.filter(({ suspended }) => !suspended));
          if (pods > 0) return `${GATEWAY} still has pods`;
          return on.length === 0 || `CronJobs on: ${on.map(({ name }) => name).join(", ")}`;
        },
        run: async () => {
          for (const { cluster, gateway, cronJobs } of await workers()) {
            if (gateway && gateway.replicas > 0)
              await cluster.setDeployment(namespace, GATEWAY, 0, {
                [CONTAINED_MARK]: this.incident,
                [CONTAINED_REPLICAS]: `${gateway.replicas}`,
              });
            for (const { name, suspended } of cronJobs)
              if (!suspended)
                await cluster.setCronJob(namespace, name, true, { [CONTAINED_MARK]: this.incident });
          }
        },
      },
      open: (serves) => ({
        id: "workers",
        title: `${serves.cluster}: its pods and CronJobs run again; what the containment stopped elsewhere stands by`,
        // A region that came to serve meanwhile has none yet, and gets its nodes first.
        bound: 600,
        undo: this.redo,
        done: async () => {
          const all = await workers();
          const off = all.flatMap(({ cronJobs }) => cronJobs.filter(marked));
          const waiting = all.flatMap(({ region, deployments }) =>
            deployments.filter((one) => marked(one) || (region === serves && one.ready < one.replicas)),
          );
          if (waiting.length > 0)
            return `not ready: ${waiting.map(({ name, ready, replicas }) => `${name} ${ready}/${replicas}`).join(", ")}`;
          return off.length === 0 || `CronJobs off: ${off.map(({ name }) => name).join(", ")}`;
        },
        run: async () => {
          for (const { cluster, region, deployments, cronJobs } of await workers()) {
            const runs = region === serves;
            for (const { name, annotations } of deployments.filter(marked)) {
              const replicas = annotations[CONTAINED_REPLICAS] ?? "0";
              await cluster.setDeployment(namespace, name, runs ? Number(replicas) : 0, {
                [CONTAINED_MARK]: null,
                [CONTAINED_REPLICAS]: null,
                ...(!runs && { [ROLE_MARK]: STANDBY, [REPLICAS_MARK]: replicas }),
              });
            }
            for (const { name } of cronJobs.filter(marked))
              await cluster.setCronJob(namespace, name, !runs, {
                [CONTAINED_MARK]: null,
                ...(!runs && { [ROLE_MARK]: STANDBY }),
              });
          }
        },
      }),
    };
  }

  edge(): Part {
    const id = endpointId(this.platform);
    const part = (to: "Enabled" | "Disabled", undo: string): Step => ({
      id: "edge",
      title: `Front Door's endpoint is ${to.toLowerCase()}; its places hear of it within minutes`,
      bound: 600,
      undo,
      done: async () => {
        const state = await endpointState(this.platform, this.ground);
        return state === to || `it is ${state}`;
      },
      run: (signal) => this.ground.resources.patch(id, CDN_API, { properties: { enabledState: to } }, signal),
    });
    return { shut: part("Disabled", this.undo), open: () => part("Enabled", this.redo) };
  }

  private clusters(): string {
    return this.places.map(({ region }) => region.cluster).join(", ");
  }
}
