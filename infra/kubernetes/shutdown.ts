/**
 * How long a pod that is told to stop goes on, in seconds. It first waits while load balancers learn that it is
 * leaving (Azure's take two probes of five seconds), then the process finishes what it has begun.
 */
export const SHUTDOWN = {
  /** Pause before SIGTERM, at least. */
  preStopSeconds: 15,
  /** Time the process has for open requests after SIGTERM. */
  drainSeconds: 30,
  /** What is left after both, before SIGKILL. */
  marginSeconds: 15,
} as const;

/** Time until SIGKILL, counted from the beginning: longer than pause and drain together. */
export function graceSeconds(preStopSeconds: number): number {
  return preStopSeconds + SHUTDOWN.drainSeconds + SHUTDOWN.marginSeconds;
}
