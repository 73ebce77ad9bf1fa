import fs from "node:fs";
import path from "node:path";
import { StackConfig } from "../../stacks/schema";
import { bundleProgram, Change, edited } from "./bundle";
import { PreviewOptions, Run, RunOptions } from "./engine";
import { dataKept, summary } from "./expect";
import {
  changeConfig,
  CONTROL_PLANE,
  copyProject,
  Overrides,
  PLATFORM,
  PROGRAM,
  type Project,
  rehearsalSecrets,
} from "./project";
import { Moment, Setting, World } from "./world";

/** One thing that is rehearsed, with the promise in its title. */
export interface Scenario {
  /** Group and number, e.g. `3.4`. */
  readonly id: string;
  readonly title: string;
  /** Changes to the program once it is deployed: a mechanism a test takes out, to see the scenario fail. */
  readonly without?: readonly Change[];
  /** Why it cannot happen to a stack; undefined where it can. */
  readonly notFor?: (config: StackConfig) => string | undefined;
  run(stage: Stage): Promise<void>;
}

/** What is made once for each stack, when the first scenario asks for it. */
export interface Moments {
  /** Nothing is deployed; the stack exists and has made-up values for operators' secrets. */
  empty(): Promise<Moment>;
  foundation(): Promise<Foundation>;
}

/** The first deployment of a stack, which most scenarios start from. */
export interface Foundation {
  readonly preview: Run;
  /** From nothing, with whatever is needed only once. */
  readonly first: Run;
  /** With the stack file as it stands, where that differs. */
  readonly second?: Run;
  /** After {@link first}. */
  readonly afterFirst: Moment;
  /** With the stack file as it stands. */
  readonly deployed: Moment;
}

/** Values only the first deployment needs. */
export function firstDeployment(config: StackConfig): Overrides {
  return config.database.replica ? { "database.replica.bootstrap": true } : {};
}

/** Where one scenario runs: it opens worlds, and notes what the engine did in them. */
export class Stage {
  readonly runs: Run[] = [];
  private readonly worlds: World[] = [];

  constructor(
    readonly setting: Setting,
    readonly stack: string,
    readonly config: StackConfig,
    private readonly folder: string,
    private readonly moments: Moments,
    private readonly without: readonly Change[] = [],
  ) {}

  foundation(): Promise<Foundation> {
    return this.moments.foundation();
  }

  /** A world with an empty cloud, the project with these values changed, and made-up values for operators' secrets. */
  async empty(overrides: Overrides = {}): Promise<World> {
    const world = await this.from(await this.moments.empty());
    this.configure(world, overrides);
    return world;
  }

  /** A world with an empty cloud and exactly what is committed: no secrets, and all that Pulumi's SDK does. */
  asCommitted(): Promise<World> {
    return this.fromRepository({ ...this.setting, sdk: "whole" });
  }

  /** A world with an empty cloud and the project an environment is deployed from. */
  control(): Promise<World> {
    return this.fromRepository(this.setting, CONTROL_PLANE);
  }

  /** The moment {@link empty} starts from. */
  async prepare(into: string): Promise<Moment> {
    const world = await this.fromRepository(this.setting);
    await world.engine.workspaceStack.setAllConfig(rehearsalSecrets(), true);
    return world.freeze(into);
  }

  private async fromRepository(setting: Setting, program: Project = PLATFORM): Promise<World> {
    const folder = this.nextFolder();
    const { root, changes } = setting;
    const project = path.join(folder, "project");
    copyProject(root, project, program);
    const outfile = path.join(project, program.folder, PROGRAM);
    await bundleProgram(root, outfile, changes, program.entry);
    return this.keep(await World.open(setting, this.stack, folder, { program }));
  }

  /** A world in which the stack is deployed, and handed over to the pipelines. */
  async deployed(): Promise<World> {
    return this.handedOver((await this.foundation()).deployed);
  }

