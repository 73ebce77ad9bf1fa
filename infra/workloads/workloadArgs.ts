import type { core } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { Exposure } from "../kubernetes/exposure";
import { Files } from "../kubernetes/files";
import { Role } from "../kubernetes/labels";
import { ContainerResources } from "../kubernetes/pod";
import { HealthPaths } from "../kubernetes/probes";
import { NamedTraffic } from "../kubernetes/traffic";
import { VaultSecret, VaultSource } from "../kubernetes/vaultSecrets";
import { DatabaseGate } from "../recovery/recoveryTargets";

export interface WorkloadArgs {
  /** Name in Kubernetes, of the Deployment, its Service and its service account. Changing it replaces them all. */
  workload: string;
  role: Role;
  product: string;
  namespace: pulumi.Input<string>;
  /** Container image pinned by digest. Changing it rolls the pods one by one. */
  image: string;
  /** Command and arguments; default the image's own. */
  command?: string[];
  arguments?: string[];
  /** Ports the container listens on, by name. The Service offers the first one as port 80, the others unchanged. */
  ports: readonly { name: string; port: number }[];
  health: HealthPaths;
  /** Seconds between leaving the Service and SIGTERM; default and least 15, see `SHUTDOWN`. */
  preStopSeconds?: number;
  resources: ContainerResources;
  /**
   * Why there may be only one pod, at least 15 characters; with it both replicas are 1, and a rollout stops the old
   * pod before it starts the new one.
   */
  singleBecause?: string;
  /** Fewest pods. */
  minReplicas: number;
  /** Most pods; not below minReplicas. Equal: no autoscaler is made. */
  maxReplicas: number;
  /** Mean use, in percent of the request, at which pods are added. */
  targetCpuPercent: number;
  targetMemoryPercent: number;
  /** Plain environment variables; never a secret. */
  environment?: Record<string, pulumi.Input<string>>;
  /** Client id of the workload's Azure identity. */
  identityClientId: pulumi.Input<string>;
  /**
   * Secrets the containers get through the vault, as files and, unless the program reads files (`filesOnly`), as
   * environment variables.
   */
  secrets?: { source: VaultSource; entries: readonly VaultSecret[]; filesOnly?: boolean };
  /** Containers beside it in each pod, restricted like it. */
  sidecars?: readonly core.v1.Container[];
  /** Files the container reads, by name; a change rolls the pods. Never a secret. */
  files?: Files;
  /** Container that must succeed before the workload starts, given the mounted secrets. */
  gate?: DatabaseGate;
  ingress: readonly NamedTraffic[];
  egress: readonly NamedTraffic[];
  /** How the Service is reached; default from inside the cluster only. */
  exposure?: Exposure;
  /** What must be done before the pods start or roll, such as a migration. */
  after?: pulumi.Resource[];
  /**
   * True in a region that stands by: everything is there but pods and autoscaler, so that taking over is to set a
   * number. Default false.
   */
  standby?: boolean;
}

/** @throws pulumi.InputPropertyError for what Kubernetes would refuse, or run otherwise than meant. */
export function checkWorkload({ minReplicas, maxReplicas, ports, image, singleBecause }: WorkloadArgs) {
  const wrong = (propertyPath: string, reason: string) =>
    new pulumi.InputPropertyError({ propertyPath, reason });
  if (!/@sha256:[0-9a-f]{64}$/.test(image))
    throw wrong("image", `"${image}" is not pinned by a sha256 digest`);
  if (minReplicas < 1) throw wrong("minReplicas", `${minReplicas} is below 1`);
  if (minReplicas > maxReplicas)
    throw wrong("minReplicas", `${minReplicas} is above maxReplicas (${maxReplicas})`);
  if (singleBecause !== undefined && maxReplicas !== 1)
    throw wrong("maxReplicas", `${maxReplicas} is not 1, though singleBecause says there is one pod`);
  if (singleBecause !== undefined && singleBecause.trim().length < 15)
    throw wrong("singleBecause", `"${singleBecause}" is no reason: at least 15 characters`);
  if (ports.length === 0) throw wrong("ports", "a workload listens on at least one port");
}
