import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const ROOT = path.join(__dirname, "../..");

test("a project that is not this one is planned, brought up on real servers and changed", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["packages/command/run.mjs", "test/support/foreignDeployment.ts"],
    { cwd: ROOT },
  );
  const { errors, made, before, changed, after, again, shrunk } = JSON.parse(stdout);
  const short = (steps: { op: string; type: string }[]): string[] =>
    steps.map(({ op, type }) => `${op} ${type.replace("azure-native:", "")}`);
  expect(errors).toEqual([]);
  expect(short(made)).toEqual([
    "create resources:ResourceGroup",
    "create storage:StorageAccount",
    "create dbforpostgresql:Server",
    "create dbforpostgresql:Configuration",
  ]);
  expect(before).toEqual({
    user: "baker",
    memory: "8MB",
    servers: ["psql-bakery-orders"],
    accounts: ["stbakeryphotos"],
  });
  expect(short(changed)).toEqual([
    "update dbforpostgresql:Server",
    "update dbforpostgresql:Configuration",
    "delete storage:StorageAccount",
  ]);
  expect(after).toEqual({ ...before, memory: "16MB", accounts: [] });
  expect(again).toEqual([]);
  expect(shrunk).toMatch(/storage never shrinks: at least 64, not 32/);
}, 180_000);

test("neither the engine nor the cloud names this project", () => {
  const naming = ["offline-engine", "emulated-azure"].flatMap((name) => {
    const folder = path.join(ROOT, "packages", name);
    return (fs.readdirSync(folder, { recursive: true }) as string[])
      .filter((file) => /\.(ts|js|cjs|cts|md|json)$/.test(file))
      .filter((file) => /forma ?3d/i.test(fs.readFileSync(path.join(folder, file), "utf8")))
      .map((file) => `${name}/${file}`);
  });
  expect(naming).toEqual([]);
});
