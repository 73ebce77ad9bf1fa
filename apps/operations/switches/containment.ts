import type { Step } from "../frame/steps";
import { CDN_API, endpointId, propertyOf } from "../edge";
import type { ClusterObject, Ground } from "../ground/types";
import type { Platform } from "../platform";
import { changeRole, endSessions, sessionsOf, workloadRoles } from "../roles";
import type { Place } from "./places";
import { asideOf, leadAside, leadBack, publicServices } from "./services";

/** Mark of what `contain` stopped, with the incident; and with how many pods it ran. */
const MARK = "forma3d.com/contained";
const REPLICAS = "forma3d.com/contained-replicas";

/** The one way out to partners. */
const GATEWAY = "gateway";

/** Stands in a cluster from the end of a containment to the end of the reopening. */
export const record = ({ namespace }: Platform, incident = ""): ClusterObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "containment", namespace },
  data: { incident },
});

/** One part of a containment: what shuts it, and what opens it again. The pair stands together so that it stays one. */
interface Part {
  shut: Step;
  open: Step;
}

/** The steps of a containment: what is quickest is shut first, and what lets requests in is opened last. */
export function parts(
  platform: Platform,
  ground: Ground,
  places: readonly Place[],
  incident: string,
): { shut: Step[]; open: Step[] } {
  const containment = new Containment(platform, ground, places, incident);
  const [entry, logins, workers, edge] = [
    containment.entry(),
    containment.logins(),
    containment.workers(),
    containment.edge(),
  ];
  return {
    shut: [entry, logins, workers, edge].map(({ shut }) => shut),
    open: [logins, workers, edge, entry].map(({ open }) => open),
  };
}

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
              { [MARK]: this.incident },
            );
        },
      },
      open: {
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
      },
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
        done: async () => {
          const roles = await workloadRoles(platform, ground);
          const open = roles.filter(({ login }) => login).map(({ role }) => role);
          if (open.length > 0) return `${open.join(", ")} may log in`;
          const sessions = await sessionsOf(
            platform,
            ground,
            roles.map(({ role }) => role),
          );
          return sessions === 0 || `${sessions} sessions are still there`;
        },
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
      open: {
        id: "logins",
        title: "the database roles that the containment shut may log in again; a fenced region's may not",
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
            await changeRole(platform, ground, role, { login: true, notes });
        },
      },
    };
  }

  workers(): Part {
    const { namespace } = this.platform;
    const gateways = async () =>
      Promise.all(
        this.places.map(async ({ cluster }) => ({
          cluster,
          gateway: (await cluster.deployments(namespace)).find(({ name }) => name === GATEWAY),
          cronJobs: await cluster.cronJobs(namespace),
        })),
      );
    return {
      shut: {
        id: "workers",
        title: `${this.clusters()}: no call to partners (${GATEWAY} to 0 pods), no CronJob, backups included`,
        bound: 120,
        undo: this.undo,
        done: async () => {
          const all = await gateways();
          const pods = all.reduce(
            (sum, { gateway }) => sum + (gateway?.replicas ?? 0) + (gateway?.ready ?? 0),
            0,
          );
          const on = all.flatMap(({ cronJobs }) => cronJobs.filter(({ suspended }) => !suspended));
          if (pods > 0) return `${GATEWAY} still has pods`;
          return on.length === 0 || `CronJobs on: ${on.map(({ name }) => name).join(", ")}`;
        },
        run: async () => {
          for (const { cluster, gateway, cronJobs } of await gateways()) {
            if (gateway && gateway.replicas > 0)
              await cluster.setDeployment(namespace, GATEWAY, 0, {
                [MARK]: this.incident,
                [REPLICAS]: `${gateway.replicas}`,
              });
            for (const { name, suspended } of cronJobs)
              if (!suspended) await cluster.setCronJob(namespace, name, true, { [MARK]: this.incident });
          }
        },
      },
      open: {
        id: "workers",
        title: `${this.clusters()}: ${GATEWAY} and the CronJobs run again`,
        bound: 300,
        undo: this.redo,
        done: async () => {
          const all = await gateways();
          const off = all.flatMap(({ cronJobs }) =>
            cronJobs.filter(({ annotations }) => annotations[MARK] !== undefined),
          );
          const waiting = all.filter(
            ({ gateway }) =>
              gateway && (gateway.annotations[MARK] !== undefined || gateway.ready < gateway.replicas),
          );
          if (waiting.length > 0) return `${GATEWAY} is not ready`;
          return off.length === 0 || `CronJobs off: ${off.map(({ name }) => name).join(", ")}`;
        },
        run: async () => {
          for (const { cluster, gateway, cronJobs } of await gateways()) {
            const replicas = Number(gateway?.annotations[REPLICAS] ?? 0);
            if (gateway?.annotations[MARK] !== undefined)
              await cluster.setDeployment(namespace, GATEWAY, replicas, { [MARK]: null, [REPLICAS]: null });
            for (const { name, annotations } of cronJobs)
              if (annotations[MARK] !== undefined)
                await cluster.setCronJob(namespace, name, false, { [MARK]: null });
          }
        },
      },
    };
  }

  edge(): Part {
    const id = endpointId(this.platform);
    const is = async () => {
      const endpoint = await this.ground.resources.get(id, CDN_API);
      return endpoint ? propertyOf(endpoint, "enabledState") : "not there";
    };
    const part = (to: "Enabled" | "Disabled", undo: string): Step => ({
      id: "edge",
      title: `Front Door's endpoint is ${to.toLowerCase()}; its places hear of it within minutes`,
      bound: 600,
      undo,
      done: async () => {
        const state = await is();
        return state === to || `it is ${state}`;
      },
      run: (signal) => this.ground.resources.patch(id, CDN_API, { properties: { enabledState: to } }, signal),
    });
    return { shut: part("Disabled", this.undo), open: part("Enabled", this.redo) };
  }

  private clusters(): string {
    return this.places.map(({ region }) => region.cluster).join(", ");
  }
}
