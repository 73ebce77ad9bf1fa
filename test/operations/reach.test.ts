import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { kubectl } from "../../apps/operations/reach/kubectl";
import { root, run } from "../support/recoveryCli";

/*
 * The way to what has private addresses only. A command named kubectl stands in for the cluster: what it is to run in the pod it runs
 * here, with the one host name it knows, so that the relay is the real one; that a pod is let through to a private endpoint is the
 * network policy's promise, and Azure's.
 */
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "reach-test-"));
const log = path.join(folder, "calls");
let server: net.Server;
let port: number;

beforeAll(async () => {
  // Whoever connects is told its own words, and who was asked for.
  server = net.createServer((socket) => socket.on("data", (data) => socket.end(`heard ${data.toString()}`)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as net.AddressInfo);
  fs.writeFileSync(
    path.join(folder, "kubectl"),
    `#!${process.execPath}
const fs = require("node:fs");
const { spawnSync, spawn } = require("node:child_process");
const args = process.argv.slice(2);
fs.appendFileSync(${JSON.stringify(log)}, JSON.stringify(args) + "\\n");
const cluster = args[args.indexOf("--context") + 1];
if (cluster === process.env.SILENT) { console.error("no route to host"); process.exit(1); }
const at = args.indexOf("--");
if (at < 0) {
  if (args[0] === "create") { console.error("jobs.batch operator already exists"); process.exit(1); }
  process.exit(0);
}
const [program, , text, host] = args.slice(at + 1);
if (program === "sh") { process.stdout.write("postgresql://chief:made-up@db.example/forma3d"); process.exit(0); }
const child = spawn(process.execPath, ["-e", text, "127.0.0.1", "${port}"], { stdio: "inherit" });
child.on("close", (code) => process.exit(code));
`,
    { mode: 0o755 },
  );
});
afterAll(() => {
  server.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const reach = (args: string[], env: Record<string, string> = {}) =>
  run([path.join(root, "packages/command/run.mjs"), "apps/operations/cli.ts", "reach", ...args], {
    PATH: `${folder}:${process.env["PATH"] ?? ""}`,
    HOME: folder,
    ...env,
  });

/** Says what it was given, and asks one name in each way. */
const PROBE = `
const fs = require("node:fs"), net = require("node:net"), http = require("node:http");
const hosts = Object.fromEntries(fs.readFileSync(process.env.DATABASE_HOSTS_FILE, "utf8").split(",").map((one) => one.split("=")));
const ask = (socket, words) => new Promise((resolve) => { let all = ""; socket.on("data", (data) => (all += data)); socket.on("close", () => resolve(all)); socket.write(words); });
const proxied = (path) => new Promise((resolve, reject) => http.request({ ...address(process.env.HTTPS_PROXY), method: "CONNECT", path }).on("connect", (_r, socket) => resolve(ask(socket, path))).on("error", reject).end());
const address = (url) => ({ host: new URL(url).hostname, port: new URL(url).port });
(async () => {
  const [host, port] = hosts["forma3d-prod-db.writer.postgres.database.azure.com"].split(":");
  console.log(JSON.stringify({
    names: Object.keys(hosts),
    url: fs.readFileSync(process.env.DATABASE_URL_FILE, "utf8"),
    mode: (fs.statSync(process.env.DATABASE_URL_FILE).mode & 0o777).toString(8),
    database: await ask(net.connect(port, host), "a query"),
    vault: await proxied("kv-forma3d-prod-neu.vault.azure.net:443"),
    open: await proxied("127.0.0.1:${"PORT"}"),
    own: process.env.DATABASE_URL,
    account: await proxied("stforma3dprodwitswc.blob.core.windows.net:443"),
    files: [process.env.DATABASE_URL_FILE, process.env.DATABASE_HOSTS_FILE],
  }));
  process.exit(7);
})();
`;
const calls = () =>
  fs
    .readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as string[]);

test("a command reaches database, vaults and accounts through the pod, everything else as it is, and nothing is left", async () => {
  fs.writeFileSync(log, "");
  const probe = path.join(folder, "probe.js");
  fs.writeFileSync(probe, PROBE.replace("PORT", String(port)));
  const ran = await reach(["prod", "--", process.execPath, probe], {
    DATABASE_URL: "postgresql://of/yesterday",
  });
  expect([ran.code, ran.code === 7 ? "" : ran.stderr]).toEqual([7, ""]);
  const said = JSON.parse(ran.stdout) as Record<string, any>;
  expect(said).toMatchObject({
    url: "postgresql://chief:made-up@db.example/forma3d",
    mode: "600",
    database: "heard a query",
    vault: "heard kv-forma3d-prod-neu.vault.azure.net:443",
    open: `heard 127.0.0.1:${port}`,
    account: "heard stforma3dprodwitswc.blob.core.windows.net:443",
  });
  expect(said).not.toHaveProperty("own");
  expect(said["names"]).toEqual(
    expect.arrayContaining([
      "forma3d-prod-db.reader.postgres.database.azure.com",
      "psql-forma3d-prod-weu.postgres.database.azure.com",
      "psql-forma3d-prod-neu-g2.postgres.database.azure.com",
    ]),
  );
  // The pod was asked for the private names, in the region that stands by, and for no other.
  const asked = calls().filter((args) => args.includes("node"));
  expect(asked.map((args) => args.slice(-2))).toEqual([
    ["forma3d-prod-db.writer.postgres.database.azure.com", "5432"],
    ["kv-forma3d-prod-neu.vault.azure.net", "443"],
    ["stforma3dprodwitswc.blob.core.windows.net", "443"],
  ]);
  expect(new Set(calls().map((args) => args[args.indexOf("--context") + 1]))).toEqual(
    new Set(["aks-forma3d-prod-neu"]),
  );
  for (const file of said["files"] as string[]) expect(fs.existsSync(file)).toBe(false);
}, 60_000);

test("a machine that has to take a proxy goes on taking it, for all that is not private; what it refuses is told", async () => {
  fs.writeFileSync(log, "");
  const taken: string[] = [];
  const proxy = http.createServer().on("connect", ({ url = "", headers }, socket: net.Socket) => {
    taken.push(`${url} ${headers["proxy-authorization"] ?? ""}`);
    if (url.startsWith("refused")) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    socket.pipe(net.connect(port, "127.0.0.1")).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port: by } = proxy.address() as net.AddressInfo;
  const probe = path.join(folder, "proxied.js");
  fs.writeFileSync(
    probe,
    `const http = require("node:http");
const { hostname: host, port } = new URL(process.env.HTTPS_PROXY);
const ask = (path) => new Promise((resolve, reject) => http.request({ host, port, method: "CONNECT", path }).on("connect", ({ statusCode }, socket) => {
  let all = String(statusCode);
  socket.on("data", (data) => (all += " " + data)).on("close", () => resolve(all)).write(path);
}).on("error", reject).end());
(async () => console.log(JSON.stringify([await ask("management.azure.com:443"), await ask("kv-forma3d-prod-neu.vault.azure.net:443"), await ask("stforma3dprodctlneu.blob.core.windows.net:443"), await ask("refused.example:443")])))();`,
  );
  const node = ["prod", "--", process.execPath, probe];
  const ran = await reach(node, { HTTPS_PROXY: `http://me:a%20word@127.0.0.1:${by}` });
  proxy.close();
  expect([ran.code, JSON.parse(ran.stdout)]).toEqual([
    0,
    [
      "200 heard management.azure.com:443",
      "200 heard kv-forma3d-prod-neu.vault.azure.net:443",
      "200 heard stforma3dprodctlneu.blob.core.windows.net:443",
      "502",
    ],
  ]);
  const signedIn = `Basic ${Buffer.from("me:a word").toString("base64")}`;
  // The state's account admits listed addresses, and no pod.
  const outside = [
    "management.azure.com:443",
    "stforma3dprodctlneu.blob.core.windows.net:443",
    "refused.example:443",
  ];
  expect(taken).toEqual(outside.map((host) => `${host} ${signedIn}`));
  expect(ran.stderr).toMatch(
    new RegExp(`^refused.example: the proxy 127.0.0.1:${by} answers 403 for refused.example:443$`, "m"),
  );
  const none = await reach(node, { HTTPS_PROXY: "proxy.example:3128" });
  expect([none.code, none.stderr]).toEqual([
    2,
    expect.stringMatching(/^error: HTTPS_PROXY is no address like http:\/\/proxy\.example:3128$/m),
  ]);
}, 60_000);

test("kubectl that hears nothing, and never says so, is waited for no longer than it may take", async () => {
  const silent = fs.mkdtempSync(path.join(folder, "silent-"));
  fs.writeFileSync(path.join(silent, "kubectl"), "#!/bin/sh\nexec sleep 600\n", { mode: 0o755 });
  const before = process.env["PATH"];
  process.env["PATH"] = `${silent}:${before ?? ""}`;
  try {
    await expect(kubectl(["exec", "job/operator"], 0.2)).rejects.toThrow(
      "kubectl exec did not end within 0.2 s",
    );
  } finally {
    process.env["PATH"] = before;
  }
});

test("a cluster that does not answer is passed over; where none does, or the region is none, nothing runs", async () => {
  fs.writeFileSync(log, "");
  const node = [process.execPath, "-e", "process.exit(0)"];
  const other = await reach(["prod", "--", ...node], { SILENT: "aks-forma3d-prod-neu" });
  expect([other.code, other.stderr]).toEqual([0, expect.stringMatching(/pod of aks-forma3d-prod-weu/)]);
  const none = await reach(["prod", "--through", "northeurope", "--", ...node], {
    SILENT: "aks-forma3d-prod-neu",
  });
  expect([none.code, none.stderr]).toEqual([
    3,
    expect.stringMatching(/no cluster gives an operator's pod: aks-forma3d-prod-neu: .*no route to host/),
  ]);
  const bare = await reach(["prod", "--", ...node], { PATH: "/nonexistent" });
  expect([bare.code, bare.stderr]).toEqual([
    3,
    "error: kubectl is not installed here, or not on PATH; reach runs it\n",
  ]);
  const mars = await reach(["prod", "--through", "mars"]);
  expect([mars.code, mars.stderr]).toEqual([
    2,
    expect.stringMatching(/--through mars: no region of prod; allowed: westeurope, northeurope/),
  ]);
}, 60_000);
