import { Engine } from "./support/engine";
import { longStrings } from "./support/hostile";
import { metamorphic } from "./support/metamorphic";

// Each finding of each vector in each form, and programs put together at random.
metamorphic({ whole: true, runs: Number(process.env["CAMPAIGN_RUNS"] ?? 500) });

test("a string of 1 MiB, of every kind", () =>
  longStrings(new Engine({ stack: "staging", project: "forma3d" }), 1024 * 1024));
