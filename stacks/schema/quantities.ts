/** Thousandths of a CPU. */
export function milliCpus(quantity: string): number {
  return quantity.endsWith("m") ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000;
}

export const GIB_IN_MIB = 1024;

export function mebibytes(quantity: string): number {
  return Number(quantity.slice(0, -2)) * (quantity.endsWith("Gi") ? GIB_IN_MIB : 1);
}

/** What pods ask for and nodes have, with how a quantity of it is read. */
export const MEASURES = [
  ["cpu", milliCpus],
  ["memory", mebibytes],
] as const;
