import { dump } from "js-yaml";
import { withPublishedImages } from "./images";
import { DEFAULT_PROVIDERS, DEFAULT_PROVIDERS_OFF } from "./pulumiKeys";
import { PRODUCT, StackConfig } from "./schema";

/**
 * A configuration as a stack file that reads as the same: every value written out, images by the names a stack file takes, and no
 * secret.
 */
export function stackFileOf(config: StackConfig): string {
  const values = Object.entries(withPublishedImages(config))
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [`${PRODUCT}:${key}`, value]);
  return dump(
    { config: { [DEFAULT_PROVIDERS]: DEFAULT_PROVIDERS_OFF, ...Object.fromEntries(values) } },
    { lineWidth: -1, noRefs: true, sortKeys: true },
  );
}
