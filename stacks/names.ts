import { PlatformNames, platformNames } from "../infra/naming";
import { PRODUCT, StackConfig } from "./schema";

/** The part of a configuration that names derive from. */
export type Named = Pick<StackConfig, "shortName" | "nameSuffix" | "regions">;

/** Names of everything a stack owns. */
export function stackPlatformNames(config: Named): PlatformNames {
  return platformNames({ product: PRODUCT, ...config });
}
