import { atLeast, atMost, between, Bound, GIVEN, lacking, OFF, oneOf } from "../../rules/expected";
import { nested } from "./places";

const PROBES = {
  "httpGet.path": GIVEN,
  "httpGet.port": GIVEN,
  periodSeconds: atMost(10),
  timeoutSeconds: between(1, 10),
};

/** What a probe of each container says. */
export const probe = (name: string, failures: number): Record<string, unknown> => ({
  ...nested(`spec.template.spec.containers[].${name}`, PROBES),
  [`spec.template.spec.containers[].${name}.failureThreshold`]: atMost(failures),
  [`spec.template.spec.containers[].${name}.initialDelaySeconds?`]: atMost(60),
});

/** Settings with which a runtime or a client of PostgreSQL no longer looks at whose certificate it is shown. */
const UNVERIFIED = [
  { name: "NODE_TLS_REJECT_UNAUTHORIZED", value: "0" },
  { name: "PYTHONHTTPSVERIFY", value: "0" },
  { name: "PGSSLMODE", value: oneOf("disable", "allow", "prefer", "require") },
];

/** A runtime in another mode tells whoever asks what went wrong inside, and leaves out what only production has. */
const OTHER_MODE = {
  name: "NODE_ENV",
  value: new Bound("another mode than production", (value) => value !== "production"),
};

/** What each pod says, wherever its template stands. */
export const podsAt = (spec: string): Record<string, unknown> => ({
  [`${spec}.containers`]: GIVEN,
  [`${spec}.enableServiceLinks`]: false,
  [`${spec}.automountServiceAccountToken`]: false,
  [`${spec}.securityContext.runAsNonRoot`]: true,
  [`${spec}.securityContext.runAsUser`]: atLeast(1000),
  [`${spec}.securityContext.runAsGroup`]: atLeast(1000),
  [`${spec}.securityContext.fsGroup`]: atLeast(1000),
  [`${spec}.volumes[].csi.readOnly?`]: true,
  [`${spec}.volumes[].emptyDir.sizeLimit?`]: atMost("1Gi"),
  [`${spec}.volumes[].emptyDir?`]: GIVEN,
  ...Object.fromEntries(
    ["containers", "initContainers"].flatMap((list) =>
      Object.entries({
        name: GIVEN,
        image: GIVEN,
        imagePullPolicy: oneOf("IfNotPresent", "Always"),
        "securityContext.runAsNonRoot": true,
        "securityContext.privileged": OFF,
        volumeMounts: GIVEN,
        env: GIVEN,
        "env[].valueFrom.secretKeyRef.optional?": false,
        "resources.limits.ephemeral-storage": GIVEN,
        "resources.requests.ephemeral-storage": GIVEN,
      }).map(([path, expected]) => [`${spec}.${list}[].${path}`, expected]),
    ),
  ),
  ...Object.fromEntries(
    ["containers", "initContainers"].map((list) => [
      `${spec}.${list}[].env?`,
      lacking(...UNVERIFIED, OTHER_MODE),
    ]),
  ),
});

/** Workloads that run until they are replaced, by the name of their Deployment. */
export const WORKLOADS = [
  "api",
  "dashboard",
  "gateway",
  "metrics",
  "monitoring",
  "blackbox",
  "status-page",
  "status-front",
];
