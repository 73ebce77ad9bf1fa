import { ENDPOINT_URNS } from "../../infra/naming";
import { NotRunError } from "../../packages/command/errors";
import type { StackConfig } from "../../stacks/schema";

/**
 * Flags of the engine that read back what can be read while the regions have these roles. The endpoint stands below the server the
 * pair was made from, and while that one follows the other Azure answers no question about it.
 * @throws NotRunError while a region is lost: nothing that stands there answers.
 */
export function refreshFlags({ regions }: Pick<StackConfig, "regions">): string[] {
  const { primary, secondary } = regions;
  const lost = [primary, secondary].find((region) => region?.role === "lost");
  if (lost)
    throw new NotRunError(
      `nothing was read back: ${lost.location} is lost, and what stands there does not answer; look again when it is declared standby`,
    );
  return ["--refresh", ...(primary.role === "serving" ? [] : ["--exclude", ENDPOINT_URNS])];
}
