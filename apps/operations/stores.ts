import type { ContainerClient } from "@azure/storage-blob";
import { CONTAINER_NAMES, SERVING_CONTAINER } from "../../infra/data/places";
import { leaseName } from "./frame/lease";
import { refused } from "./frame/errors";
import type { LeasePlace } from "./frame/sharedLease";
import type { Environment } from "./ground/types";
import type { Platform } from "./platform";

/** A container of the platform, by the stack file. */
interface Stored {
  name: string;
  url: string;
}

const within = (accounts: readonly Stored[], container: string): Stored[] =>
  accounts.map(({ name, url }) => ({ name, url: `${url}/${container}` }));

/**
 * Where the lease of a platform's operations lies. Nobody chooses it: beside the record of who serves, in three accounts of three
 * regions, of which any two are enough; where there is one region, among the incidents of its own account.
 */
const leaseContainers = ({ servingPlaces, backupAccounts }: Platform): Stored[] =>
  servingPlaces.length > 0
    ? within(servingPlaces, SERVING_CONTAINER)
    : within(backupAccounts.slice(0, 1), CONTAINER_NAMES.incidents);

/**
 * Where journals are copied to: the incidents of both accounts, or the one of them that INCIDENT_STORE_URL names.
 * @throws OperationError for a container that is none of these
 */
export function incidentContainers({ stack, backupAccounts }: Platform, env: Environment): Stored[] {
  const own = within(backupAccounts, CONTAINER_NAMES.incidents);
  const chosen = env["INCIDENT_STORE_URL"]?.trim().replace(/\/+$/, "");
  if (!chosen) return own;
  const named = own.filter(({ url }) => url === chosen);
  if (named.length === 0)
    throw refused(
      // What follows a question mark may be a secret.
      `INCIDENT_STORE_URL ${chosen.split("?")[0] ?? ""} is no store of incidents of ${stack}; allowed: ${own.map(({ url }) => url).join(", ")}, or nothing for both`,
    );
  return named;
}

/** Containers as whoever is signed in reaches them. One that does not answer is not waited for long: there are others. */
export async function openContainers(
  stored: readonly Stored[],
): Promise<{ name: string; container: ContainerClient }[]> {
  const [{ signedIn }, { ContainerClient: Container }] = await Promise.all([
    import("./ground/credential"),
    import("@azure/storage-blob"),
  ]);
  const credential = signedIn();
  const retryOptions = { maxTries: 2, retryDelayInMs: 200, tryTimeoutInMs: 5_000 };
  return stored.map(({ name, url }) => ({
    name,
    container: new Container(url, credential, { retryOptions }),
  }));
}

export const openLease = (platform: Platform): Promise<LeasePlace[]> =>
  openContainers(leaseContainers(platform));

/** Whether an operation on a platform holds its lease. @throws Error when too few accounts say so */
export async function operationUnderWay(platform: Platform): Promise<boolean> {
  const { heldByAnybody } = await import("./frame/sharedLease");
  return heldByAnybody(await openLease(platform), leaseName(platform.stack));
}
