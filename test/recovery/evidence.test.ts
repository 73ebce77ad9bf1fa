import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import fc from "../support/property";
import { describeDrill } from "../../apps/recovery/commands/drill";
import { verifyEvidence } from "../../apps/recovery/commands/evidence";
import { objectivesOf, SCENARIOS, SCENARIO_IDS } from "../../apps/recovery/drill/objectives";
import { renderJUnit, renderMarkdown } from "../../apps/recovery/drill/render";
import { renderPage } from "../../apps/recovery/drill/timeline";
import {
  contradictions,
  drillReportSchema,
  judgeScenario,
  summarise,
  worst,
  type DrillReport,
} from "../../apps/recovery/drill/report";
import { formatDuration } from "../../apps/recovery/duration";
import { checkChain, sha256, type StoredReport } from "../../apps/recovery/evidence/chain";
import { keepReadiness, readinessBefore } from "../../apps/recovery/evidence/readiness";
import { appendReport, folderEvidence, type EvidenceStore } from "../../apps/recovery/evidence/store";
import { METRICS } from "../../apps/recovery/exporter/gauges";
import { startAzurite, type LocalAzurite } from "../../packages/local-servers/azurite";
import { containerEvidence } from "../support/recoveryLab";
import { drillReport, scenario } from "../support/drillReport";
import { recovery, root, verb } from "../support/recoveryCli";

const missed = scenario({
  id: "region-loss",
  measured: { ...scenario().measured, rtoSeconds: 5 * 3_600 },
});

function nextReport(chain: readonly StoredReport[], change: Partial<DrillReport> = {}): DrillReport {
  const last = chain.at(-1);
  const minute = String(chain.length).padStart(2, "0");
  return drillReport({
    sequence: chain.length + 1,
    prevReportSha256: last ? sha256(last.bytes) : null,
    startedAt: `2026-03-02T06:${minute}:00.000Z`,
    endedAt: `2026-03-02T06:${minute}:59.000Z`,
    ...change,
  });
}

function append(store: EvidenceStore, change: Partial<DrillReport> = {}) {
  return appendReport(store, "prod", (chain) => {
    const report = nextReport(chain, change);
    const text = renderMarkdown(report);
    const name = `drills/prod/${String(report.sequence).padStart(6, "0")}.md`;
    return {
      report: { ...report, evidence: [{ name, sha256: sha256(text) }] },
      attachments: [{ extension: "md", contentType: "text/markdown", text }],
    };
  });
}

let azurite: LocalAzurite;
let folder: string;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "evidence-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("verdicts", () => {
  const targets = { rtoSeconds: 100, rpoSeconds: 10 };
  const check = (status: "PASS" | "FAIL" | "NOT_RUN" | "TIMED_OUT") =>
    ({ id: "c", level: "L4", status, expected: "", actual: "" }) as const;

  test.each([
    [
      "met exactly at the target",
      100,
      10,
      ["PASS"],
      { rto: "met", rpo: "met", integrity: "PASS", overall: "PASS" },
    ],
    ["RTO missed", 100.1, 10, ["PASS"], { rto: "missed", overall: "FAIL" }],
    ["RPO missed", 1, 11, ["PASS"], { rpo: "missed", overall: "FAIL" }],
    ["a check failed", 1, 1, ["PASS", "FAIL", "NOT_RUN"], { integrity: "FAIL", overall: "FAIL" }],
    ["a check could not run", 1, 1, ["PASS", "NOT_RUN"], { integrity: "NOT_RUN", overall: "NOT_RUN" }],
    ["a check timed out", 1, 1, ["NOT_RUN", "TIMED_OUT"], { integrity: "TIMED_OUT", overall: "TIMED_OUT" }],
    ["nothing was checked", 1, 1, [], { integrity: "NOT_RUN", overall: "NOT_RUN" }],
    [
      "nothing was measured",
      null,
      null,
      ["PASS"],
      { rto: "not-measured", rpo: "not-measured", overall: "NOT_RUN" },
    ],
  ] as const)("%s", (_, rtoSeconds, rpoSeconds, statuses, expected) => {
    expect(judgeScenario(targets, { rtoSeconds, rpoSeconds }, statuses.map(check))).toMatchObject(expected);
  });

  test("only an unbroken row of PASS is a PASS", () => {
    const status = fc.constantFrom(
      "PASS" as const,
      "FAIL" as const,
      "NOT_RUN" as const,
      "TIMED_OUT" as const,
    );
    fc.assert(
      fc.property(fc.array(status, { maxLength: 6 }), (statuses) => {
        const all = statuses.length > 0 && statuses.every((one) => one === "PASS");
        return (worst(statuses) === "PASS") === all;
      }),
    );
  });

  test("a report that claims more than it measured is found out", () => {
    expect(contradictions(drillReport())).toEqual([]);
    expect(contradictions(drillReport({ scenarios: [scenario(), missed] }))).toEqual([]);
    const flattering = { ...missed, verdict: scenario().verdict };
    expect(contradictions(drillReport({ scenarios: [flattering] }))).toContainEqual(
      expect.stringMatching(/region-loss: its verdict contradicts/),
    );
    expect(contradictions(drillReport({ verdict: missed.verdict }))).toHaveLength(1);
    expect(contradictions(drillReport({ measured: { rtoSeconds: 1, rpoSeconds: 1 } }))).toHaveLength(1);
    const differing = scenario({ tables: [{ name: "public.orders", rows: 1, match: false }] });
    expect(contradictions(drillReport({ scenarios: [differing] }))).toContainEqual(
      expect.stringMatching(/a table differs/),
    );
  });
});

