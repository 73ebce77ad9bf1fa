import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { verifyEvidence } from "../../apps/recovery/commands/evidence";
import { SCENARIO_IDS } from "../../apps/recovery/drill/objectives";
import { drillReportSchema, type DrillReport } from "../../apps/recovery/drill/report";
import { folderEvidence } from "../../apps/recovery/evidence/store";
import { NOTHING } from "../support/leftovers";
import { cleanEnvironment, root } from "../support/recoveryCli";
import { localDrill } from "./localDrill";

// Whole drills on real servers: on a busy machine one of ten seconds takes minutes.
jest.setTimeout(240_000);

describe("npm run drill", () => {
  const drill = localDrill();

  test("passes every scenario with measured RTO and RPO, leaves evidence and nothing else", async () => {
    const { code, stdout, stderr } = await drill.run(
      // Those of a whole platform have a command and a workflow of their own.
      ...["--scenario", SCENARIO_IDS.join(",")],
      ...[
        "--json",
        "--markdown",
        path.join(drill.out, "report.md"),
        "--junit",
        path.join(drill.out, "report.xml"),
      ],
    );
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const { stored, ...document } = JSON.parse(stdout) as DrillReport & {
      stored: { name: string; sha256: string };
    };
    const report = drillReportSchema.parse(document);
    expect(report.verdict).toEqual({ rto: "met", rpo: "met", integrity: "PASS", overall: "PASS" });
    expect(report.scenarios.map(({ id }) => id)).toEqual([
      "backup-only",
      "accidental-deletion",
      "corrupted-newest",
      "region-loss",
      "provider-loss",
    ]);
    for (const scenario of report.scenarios) {
      expect(scenario.verdict.overall).toBe("PASS");
      expect(scenario.measured.rpoMethod).toBe("marker");
      // Work was confirmed after the backup, so some must be missing; and a restore takes time.
      expect(scenario.measured.rpoSeconds).toBeGreaterThan(0.05);
      expect(scenario.measured.rtoSeconds).toBeGreaterThan(0.05);
      expect(scenario.tables.length).toBeGreaterThanOrEqual(8);
      expect(scenario.tables.every(({ match }) => match)).toBe(true);
      const spent = scenario.stages.filter(({ startedAt }) => startedAt >= (scenario.measured.lossAt ?? ""));
      const total = spent.reduce((sum, stage) => sum + stage.seconds, 0);
      expect(total).toBeLessThanOrEqual((scenario.measured.rtoSeconds ?? 0) + 1);
    }
    // Not a database was dropped: the server went, with all it could be brought back from, and another one was made.
    const [server] = report.scenarios;
    expect(server?.backup?.tier).toBe("hourly");
    expect(server?.targets).toEqual({ rtoSeconds: 2 * 3_600, rpoSeconds: 3_600 });
    expect(server?.stages.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "lose the server and its automated backups",
        "make a server in its place, with roles and an empty database",
        "restore",
      ]),
    );
    for (const role of ["api", "migration", "backup"])
      expect(server?.checks).toContainEqual(expect.objectContaining({ id: `role-${role}`, status: "PASS" }));
    const corrupted = report.scenarios[2];
    expect(corrupted?.checks).toContainEqual(
      expect.objectContaining({ id: "damaged-backup-refused", status: "PASS" }),
    );
    expect(corrupted?.stages.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^refuse drill-/));

    // Everything of Azure was lost: what came back came from S3, opened with the key that was on paper, on a server
    // without superuser, and each of the platform's roles can work there.
    const provider = report.scenarios[4];
    expect(provider?.targets).toEqual({ rtoSeconds: 4 * 3_600, rpoSeconds: 3_600 });
    expect(provider?.backup?.blob).toMatch(/\.age$/);
    expect(provider?.stages.map(({ name }) => name)).toContain("lose the provider");
    for (const role of ["api", "migration", "backup"])
      expect(provider?.checks).toContainEqual(
        expect.objectContaining({ id: `role-${role}`, status: "PASS" }),
      );

    const evidence = await verifyEvidence(folderEvidence(drill.out), "local", stored.sha256);
    expect(evidence).toMatchObject({ verdict: "PASS", reports: 1, head: stored.sha256 });
    expect(fs.readFileSync(path.join(drill.out, "report.md"), "utf8")).toMatch(
      /^# Recovery drill drill-\d+: PASS/,
    );
    expect(fs.readFileSync(path.join(drill.out, "report.xml"), "utf8")).toMatch(/failures="0"/);
    expect(drill.temporary.leftovers()).toEqual(NOTHING);
    expect(stderr).not.toMatch(/never-used|prod\.example/);
  });

  // So many orders take minutes to load, which nobody waits for who has interrupted it.
  test.each([
    ["SIGINT", "back up under writes", 1_000],
    ["SIGTERM", "back up under writes", 1_000],
    ["SIGINT", "load 10000000 orders", 10_000_000],
  ] as const)("%s at %s leaves no server, no folder and no report", async (signal, moment, orders) => {
    const child = spawn(
      process.execPath,
      ["packages/command/run.mjs", "apps/rehearsal/drill.ts", "--orders", `${orders}`, "--out", drill.out],
      {
        cwd: root,
        env: cleanEnvironment({ TMPDIR: drill.temporary.folder }),
      },
    );
    let stderr = "";
    const busy = new Promise<void>((resolve) =>
      child.stderr.on("data", (data: Buffer) => (stderr += data.toString()).includes(moment) && resolve()),
    );
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    await Promise.race([busy, ended]);
    child.kill(signal);
    expect(await ended).toBe(1);
    expect(stderr).toMatch(new RegExp(`interrupted by ${signal}`));
    expect(stderr.includes("scenario ")).toBe(orders === 1_000);
    expect(drill.temporary.leftovers()).toEqual(NOTHING);
    expect(fs.readdirSync(drill.out)).toEqual([]);
  });
});
