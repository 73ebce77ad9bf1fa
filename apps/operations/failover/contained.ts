import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { CONTAINED_MARK, CONTAINED_REPLICAS, REPLICAS_MARK, ROLE_MARK, STANDBY } from "../regionMarks";
import { commentOf, type RoleNotes } from "../roleNotes";
import { endSessions, shutOut, workloadRoles, type LoginRole } from "../roles";
import type { Assessment } from "./assess";

/**
 * What a failover does to logins and workloads while the platform is contained: nothing is opened, and what `reopen` opens becomes the
 * target's instead of what was left.
 */
export class Contained {
  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly found: Assessment,
    private readonly incident: string,
  ) {}

  fence(): Step {
    const { platform, ground, found } = this;
    const { from, to } = found;
    return {
      id: "fence",
      title: `no role may log in; once reopened those of ${to.location} may (${found.roles.to.join(", ")}), and those of ${from.location} may not`,
      bound: 30,
      undo: `failover --to ${from.location}`,
      done: async () => {
        const roles = await workloadRoles(platform, ground);
        const shut = await shutOut(platform, ground, roles);
        if (shut !== true) return shut;
        const wrong = roles.filter((one) => one.notes.contained !== this.wanted(one).contained);
        return (
          wrong.length === 0 ||
          `${wrong.map(({ role }) => role).join(", ")} would be opened or left by reopen against it`
        );
      },
      run: async () => {
        const roles = await workloadRoles(platform, ground);
        const comments = roles.map((one) => commentOf(this.wanted(one)));
        const names = roles.map(({ role }) => role);
        // One request for all, and so one transaction: nobody finds half of it.
        const [row] = await ground.database.query<{ text: string | null }>(
          platform.writerHost,
          `SELECT 'BEGIN READ WRITE; '
               || string_agg(format('ALTER ROLE %I NOLOGIN; COMMENT ON ROLE %I IS %s', role, role,
                                    coalesce(quote_literal(comment), 'NULL')), '; ')
               || '; COMMIT' AS text
             FROM unnest($1::text[], $2::text[]) AS wanted (role, comment)`,
          [names, comments],
        );
        await ground.database.query(platform.writerHost, row?.text ?? "");
        await endSessions(platform, ground, names);
      },
    };
  }

  /** What would serve is noted as stopped by the containment, with as many pods as it serves with: `reopen` starts it. */
  workloads(): Step {
    const { platform, ground, found, incident } = this;
    const { to, from } = found;
    const { namespace } = platform;
    const cluster = ground.cluster(to.cluster);
    const standing = ({ annotations }: { annotations: Readonly<Record<string, string>> }) =>
      annotations[ROLE_MARK] === STANDBY;
    return {
      id: "workloads",
      title: `${to.cluster}: what stands by waits for reopen; no pod is started, no CronJob switched on`,
      bound: 120,
      undo: `failover --to ${from.location}`,
      done: async () => {
        const waiting = [
          ...(await cluster.deployments(namespace)).filter(standing),
          ...(await cluster.cronJobs(namespace)).filter(standing),
        ];
        return waiting.length === 0 || `still standing by: ${waiting.map(({ name }) => name).join(", ")}`;
      },
      run: async () => {
        for (const { name, annotations } of (await cluster.deployments(namespace)).filter(standing))
          await cluster.setDeployment(namespace, name, 0, {
            [ROLE_MARK]: null,
            [CONTAINED_MARK]: incident,
            [CONTAINED_REPLICAS]: annotations[REPLICAS_MARK] ?? null,
          });
        for (const { name } of (await cluster.cronJobs(namespace)).filter(standing))
          await cluster.setCronJob(namespace, name, true, { [ROLE_MARK]: null, [CONTAINED_MARK]: incident });
      },
    };
  }

  private wanted({ role, notes: { contained: _by, ...notes } }: LoginRole): RoleNotes {
    return this.found.roles.to.includes(role) ? { ...notes, contained: this.incident } : notes;
  }
}
