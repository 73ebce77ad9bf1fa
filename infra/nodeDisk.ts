/** Operating system disk of a node. */
export interface NodeDisk {
  osDiskType: "Ephemeral" | "Managed";
  /** GiB. */
  osDiskSizeGB: number;
}

/** GiB of local disk per virtual CPU of the D and E series of versions 4 and 5 whose name has a `d`. */
const LOCAL_GIB_PER_CPU = 37.5;

/**
 * Disk that suits a VM size. Ephemeral disks live on the node's own local disk: faster, free, and lost with the
 * node, which holds nothing. They must fit there, so sizes without a local disk, and those this function does not
 * know (https://learn.microsoft.com/azure/virtual-machines/sizes/overview), get a managed one.
 */
export function nodeDisk(vmSize: string): NodeDisk {
  const size = /^Standard_[DE](\d+)a?d[a-z]*_v[45]$/.exec(vmSize);
  const local = size ? Number(size[1]) * LOCAL_GIB_PER_CPU : 0;
  const fitting = [128, 64].find((gib) => gib <= local);
  return fitting
    ? { osDiskType: "Ephemeral", osDiskSizeGB: fitting }
    : { osDiskType: "Managed", osDiskSizeGB: 128 };
}
