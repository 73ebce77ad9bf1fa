import { AZURE } from "./azure";
import { KUBERNETES } from "./kubernetes";
import { SandboxModel } from "./operations";
import { RANDOM } from "./random";
import type { Model } from "./types";

/** The emulated providers of this project. */
export function sandboxModel(): Model {
  return new SandboxModel([
    {
      package: AZURE,
      where: "packages/emulated-azure/model/azure/ and packages/emulated-azure/facts/sources.ts",
    },
    {
      package: KUBERNETES,
      where:
        "packages/emulated-azure/facts/sources.ts, or CUSTOM_KINDS in packages/emulated-azure/model/kubernetes.ts",
    },
    { package: RANDOM, where: "packages/emulated-azure/model/random.ts" },
  ]);
}
