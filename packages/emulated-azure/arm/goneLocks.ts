import { CloudError } from "../model/types";

/** Milliseconds for which a lock that is gone is still heeded. On Azure seconds to a minute; nobody says how many. */
const HEEDED_MS = 1_000;

/**
 * Locks that were taken away a moment ago. The resource manager says at once that one is gone, and refuses a while longer what it kept
 * from happening (https://github.com/microsoft/TeamCloud/issues/146, https://github.com/hashicorp/terraform-provider-azurerm/issues/17478).
 */
export class GoneLocks {
  private readonly until = new Map<string, number>();

  constructor(private readonly now: () => Date) {}

  /** @param lock id of a lock that has just been deleted */
  add(lock: string): void {
    const [scope] = lock.split(/\/providers\/microsoft\.authorization\/locks\//i);
    if (scope !== undefined && scope !== lock)
      this.until.set(scope.toLowerCase(), this.now().getTime() + HEEDED_MS);
  }

  /** Refuses to delete what is below one. @throws CloudError 409 */
  refuse(id: string): void {
    const now = this.now().getTime();
    for (const [scope, until] of this.until) {
      if (until <= now) this.until.delete(scope);
      else if (`${id.toLowerCase()}/`.startsWith(`${scope}/`))
        throw new CloudError(
          409,
          "ScopeLocked",
          `The scope '${id}' cannot perform delete operation because following scope(s) are locked: '${scope}'. Please remove the lock and try again.`,
        );
    }
  }
}
