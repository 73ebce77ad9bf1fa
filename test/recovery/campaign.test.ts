import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { startS3 } from "../../packages/local-servers/s3";
import { runCase, type CampaignGround, type CaseRecord } from "../support/campaign";
import { startPlatformLab } from "../support/recoveryLab";
import { keyPair, temporaryFiles } from "../support/targets";
import { startLink } from "../support/unreliableLink";

/**
 * `CAMPAIGN_FAULTS` cases (default 6; a pull request runs a hundred) of `CAMPAIGN_SEED` (default 1), or the one whose number is `CAMPAIGN_CASE`. With
 * `CAMPAIGN_JOURNAL` naming a file, each case is a line of JSON in it, and a campaign that was ended goes on after the
 * last one of its seed; what it had found counts.
 */
const faults = Number(process.env.CAMPAIGN_FAULTS ?? 6);
const seed = Number(process.env.CAMPAIGN_SEED ?? 1);
const only = process.env.CAMPAIGN_CASE;
const journal = process.env.CAMPAIGN_JOURNAL;

let ground: CampaignGround;
beforeAll(async () => {
  const files = temporaryFiles();
  const [lab, s3] = await Promise.all([startPlatformLab(), startS3()]);
  await lab.createDatabase("app");
  await lab.sql(
    "app",
    "CREATE TABLE noise AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 30000) g",
  );
  const [azure, bucket, database] = await Promise.all([
    startLink(lab.azurite.port),
    startLink(s3.port),
    startLink(lab.server.port),
  ]);
  ground = {
    lab,
    s3,
    files,
    keys: keyPair(files),
    links: { azure, s3: bucket, database },
  };
});
afterAll(async () => {
  const { lab, s3, links, files } = ground;
  await Promise.all(Object.values(links).map((link) => link.stop()));
  await Promise.all([lab.stop(), s3.stop()]);
  files.remove();
});

/** Cases of this seed that the journal holds. */
function recorded(): CaseRecord[] {
  if (!journal || !existsSync(journal)) return [];
  return readFileSync(journal, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CaseRecord)
    .filter((one) => one.seed === seed);
}

test(
  "random faults over backup, copy, verify, restore and prune: nothing lost, nothing falsely proved, nothing left",
  async () => {
    const before = only === undefined ? recorded() : [];
    const first = only === undefined ? Math.max(0, ...before.map((one) => one.case + 1)) : Number(only);
    const end = only === undefined ? faults : first + 1;
    const found = before.filter(({ problems }) => problems.length > 0);
    for (let index = first; index < end; index += 1) {
      const one = await runCase(ground, seed, index);
      // At once: a campaign of hours may be ended before it gets to its list.
      if (journal) appendFileSync(journal, `${JSON.stringify(one)}\n`);
      if (one.problems.length > 0) {
        process.stderr.write(`${JSON.stringify(one, undefined, 2)}\n`);
        found.push(one);
      }
    }
    expect(found).toEqual([]);
  },
  // An hour and a half for a thousand on a busy machine.
  Math.max(600_000, faults * 6_000),
);
