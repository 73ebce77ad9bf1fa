import { BlobServiceClient } from "@azure/storage-blob";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parse } from "shell-quote";
import { incidentReport } from "../../apps/recovery/incident/metrics";
import type { Incident } from "../../apps/recovery/incident/record";
import { startAzurite } from "../../packages/local-servers/azurite";

const ROOT = path.join(__dirname, "../..");
let azurite: Awaited<ReturnType<typeof startAzurite>>;
let folder: string;

beforeAll(async () => {
  azurite = await startAzurite();
  await BlobServiceClient.fromConnectionString(azurite.connectionString).createContainer("incidents");
});
afterAll(() => azurite.stop());
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "incident-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function incident(args: string[], env: Record<string, string> = {}) {
  const result = spawnSync(
    process.execPath,
    ["packages/command/run.mjs", "apps/recovery/incident.ts", ...args],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        ENVIRONMENT: "testing",
        INCIDENT_DIR: folder,
        BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
        BACKUP_CONTAINER_INCIDENTS: "incidents",
        ...env,
      },
    },
  );
  return {
    code: result.status,
    out: result.stdout,
    err: result.stderr,
    json: () => JSON.parse(result.stdout) as Record<string, unknown>,
  };
}

test("an incident lives from new to closed in the store, revision by revision, each linked to the one before", async () => {
  const opened = incident([
    "new",
    "--severity",
    "SEV-1",
    "--title",
    "Database down",
    "--started-at",
    "-40m",
    "--detected-at",
    "-38m",
    "--json",
  ]);
  expect([opened.code, opened.json().stored, opened.json().revision]).toEqual([0, true, 1]);
  const id = opened.json().id as string;
  expect(incident(["update", id, "--acknowledged-at", "-35m", "--resolved-at", "-18m"]).code).toBe(0);
  const closed = incident(["close", id, "--postmortem", "docs/postmortems/2026-database.md", "--json"]);
  expect([closed.code, closed.json().revision]).toEqual([0, 3]);
  expect(incident(["update", id, "--title", "again"])).toMatchObject({
    code: 2,
    err: expect.stringContaining(`error: id: ${id} is closed since`) as string,
  });

  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    "incidents",
  );
  const names: string[] = [];
  for await (const blob of container.listBlobsFlat()) names.push(blob.name);
  expect(names).toEqual([1, 2, 3].map((n) => `incidents/testing/${id}/000${n}.json`));
  const report = incident(["report", "--period", "1d", "--json"]).json();
  expect(report).toMatchObject({
    complete: true,
    incidents: 1,
    mttdMinutes: { value: 2, target: 5, met: true },
    mttrMinutes: { target: 30, met: true },
    postmortems: { value: 1, met: true },
  });
  expect((report.mttrMinutes as { value: number }).value).toBeCloseTo(20, 0);
});

test("a store that cannot be reached leaves the record in a local file, says so, and takes it later", () => {
  const lost = {
    BACKUP_STORE_CONNECTION_STRING: azurite.connectionString.replace(
      azurite.blobUrl,
      "http://127.0.0.1:1/devstoreaccount1",
    ),
  };
  const opened = incident(["new", "--severity", "SEV-2", "--title", "Fulfilment broken"], lost);
  expect(opened.code).toBe(3);
  expect(opened.out).toMatch(
    /^INC-\d{8}-\d{4} \(SEV-2, revision 1\) is in folder .*\nThe store cannot be reached: .*\nNothing is lost/,
  );
  expect(incident(["report"], lost)).toMatchObject({
    code: 3,
    out: expect.stringContaining("Only local records were read") as string,
  });
  expect(incident(["sync"])).toMatchObject({ code: 0, out: "1 sent\n" });
  expect(incident(["sync"])).toMatchObject({ code: 0, out: "0 sent\n" });
}, 180_000);

test("of two accounts the first that answers keeps the record, and records of both are read", async () => {
  const second = await startAzurite();
  try {
    await BlobServiceClient.fromConnectionString(second.connectionString).createContainer("incidents");
    const dead = azurite.connectionString.replace(azurite.blobUrl, "http://127.0.0.1:1/devstoreaccount1");
    const targets = (...accounts: string[]) => ({
      ENVIRONMENT: "two-accounts",
      BACKUP_STORE_CONNECTION_STRING: "",
      BACKUP_TARGETS: JSON.stringify(
        accounts.map((connectionString, index) => ({ name: `t${index}`, kind: "azure", connectionString })),
      ),
    });
    const open = (title: string, env: Record<string, string>) =>
      incident(["new", "--severity", "SEV-3", "--title", title], env);
    expect(open("While the first is lost", targets(dead, second.connectionString)).code).toBe(0);
    expect(open("After it is back", targets(azurite.connectionString, second.connectionString)).code).toBe(0);
    const report = incident(["report", "--json"], targets(azurite.connectionString, second.connectionString));
    expect(report.json()).toMatchObject({ complete: true, incidents: 2 });
    expect(incident(["report", "--json"], targets(azurite.connectionString)).json()).toMatchObject({
      incidents: 1,
    });
  } finally {
    await second.stop();
  }
}, 180_000);