describe("targets", () => {
  const asked = {
    overall: { rtoSeconds: 4 * 3_600, rpoSeconds: 3_600 },
    flags: {},
    maxAgeSeconds: 26 * 3_600,
  };

  test("are the report's, tightened by the environment's objectives and replaced by flags", () => {
    expect(objectivesOf("backup-only", asked, false).targets).toEqual({
      rtoSeconds: 7_200,
      rpoSeconds: 3_600,
    });
    expect(objectivesOf("region-loss", asked, false).targets).toEqual({
      rtoSeconds: 14_400,
      rpoSeconds: 3_600,
    });
    const tighter = { ...asked, overall: { rtoSeconds: 600, rpoSeconds: 60 } };
    expect(objectivesOf("region-loss", tighter, false).targets).toEqual({ rtoSeconds: 600, rpoSeconds: 60 });
    const replaced = { ...asked, flags: { rtoSeconds: 90_000, rpoSeconds: 80_000 } };
    expect(objectivesOf("backup-only", replaced, true)).toEqual({
      targets: { rtoSeconds: 90_000, rpoSeconds: 80_000 },
      rpoObjective: "recovery-point",
    });
  });

  test("of live backups are the age allowed for them, and say so", () => {
    expect(objectivesOf("backup-only", asked, true)).toEqual({
      targets: { rtoSeconds: 7_200, rpoSeconds: 26 * 3_600 },
      rpoObjective: "backup-age",
    });
    const live = scenario({ rpoObjective: "backup-age" });
    expect(renderMarkdown(drillReport({ scenarios: [live] }))).toMatch(
      /target is the age allowed for the newest/,
    );
    expect(renderMarkdown(drillReport())).not.toMatch(/age allowed/);
  });

  test("of a drill are shown for the scenario that came closest to them", () => {
    const close = scenario({ id: "region-loss", measured: { ...scenario().measured, rtoSeconds: 14_000 } });
    expect(summarise([scenario(), close])).toEqual({
      targets: { rtoSeconds: 14_400, rpoSeconds: 3_600 },
      measured: { rtoSeconds: 14_000, rpoSeconds: 3.25 },
    });
  });
});

