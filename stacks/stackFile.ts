import { dump } from "js-yaml";
import { DEFAULT_PROVIDERS, DEFAULT_PROVIDERS_OFF } from "./pulumiKeys";
import { PRODUCT, StackConfig } from "./schema";

/** A configuration as a stack file that reads as the same: every value written out, and no secret. */
export function stackFileOf(config: StackConfig): string {
  const values = Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [`${PRODUCT}:${key}`, value]);
  return dump(
    { config: { [DEFAULT_PROVIDERS]: DEFAULT_PROVIDERS_OFF, ...Object.fromEntries(values) } },
    { lineWidth: -1, noRefs: true, sortKeys: true },
  );
}
