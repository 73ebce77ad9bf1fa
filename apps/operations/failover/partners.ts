import { GRACE_SECONDS, majority, silentBy } from "../../recovery/serving/record";
import type { Step } from "../frame/steps";
import type { ServingGround } from "../ground/types";
import type { Platform, RegionFacts } from "../platform";

/**
 * Tells both regions' gateways which of them may call partners. Comes after the public names answer: an account that
 * cannot be written may not keep customers waiting, and a region that is cut off goes on for its grace either way.
 */
export function partnersFollow(
  { partnerCallSeconds }: Platform,
  serving: ServingGround,
  {
    from,
    to,
    incident,
    now,
  }: { from: RegionFacts; to: RegionFacts; incident: string; now: () => Promise<Date> },
): Step {
  return {
    id: "partners",
    title:
      `partners are called from ${to.location}: most accounts of the record of who serves name it; were ${from.location} only cut off, ` +
      `it would call none any more ${GRACE_SECONDS + partnerCallSeconds} s later`,
    bound: 60,
    undo: `failover --to ${from.location}`,
    done: async () => {
      const said = await serving.look();
      const newest = Math.max(0, ...said.map(({ record }) => record?.term ?? 0));
      const agree = said.filter(({ record }) => record?.serving === to.location && record.term === newest);
      if (agree.length >= majority(said.length)) return true;
      const others = said.map(
        ({ place, record, silent }) =>
          `${place} ${silent === undefined ? `says ${record?.serving ?? "nothing yet"}` : `does not answer (${silent})`}`,
      );
      return others.join(", ");
    },
    run: async () => serving.write(to.location, incident, await now()),
  };
}

/**
 * Waits until the region that is left has called its last partner, however cut off it is: for whoever must not have two regions
 * tell a partner of one order. Asked of the record's own moment, so that a run that was killed waits for the rest only.
 */
export function silence(
  { partnerCallSeconds }: Platform,
  serving: ServingGround,
  { from, to, now }: { from: RegionFacts; to: RegionFacts; now: () => Promise<Date> },
): Step {
  const bound = GRACE_SECONDS + partnerCallSeconds;
  return {
    id: "silence",
    title: `wait until ${from.location} can have called no partner any more`,
    bound: bound + 60,
    done: async () => {
      const records = (await serving.look()).flatMap(({ record }) => record ?? []);
      const newest = records.sort((one, other) => other.term - one.term)[0];
      if (newest?.serving !== to.location) return `no account says that ${to.location} serves`;
      const by = silentBy(new Date(newest.since), partnerCallSeconds);
      return (await now()) >= by || `${from.location} is silent by ${by.toISOString()} at the latest`;
    },
    run: () => Promise.resolve(),
  };
}
