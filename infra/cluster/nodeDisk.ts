import { vmSize as factsOf } from "../../packages/azure-facts";

/** Operating system disk of a node. */
export interface NodeDisk {
  osDiskType: "Ephemeral" | "Managed";
  /** GiB. */
  osDiskSizeGB: number;
}

/**
 * Disk that suits a VM size. Ephemeral disks live on the node's own local disk: faster, free, and lost with the
 * node, which holds nothing. They must fit there, so sizes without a local disk, and those this function does not
 * know (https://learn.microsoft.com/azure/virtual-machines/sizes/overview), get a managed one.
 */
export function nodeDisk(vmSize: string): NodeDisk {
  const local = factsOf(vmSize)?.localDiskGiB ?? 0;
  const fitting = [128, 64].find((gib) => gib <= local);
  return fitting
    ? { osDiskType: "Ephemeral", osDiskSizeGB: fitting }
    : { osDiskType: "Managed", osDiskSizeGB: 128 };
}
