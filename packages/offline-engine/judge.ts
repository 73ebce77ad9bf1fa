import type { Asked } from "./analyzerRequests";
import type { Deployment } from "./deployment";
import type { PackInfo, PackProcess } from "./policies";

/** Enough to keep the pack busy; more only pile up in memory. */
const REQUESTS_IN_FLIGHT = 64;

/** Hands resources to the policy pack while the program is still declaring others. */
export class Judge {
  private readonly waiting: Asked[] = [];
  private readonly info: Promise<PackInfo>;
  private workers: Promise<void>[] = [];
  private active = 0;

  constructor(private readonly pack: PackProcess) {
    this.info = pack.info();
    // Whoever awaits it gets the error; until then it must not end the process.
    this.info.catch(() => undefined);
  }

  /** Takes a resource as it is declared. */
  submit(...asked: Asked): void {
    this.waiting.push(asked);
    if (this.active >= REQUESTS_IN_FLIGHT) return;
    this.active++;
    const worker = this.work();
    worker.catch(() => undefined);
    this.workers.push(worker);
  }

  /** Waits for every resource to be judged, has the stack judged as a whole, and says by what. */
  async finish(deployment: Deployment): Promise<PackInfo> {
    const info = await this.info;
    await Promise.all(this.workers);
    await this.pack.analyzeStack(
      [...deployment.resources.values()].map((resource) => [resource, deployment.providerOf(resource)]),
    );
    return info;
  }

  private async work(): Promise<void> {
    await this.info;
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      await this.pack.analyze(...next);
    }
    this.active--;
  }
}
