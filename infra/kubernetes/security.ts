import type { core } from "@pulumi/kubernetes/types/input";

/**
 * User and group every container runs as. Above 10,000, so that it is nobody on a node should a container break
 * out. The recovery image has a user of this number, because `initdb` refuses one without a name.
 */
export const RUN_AS = 10_001;

/** Pod security that satisfies the restricted Pod Security Standard, which the namespace enforces. */
export const RESTRICTED_POD: core.v1.PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: RUN_AS,
  runAsGroup: RUN_AS,
  fsGroup: RUN_AS,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
};

export const RESTRICTED_CONTAINER: core.v1.SecurityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
};
