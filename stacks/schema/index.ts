export { PRODUCT } from "./common";
export { stackSchema, type StackConfig } from "./shape";
export type { RegionRole } from "./azure";
export { addressBlocks, crossFieldProblems, dnsServiceAddress } from "./rules";
