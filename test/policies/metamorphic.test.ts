import { metamorphic } from "./support/metamorphic";

// A longer campaign sets CAMPAIGN_RUNS; each finding in each form is `isolation.long.test.ts`'s.
metamorphic({ whole: false, runs: Number(process.env["CAMPAIGN_RUNS"] ?? 50) });