describe("the chain", () => {
  let reports: StoredReport[];
  beforeEach(async () => {
    const store = folderEvidence(folder);
    for (let n = 0; n < 4; n++) await append(store, n === 2 ? { scenarios: [scenario(), missed] } : {});
    const names = (await store.list("drills/prod/")).filter((name) => name.endsWith(".json"));
    reports = await Promise.all(names.map(async (name) => ({ name, bytes: await store.read(name) })));
  });
  const head = () => sha256((reports.at(-1) as StoredReport).bytes);
  const rewritten = (index: number, change: (report: DrillReport) => DrillReport) =>
    reports.map((report, place) =>
      place === index
        ? {
            ...report,
            bytes: Buffer.from(
              `${JSON.stringify(change(drillReportSchema.parse(JSON.parse(report.bytes.toString()))), null, 2)}\n`,
            ),
          }
        : report,
    );

  test("is accepted as written", () => {
    expect(checkChain("prod", reports, head())).toEqual({
      environment: "prod",
      reports: 4,
      head: head(),
      problems: [],
    });
  });

  test("shows a measurement that was polished, even with a matching verdict", () => {
    const polished = rewritten(2, ({ sequence, prevReportSha256, startedAt, endedAt, evidence }) =>
      drillReport({ sequence, prevReportSha256, startedAt, endedAt, evidence, scenarios: [scenario()] }),
    );
    const polishedBytes = polished[2] as StoredReport;
    expect(contradictions(drillReportSchema.parse(JSON.parse(polishedBytes.bytes.toString())))).toEqual([]);
    expect(checkChain("prod", polished).problems).toEqual([
      {
        report: "drills/prod/000004.json",
        problem: "its link does not match the report before it: one of the two was changed",
      },
    ]);
  });

  test("shows a report that is missing, first, middle or (with its digest noted) last", () => {
    for (const gone of [0, 1, 2]) {
      const rest = reports.filter((_, index) => index !== gone);
      expect(checkChain("prod", rest).problems).not.toEqual([]);
    }
    const shortened = reports.slice(0, 3);
    expect(checkChain("prod", shortened).problems).toEqual([]);
    expect(checkChain("prod", shortened, head()).problems).toEqual([
      { report: "chain", problem: expect.stringMatching(/it was removed or changed/) },
    ]);
  });

  test("shows reports that changed places and one of another environment", () => {
    const [one, two, three, four] = reports as [StoredReport, StoredReport, StoredReport, StoredReport];
    expect(checkChain("prod", [one, three, two, four]).problems).not.toEqual([]);
    const swapped = [one, { ...two, bytes: three.bytes }, { ...three, bytes: two.bytes }, four];
    expect(checkChain("prod", swapped).problems).not.toEqual([]);
    expect(checkChain("staging", reports).problems).not.toEqual([]);
  });

  test("shows any flipped bit once the newest digest is known", () => {
    const places = fc.record({
      report: fc.nat(3),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(places, fc.nat(7), ({ report, at }, bit) => {
        const damaged = reports.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes) }));
        const target = damaged[report] as StoredReport;
        const offset = Math.floor(at * target.bytes.length);
        target.bytes.writeUInt8(target.bytes.readUInt8(offset) ^ (1 << bit), offset);
        return checkChain("prod", damaged, head()).problems.length > 0;
      }),
      { numRuns: 200 },
    );
  });

  test("names what is wrong with a damaged report, on one line", () => {
    const [first, ...rest] = reports as [StoredReport, ...StoredReport[]];
    const cut = checkChain("prod", [{ ...first, bytes: first.bytes.subarray(0, 100) }, ...rest]);
    expect(cut.problems[0]?.problem).toMatch(/^is not JSON: [^\n]+$/);
    const future = rewritten(0, (report) => ({ ...report, schemaVersion: 2 as never }));
    expect(checkChain("prod", future).problems[0]?.problem).toMatch(
      /not a drill report of version 1: schemaVersion/,
    );
  });
});

describe.each(["folder", "container"])("reports in a %s", (kind) => {
  let store: EvidenceStore;
  beforeEach(async () => {
    if (kind === "folder") {
      store = folderEvidence(folder);
      return;
    }
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const container = service.getContainerClient(`evidence-${Date.now()}`);
    await container.create();
    store = await containerEvidence(azurite, container.containerName);
  });

  test("drills that end at the same time form one chain", async () => {
    const appended = await Promise.all([append(store), append(store), append(store)]);
    expect(appended.map(({ name }) => name).sort()).toEqual(
      [1, 2, 3].map((n) => `drills/prod/00000${n}.json`),
    );
    expect(await verifyEvidence(store, "prod")).toMatchObject({ verdict: "PASS", reports: 3 });
  });

  test("is never overwritten, and a changed document beside it is noticed", async () => {
    const { name } = await append(store);
    expect(await store.create(name, Buffer.from("{}"), "application/json")).toBe(false);
    expect(await verifyEvidence(store, "prod")).toMatchObject({ verdict: "PASS" });
    const second = await appendReport(store, "prod", (chain) => ({
      report: nextReport(chain, { evidence: [{ name: "drills/prod/000001.md", sha256: "0".repeat(64) }] }),
      attachments: [],
    }));
    expect((await verifyEvidence(store, "prod")).problems).toEqual([
      { report: second.name, problem: "drills/prod/000001.md was changed" },
    ]);
  });

  test("an empty place proves nothing", async () => {
    await expect(verifyEvidence(store, "prod")).rejects.toMatchObject({ exitCode: 3 });
  });
});