test.each([
  [
    ["new", "--severity", "SEV-9", "--title", "x"],
    'error: severity: expected one of SEV-1, SEV-2, SEV-3, SEV-4, not "SEV-9"',
  ],
  [["new", "--severity", "SEV-1"], "error: title: "],
  [
    ["new", "--severity", "SEV-1", "--title", "x", "--started-at", "yesterday"],
    "error: startedAt: expected an instant with its zone",
  ],
  [
    ["new", "--severity", "SEV-1", "--title", "x", "--started-at", "-5m", "--detected-at", "-9m"],
    "is before startedAt",
  ],
  [
    ["new", "--severity", "SEV-1", "--title", "x", "--started-at", "2999-01-01T00:00:00Z"],
    "lies in the future",
  ],
  [["close", "INC-20000101-0000"], "error: id: no incident INC-20000101-0000 in testing"],
])("%p is refused with the field's name", (args, message) => {
  const result = incident(args);
  expect([result.code, result.out]).toEqual([2, ""]);
  expect(result.err).toContain(message);
});

test("closing needs an end after the beginning and, for SEV-1 and SEV-2, the postmortem", () => {
  const id = incident([
    "new",
    "--severity",
    "SEV-2",
    "--title",
    "x",
    "--started-at",
    "-10m",
    "--detected-at",
    "-9m",
    "--json",
  ]).json().id as string;
  expect(incident(["close", id])).toMatchObject({
    code: 2,
    err: "error: resolvedAt: missing; an incident is closed after it is over\nerror: postmortem: missing; SEV-2 owes one within 5 days (--postmortem <document>)\n",
  });
  const early = incident(["close", id, "--resolved-at", "-30m", "--postmortem", "x.md"]);
  expect(early.code).toBe(2);
  expect(early.err).toMatch(/error: resolvedAt: .* is before startedAt/);
});

test("the command of the page you open first works with a time of detection alone, and claims no time to detect", () => {
  const page = fs.readFileSync(path.join(ROOT, "docs/incident/README.md"), "utf8");
  const command = /^ *ENVIRONMENT=prod npm run -s incident -- (new .*)$/m.exec(page)?.[1] ?? "";
  const args = parse(command).map(String);
  expect(args).toContain("--detected-at");
  const opened = incident([...args, "--json"]);
  expect(opened.code).toBe(0);
  const { startedAt, detectedAt } = opened.json() as { startedAt: string; detectedAt: string };
  expect(startedAt).toBe(detectedAt);
  expect(incident(["new", "--severity", "SEV-3", "--title", "x"], { ENVIRONMENT: "" })).toMatchObject({
    code: 2,
    err: "error: ENVIRONMENT: expected the environment's name, such as ENVIRONMENT=prod\n",
  });
});

test("a wrong environment is refused before anything is read", () => {
  expect(incident(["report"], { ENVIRONMENT: "Prod!" })).toMatchObject({
    code: 2,
    err: expect.stringContaining("ENVIRONMENT: expected") as string,
  });
});

describe("metrics", () => {
  const base: Incident = {
    schemaVersion: 1,
    id: "INC-20260101-0000",
    revision: 1,
    previousSha256: null,
    environment: "testing",
    severity: "SEV-1",
    title: "x",
    services: [],
    startedAt: "2026-01-01T00:00:00.000Z",
    detectedAt: "2026-01-01T00:06:00.000Z",
    resolvedAt: "2026-01-01T00:46:00.000Z",
    detection: "alert",
    recordedAt: "2026-01-01T01:00:00.000Z",
  };
  const from = new Date("2026-01-01T00:00:00Z");
  const to = new Date("2026-01-31T00:00:00Z");

  test("missed targets are said to be missed, and an overdue postmortem is named", () => {
    const report = incidentReport([base, { ...base, id: "INC-20260102-0000" }], from, to);
    expect(report.mttdMinutes).toEqual({ value: 6, target: 5, met: false });
    expect(report.mttrMinutes).toEqual({ value: 40, target: 30, met: false });
    expect(report.perMonth).toEqual({ value: 2, target: 2, met: false });
    expect(report.postmortems).toEqual({ value: 0, target: 1, met: false });
    expect(report.overduePostmortems).toHaveLength(2);
  });

  test("a postmortem that is not yet due, and one that came late, count as what they are", () => {
    const soon = incidentReport([base], from, new Date("2026-01-03T00:00:00Z"));
    expect(soon.postmortems).toEqual({ value: null, target: 1, met: null });
    const late = { ...base, postmortem: { document: "x", finalAt: "2026-01-07T00:00:00.000Z" } };
    expect(incidentReport([late], from, to).postmortems.value).toBe(0);
  });

  test("an incident whose beginning nobody knows says nothing about how soon it was detected", () => {
    const unknown = { ...base, id: "INC-20260103-0000", startedAt: base.detectedAt };
    expect(incidentReport([base, unknown], from, to).mttdMinutes.value).toBe(6);
    expect(incidentReport([unknown], from, to).mttdMinutes).toEqual({ value: null, target: 5, met: null });
  });

  test("without incidents nothing is measured and nothing is claimed", () => {
    const report = incidentReport([], from, to);
    expect([report.mttdMinutes.met, report.mttrMinutes.value, report.perMonth.met]).toEqual([
      null,
      null,
      true,
    ]);
  });
});
