import type { core } from "@pulumi/kubernetes/types/input";

/** Where a workload answers about its health. */
export interface HealthPaths {
  /** Port name or number the probes ask. */
  port: string | number;
  /** Answers while the process works; a failure restarts the container. */
  live: string;
  /** Answers while requests can be served; a failure takes the pod out of its Service. */
  ready: string;
}

/** Seconds a container may take to start before it is restarted: 30 tries, 5 seconds apart. */
const STARTUP_SECONDS = 150;

/**
 * Probes of one container. Delays and periods of liveness and readiness are the report's (§4.2); the startup probe
 * holds both back, so that a slow start is not taken for a hang.
 */
export function probes({
  port,
  live,
  ready,
}: HealthPaths): Required<Pick<core.v1.Container, "startupProbe" | "livenessProbe" | "readinessProbe">> {
  return {
    startupProbe: {
      httpGet: { path: live, port },
      periodSeconds: 5,
      timeoutSeconds: 3,
      failureThreshold: STARTUP_SECONDS / 5,
    },
    livenessProbe: {
      httpGet: { path: live, port },
      initialDelaySeconds: 30,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    readinessProbe: {
      httpGet: { path: ready, port },
      initialDelaySeconds: 5,
      periodSeconds: 5,
      timeoutSeconds: 3,
      failureThreshold: 3,
      successThreshold: 1,
    },
  };
}