test("a document beside a report that is there and cannot be read is not called missing", async () => {
  const store = folderEvidence(folder);
  await append(store);
  const document = path.join(folder, "drills/prod/000001.md");
  fs.rmSync(document);
  expect(await verifyEvidence(store, "prod")).toMatchObject({
    problems: [{ problem: "drills/prod/000001.md is missing" }],
  });
  fs.mkdirSync(document);
  await expect(verifyEvidence(store, "prod")).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/^cannot read drills\/prod\/000001\.md in folder .*: EISDIR/),
  });
});

describe("documents for people and CI", () => {
  const report = drillReport({
    scenarios: [scenario(), missed],
    operator: "a | b",
  });

  test("Markdown shows verdict, targets beside measurements, and the timeline", () => {
    const text = renderMarkdown(report);
    expect(text).toContain("# Recovery drill drill-20260302T060000Z: FAIL");
    expect(text).toContain(
      "| Database crash (backup only) (backup-only) | 42.5 s | 2 h 00 min | 3.3 s | 1 h 00 min | PASS | PASS |",
    );
    expect(text).toContain("| 5 h 00 min | 4 h 00 min |");
    expect(text).toContain("| 2026-03-02T06:00:11.000Z | restore | 40.0 s |");
    expect(text).toContain("a \\| b");
    expect(text).toMatch(/Point-in-time restore[^\n]*NOT_RUN/);
  });

  test("JUnit counts failures and skips, and survives hostile text", () => {
    const hostile = `<&"'>\u0001 | end`;
    const xml = renderJUnit(
      drillReport({
        scenarios: [
          scenario({
            checks: [
              { id: hostile, level: "L3", status: "FAIL", expected: hostile, actual: hostile },
              { id: "amcheck", level: "L5", status: "NOT_RUN", expected: "run", actual: "not installed" },
            ],
          }),
        ],
      }),
    );
    expect(xml).toContain(`<testsuite name="backup-only" tests="4" failures="1" skipped="1"`);
    expect(xml).toContain("&lt;&amp;&quot;&apos;&gt;? | end");
    expect(xml).not.toContain("\u0001");
  });
});

describe("recovery evidence verify", () => {
  test("--environment stands for the setting of its own surroundings, and is left to nobody", async () => {
    await append(folderEvidence(folder));
    const { ENVIRONMENT } = process.env;
    const args = ["evidence", "verify", "--dir", folder];
    expect(await verb([...args, "--environment", "prod"], { ENVIRONMENT: "staging" })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^PASS: 1 drill report of prod in folder/),
    });
    expect(process.env.ENVIRONMENT).toBe(ENVIRONMENT);
    expect((await verb(args, {})).stderr).toMatch(/ENVIRONMENT: missing/);
  });

  test("exit codes 0, 1, 2 and 3, and one JSON document", async () => {
    const store = folderEvidence(folder);
    const empty = await recovery(["evidence", "verify", "--dir", folder, "--environment", "prod"], {});
    expect(empty.code).toBe(3);
    expect(empty.stderr).toMatch(/no drill report of prod in folder/);

    const { digest } = await append(store);
    const good = await recovery(["evidence", "verify", "--dir", folder, "--head", digest, "--json"], {
      ENVIRONMENT: "prod",
    });
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ verdict: "PASS", reports: 1, head: digest });

    const file = path.join(folder, "drills/prod/000001.json");
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(`"rtoSeconds": 42.5`, `"rtoSeconds": 4.5`));
    const bad = await recovery(["evidence", "verify", "--dir", folder], { ENVIRONMENT: "prod" });
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^FAIL: 1 drill report of prod/);

    const usage = await recovery(["evidence", "verify", "--head", "zz"], { ENVIRONMENT: "prod" });
    expect(usage.code).toBe(2);
    const settings = await recovery(["evidence", "verify"], {});
    expect(settings.code).toBe(2);
    for (const name of ["ENVIRONMENT", "BACKUP_CONTAINER_EVIDENCE", "BACKUP_STORE_URL"]) {
      expect(settings.stderr).toContain(name);
    }
  });
});