  /** A moment after the first update: from here on the pipelines' identity deploys. */
  async handedOver(moment: Moment): Promise<World> {
    const world = await this.from(moment);
    world.actAs("deploy");
    if (this.without.length > 0) await this.edit(world, []);
    return world;
  }

  async from(moment: Moment): Promise<World> {
    return this.keep(await World.thaw(this.setting, this.stack, moment, this.nextFolder()));
  }

  /** Changes values of the world's stack file. */
  configure(world: World, overrides: Overrides): void {
    changeConfig(world.project, this.stack, overrides);
  }

  /** Changes the program of the world; the repository stays as it is. */
  async edit(world: World, changes: readonly Change[]): Promise<void> {
    const { root, changes: always } = this.setting;
    const all = [...always, ...this.without, ...changes];
    await bundleProgram(root, path.join(world.workDir, PROGRAM), all, world.program.entry);
  }

  /** A copy of a file of the repository in the world's folder, with what every scenario's changes make of it. */
  copyOf(world: World, file: string): string {
    const copy = path.join(world.folder, path.basename(file));
    fs.writeFileSync(copy, edited(this.setting.root, file, this.setting.changes));
    return copy;
  }

  preview(world: World, options?: PreviewOptions): Promise<Run> {
    return this.note(world.engine.preview(options));
  }

  /** An update. Whatever it was asked to do, it must not lose data. */
  async up(world: World, options?: RunOptions): Promise<Run> {
    const run = await this.note(world.engine.up(options));
    dataKept(this.setting.model, run);
    return run;
  }

  /** An update as people start it: the engine previews it first and stops there if anything is wrong. */
  upAfterPreview(world: World): Promise<Run> {
    return this.note(world.engine.command(["up", "--yes", "--policy-pack", world.engine.policyPack]));
  }

  /** A command line as a page has it, typed by somebody who says yes, and `input` where it asks for a value. */
  shell(
    world: World,
    line: string,
    variables: Readonly<Record<string, string>>,
    input: string,
  ): Promise<Run> {
    return this.note(world.engine.shell(line, variables, input));
  }

  refresh(world: World): Promise<Run> {
    return this.note(world.engine.refresh());
  }

  previewDestroy(world: World): Promise<Run> {
    return this.note(world.engine.previewDestroy());
  }

  /** An update whose engine is killed when a fault has struck and nothing but the operation it struck is under way. */
  upKilled(world: World): Promise<Run> {
    const struck = new Promise<void>((resolve) => world.faults.onStrike(() => resolve()));
    return this.note(world.engine.upKilled(struck.then(() => world.quiet())));
  }

  /**
   * Imports what the engine was making when it was killed, as far as it was made, in its place below its component.
   * `refresh --import-pending-creates` would be shorter, but a refresh without the program leaves such creations out.
   */
  async adopt(world: World): Promise<Run> {
    const made = (await world.pendingCreates()).flatMap(({ urn, type, parent, provider }) => {
      const entry = world.changes().find((one) => one.urn === urn && one.operation === "create");
      const id = entry && world.cloud.get(entry.key)?.id;
      return id === undefined ? [] : [{ urn, type, id, parent, provider }];
    });
    await this.note(world.engine.command(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]));
    return this.note(world.engine.importResources(made));
  }

  destroy(world: World): Promise<Run> {
    return this.note(world.engine.destroy());
  }

  /** What the engine did, in order. */
  get operations(): string {
    return this.runs.map(summary).join("; ");
  }

  transcript(): string {
    return this.worlds.map((world) => world.transcript()).join("\n");
  }

  /** Folders of the worlds, for `--keep`. */
  save(): void {
    for (const world of this.worlds) world.save();
  }

  close(): void {
    for (const world of this.worlds) world.close();
  }

  private async note(pending: Promise<Run>): Promise<Run> {
    const run = await pending;
    this.runs.push(run);
    return run;
  }

  private keep(world: World): World {
    this.worlds.push(world);
    return world;
  }

  private nextFolder(): string {
    const folder = path.join(this.folder, `world-${this.worlds.length + 1}`);
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    return folder;
  }
}
