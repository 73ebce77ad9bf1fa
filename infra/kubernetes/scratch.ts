import type { core } from "@pulumi/kubernetes/types/input";

export const SCRATCH_MOUNT: core.v1.VolumeMount = { name: "scratch", mountPath: "/scratch" };

/**
 * Disk of its own for a restore, made with the pod and deleted with the pod object, so not when the pod ends: a job
 * with one needs a time to live, or its disks fill the namespace's quota. Not the node's disk: a restored database
 * would fill that, and the node would evict its other pods.
 */
export function scratchVolume(sizeGiB: number): core.v1.Volume {
  return {
    name: SCRATCH_MOUNT.name as string,
    ephemeral: {
      volumeClaimTemplate: {
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "managed-csi-premium",
          resources: { requests: { storage: `${sizeGiB}Gi` } },
        },
      },
    },
  };
}
