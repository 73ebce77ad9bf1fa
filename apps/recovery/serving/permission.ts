import { GRACE_SECONDS, majority, type ServingRecord } from "./record";

/** What a region may do now, and why. */
export interface Verdict {
  readonly may: boolean;
  /** One line for a log and for the caller that is refused. */
  readonly reason: string;
  /** Seconds until it may no longer, if nothing more is heard; 0 when it may not. */
  readonly secondsLeft: number;
}

interface Heard {
  /** Seconds of a clock that only goes forward, from before the place was asked. */
  readonly at: number;
  readonly record: ServingRecord | undefined;
}

/**
 * Whether a region may call partners. It may while more than half of the places have said within the last ten minutes that
 * it serves, and none says under a later term that another does. Whoever makes another region serve writes to more than
 * half of the places first; two such groups always share one, so a region that has not heard is silent ten minutes later.
 */
export class Permission {
  private readonly heard = new Map<string, Heard>();

  constructor(
    private readonly region: string,
    private readonly places: readonly string[],
  ) {}

  /**
   * @param at seconds of a clock that only goes forward, from before the place was asked
   * @param record undefined: the place answered that it has none
   */
  hear(place: string, at: number, record: ServingRecord | undefined): void {
    this.heard.set(place, { at, record });
  }

  verdict(now: number): Verdict {
    const latest = Math.max(0, ...[...this.heard.values()].map(({ record }) => record?.term ?? 0));
    const other = [...this.heard.values()].find(
      ({ record }) => record?.term === latest && record.serving !== this.region,
    )?.record;
    if (other)
      return this.refused(`${other.serving} serves since ${other.since}, so nothing here may call partners`);
    const needed = majority(this.places.length);
    // What a place said under an earlier term speaks for nobody.
    const lefts = [...this.heard.values()]
      .filter(({ record }) => (record?.term ?? 0) === latest)
      .map(({ at }) => at + GRACE_SECONDS - now)
      .sort((a, b) => b - a);
    const left = lefts[needed - 1] ?? 0;
    if (left > 0)
      return {
        may: true,
        reason: `${this.region} serves, as ${lefts.filter((one) => one > 0).length} of ${this.places.length} places say`,
        secondsLeft: left,
      };
    return this.refused(
      `fewer than ${needed} of ${this.places.length} places have said within ${GRACE_SECONDS} s that ${this.region} serves: it may be cut off, so nothing here may call partners`,
    );
  }

  /** Seconds since a place was last heard from; undefined when it never was. */
  silence(place: string, now: number): number | undefined {
    const heard = this.heard.get(place);
    return heard && now - heard.at;
  }

  private refused(reason: string): Verdict {
    return { may: false, reason, secondsLeft: 0 };
  }
}
