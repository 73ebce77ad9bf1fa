import fs from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { StackConfig } from "../../stacks/schema";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { Faults } from "../../packages/emulated-azure/faults";
import { Hooks } from "../../packages/emulated-azure/hooks";
import { settleAfter } from "../../packages/emulated-azure/model/azure/consequences";
import { Model, Stored } from "../../packages/emulated-azure/model/types";
import { Front, JournalEntry } from "../../packages/emulated-azure/provider/front";
import { Providers, serveProviders } from "../../packages/emulated-azure/provider/server";
import { CloudStore, Snapshot } from "../../packages/emulated-azure/store/cloud";
import { saveCloud } from "../../packages/emulated-azure/store/file";
import { Change } from "./bundle";
import { Engine, Sdk } from "./engine";
import { Identities, type Identity } from "./identities";
import { PLATFORM, type Project } from "./project";
import { type Pending, type Recorded, type State, stateOnDisk } from "./stateFile";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";

/** Longer than the engine takes from the end of one operation to the start of the next. */
const QUIET_MS = 3_000;

/** What every world of a rehearsal has in common. */
export interface Setting {
  readonly root: string;
  /** Configuration of every stack of the project. */
  readonly configs: Readonly<Record<string, StackConfig>>;
  readonly model: Model;
  readonly command: PulumiCommand;
  readonly seed: string;
  readonly sdk: Sdk;
  /** Changes to the program in every scenario; none in a rehearsal of what is committed. */
  readonly changes: readonly Change[];
}

/** A moment to go back to: the engine's state and project beside the cloud's content. */
export interface Moment {
  readonly folder: string;
  readonly cloud: Snapshot;
}

/** What is deployed, and the folder its project and state lie in. */
interface Deployed {
  readonly stack: string;
  readonly folder: string;
  readonly program: Project;
}

/** A cloud, who may do what in it, and the providers by which the engine reaches it. */
interface Emulated {
  readonly cloud: CloudStore;
  readonly faults: Faults;
  readonly front: Front;
  readonly identities: Identities;
  readonly providers: Providers;
}

/** One stack with an emulated cloud of its own, in a folder of its own. */
export class World {
  readonly stack: string;
  readonly folder: string;
  /** Whose program the engine runs. */
  readonly program: Project;
  readonly cloud: CloudStore;
  readonly faults: Faults;
  readonly front: Front;
  private readonly identities: Identities;
  private readonly providers: Providers;

  private constructor(
    readonly setting: Setting,
    deployed: Deployed,
    emulated: Emulated,
    readonly engine: Engine,
    private readonly printed: string[],
  ) {
    ({ stack: this.stack, folder: this.folder, program: this.program } = deployed);
    ({ cloud: this.cloud, faults: this.faults, front: this.front } = emulated);
    ({ identities: this.identities, providers: this.providers } = emulated);
  }

  /**
   * Opens the stack whose project lies in `folder`, with an empty cloud or the content given. The engine runs as its
   * owner until {@link actAs} says otherwise, and the platform's program unless another's is given.
   */
  static async open(
    setting: Setting,
    stack: string,
    folder: string,
    { content, program = PLATFORM }: { content?: Snapshot; program?: Project } = {},
  ): Promise<World> {
    const cloud = new CloudStore(setting.seed);
    if (content) cloud.restore(content);
    const faults = new Faults();
    const hooks = new Hooks();
    hooks.on(settleAfter(cloud, setting.model));
    const front = new Front({ faults, hooks, refusals: ARM_REFUSALS });
    const config = setting.configs[stack];
    if (!config) throw new Error(`the setting has no stack ${stack}`);
    const identities = new Identities(cloud, setting.model, { root: setting.root, stack, config });
    const providers = await serveProviders(setting.model, cloud, front, identities.caller);
    const printed: string[] = [];
    try {
      const { command, sdk } = setting;
      const workDir = path.join(folder, "project", program.folder);
      const engine = await Engine.open(
        { command, stack, folder, workDir, attach: providers.attach, sdk },
        (text) => printed.push(text),
      );
      const emulated = { cloud, faults, front, identities, providers };
      return new World(setting, { stack, folder, program }, emulated, engine, printed);
    } catch (error) {
      providers.stop();
      throw error;
    }
  }

  /** Copies this moment, so that several rehearsals can start from it. */
  freeze(into: string): Moment {
    copyFolder(this.folder, into);
    return { folder: into, cloud: this.cloud.snapshot() };
  }

  /** Opens a copy of a moment. */
  static async thaw(setting: Setting, stack: string, moment: Moment, folder: string): Promise<World> {
    copyFolder(moment.folder, folder);
    return World.open(setting, stack, folder, { content: moment.cloud });
  }

  /** From here on the engine has the rights of this identity (docs/deploying.md). */
  actAs(identity: Identity): void {
    this.identities.actAs(identity);
  }

  /** Folder of the platform's project, with the stack files and the policy pack. */
  get project(): string {
    return path.join(this.folder, "project");
  }

  /** Folder of the project the engine runs. */
  get workDir(): string {
    return path.join(this.project, this.program.folder);
  }

  /**
   * Waits until the engine has asked for nothing new for a while, and one operation, the one that hangs, is all that the state
   * on the disk knows to be under way: what else was done is written, and no write is half done.
   */
  async quiet(): Promise<void> {
    for (let seen = -1; seen !== this.front.journal.length || !this.oneUnderWay();) {
      seen = this.front.journal.length;
      await wait(QUIET_MS);
    }
  }

  private oneUnderWay(): boolean {
    const state = stateOnDisk(path.join(this.folder, "backend"), this.stack);
    return state?.pending_operations?.length === 1;
  }

  /** What was changed in the cloud since the world was opened. */
  changes(): readonly JournalEntry[] {
    return this.front.journal.filter(({ operation, effective }) => operation !== "read" && effective);
  }

  /**
   * The one resource of a type whose id ends with a name.
   * @throws Error when there is none or more than one.
   */
  resource(type: string, name: string): Stored {
    const ending = `/${name.toLowerCase()}`;
    const found = [...this.cloud.all()].filter(
      (stored) => stored.type === type && stored.id.toLowerCase().endsWith(ending),
    );
    const [one, ...others] = found;
    if (!one || others.length > 0)
      throw new Error(`the cloud holds ${found.length} of ${type} ${name}, not 1`);
    return one;
  }

  /** URNs the engine began to create and never heard of again. */
  async pendingCreates(): Promise<Pending[]> {
    const { pending_operations: pending = [] } = await this.state();
    return pending.filter(({ type }) => type === "creating").map(({ resource }) => resource);
  }

  private async state(): Promise<State> {
    return (await this.engine.workspaceStack.exportStack()).deployment as State;
  }

  /** Every resource in the state. */
  async recorded(): Promise<readonly Recorded[]> {
    return (await this.state()).resources ?? [];
  }

  /** Everything the engine printed, and every operation the cloud saw. */
  transcript(): string {
    const operations = this.front.journal.map(
      ({ operation, type, name, result }) => `${operation} ${type} ${name}: ${result}`,
    );
    return [...this.printed, "Operations the emulated cloud saw:", ...operations, ""].join("\n");
  }

  save(): void {
    saveCloud(this.folder, this.cloud);
  }

  close(): void {
    this.providers.stop();
  }
}

function copyFolder(from: string, to: string): void {
  fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}
