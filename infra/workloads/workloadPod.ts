import type { core } from "@pulumi/kubernetes/types/input";
import { filesMount, filesVolume } from "../kubernetes/files";
import { ContainerResources, plainVariables, restrictedContainer, restrictedPod } from "../kubernetes/pod";
import { priorityOf } from "../kubernetes/priorities";
import { probes } from "../kubernetes/probes";
import { LEAVE_SILENT_NODES, zoneSpread } from "../kubernetes/placement";
import { graceSeconds, SHUTDOWN } from "../kubernetes/shutdown";
import { SECRETS_MOUNT, secretsVolume, secretVariables } from "../kubernetes/vaultSecrets";
import { DatabaseGate } from "../recovery/recoveryTargets";
import { WorkloadArgs } from "./workloadArgs";

/** Resources of a gate: it connects once and ends. */
const GATE_RESOURCES: ContainerResources = {
  cpuRequest: "50m",
  cpuLimit: "500m",
  memoryRequest: "64Mi",
  memoryLimit: "256Mi",
};

/**
 * Pods of a workload.
 * @param filesName name of the ConfigMap with its files, where it has any
 */
export function workloadPod(args: WorkloadArgs, filesName?: string): core.v1.PodSpec {
  const secretMounts = args.secrets ? [SECRETS_MOUNT] : [];
  const fileMounts = args.files ? [filesMount(args.files.folder)] : [];
  return restrictedPod(
    {
      serviceAccountName: args.workload,
      initContainers: args.gate ? [gateContainer(args.gate, secretMounts)] : [],
      containers: [container(args, [...secretMounts, ...fileMounts]), ...(args.sidecars ?? [])],
      volumes: [
        ...(args.secrets ? [secretsVolume(args.workload)] : []),
        ...(filesName ? [filesVolume(filesName)] : []),
      ],
    },
    {
      terminationGracePeriodSeconds: graceSeconds(preStopSeconds(args)),
      topologySpreadConstraints: zoneSpread(args.workload),
      tolerations: LEAVE_SILENT_NODES,
      ...priorityOf(args),
    },
  );
}

function preStopSeconds({ preStopSeconds: own = 0 }: WorkloadArgs): number {
  return Math.max(own, SHUTDOWN.preStopSeconds);
}

function container(args: WorkloadArgs, mounts: core.v1.VolumeMount[]): core.v1.Container {
  const { secrets } = args;
  return restrictedContainer(
    {
      name: args.workload,
      image: args.image,
      command: args.command,
      args: args.arguments,
      resources: args.resources,
      mounts,
      env: [
        ...plainVariables(args.environment ?? {}),
        ...(secrets && !secrets.filesOnly ? secretVariables(args.workload, secrets) : []),
      ],
    },
    {
      ports: args.ports.map(({ name, port }) => ({ name, containerPort: port, protocol: "TCP" })),
      ...probes(args.health),
      lifecycle: { preStop: { sleep: { seconds: preStopSeconds(args) } } },
    },
  );
}

function gateContainer(gate: DatabaseGate, mounts: core.v1.VolumeMount[]): core.v1.Container {
  return restrictedContainer({
    name: gate.name,
    image: gate.image,
    args: gate.arguments,
    resources: GATE_RESOURCES,
    env: plainVariables(gate.environment),
    mounts,
  });
}
