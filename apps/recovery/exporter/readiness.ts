import { Gauge, type Registry } from "prom-client";
import type { Readiness } from "../evidence/readiness";

const PER_CHECK = ["stack", "check"];

/** Every metric of readiness: its labels, and what it says. */
export const READINESS_METRICS = {
  forma3d_readiness_pass: {
    labels: PER_CHECK,
    help: "Whether a readiness check passed (1) or not (0).",
  },
  forma3d_readiness_not_run: {
    labels: PER_CHECK,
    help: "Whether a readiness check could not be run (1).",
  },
  forma3d_readiness_checked_at_seconds: {
    labels: ["stack"],
    help: "When the checks were run, in Unix seconds.",
  },
} as const satisfies Record<string, { labels: readonly string[]; help: string }>;

/** What the newest readiness check on record found, one series per check; without a record there is none. */
export class ReadinessGauges {
  private readonly pass: Gauge;
  private readonly notRun: Gauge;
  private readonly checkedAt: Gauge;

  constructor(registry: Registry) {
    const gauge = (name: keyof typeof READINESS_METRICS): Gauge => {
      const { help, labels } = READINESS_METRICS[name];
      return new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
    };
    this.pass = gauge("forma3d_readiness_pass");
    this.notRun = gauge("forma3d_readiness_not_run");
    this.checkedAt = gauge("forma3d_readiness_checked_at_seconds");
  }

  update(readiness: Readiness | undefined): void {
    for (const gauge of [this.pass, this.notRun, this.checkedAt]) gauge.reset();
    if (!readiness) return;
    const { stack, at, checks } = readiness;
    this.checkedAt.set({ stack }, Date.parse(at) / 1000);
    for (const { id: check, status } of checks) {
      this.pass.set({ stack, check }, status === "PASS" ? 1 : 0);
      this.notRun.set({ stack, check }, status === "NOT_RUN" ? 1 : 0);
    }
  }
}
