import type { Plan, Verb } from "../frame/operate";
import { refused } from "../frame/errors";
import { plainReport } from "../frame/report";
import type { Step } from "../frame/steps";
import type { ClusterObject, Ground } from "../ground/types";
import type { Platform } from "../platform";
import { PRODUCT } from "../../../stacks/schema/common";
import { PAGE, pageObjects, pageSelector } from "./maintenancePage";
import { servingPlace, type Place } from "./places";
import { asideOf, leadAside, leadBack, publicServices } from "./services";

/** Pods of the page. */
const PAGES = 2;

export interface MaintenanceChoice {
  on: boolean;
  /** What clients and partners are told to wait, in seconds. */
  retryAfterSeconds: number;
}

/**
 * `maintenance on`: the public names answer 503 with Retry-After and a page, in seconds, because nothing at the edge
 * changes: the Services behind it lead to another pod. `off` leads them back.
 */
export function maintenance(platform: Platform, ground: Ground, choice: MaintenanceChoice): Verb {
  return {
    name: choice.on ? "maintenance-on" : "maintenance-off",
    exclusive: platform.stack,
    async plan(incident): Promise<Plan> {
      const place = await servingPlace(platform, ground);
      const asides = (await publicServices(platform, place)).map(asideOf);
      if (asides.some((aside) => aside?.by === "contain"))
        throw refused(`${place.region.cluster} is contained: reopen leads its names back`);
      const steps = new Steps(platform, ground, place, incident, choice);
      const is = asides.every((aside) => aside?.by === "maintenance") ? "on" : "off";
      return {
        subject: platform.stack,
        facts: [
          `maintenance ${choice.on ? "on" : "off"}: ${Object.values(platform.hosts).join(", ")}, served by ${place.region.cluster}; it is ${is} now`,
          ...(choice.on
            ? [`everybody is told to come back after ${choice.retryAfterSeconds} s; health checks stay`]
            : []),
        ],
        steps: choice.on
          ? [steps.page(), steps.aside(), steps.turnedAway()]
          : [steps.back(), steps.answering(), steps.gone()],
        document: { stack: platform.stack, on: choice.on, cluster: place.region.cluster },
      };
    },
    report: (finished) =>
      plainReport(platform, finished, {
        title: `Maintenance ${choice.on ? "on" : "off"}`,
        outcome: choice.on
          ? `the public names answer 503; undone by: maintenance ${platform.stack} off`
          : "the public names answer again",
      }),
  };
}

class Steps {
  private readonly objects;

  constructor(
    private readonly platform: Platform,
    private readonly ground: Ground,
    private readonly place: Place,
    private readonly incident: string,
    private readonly choice: MaintenanceChoice,
  ) {
    this.objects = pageObjects(platform, place.region, PRODUCT, choice.retryAfterSeconds);
  }

  page(): Step {
    const { cluster, region } = this.place;
    return {
      id: "page",
      title: `${region.cluster}: ${PAGES} pods of the page`,
      bound: 300,
      undo: `maintenance ${this.platform.stack} off`,
      done: async () => {
        const page = await this.pageDeployment();
        return (page?.ready ?? 0) >= PAGES || `${page?.ready ?? 0} of ${PAGES} pods are ready`;
      },
      run: async () => {
        for (const object of this.objects) await cluster.create(object);
      },
    };
  }

  aside(): Step {
    return {
      id: "entry",
      title: "the public names lead to the page",
      bound: 30,
      undo: `maintenance ${this.platform.stack} off`,
      done: async () => {
        const led = (await publicServices(this.platform, this.place)).filter(
          (service) => asideOf(service)?.by !== "maintenance",
        );
        return led.length === 0 || `${led.map(({ name }) => name).join(", ")} still leads to its own pods`;
      },
      run: () =>
        leadAside(this.platform, this.place, { by: "maintenance", incident: this.incident }, pageSelector),
    };
  }

  back(): Step {
    return {
      id: "entry",
      title: "the public names lead to their own pods again",
      bound: 30,
      undo: `maintenance ${this.platform.stack} on`,
      done: async () => {
        const led = (await publicServices(this.platform, this.place)).filter(asideOf);
        return led.length === 0 || `${led.map(({ name }) => name).join(", ")} still leads aside`;
      },
      run: () => leadBack(this.platform, this.place),
    };
  }

  turnedAway(): Step {
    const { entries } = this.platform;
    return this.asked("every public name answers 503 with Retry-After", entries, async (url) => {
      const { status, retryAfter } = await this.ground.edge(url);
      if (status !== 503) return `${url} answers ${status}`;
      return retryAfter === undefined ? `${url} answers 503 without Retry-After` : undefined;
    });
  }

  answering(): Step {
    return this.asked("every public name answers 200", this.platform.sites, async (url) => {
      const { status } = await this.ground.edge(url);
      return status === 200 ? undefined : `${url} answers ${status}`;
    });
  }

  gone(): Step {
    const { cluster, region } = this.place;
    return {
      id: "page",
      title: `${region.cluster}: the page goes`,
      bound: 60,
      undo: `maintenance ${this.platform.stack} on`,
      done: async () => (await this.pageDeployment()) === undefined || "it is still there",
      run: async () => {
        // Its pods last: while they are there, the rest of it is looked for again.
        const last = (object: ClusterObject) => Number(object.kind === "Deployment");
        for (const object of [...this.objects].sort((one, other) => last(one) - last(other)))
          await cluster.remove(object);
      },
    };
  }

  private async pageDeployment() {
    const all = await this.place.cluster.deployments(this.platform.namespace);
    return all.find(({ name }) => name === PAGE);
  }

  private asked(
    title: string,
    urls: readonly string[],
    problem: (url: string) => Promise<string | undefined>,
  ): Step {
    return {
      id: "answers",
      title,
      bound: 120,
      done: async () => {
        for (const url of urls) {
          const found = await problem(url);
          if (found) return found;
        }
        return true;
      },
      run: () => Promise.resolve(),
    };
  }
}
