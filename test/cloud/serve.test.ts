import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { serveCloud, Served } from "../../apps/rehearsal/serve";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { settle } from "../../packages/emulated-azure/model/azure/consequences";
import { request, signIn } from "./client";
import { GROUP_ID, shop, SUBSCRIPTION } from "./shop";

const ROOT = path.join(__dirname, "../..");
const RUN = ["packages/command/run.mjs", "apps/rehearsal/emulator.ts", "serve"];
const model = sandboxModel();

describe("a served cloud", () => {
  let served: Served;
  let token: string;
  const ask = async (at: string): Promise<{ status: number; body: any }> =>
    request(served.listening, "GET", at, { token });

  beforeAll(async () => {
    const store = shop();
    settle(store, model);
    served = await serveCloud(store);
    token = await signIn(served.cloud, served.listening, served.principals["owner"]!);
  });
  afterAll(() => served?.stop());

  test("holds what Azure makes by itself: the nodes' group, the link service, and a connection that waits", async () => {
    const { body } = await ask(
      `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Network/privateLinkServices?api-version=2024-03-01`,
    );
    expect(
      body.value.map(({ id, properties }: any) => [
        id,
        properties.privateEndpointConnections[0].properties.privateLinkServiceConnectionState,
      ]),
    ).toEqual([
      [
        `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop-nodes/providers/Microsoft.Network/privateLinkServices/pls-shop`,
        expect.objectContaining({ status: "Pending", description: "shop" }),
      ],
    ]);
  });

  const post = (address: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = http.request(address, { method: "POST" }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on("error", reject).end();
    });
  const cluster = `${GROUP_ID}/providers/Microsoft.ContainerService/managedClusters/aks-shop?api-version=2025-09-01`;

  test("loses a region on the page and has it back, and keeps the page to who knows its address", async () => {
    const page = served.page.address;
    expect((await ask(cluster)).status).toBe(200);
    expect(await post(`${new URL(page).origin}/lose/westeurope`)).toBe(404);
    for (const verb of ["lose", "cut"]) {
      expect([await post(`${page}${verb}/westeurope`), (await ask(cluster)).status]).toEqual([303, 503]);
      expect([await post(`${page}restore/westeurope`), (await ask(cluster)).status]).toEqual([303, 200]);
    }
  });

  test("goes on with a fault switched on there, on both fronts, until it is switched off", async () => {
    const page = served.page.address;
    const shown = async () => (await fetch(page)).text();
    expect(await post(`${page}on/nothing`)).toBe(200);

    await post(`${page}on/throttled`);
    expect(await shown()).toMatch(/429: <b>on<\/b>/);
    expect([(await ask(cluster)).status, (await ask(cluster)).status]).toEqual([429, 429]);
    const attempt = { operation: "read", urn: "", type: "x", name: "x", key: "x" } as const;
    await expect(served.cloud.front.perform(attempt, undefined, () => 1)).rejects.toThrow(
      /TooManyRequests|too many/,
    );
    await post(`${page}off/throttled`);
    expect((await ask(cluster)).status).toBe(200);

    await post(`${page}on/busy`);
    const change = () =>
      served.cloud.front.perform({ ...attempt, operation: "update" }, "arm:/a-server", () => "done");
    await expect(change()).rejects.toMatchObject({ code: "ServerIsBusy" });
    await post(`${page}off/busy`);
    expect(await change()).toBe("done");

    const newcomer = served.cloud.directory.add({ displayName: "newcomer", secret: "made up" });
    const { objectId: principalId } = newcomer;
    const may = async () => {
      const own = await signIn(served.cloud, served.listening, newcomer);
      return (await request(served.listening, "GET", cluster, { token: own })).status;
    };
    const [READER, CONTRIBUTOR] = [
      "acdd72a7-3385-48ef-bd42-f606fba81ae7",
      "b24988ac-6180-42a0-ab88-20f7382dd24c",
    ];
    const give = async (name: string, role = READER) => {
      const at = `${GROUP_ID}/providers/Microsoft.Authorization/roleAssignments/${name}?api-version=2022-04-01`;
      const roleDefinitionId = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
      const body = JSON.stringify({
        properties: { principalId, principalType: "ServicePrincipal", roleDefinitionId },
      });
      return (await request(served.listening, "PUT", at, { token, body })).status;
    };
    await post(`${page}on/delayed-rights`);
    expect([await give("5f2c7a5e-0a43-4a4e-9a53-2b5a0b1f3d10"), await may()]).toEqual([201, 403]);
    await post(`${page}off/delayed-rights`);
    expect([await give("5f2c7a5e-0a43-4a4e-9a53-2b5a0b1f3d11", CONTRIBUTOR), await may()]).toEqual([
      201, 200,
    ]);
  });

  test("points clients at itself and nothing else, under a certificate that is gone afterwards", () => {
    const { HTTPS_PROXY, REQUESTS_CA_BUNDLE } = served.environment;
    expect(HTTPS_PROXY).toBe(served.listening.proxy);
    expect(fs.readFileSync(REQUESTS_CA_BUNDLE ?? "", "utf8")).toBe(served.listening.certificate);
  });
});

describe("npm run sandbox -- serve", () => {
  const said = (...args: string[]) =>
    new Promise<[code: unknown, text: string]>((resolve) => {
      execFile(process.execPath, [...RUN, ...args], { cwd: ROOT }, (error, stdout, stderr) =>
        resolve([error?.code ?? 0, `${stdout}${stderr}`]),
      );
    });

  test("says what it needs when it is given nothing, or a place that is none", async () => {
    expect(await said()).toEqual([
      2,
      "error: serve: give a folder to keep the cloud in, --stack for a planned one, or both\n",
    ]);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "served-"));
    try {
      expect(await said(folder, "--from", "the office")).toEqual([
        2,
        'error: serve: --from: found "the office"; allowed: an IPv4 address\n',
      ]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  test("prints what to set, and ends on Ctrl-C with the cloud kept and nothing else left", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "served-"));
    const child = spawn(process.execPath, [...RUN, folder, "--model-only"], { cwd: ROOT });
    try {
      let text = "";
      child.stderr.on("data", (part: Buffer) => (text += part.toString()));
      await new Promise<void>((resolve, reject) => {
        child.once("exit", () => reject(new Error(text)));
        child.stdout.on("data", (part: Buffer) => {
          text += part.toString();
          if (text.includes("Ctrl-C ends it")) resolve();
        });
      });
      const certificate = /REQUESTS_CA_BUNDLE='([^']+)'/.exec(text)?.[1] ?? "";
      expect(fs.existsSync(certificate)).toBe(true);
      for (const word of [
        "HTTPS_PROXY=",
        "PULUMI_DEBUG_PROVIDERS=",
        "az login --service-principal",
        "# page: http://127.0.0.1:",
      ])
        expect(text).toContain(word);
      child.removeAllListeners("exit");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGINT");
      expect(await ended).toBe(0);
      expect([fs.existsSync(path.dirname(certificate)), fs.readdirSync(folder)]).toEqual([
        false,
        ["cloud.json"],
      ]);
    } finally {
      child.kill("SIGKILL");
      fs.rmSync(folder, { recursive: true });
    }
  });
});
