import type { Step } from "../frame/steps";
import type { ClusterGround, Ground } from "../ground/types";
import { takesWrites } from "../takesWrites";
import { WRITTEN_TIMELINE } from "../timeline";
import type { Platform } from "../platform";
import { REPLICAS_MARK, ROLE_MARK, STANDBY } from "../regionMarks";
import { isPrimary, type Assessment, type FailoverChoice } from "./assess";
import { shuttingLogins } from "../switches/containment";
import { Contained } from "./contained";
import { firstBackup } from "./firstBackup";
import { partnersFollow, silence } from "./partners";
import { publicNamesAnswer } from "./publicNames";

/** The steps of a failover, in order. Nothing in them needs the region that is left, Pulumi's state or GitHub. */
export function failoverSteps(
  platform: Platform,
  ground: Ground,
  found: Assessment,
  incident: string,
  { waitForSilence = false }: Pick<FailoverChoice, "waitForSilence"> = {},
): Step[] {
  const steps = new Steps(platform, ground, found);
  const { from, to, contained } = found;
  const shut = contained === undefined ? undefined : new Contained(platform, ground, found, contained);
  const quiet =
    found.mode === "planned" && !found.promoted
      ? [
          // Pods whose logins are shut write nothing, and their memory is evidence.
          contained === undefined ? steps.quiesce() : shuttingLogins(platform, ground, contained),
          steps.catchUp(),
        ]
      : [];
  const who = { from, to, incident, now: () => ground.database.clock(platform.writerHost) };
  const partners = ground.serving
    ? [
        partnersFollow(platform, ground.serving, who),
        ...(waitForSilence ? [silence(platform, ground.serving, who)] : []),
      ]
    : [];
  if (shut) return [...quiet, steps.promote(), shut.fence(), shut.workloads(), ...partners];
  return [
    ...quiet,
    steps.promote(),
    steps.fence(),
    steps.workloads(),
    publicNamesAnswer(platform, ground, found),
    ...partners,
    firstBackup(platform, ground, to, incident),
  ];
}

interface Where {
  recovering: boolean;
  started: string;
  timeline: number;
}

