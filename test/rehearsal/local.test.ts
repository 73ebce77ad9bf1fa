import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { Client } from "pg";
import { startAzurite } from "../../packages/local-servers/azurite";
import { startPostgres } from "../../packages/local-servers/postgres";
import { startSupervised, temporaryDirectory } from "../../packages/local-servers/supervised";
import { unprivilegedAccount } from "../../packages/programs/postgres";
import { SUPERVISOR } from "../../packages/programs/supervisor";
import { until } from "../support/until";

const root = path.resolve(__dirname, "../..");

function running(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("who may empty a folder and not take it away does not go on trying", async () => {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), "supervised-"));
  const folder = path.join(parent, "folder");
  const programs = path.join(parent, "programs");
  const slept = path.join(folder, "..", "slept");
  const account = unprivilegedAccount();
  try {
    for (const made of [folder, programs]) fs.mkdirSync(made);
    fs.writeFileSync(slept, "", { mode: 0o666 });
    fs.writeFileSync(path.join(programs, "sleep"), `#!/bin/sh\necho slept >> '${slept}'\n`, { mode: 0o755 });
    if (account) fs.chownSync(folder, account.uid, account.gid);
    fs.chmodSync(slept, 0o666);
    fs.chmodSync(parent, 0o555);
    const child = spawn("/bin/sh", ["-c", SUPERVISOR, "sh", "TERM", folder, "/bin/true"], {
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: programs },
      cwd: "/",
      ...account,
    });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    expect([fs.readFileSync(slept, "utf8"), fs.readdirSync(folder)]).toEqual(["", []]);
  } finally {
    fs.chmodSync(parent, 0o755);
    fs.rmSync(parent, { recursive: true });
  }
});

test("a server whose owner is gone before it heeds a signal is ended all the same", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "supervised-"));
  const heedsTheSecond = `
    process.once("SIGTERM", () => process.once("SIGTERM", () => process.exit(7)));
    setInterval(() => undefined, 1000);
    console.log("up");`;
  const child = spawn(
    "/bin/sh",
    ["-c", SUPERVISOR, "sh", "TERM", folder, process.execPath, "-e", heedsTheSecond],
    { stdio: ["pipe", "pipe", "ignore"], detached: true },
  );
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.stdin.end();
    await until("the server ended", () => child.exitCode !== null);
    expect([child.exitCode, fs.existsSync(folder)]).toEqual([7, false]);
  } finally {
    if (child.exitCode === null) process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

test("a server whose process id cannot be written is ended and said, instead of waited for", async () => {
  const directory = temporaryDirectory("supervised-");
  fs.symlinkSync(path.join(directory, "nowhere", "pid"), path.join(directory, "supervised.pid"));
  await expect(
    startSupervised({ directory, command: ["sleep", "1000"], stopSignal: "KILL" }),
  ).rejects.toThrow(/ended with exit code 126 at once: .*supervised\.pid/s);
  fs.rmSync(directory, { recursive: true });
});

describe("throwaway PostgreSQL", () => {
  test("answers on loopback with its password only, and leaves neither process nor folder", async () => {
    const server = await startPostgres({ settings: { application_name: "local-test" } });
    const client = new Client({ connectionString: server.urlOf("postgres") });
    await client.connect();
    const { rows } = await client.query<{ listening: string; version: string }>(
      "select current_setting('listen_addresses') as listening, current_setting('server_version') as version",
    );
    await client.end();
    expect(rows[0]?.listening).toBe("127.0.0.1");
    expect(Number.parseInt(rows[0]?.version ?? "", 10)).toBe(server.version);

    const stranger = new Client({ connectionString: server.url.replace(server.password, "wrong") });
    await expect(stranger.connect()).rejects.toThrow(/password authentication failed/);
    await stranger.end().catch(() => undefined);

    await server.stop();
    await server.stop();
    expect(running(server.pid)).toBe(false);
    expect(fs.existsSync(path.dirname(server.dataDir))).toBe(false);
  });

  test("names what to install when the wanted version is missing", async () => {
    await expect(startPostgres({ version: 9 })).rejects.toThrow(
      /PostgreSQL 9 is not installed .*apt-get install/,
    );
  });

  test("says why the server did not start", async () => {
    await expect(startPostgres({ settings: { shared_buffers: "nonsense" } })).rejects.toThrow(
      /shared_buffers/,
    );
  });
});

describe("throwaway blob server", () => {
  test("stores and returns a blob, and leaves neither process nor folder", async () => {
    const server = await startAzurite();
    const container = BlobServiceClient.fromConnectionString(server.connectionString).getContainerClient(
      "daily",
    );
    await container.create();
    await container.getBlockBlobClient("a").upload("content", 7);
    expect((await container.getBlobClient("a").downloadToBuffer()).toString()).toBe("content");
    await server.stop();
    expect(running(server.pid)).toBe(false);
    expect(fs.existsSync(server.dataDir)).toBe(false);
  });
});

describe.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("the owner ended by %s", (signal) => {
  test("takes both servers and their folders along", async () => {
    const program = `
      const { startPostgres } = require("../packages/local-servers/postgres");
      const { startAzurite } = require("../packages/local-servers/azurite");
      Promise.all([startPostgres(), startAzurite()]).then(([p, a]) => {
        console.log(JSON.stringify({ pids: [p.pid, a.pid], folders: [require("path").dirname(p.dataDir), a.dataDir] }));
        setInterval(() => undefined, 1000);
      });`;
    const entry = path.join(root, ".build", `owner-${signal}.ts`);
    fs.mkdirSync(path.dirname(entry), { recursive: true });
    fs.writeFileSync(entry, program);
    const owner = spawn(process.execPath, ["packages/command/run.mjs", path.relative(root, entry)], {
      cwd: root,
    });
    const line = await new Promise<string>((resolve, reject) => {
      let text = "";
      owner.stdout.on("data", (data: Buffer) => (text += data.toString()).includes("\n") && resolve(text));
      owner.once("exit", (code) => reject(new Error(`the owner ended early with ${code}`)));
    });
    const { pids, folders } = JSON.parse(line) as { pids: number[]; folders: string[] };
    expect(pids.map(running)).toEqual([true, true]);
    owner.kill(signal);
    const nothingLeft = () => !pids.some(running) && !folders.some((folder) => fs.existsSync(folder));
    await until("nothing is left", nothingLeft);
    fs.rmSync(entry);
  });
});
