import type { core } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from "./security";

/** Keeps the autoscaler from removing a node to save it while a job works there. Upgrades still drain it. */
export const NOT_EVICTED = { "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" } as const;

/** Resources of one container; a request is reserved, a limit is never exceeded. */
export interface ContainerResources {
  /** CPU quantity, e.g. `250m`. */
  cpuRequest: string;
  cpuLimit: string;
  /** Memory quantity, e.g. `512Mi`. Above the limit the container is killed. */
  memoryRequest: string;
  memoryLimit: string;
}

/**
 * Part of the node's disk a container may fill with logs and its temporary folder, which is bounded by the limit too.
 * Without a limit one that writes without end has its node's other pods evicted with it.
 */
export const EPHEMERAL_STORAGE = { request: "64Mi", limit: "1Gi" } as const;

function resourceRequirements(resources: ContainerResources): core.v1.ResourceRequirements {
  const { request, limit } = EPHEMERAL_STORAGE;
  return {
    requests: {
      cpu: resources.cpuRequest,
      memory: resources.memoryRequest,
      "ephemeral-storage": request,
    },
    limits: { cpu: resources.cpuLimit, memory: resources.memoryLimit, "ephemeral-storage": limit },
  };
}

/** Plain environment variables, in the order given. */
export function plainVariables(variables: Record<string, pulumi.Input<string>>): core.v1.EnvVar[] {
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

/** The one folder of a read-only container that can be written to; lost with the pod. */
const TEMPORARY = { name: "tmp", mountPath: "/tmp" } as const;

/** What distinguishes one container from every other. */
export interface ContainerArgs {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  resources: ContainerResources;
  env?: core.v1.EnvVar[];
  mounts?: core.v1.VolumeMount[];
}

/** A container that can write nowhere but in `/tmp` and in what it mounts. */
export function restrictedContainer(
  args: ContainerArgs,
  extra: Partial<core.v1.Container> = {},
): core.v1.Container {
  return {
    name: args.name,
    image: args.image,
    // The digest decides what runs, so a cached image is the right one.
    imagePullPolicy: "IfNotPresent",
    ...(args.command && { command: args.command }),
    ...(args.args && { args: args.args }),
    // Libraries that insist on a home folder find one that can be written to.
    env: [{ name: "HOME", value: TEMPORARY.mountPath }, ...(args.env ?? [])],
    resources: resourceRequirements(args.resources),
    securityContext: RESTRICTED_CONTAINER,
    volumeMounts: [TEMPORARY, ...(args.mounts ?? [])],
    ...extra,
  };
}

/** A pod without rights on its node, its neighbours or the Kubernetes API. */
export function restrictedPod(
  args: {
    serviceAccountName: pulumi.Input<string>;
    containers: core.v1.Container[];
    initContainers?: core.v1.Container[];
    volumes?: core.v1.Volume[];
  },
  extra: Partial<core.v1.PodSpec> = {},
): core.v1.PodSpec {
  return {
    serviceAccountName: args.serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: RESTRICTED_POD,
    ...(args.initContainers?.length && { initContainers: args.initContainers }),
    containers: args.containers,
    volumes: [
      { name: TEMPORARY.name, emptyDir: { sizeLimit: EPHEMERAL_STORAGE.limit } },
      ...(args.volumes ?? []),
    ],
    ...extra,
  };
}
