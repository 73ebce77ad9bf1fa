/** A VM size as far as a node pool depends on it. */
export interface VmSize {
  readonly vCpus: number;
  readonly memoryGiB: number;
  /** Local disk, 0 where there is none or it is not of the kind an operating system disk can live on. */
  readonly localDiskGiB: number;
  /** Whether its processors are lent and taken back by credit. */
  readonly burstable: boolean;
}

/** GiB of local disk per virtual CPU of the D and E series of versions 4 and 5 whose name has a `d`. */
const LOCAL_GIB_PER_CPU = 37.5;

const UP_TO_64 = [2, 4, 8, 16, 32, 48, 64];
const UP_TO_96 = [...UP_TO_64, 96];
const UP_TO_192 = [...UP_TO_96, 128, 192];
const WITH_20 = (cpus: readonly number[]): readonly number[] => [...cpus, 20].sort((a, b) => a - b);

/** Series: name with `#` for the CPUs, their numbers, GiB per CPU, whether the size has a local disk. */
type Series = readonly [name: string, cpus: readonly number[], gibPerCpu: number, local?: boolean];

/**
 * Series AKS nodes are made of: general purpose, memory and compute optimised of generations that are still sold, as of
 * November 2026 (https://learn.microsoft.com/azure/virtual-machines/sizes/overview). Node pools need 2 CPUs and 4 GiB
 * (https://learn.microsoft.com/azure/aks/quotas-skus-regions), so smaller sizes are not listed.
 */
const SERIES: readonly Series[] = [
  ["Standard_D#s_v3", UP_TO_64, 4],
  ["Standard_D#s_v4", UP_TO_64, 4],
  ["Standard_D#ds_v4", UP_TO_64, 4, true],
  ["Standard_D#s_v5", UP_TO_96, 4],
  ["Standard_D#ds_v5", UP_TO_96, 4, true],
  ["Standard_D#as_v5", UP_TO_96, 4],
  ["Standard_D#ads_v5", UP_TO_96, 4, true],
  ["Standard_D#s_v6", UP_TO_192, 4],
  ["Standard_D#ds_v6", UP_TO_192, 4],
  ["Standard_D#as_v6", UP_TO_96, 4],
  ["Standard_D#ads_v6", UP_TO_96, 4],
  ["Standard_E#s_v3", WITH_20(UP_TO_64), 8],
  ["Standard_E#s_v4", WITH_20(UP_TO_64), 8],
  ["Standard_E#ds_v4", WITH_20(UP_TO_64), 8, true],
  ["Standard_E#s_v5", WITH_20(UP_TO_96), 8],
  ["Standard_E#ds_v5", WITH_20(UP_TO_96), 8, true],
  ["Standard_E#as_v5", WITH_20(UP_TO_96), 8],
  ["Standard_E#ads_v5", WITH_20(UP_TO_96), 8, true],
  ["Standard_E#s_v6", WITH_20(UP_TO_192), 8],
  ["Standard_E#ds_v6", WITH_20(UP_TO_192), 8],
  ["Standard_F#s_v2", [2, 4, 8, 16, 32, 48, 64, 72], 2],
  ["Standard_B#ms", [2, 4, 8, 12, 16, 20], 4],
  ["Standard_B#s_v2", [2, 4, 8, 16, 32], 4],
];

/** Sizes by name. */
export const VM_SIZES: ReadonlyMap<string, VmSize> = new Map(
  SERIES.flatMap(([name, cpus, gibPerCpu, local]) =>
    cpus.map((vCpus): [string, VmSize] => [
      name.replace("#", String(vCpus)),
      {
        vCpus,
        memoryGiB: vCpus * gibPerCpu,
        localDiskGiB: local ? vCpus * LOCAL_GIB_PER_CPU : 0,
        burstable: name.startsWith("Standard_B"),
      },
    ]),
  ),
);

/** Facts of a size; undefined when AKS offers none of the name. */
export function vmSize(name: string): VmSize | undefined {
  return VM_SIZES.get(name);
}