class Steps {
  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly found: Assessment,
  ) {}

  quiesce(): Step {
    const { from } = this.found;
    const cluster = () => this.ground.cluster(from.cluster);
    return {
      id: "quiesce",
      title: `${from.cluster}: every deployment to 0 pods, every CronJob suspended; each notes what it had`,
      bound: 120,
      undo: `failover --to ${from.location} brings them back`,
      done: async () => {
        const pods = (await this.deployments(cluster())).reduce(
          (sum, { replicas, ready }) => sum + replicas + ready,
          0,
        );
        const running = (await cluster().cronJobs(this.platform.namespace)).filter(
          ({ suspended }) => !suspended,
        );
        return (
          (pods === 0 && running.length === 0) ||
          `${pods} pods wanted or ready, ${running.length} CronJobs on`
        );
      },
      run: async () => {
        const { namespace } = this.platform;
        for (const { name, replicas } of await this.deployments(cluster()))
          if (replicas > 0)
            await cluster().setDeployment(namespace, name, 0, {
              [ROLE_MARK]: STANDBY,
              [REPLICAS_MARK]: `${replicas}`,
            });
        for (const { name, suspended } of await cluster().cronJobs(namespace))
          if (!suspended) await cluster().setCronJob(namespace, name, true, { [ROLE_MARK]: STANDBY });
      },
    };
  }

  catchUp(): Step {
    const { writerHost } = this.platform;
    const { to, from } = this.found;
    return {
      id: "catch-up",
      title: `wait until ${to.server} has all that ${from.server} wrote`,
      bound: 120,
      done: async () => {
        const [now] = await this.ground.database.query<{ lsn: string }>(
          writerHost,
          "SELECT pg_current_wal_flush_lsn()::text AS lsn",
        );
        const [row] = await this.ground.database.query<{ behind: number }>(
          to.serverHost,
          "SELECT pg_wal_lsn_diff($1::pg_lsn, pg_last_wal_replay_lsn())::float8 AS behind",
          [now?.lsn],
        );
        return (row?.behind ?? 1) <= 0 || `${row?.behind ?? "unknown"} bytes behind`;
      },
      run: () => Promise.resolve(),
    };
  }

  promote(): Step {
    const { to, mode } = this.found;
    const option = mode === "planned" ? "Planned" : "Forced";
    return {
      id: "promote",
      title: `${to.server} becomes the primary (${option.toLowerCase()} switchover); the writer's name leads to it`,
      bound: 600,
      patience: 600,
      undo: `failover --to ${this.found.from.location}`,
      done: () => this.writesThere(),
      run: async (signal) => {
        const server = await this.ground.servers.get(to.resourceGroup, to.server);
        if (isPrimary(server)) return;
        // Where a run before this one asked for it, and Azure is still at it, the server is busy, and it is asked for again.
        await this.ground.servers.promote(to.resourceGroup, to.server, option, signal);
      },
    };
  }

  /** Asked by SQL: the writer's name leads to the target's own server, that one takes a write, on a timeline of its own. */
  private async writesThere(): Promise<true | string> {
    const { to, timeline, promoted } = this.found;
    const server = await this.ground.servers.get(to.resourceGroup, to.server);
    if (!isPrimary(server)) return `${to.server} is ${server.role}`;
    const [own, named] = await Promise.all([this.where(to.serverHost), this.where(this.platform.writerHost)]);
    if (own.recovering) return `${to.server} takes no writes yet`;
    if (named.started !== own.started) return `${this.platform.writerHost} does not lead to ${to.server} yet`;
    if (!promoted && own.timeline <= timeline) return `${to.server} is still on timeline ${own.timeline}`;
    return takesWrites(this.ground, this.platform.writerHost);
  }

  private async where(host: string): Promise<Where> {
    const [row] = await this.ground.database.query<Where>(
      host,
      `SELECT pg_is_in_recovery() AS recovering, pg_postmaster_start_time()::text AS started,
              CASE WHEN pg_is_in_recovery() THEN 0
                   ELSE ${WRITTEN_TIMELINE} END AS timeline`,
    );
    if (!row) throw new Error(`${host}: no answer`);
    return row;
  }

  fence(): Step {
    const { from, to, roles } = this.found;
    return {
      id: "fence",
      title: `roles of ${from.location} may not log in (${roles.from.join(", ")}), their sessions end; those of ${to.location} may`,
      bound: 30,
      undo: `failover --to ${from.location}`,
      done: async () => {
        const rows = await this.writer<{ role: string; login: boolean }>(
          "SELECT rolname AS role, rolcanlogin AS login FROM pg_roles WHERE rolname = ANY($1)",
          [[...roles.from, ...roles.to]],
        );
        const open = rows
          .filter(({ role, login }) => login && roles.from.includes(role))
          .map(({ role }) => role);
        const shut = rows
          .filter(({ role, login }) => !login && roles.to.includes(role))
          .map(({ role }) => role);
        if (open.length > 0) return `${open.join(", ")} may still log in`;
        if (shut.length > 0) return `${shut.join(", ")} may not log in yet`;
        const sessions = await this.writer("SELECT 1 FROM pg_stat_activity WHERE usename = ANY($1)", [
          roles.from,
        ]);
        return sessions.length === 0 || `${sessions.length} sessions of ${from.location} are still there`;
      },
      run: async () => {
        // One request for all, and so one transaction: nobody finds half a fence.
        const [row] = await this.writer<{ text: string | null }>(
          `SELECT 'BEGIN READ WRITE; ' || string_agg(format('ALTER ROLE %I %s', rolname,
                             CASE WHEN rolname = ANY($1) THEN 'NOLOGIN' ELSE 'LOGIN' END), '; ') || '; COMMIT' AS text
             FROM pg_roles WHERE rolname = ANY($1) OR rolname = ANY($2)`,
          [roles.from, roles.to],
        );
        await this.writer(row?.text ?? "");
        await this.writer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY($1)", [
          roles.from,
        ]);
      },
    };
  }

  workloads(): Step {
    const { to } = this.found;
    const { namespace } = this.platform;
    const cluster = () => this.ground.cluster(to.cluster);
    return {
      id: "workloads",
      title: `${to.cluster}: what stands by gets its pods, its CronJobs are switched on`,
      bound: 600,
      undo: `failover --to ${this.found.from.location}`,
      done: async () => {
        const deployments = await this.deployments(cluster());
        if (deployments.length === 0) return `${to.cluster} has no deployment in ${namespace}`;
        const waiting = deployments.filter(
          (one) => one.annotations[ROLE_MARK] === STANDBY || one.ready < Math.max(1, one.replicas),
        );
        const off = (await cluster().cronJobs(namespace)).filter(
          ({ annotations }) => annotations[ROLE_MARK] === STANDBY,
        );
        if (waiting.length > 0)
          return `not ready: ${waiting.map(({ name, ready, replicas }) => `${name} ${ready}/${replicas}`).join(", ")}`;
        return off.length === 0 || `CronJobs off: ${off.map(({ name }) => name).join(", ")}`;
      },
      run: async () => {
        const standing = (await this.deployments(cluster())).filter(
          ({ annotations }) => annotations[ROLE_MARK] === STANDBY,
        );
        // The mark goes in the same request as the pods come: whoever is killed in between finds it whole.
        for (const { name, annotations } of standing)
          await cluster().setDeployment(namespace, name, Number(annotations[REPLICAS_MARK]), {
            [ROLE_MARK]: null,
          });
        for (const { name, annotations } of await cluster().cronJobs(namespace))
          if (annotations[ROLE_MARK] === STANDBY)
            await cluster().setCronJob(namespace, name, false, { [ROLE_MARK]: null });
      },
    };
  }

  private deployments(cluster: ClusterGround) {
    return cluster.deployments(this.platform.namespace);
  }

  private writer<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return this.ground.database.query<T>(this.platform.writerHost, text, values);
  }
}
