import { readFileSync, writeFileSync } from "node:fs";
import { startS3 } from "../../packages/local-servers/s3";
import { runCase, type CampaignGround } from "../support/campaign";
import { startPlatformLab } from "../support/recoveryLab";
import { keyPair, temporaryFiles } from "../support/targets";
import { startLink } from "../support/unreliableLink";

/**
 * `CAMPAIGN_FAULTS` cases (default 30) of `CAMPAIGN_SEED` (default 1). With `CAMPAIGN_PROGRESS` naming a file, a
 * campaign that was ended goes on where it was.
 */
const faults = Number(process.env.CAMPAIGN_FAULTS ?? 30);
const seed = Number(process.env.CAMPAIGN_SEED ?? 1);
const progress = process.env.CAMPAIGN_PROGRESS;

let ground: CampaignGround;
beforeAll(async () => {
  const files = temporaryFiles();
  const [lab, s3] = await Promise.all([startPlatformLab(), startS3()]);
  await lab.createDatabase("app");
  await lab.sql(
    "app",
    "CREATE TABLE noise AS SELECT g AS id, md5(random()::text) AS body FROM generate_series(1, 30000) g",
  );
  const [azure, bucket] = await Promise.all([startLink(lab.azurite.port), startLink(s3.port)]);
  ground = {
    lab,
    s3,
    files,
    keys: keyPair(files),
    links: { azure, s3: bucket },
  };
});
afterAll(async () => {
  const { lab, s3, links, files } = ground;
  await Promise.all([links.azure.stop(), links.s3.stop()]);
  await Promise.all([lab.stop(), s3.stop()]);
  files.remove();
});

function done(): number {
  if (!progress) return 0;
  try {
    return Number(readFileSync(progress, "utf8"));
  } catch {
    return 0;
  }
}

test(
  "random faults over backup, copy, verify, restore and prune: nothing lost, nothing falsely proved, nothing left",
  async () => {
    const problems: string[] = [];
    for (let index = done(); index < faults; index += 1) {
      const began = Date.now();
      const found = await runCase(ground, seed, index);
      // At once: a campaign of hours may be ended before it gets to its list.
      if (found.length > 0) process.stderr.write(`${found.join("\n")}\n`);
      problems.push(...found);
      if (process.env.CAMPAIGN_VERBOSE) process.stderr.write(`case ${index}: ${Date.now() - began} ms\n`);
      if (progress && problems.length === 0) writeFileSync(progress, String(index + 1));
    }
    expect(problems).toEqual([]);
  },
  // An hour and a half for a thousand on a busy machine.
  Math.max(600_000, faults * 6_000),
);
