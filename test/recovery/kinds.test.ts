import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { runBackup } from "../../apps/recovery/commands/backup";
import { runRestore } from "../../apps/recovery/commands/restore";
import { runVerify } from "../../apps/recovery/commands/verify";
import { clientProgram } from "../../packages/local-servers/postgresPrograms";
import type { Manifest, RestoreResult } from "../../apps/recovery/types";
import { labContext, startPlatformLab, type LabStore, type PlatformLab } from "../support/recoveryLab";

/** Objects whose return depends on who owns what, made by the roles that would make them. */
const script = (name: string) => readFileSync(path.join(__dirname, "../support", name), "utf8");

let lab: PlatformLab;
let store: LabStore;
beforeAll(async () => {
  lab = await startPlatformLab();
  store = await lab.store("backup");
});
afterAll(() => lab?.stop());

async function backUp(from: LabStore = store): Promise<Manifest> {
  const [outcome] = await runBackup(from.settings, {}, labContext());
  if (!outcome || "error" in outcome) throw outcome?.error ?? new Error("no outcome");
  return outcome.manifest;
}

const restore = (id: string, to: string): Promise<RestoreResult> =>
  runRestore(lab.as(store, lab.server.administrator).settings, { backup: { id }, to }, labContext());

/** Every statement that would make the database again: owners, rights, policies, comments and all. */
function definitionOf(database: string): string[] {
  const program = clientProgram("pg_dump", lab.server.version);
  const text = execFileSync(program, ["--schema-only", "--dbname", lab.server.url("backup", database)], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return text
    .split("\n")
    .filter((line) => line && !line.startsWith("--") && !/^\\(un)?restrict/.test(line))
    .sort();
}

describe("objects of every kind", () => {
  test("come back with their owners, rights and policies, for a role that is no superuser", async () => {
    for (const [, role = "", text = ""] of script("unkind.sql").matchAll(
      /^-- as (\w+)\n([^]*?)(?=^-- as |$(?![^]))/gm,
    )) {
      if (role === "microsoft") await lab.server.asMicrosoft(text);
      else await lab.server.sql(role === "administrator" ? lab.server.administrator : role, text);
    }
    const manifest = await backUp();
    const result = await restore(manifest.id, "kinds");
    expect(result.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
    expect(result.leftOut).toEqual([]);
    expect(definitionOf("kinds")).toEqual(definitionOf(lab.server.database));
    const report = await runVerify(
      store.settings,
      { backup: { id: manifest.id }, through: "L4" },
      labContext(),
    );
    expect(report.checks.filter(({ status }) => status !== "PASS")).toEqual([]);
  });
});
