import * as pulumi from "@pulumi/pulumi";
import { allocatable, vmSize } from "../../packages/azure-facts";
import { nodeDisk } from "./nodeDisk";
import { Tags } from "../tags";

/** Where the nodes of all pools stand. */
export interface NodePlace {
  /** Availability zones; empty for none. */
  zones: string[];
  subnetId: pulumi.Input<string>;
  tags: Tags;
}

/** Pods a node holds at most. Changing it replaces the pools. */
const PODS_PER_NODE = 110;

/** What pods find on a node of a size; undefined when AKS offers none of the name. */
export function nodeRoom(size: string): ReturnType<typeof allocatable> | undefined {
  const node = vmSize(size);
  return node && allocatable(node, PODS_PER_NODE);
}

/** Properties all nodes share. */
function nodes(size: string, { zones, subnetId, tags }: NodePlace) {
  return {
    vmSize: size,
    ...nodeDisk(size),
    osType: "Linux",
    osSKU: "AzureLinux",
    type: "VirtualMachineScaleSets",
    availabilityZones: zones,
    vnetSubnetID: subnetId,
    enableNodePublicIP: false,
    // Needs the subscription's feature Microsoft.Compute/EncryptionAtHost.
    enableEncryptionAtHost: true,
    maxPods: PODS_PER_NODE,
    upgradeSettings: { maxSurge: "33%", drainTimeoutInMinutes: 30 },
    tags,
  };
}

/** Nodes that only cluster services run on, so that no application can starve them. */
export function systemPool({ vmSize, count }: { vmSize: string; count: number }, place: NodePlace) {
  return {
    ...nodes(vmSize, place),
    name: "system",
    mode: "System",
    count,
    nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
  };
}

/** Nodes for applications; the autoscaler keeps their number between the bounds. */
export function applicationPool(
  { vmSize, minCount, maxCount }: { vmSize: string; minCount: number; maxCount: number },
  place: NodePlace,
) {
  return {
    ...nodes(vmSize, place),
    mode: "User",
    enableAutoScaling: true,
    count: minCount,
    minCount,
    maxCount,
  };
}
