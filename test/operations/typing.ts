import {
  operate,
  type FrameOptions,
  type Surroundings,
  type Verb,
} from "../../apps/operations/frame/operate";
import type { Step } from "../../apps/operations/frame/steps";
import type { Ground } from "../../apps/operations/ground/types";
import { customRole, roleOf, type VerbName } from "../../apps/operations/rights";
import { rotate, type RotateChoice } from "../../apps/operations/rotate";
import { status } from "../../apps/operations/status";
import { contain } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { reopen } from "../../apps/operations/switches/reopen";
import { until } from "../support/until";
import { killed } from "./killed";
import { type Laptop, WEST } from "./laptop";

const NOBODY: RotateChoice = {
  secrets: "all",
  supply: { untested: false, value: () => Promise.resolve(undefined) },
  offered: () => false,
};

/** Given with the command: consent, and the incident it belongs to. */
export const go = (incident: string): FrameOptions => ({ yes: true, incident });

/** Verbs typed on a laptop, and looks at what they did. */
export class Typing {
  /** What the verbs have said. */
  readonly said: string[] = [];

  constructor(private readonly laptop: Laptop) {}

  around = (more: Partial<Surroundings> = {}): Surroundings => ({
    now: () => new Date(),
    signal: new AbortController().signal,
    say: (line) => this.said.push(line),
    folder: this.laptop.folder,
    ...more,
  });

  /** Types a verb as somebody who holds the one custom role that covers it. */
  run = (verb: Verb, options: FrameOptions, more: Partial<Surroundings> = {}): Promise<any> => {
    this.laptop.hold(customRole(roleOf(verb.name.split("-")[0] as VerbName), this.laptop.platform));
    return operate(verb, options, this.around(more));
  };

  on = () => maintenance(this.laptop.platform, this.laptop.ground, { on: true, retryAfterSeconds: 600 });
  off = () => maintenance(this.laptop.platform, this.laptop.ground, { on: false, retryAfterSeconds: 600 });
  contain = () => contain(this.laptop.platform, this.laptop.ground, this.around());
  reopen = (keepSecrets = true) => reopen(this.laptop.platform, this.laptop.ground, { keepSecrets });
  rotating = (
    secrets: RotateChoice["secrets"],
    more: Partial<RotateChoice> = {},
    ground = this.laptop.ground,
  ) => rotate(this.laptop.platform, ground, { ...NOBODY, secrets, ...more });

  /** What the public name of the API answers. */
  ask = async (address: string) => {
    const answer = await fetch(`${this.laptop.platform.hosts.api}${address}`);
    return { status: answer.status, retry: answer.headers.get("retry-after"), text: await answer.text() };
  };
  answers = async (address: string, wanted: number) => {
    await until(`${address} answers ${wanted}`, async () => (await this.ask(address)).status === wanted);
  };

  look = (ground: Ground = this.laptop.ground) => {
    this.laptop.hold(customRole(roleOf("status"), this.laptop.platform));
    return status(this.laptop.platform, ground, this.laptop.folder);
  };
  /** What is found once it is heard: on a busy machine a look-up of seconds may come back with nothing. */
  finding = (id: string) =>
    until(`${id} is known`, async () =>
      (await this.look()).find((one) => one.id === id && one.state !== "unknown"),
    );

  signsIn = (user: string, password: string) =>
    this.laptop.ground.database.login(this.laptop.platform.writerHost, {
      user,
      password,
      database: "postgres",
    });
  inVault = async (secret: string, { vault } = WEST) => (await this.laptop.maker.read(vault, secret))?.value;

  /** Kills a verb at every step, one step further each time, and types it again: it ends well. */
  killedEverywhere = async (verb: () => Verb, incident: string) => {
    const steps: Step[] = (await this.run(verb(), { dryRun: true, incident })).steps;
    // It dies when that step has done its work and nobody has heard of it.
    for (const [index, { id }] of steps.entries()) {
      const outcome = this.run(killed(verb(), index, "after"), go(incident));
      // A step that only waits is found to be so already by the next run, and there is nothing to die in.
      await outcome.catch((error: Error) =>
        expect(error.message).toBe(
          `${id}: killed at ${id}; nothing is undone: type the same command again once the cause is mended`,
        ),
      );
    }
    const report = await this.run(verb(), go(incident));
    expect(report.steps).toHaveLength(steps.length);
  };
}