describe("docs/drills.md", () => {
  const page = fs.readFileSync(path.join(root, "docs/drills.md"), "utf8");
  const between = (name: string) =>
    page.slice(page.indexOf(`<!-- ${name}:begin -->`), page.indexOf(`<!-- ${name}:end -->`)).split("\n");

  test("lists every scenario with its targets", () => {
    const rows = SCENARIO_IDS.map((id) => {
      const { title, source, objectives } = SCENARIOS[id];
      const targets = [objectives.rtoSeconds, objectives.rpoSeconds].map(formatDuration);
      return `| \`${id}\` | ${title} | ${source} | ${targets.join(" | ")} |`;
    });
    expect(tableRows(between("scenarios"))).toEqual(rows);
  });

  test("lists every metric with its labels and meaning", () => {
    const rows = Object.entries(METRICS).map(
      ([name, { labels, help }]) =>
        `| \`pgbackup_${name}\` | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`,
    );
    expect(tableRows(between("metrics"))).toEqual(rows);
  });
});

/** Rows of a Markdown table below its two header lines, without the padding of a formatter. */
function tableRows(lines: string[]): string[] {
  return lines
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.replace(/ +/g, " ").replaceAll("| |", "|  |").trim());
}

test("a report draws its stages with their share of the target, and the drills so far", () => {
  const stages = [{ name: "restore <all>", startedAt: "2026-03-02T06:00:10.000Z", seconds: 72 }];
  const report = drillReport({ scenarios: [scenario({ stages })] });
  const { rtoSeconds } = report.scenarios[0]!.targets;
  const share = `${((100 * 72) / rtoSeconds).toFixed(1)} %`;
  const text = renderMarkdown(report);
  expect(text).toMatch(/```mermaid\ngantt\n[\s\S]* restore {2}all> :0, 72000\n/);
  expect(text).toContain(`| ${share} |`);
  const page = renderPage({ ...report, sequence: 2 }, [report]);
  expect(page).toContain(`(${share})`);
  expect(page).toContain("restore &lt;all&gt;");
  // One dot for each drill of the chain.
  expect(page.match(/<circle /g)).toHaveLength(2);
  // Its line is told from the others by the key, and from the target's by not being red.
  const [, colour] = /<polyline [^>]*stroke="(hsl\((?!0 )[^"]+)"/.exec(page) ?? [];
  expect(page).toContain(`style="fill:${colour}"`);
  // A stage's bar and its time lie on a track of their own, however long its name is; nothing leaves it.
  const before = { name: "decision", startedAt: "2026-03-02T06:00:09.000Z", seconds: 0.4 };
  const measured = { ...scenario().measured, lossAt: "2026-03-02T06:00:00.000Z", rtoSeconds: 2 * rtoSeconds };
  const two = scenario({ stages: [before, ...stages], measured });
  const drawn = renderPage(drillReport({ scenarios: [two] }), [report]);
  expect(
    [...drawn.matchAll(/<(i|b|u) style="([^"]+)"/g)].map(([, kind, style]) => `${kind} ${style}`),
  ).toEqual([
    ...["u left:0.00%", "i left:0.00%;width:0.55%", "b left:0.55%"],
    ...["u left:0.00%", "i left:1.37%;width:98.63%", "b left:100.00%"],
  ]);
  expect(drawn).toContain("0.4 s (under 0.1 %)");
  // Below stands when the first and the last of them were; of one alone its day, once.
  const daysOf = (text: string) =>
    [...text.matchAll(/<text [^>]*>(\d{4}-\d\d-\d\d)<\/text>/g)].map(([, day]) => day);
  const later = { ...report, endedAt: "2026-04-02T06:01:00.000Z" };
  expect(daysOf(renderPage(later, [report]))).toEqual(["2026-03-02", "2026-04-02"]);
  expect(daysOf(renderPage(later, []))).toEqual(["2026-04-02"]);
  // What missed its target stands above the line, what met it below.
  const [target = NaN] = [.../<line class="target" [^>]*y1="([\d.]+)"/.exec(drawn)!.slice(1)].map(Number);
  const dots = [...drawn.matchAll(/<circle [^>]*cy="([\d.]+)"/g)].map(([, y]) => Number(y));
  expect(dots.map((y) => y < target)).toEqual([false, true]);
});

test("a report that failed says at its top of which scenarios, and what of each missed its target", () => {
  const late = { ...scenario().measured, rtoSeconds: 6 * 3600, rpoSeconds: null };
  const scenarios = [
    scenario({ id: "backup-only" }),
    scenario({ id: "region-loss", measured: late }),
    scenario({
      id: "corrupted-newest",
      checks: [{ ...scenario().checks[0]!, status: "FAIL", actual: "7 < 8" }],
    }),
  ];
  const report = drillReport({ scenarios, ...summarise(scenarios) });
  const wanted = [
    `${SCENARIOS["region-loss"].title} (region-loss): RTO 6 h 00 min, target 4 h 00 min; RPO was not measured, target 1 h 00 min`,
    `${SCENARIOS["corrupted-newest"].title} (corrupted-newest): fingerprints FAIL: 7 < 8, expected 8 equal`,
  ];
  const markdown = renderMarkdown(report);
  expect(markdown.slice(0, markdown.indexOf("| Scenario"))).toContain(
    wanted.map((line) => `- **${line}**`).join("\n"),
  );
  const page = renderPage(report, []);
  expect(page.slice(0, page.indexOf("<h2>"))).toContain(
    `<ul class="bad">${wanted.map((line) => `<li>${line.replace("<", "&lt;")}</li>`).join("")}</ul>`,
  );
  const result = { report, name: "report.json", digest: "0", place: "here", markdown, junit: "" };
  expect(describeDrill(result).split("\n")).toEqual(expect.arrayContaining(wanted));
  const good = drillReport();
  expect(renderMarkdown(good)).toMatch(/ to 2026-03-02T06:01:00\.000Z\.\n\n\| Scenario /);
  expect(renderPage(good, [])).not.toContain('<ul class="bad">');
});

test("a report says whether a passing preflight preceded the drill, and says so plainly when none did", async () => {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), "readiness-"));
  try {
    const store = folderEvidence(place);
    const began = new Date("2026-03-02T06:00:00.000Z");
    const said = async () => {
      const report = drillReport({ readiness: await readinessBefore(store, "prod", began) });
      expect(drillReportSchema.parse(report)).toEqual(report);
      const [line] = /^.*preflight.*$/im.exec(renderMarkdown(report)) ?? [];
      const [, shown] = /<p class="(?:good|bad)">(.*?)<\/p>/.exec(renderPage(report, [])) ?? [];
      expect(shown?.replaceAll("&#39;", "'")).toBe(line?.replaceAll("**", ""));
      return line;
    };
    const keep = (at: string, statuses: ("PASS" | "FAIL" | "NOT_RUN")[]) =>
      keepReadiness(store, "prod", {
        stack: "prod",
        at,
        checks: statuses.map((status, index) => ({ id: `check-${index}`, status, text: "found" })),
      });
    expect(await said()).toBe("**No passing preflight preceded this drill: none is on record**.");
    await keep("2026-02-28T05:30:00.000Z", ["PASS"]);
    expect(await said()).toBe("**No passing preflight preceded this drill: the last was 2 d 0 h before**.");
    await keep("2026-03-02T02:00:00.000Z", ["PASS", "FAIL", "NOT_RUN"]);
    expect(await said()).toBe(
      "**No passing preflight preceded this drill: of the one 4 h 00 min before, check-1, check-2 did not pass**.",
    );
    await keep("2026-03-02T05:30:00.000Z", ["PASS", "PASS"]);
    expect(await said()).toBe("A preflight passed 30 min 00 s before this drill.");
    fs.writeFileSync(path.join(place, "readiness/prod/99999999999999999.json"), "{");
    expect(await said()).toMatch(
      /none is on record \(readiness\/prod\/9+\.json in .* is no record of readiness/,
    );
    // A report of before there was such a line is none the worse.
    expect(renderMarkdown(drillReport())).not.toMatch(/preflight/i);
  } finally {
    fs.rmSync(place, { recursive: true });
  }
});
