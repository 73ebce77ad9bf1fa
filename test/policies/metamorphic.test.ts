import { metamorphic } from "./support/metamorphic";

/** A longer campaign, at random, sets CAMPAIGN_RUNS; each finding in each form is `isolation.long.test.ts`'s. */
const RUNS = process.env["CAMPAIGN_RUNS"];

metamorphic({ whole: false, ...(RUNS ? { runs: Number(RUNS) } : { runs: 100, seed: 20261130 }) });
