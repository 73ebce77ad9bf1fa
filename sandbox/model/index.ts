import { AZURE } from "./azure";
import { KUBERNETES } from "./kubernetes";
import { SandboxModel } from "./operations";
import { RANDOM } from "./random";
import type { Model } from "./types";

/** The emulated providers of this project. */
export function sandboxModel(): Model {
  return new SandboxModel([
    { package: AZURE, where: "sandbox/model/azure/ and sandbox/facts/sources.ts" },
    {
      package: KUBERNETES,
      where: "sandbox/facts/sources.ts, or CUSTOM_KINDS in sandbox/model/kubernetes.ts",
    },
    { package: RANDOM, where: "sandbox/model/random.ts" },
  ]);
}
