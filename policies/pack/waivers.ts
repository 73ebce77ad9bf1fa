import type { Finding } from "../../packages/isolation/rule";

/** Longest time a waiver may run, counted from today: long enough to fix the cause, too short to forget it. */
export const MAX_WAIVER_DAYS = 30;

/** A reviewed exception: one rule, one resource, for a while. */
export interface Waiver {
  /** Id of the rule, e.g. `ISO-006`. */
  readonly rule: string;
  /** URN of the resource. */
  readonly resource: string;
  /** Property path, or what is missing, as a finding begins with it; absent: every path of the resource. */
  readonly path?: string;
  readonly reason: string;
  /** Who answers for it. */
  readonly owner: string;
  /** Last day it holds, `YYYY-MM-DD` (UTC). */
  readonly expires: string;
}

/** Waivers of one run: applies them to findings and remembers which were needed. */
export class Waivers {
  private readonly used = new Set<Waiver>();

  constructor(
    private readonly waivers: readonly Waiver[],
    private readonly today: string,
  ) {}

  /** The waiver that covers a finding. An expired one covers nothing. */
  covering({ ruleId, urn, path, origin }: Finding): Waiver | undefined {
    const waiver = this.waivers.find(
      (entry) =>
        (entry.rule === ruleId || entry.rule === origin) &&
        entry.resource === urn &&
        (entry.path === undefined || entry.path === path) &&
        !this.isExpired(entry),
    );
    if (waiver) this.used.add(waiver);
    return waiver;
  }

  /** Waivers of a stack that have run out. */
  expired(project: string, stack: string): Waiver[] {
    return this.of(project, stack).filter((waiver) => this.isExpired(waiver));
  }

  /** Waivers of a stack that covered nothing in this run. */
  unused(project: string, stack: string): Waiver[] {
    return this.of(project, stack).filter((waiver) => !this.isExpired(waiver) && !this.used.has(waiver));
  }

  private of(project: string, stack: string): Waiver[] {
    return this.waivers.filter(({ resource }) => resource.startsWith(`urn:pulumi:${stack}::${project}::`));
  }

  private isExpired({ expires }: Waiver): boolean {
    return expires < this.today;
  }
}
