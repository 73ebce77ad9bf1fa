import path from "node:path";
import { StackConfig } from "../../stacks/schema";
import { JUDGED } from "./engine";
import { Foundation, firstDeployment, Moments, Stage } from "./scenario";
import { Setting } from "./world";

/** Where moments are made, and whether the clouds they were made in are kept. */
export interface MomentOptions {
  readonly setting: Setting;
  /** Scratch folder. */
  readonly folder: string;
  readonly keep: boolean;
}

/** The moments a stack's scenarios start from, each made when it is first asked for. */
export function momentsOf(options: MomentOptions, stack: string, config: StackConfig): Moments {
  const moments: Moments = {
    empty: once(() => onStage("empty", (stage, folder) => stage.prepare(path.join(folder, "prepared")))),
    foundation: once(() => onStage("foundation", layFoundation)),
  };
  async function onStage<T>(name: string, make: (stage: Stage, folder: string) => Promise<T>): Promise<T> {
    const folder = path.join(options.folder, `${stack}-${name}`);
    const stage = new Stage(options.setting, stack, config, folder, moments);
    try {
      return await make(stage, folder);
    } finally {
      if (options.keep) stage.save();
      stage.close();
    }
  }
  return moments;
}

async function layFoundation(stage: Stage, folder: string): Promise<Foundation> {
  const onlyFirst = firstDeployment(stage.config);
  const world = await stage.empty(onlyFirst);
  const preview = await stage.preview(world);
  const first = await stage.up(world, JUDGED);
  const afterFirst = world.freeze(path.join(folder, "after-first"));
  const values = Object.keys(onlyFirst);
  if (values.length === 0) return { preview, first, afterFirst, deployed: afterFirst };
  stage.configure(world, Object.fromEntries(values.map((key) => [key, undefined])));
  world.actAs("deploy");
  // Scenario 1.2 has it judged as it stands from here on.
  const second = await stage.up(world, JUDGED);
  const deployed = world.freeze(path.join(folder, "deployed"));
  return { preview, first, second, afterFirst, deployed };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
