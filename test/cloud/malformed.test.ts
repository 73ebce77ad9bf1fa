import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import fc from "../support/property";
import { EmulatedCloud, emulatedCloud } from "../../packages/emulated-azure/cloud";
import { Authority } from "../../packages/emulated-azure/certificates";
import { Api, serveKubernetes, type KubernetesFront } from "../../packages/emulated-azure/kubernetes";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import type { Tree } from "../../packages/emulated-azure/model/types";
import type { Real } from "../../packages/emulated-azure/real";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { StorageAccounts } from "../../packages/emulated-azure/storage";
import { BlobAccount } from "../../packages/emulated-azure/storage/accounts";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";
import {
  ACCOUNT,
  type Answer,
  armError,
  type Front,
  frontsWith,
  GROUP,
  json,
  SCOPE,
} from "./malformedFronts";

/*
 * Whatever comes in at any front is answered in that front's own form of an error, or its connection is closed; nothing crashes, and
 * whoever asks properly at the same time is served.
 */
/** What a client that dawdles is given: longer than a busy machine holds up one that does not. */
const PATIENCE_MS = 5_000;

let cloud: EmulatedCloud;
let listening: Listening;
let storage: StorageAccounts;
let cluster: { api: Api; front: KubernetesFront };
let clusterCertificate: string;
const failures: unknown[] = [];
/** A handshake for each of some thousand requests would be most of what they cost. */
const kept = new https.Agent({ keepAlive: true, maxSockets: 16 });
const tokens: Record<string, string> = {};
const uncaught = (error: unknown) => failures.push(error);

beforeAll(async () => {
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);
  cloud = emulatedCloud(sandboxModel(), { retryAfter: 0, refusals: ARM_REFUSALS });
  const put = (type: string, id: string, inputs: Tree) =>
    cloud.cloud.put({
      key: `arm:${id.toLowerCase()}`,
      type: `azure-native:${type}`,
      id,
      inputs,
      outputs: inputs,
    });
  put("resources:ResourceGroup", GROUP, { resourceGroupName: "rg-shop", location: "westeurope" });
  put("storage:StorageAccount", ACCOUNT, { accountName: "shopblobs", location: "westeurope" });
  put("storage:BlobContainer", `${ACCOUNT}/blobServices/default/containers/kept`, { containerName: "kept" });
  put("keyvault:Vault", `${GROUP}/providers/Microsoft.KeyVault/vaults/kv-shop`, {
    vaultName: "kv-shop",
    resourceGroupName: "rg-shop",
    location: "westeurope",
  });
  const authority = await Authority.create();
  storage = await StorageAccounts.open(cloud);
  listening = await listen(cloud, {
    // Nothing else runs behind it.
    real: { authority, storage, portOf: () => undefined, behind: () => undefined } as unknown as Real,
    report: (error) => failures.push(error),
    requestTimeoutMs: PATIENCE_MS,
  });
  const operator = cloud.directory.add({ displayName: "operator", secret: "operator signs in" });
  for (const role of ["Owner", "Storage Blob Data Contributor", "Key Vault Secrets Officer"])
    grant(cloud.cloud, { principal: operator, role, scope: SCOPE });
  tokens.arm = cloud.directory.issue(operator, "https://management.azure.com");
  tokens.graph = cloud.directory.issue(operator, "https://graph.microsoft.com");
  tokens.vault = cloud.directory.issue(operator, "https://vault.azure.net");
  tokens.blob = cloud.directory.issue(operator, "https://storage.azure.com");
  tokens.expired = cloud.directory.issue(operator, "https://management.azure.com", 0);
  const files = await authority.issue("localhost");
  clusterCertificate = authority.certificate;
  const api = new Api();
  const front = await serveKubernetes(
    api,
    {
      authenticate: (token) => (token === "known" ? { name: "operator", groups: [] } : undefined),
      throttledFor: () => cloud.front.throttledFor,
    },
    { certificate: files.cert, key: files.key },
  );
  cluster = { api, front };
});

afterAll(async () => {
  kept.destroy();
  cluster?.api.controller.stop();
  await cluster?.front.close();
  await listening?.stop();
  await storage?.close();
  process.off("uncaughtException", uncaught);
  process.off("unhandledRejection", uncaught);
});

afterEach(() => expect(failures.splice(0)).toEqual([]));

/** One request, its path as it stands; undefined where the connection is closed without an answer. */
function send(
  to: { port: number; ca: string },
  method: string,
  path: string,
  headers: Record<string, string | string[]>,
  body?: string | Buffer,
  agent: https.Agent | false = false,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const sent = https.request(
      { host: "127.0.0.1", servername: "localhost", ...to, method, path, headers, agent },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on("error", () => resolve(undefined));
      },
    );
    sent.on("error", () => resolve(undefined));
    sent.end(body);
  });
}

const cloudPort = () => ({ port: Number(new URL(listening.address).port), ca: listening.certificate });
const FRONTS = frontsWith(tokens);

const portOf = ({ name }: Front) =>
  name === "Kubernetes" ? { port: cluster.front.port, ca: clusterCertificate } : cloudPort();

const types = (method: string, { name }: Front) =>
  name === "Kubernetes" && method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";

function ask(
  front: Front,
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string | string[]> = {},
  agent?: https.Agent,
): Promise<Answer | undefined> {
  return send(
    portOf(front),
    method,
    path,
    {
      Host: front.host,
      Authorization: `Bearer ${front.token()}`,
      "Content-Type": types(method, front),
      "x-ms-version": "2024-11-04",
      "x-ms-blob-type": "BlockBlob",
      ...headers,
    },
    body,
    agent,
  );
}

/** The same until it is answered: this process is busy, and a connection may be cut before its turn has come. */
async function answered(...args: Parameters<typeof ask>): Promise<Answer> {
  for (;;) {
    const answer = await ask(...args);
    if (answer) return answer;
  }
}

/** What was answered is an answer of the front: what it does, or an error of its own that is the client's. */
function own(front: Front, answer: Answer | undefined): void {
  if (answer === undefined || answer.status < 400) return;
  expect(answer.status === 501 || answer.status < 500 ? "" : `${answer.status} ${answer.text}`).toBe("");
  front.isError(answer);
}

const serves = async (front: Front) => expect((await answered(front, ...front.proper)).status).toBe(200);

/** Every way to have one value of a document replaced. */
function* replacements(value: unknown, by: unknown): Generator<unknown> {
  yield by;
  if (typeof value !== "object" || value === null) return;
  for (const [key, below] of Object.entries(value))
    for (const changed of replacements(below, by)) {
      const copy: any = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
      copy[key] = changed;
      yield copy;
    }
}

const WRONG: unknown[] = [null, -1, 1e300, "text", true, [], {}, { a: { b: {} } }, [null]];

describe.each(FRONTS)("$name", (front) => {
  test("takes a value of another type at every level for what it is", async () => {
    for (const [method, path, body] of front.places) {
      if (!body) continue;
      const documents = WRONG.flatMap((wrong) => [...replacements(body, wrong)]);
      // Several at a time, as several clients would.
      for (let i = 0; i < documents.length; i += 16) {
        const answers = documents
          .slice(i, i + 16)
          .map((one) => ask(front, method, path, JSON.stringify(one), {}, kept));
        for (const answer of await Promise.all(answers)) own(front, answer);
      }
    }
    await serves(front);
  });

  test("answers text that is no JSON, names of every object, and depth without end", async () => {
    const texts = [
      "{",
      "nul",
      '{"a":1,}',
      "\u0000",
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"location":"westeurope"}',
      `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
      `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`,
      '{"location":"\ud800"}',
    ];
    for (const [method, path, body] of front.places)
      if (body)
        for (const one of [...texts, Buffer.from([0xff, 0xfe, 0x7b])])
          own(front, await ask(front, method, path, one));
    // Copies made by structuredClone have the prototypes of Node.js itself, not those of this test.
    for (const object of [{}, structuredClone({})]) expect((object as any).polluted).toBeUndefined();
    await serves(front);
  });

  test("takes keys of a query given twice, methods of nobody's, bodies of another type, cut short or packed for what they are", async () => {
    const twice = (at: string) => {
      const [path = "", query = ""] = at.split("?");
      const others = query.split("&").map((one) => `${one.split("=")[0] ?? ""}=other`);
      return [`${path}?${query}&${query}`, `${path}?${query}&${others.join("&")}`, `${path}?&&=&${query}&=x`];
    };
    const typed = [
      "",
      "text/xml",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json; charset=utf-16",
      "x".repeat(2_000),
    ].map((type) => ({ "Content-Type": type }));
    const headers: Record<string, string>[] = [
      ...typed,
      { "Content-Encoding": "gzip" },
      { Accept: "image/png" },
    ];
    for (const [method, written, body] of front.places) {
      const path = written.replaceAll(" ", "%20");
      const text = body && JSON.stringify(body);
      const cuts = text
        ? [1, Math.floor(text.length / 2), text.length - 1].map((at) => text.slice(0, at))
        : [];
      const asked = [
        ...twice(path).map((at) => ask(front, method, at, text, {}, kept)),
        ...cuts.map((cut) => ask(front, method, path, cut, {}, kept)),
        ...headers.map((one) => ask(front, method, path, text ?? "", one, kept)),
        ...["LOCK", "PROPFIND", "TRACE", "M-SEARCH"].map((how) => ask(front, how, path, undefined, {}, kept)),
      ];
      for (const answer of await Promise.all(asked)) own(front, answer);
    }
    await serves(front);
  });

  test("finds nothing at paths that are none, however they are written", async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        "..",
        ".",
        "%2e%2e",
        "%2f",
        "%00",
        "%zz",
        "%",
        "%ff",
        "%F0%9F%92%A9",
        "a b",
        "//",
        "*",
        "$",
        "'",
      ),
      fc.string({ maxLength: 12, unit: "grapheme" }).map(encodeURIComponent),
      fc.constantFrom(
        "subscriptions",
        "providers",
        "resourceGroups",
        "secrets",
        "kept",
        "namespaces",
        "apis",
        "v1",
      ),
    );
    const path = fc.oneof(
      fc.array(segment, { maxLength: 10 }).map((parts) => `/${parts.join("/")}`),
      fc
        .tuple(fc.constantFrom(...front.places.map(([, at]) => at)), segment, fc.nat(8))
        .map(([at, one, where]) => {
          const parts = at.split("/");
          parts.splice(1 + (where % parts.length), 1, one);
          return parts.join("/");
        }),
      fc.constantFrom(
        ...front.places.map(([, at]) => at.replace(/api-version=[^&]*/, "api-version=1999-01-01")),
      ),
      fc.constantFrom(
        ...front.places.map(
          ([, at]) => `${at}${at.includes("?") ? "&" : "?"}api-version=x&api-version=y&%zz`,
        ),
      ),
    );
    const method = fc.constantFrom("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE");
    await fc.assert(
      fc.asyncProperty(method, path, async (how, at) => {
        // What a client of Node's will not send, none of these tests can.
        if (/[^\x21-\x7e]/.test(at)) return;
        const answer = await ask(front, how, at, ["PUT", "POST", "PATCH"].includes(how) ? "{}" : undefined);
        if (how !== "HEAD") own(front, answer);
      }),
      { numRuns: 120 },
    );
    await serves(front);
  });

  test("knows nobody by a token it did not give", async () => {
    const [method, path] = front.proper;
    const bare = (tokens.arm ?? "").split(".");
    const unsigned = [Buffer.from('{"alg":"none"}').toString("base64url"), bare[1], ""].join(".");
    const strangers = [
      "",
      "Bearer",
      "Bearer ",
      "Basic eDp5",
      `Bearer ${unsigned}`,
      `Bearer ${tokens.expired ?? ""}`,
      `Bearer ${"x".repeat(5_000)}`,
    ];
    // A token for another front is as good as none.
    strangers.push(`Bearer ${(front.name === "Graph" ? tokens.vault : tokens.graph) ?? ""}`);
    for (const Authorization of strangers) {
      const answer = await answered(front, method, path, undefined, { Authorization });
      expect([Authorization.slice(0, 20), [401, 403].includes(answer.status)]).toEqual([
        Authorization.slice(0, 20),
        true,
      ]);
      front.isError(answer);
    }
    // Of two the first counts, as Node reads them: never whichever of them is right.
    const twice = await ask(front, method, path, undefined, {
      Authorization: ["Bearer x", `Bearer ${front.token()}`],
    });
    expect([401, 403, undefined]).toContain(twice?.status);
    await serves(front);
  });

  test("that takes no more requests says so, and for how long, and serves again", async () => {
    cloud.faults.standing.add("throttled");
    try {
      const answer = await answered(front, ...front.proper);
      expect([answer.status, front.name]).toEqual([front.name === "blob" ? 503 : 429, front.name]);
      if (front.name !== "blob") expect(answer.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
      front.isError(answer);
    } finally {
      cloud.faults.standing.clear();
    }
    await serves(front);
  });

  test("refuses a body beyond what it takes, and cuts one that never ends", async () => {
    const put = front.places.find(([, , body]) => body) ?? front.places[0]!;
    if (front.name !== "blob") {
      const answer = await ask(front, put[0], put[1], Buffer.alloc(5 * 1024 * 1024, 0x20));
      if (answer) {
        expect(answer.status).toBe(413);
        front.isError(answer);
      }
    }
    await serves(front);
  });

  test("survives connections that send half of something, noise, or much at once", async () => {
    const head = `${front.proper[0]} ${front.proper[1]} HTTP/1.1\r\nHost: ${front.host}\r\n`;
    const raw = [
      "",
      "GET",
      head,
      `${head}Content-Length: 50\r\n\r\n{`,
      `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
      `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      `${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${head}Host: other.example\r\n\r\n`,
      `${head}X: ${"y".repeat(100_000)}\r\n\r\n`,
      `${head}\r\n${head}\r\n\u0000\u0001garbage\r\n\r\n${head}\r\n`,
      "\u0016\u0003\u0001 no record",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    const { port, ca } = portOf(front);
    const ended = raw.map(
      (text, i) =>
        new Promise<void>((resolve) => {
          const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ca }, () => {
            socket.write(text);
            // Half of them hang up, and half of those at once.
            if (i % 2 === 0) socket.end();
          });
          socket.on("error", () => undefined);
          socket.on("data", () => undefined);
          socket.on("close", () => resolve());
          if (i % 4 === 0) socket.once("secureConnect", () => socket.destroy());
        }),
    );
    await serves(front);
    // Each comes to its end, the ones that keep waiting by the front's own patience.
    // All but Kubernetes are one server.
    if (front.name === "ARM") await Promise.all(ended);
    await serves(front);
  });
});

test.each([
  ["application/merge-patch+json", '{"data":{"__proto__":{"polluted":1},"kept":"b"}}'],
  ["application/strategic-merge-patch+json", '{"data":{"__proto__":{"polluted":1},"kept":"b"}}'],
  [
    "application/json-patch+json",
    '[{"op":"add","path":"/data/kept","value":"b"},{"op":"add","path":"/__proto__/polluted","value":1}]',
  ],
  [
    "application/apply-patch+yaml",
    "apiVersion: v1\nkind: ConfigMap\ndata: {__proto__: {polluted: 1}, kept: b}",
  ],
])("a patch of type %s changes its own object and no other", async (type, patch) => {
  const front = FRONTS.find(({ name }) => name === "Kubernetes")!;
  const path = "/api/v1/namespaces/default/configmaps";
  const name = `patched-${type.replace(/\W/g, "-")}`;
  const made = await answered(
    front,
    "POST",
    path,
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { kept: "a" } }),
  );
  expect(made.status).toBe(201);
  const at = `${path}/${name}?fieldManager=test&force=true`;
  own(front, await answered(front, "PATCH", at, patch, { "Content-Type": type }));
  for (const object of [{}, structuredClone({})]) expect((object as any).polluted).toBeUndefined();
  expect(json((await answered(front, "GET", `${path}/${name}`)).text).metadata.name).toBe(name);
});

test("a JSON patch whose every copy doubles the next one is refused before it fills the memory; one of too many steps, too", async () => {
  const front = FRONTS.find(({ name }) => name === "Kubernetes")!;
  const path = "/api/v1/namespaces/default/configmaps";
  const data = { kept: "a".repeat(1_000) };
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "doubled" }, data };
  expect((await answered(front, "POST", path, JSON.stringify(map))).status).toBe(201);
  const send = (patch: object) =>
    answered(front, "PATCH", `${path}/doubled`, JSON.stringify(patch), {
      "Content-Type": "application/json-patch+json",
    });
  const doubling = Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "/data", path: `/data/k${i}` }));
  const refused = await send(doubling);
  expect([refused.status, json(refused.text).message]).toEqual([
    422,
    expect.stringMatching(/exceeding the limit/),
  ]);
  const many = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/kind", value: "ConfigMap" }));
  expect((await send(many)).status).toBe(413);
  expect((await send([{ op: "copy", from: "/data/kept", path: "/data/again" }])).status).toBe(200);
  expect(Object.keys(json((await answered(front, "GET", `${path}/doubled`)).text).data)).toEqual([
    ...["kept", "again"],
  ]);
});

test("a blob server may end a connection it kept, just as the next request comes", async () => {
  const used = new WeakSet<net.Socket>();
  const server = http.createServer((request, response) => {
    if (used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    response.end("kept");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const account = new BlobAccount("shopblobs", (server.address() as net.AddressInfo).port, "sig=x");
    for (let i = 0; i < 3; i++)
      expect(await account.ask("GET", "/kept/blob")).toMatchObject({ body: "kept" });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("the sign-in endpoint answers every form in Entra's way", async () => {
  const tenant = cloud.directory.tenantId;
  const entra: Front = {
    ...FRONTS[0]!,
    name: "Entra",
    host: "login.microsoftonline.com",
    isError: ({ text }) => expect(json(text)).toEqual(expect.objectContaining({ error: expect.anything() })),
  };
  const form = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc
      .dictionary(
        fc.constantFrom("grant_type", "client_id", "client_secret", "scope", "resource", "__proto__"),
        fc.string(),
      )
      .map((fields) => new URLSearchParams(fields).toString()),
    fc.constantFrom(
      "grant_type=client_credentials",
      "grant_type=client_credentials&client_id=%zz&scope=%00",
      "&&&==",
      "%",
    ),
  );
  await fc.assert(
    fc.asyncProperty(form, fc.constantFrom(tenant, "common", "..", "%2e%2e", "%zz"), async (body, whose) => {
      const answer = await send(
        cloudPort(),
        "POST",
        `/${whose}/oauth2/v2.0/token`,
        { Host: entra.host },
        body,
      );
      expect(answer?.status ?? 400).toBeGreaterThanOrEqual(400);
      own(entra, answer);
    }),
    { numRuns: 100 },
  );
});

test("the sign-in endpoint takes forms of another kind, too large or by another method for none", async () => {
  const whose = cloud.directory.tenantId;
  const form = "grant_type=client_credentials&client_id=x&client_secret=y&scope=z";
  const sign = (method: string, body?: string, type = "application/x-www-form-urlencoded") =>
    send(
      cloudPort(),
      method,
      `/${whose}/oauth2/v2.0/token`,
      { Host: "login.microsoftonline.com", "Content-Type": type },
      body,
    );
  const answers = await Promise.all([
    ...["GET", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) => sign(method)),
    ...["application/json", "text/plain", "multipart/form-data; boundary=x", ""].map((type) =>
      sign("POST", JSON.stringify({ grant_type: "client_credentials" }), type),
    ),
    sign("POST", `${form}&${form}`),
    sign("POST", `${form}&grant_type=password`),
    sign("POST", form.slice(0, -9)),
    sign("POST", `${form}&padding=${"x".repeat(5 * 1024 * 1024)}`),
  ]);
  for (const answer of answers) {
    if (!answer) continue;
    expect([answer.status >= 400 && answer.status < 500, answer.text]).toEqual([true, answer.text]);
    expect(json(answer.text)).toEqual(expect.objectContaining({ error: expect.anything() }));
  }
  expect(answers.filter(Boolean).length).toBeGreaterThanOrEqual(answers.length - 1);
});

test("a host that is nobody's is refused, with a token as without", async () => {
  const [arm] = FRONTS;
  for (const host of [
    "evil.example",
    "management.azure.com.evil.example",
    "10.0.0.1",
    "[::1]",
    "a".repeat(300),
    "..",
    "kv-shop.vault.azure.net.evil",
  ]) {
    const answer = await ask(arm!, ...arm!.proper, undefined, { Host: host });
    expect([host, answer === undefined || answer.status === 400]).toEqual([host, true]);
    if (answer) armError(answer);
  }
});

test("the proxy connects to nothing but the cloud, and cuts whoever says nothing", async () => {
  const { port } = new URL(listening.proxy);
  const said = (text: string) =>
    new Promise<string>((resolve) => {
      let heard = "";
      const socket = net.connect(Number(port), "127.0.0.1", () => socket.write(text));
      socket.on("data", (part) => (heard += part.toString()));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(heard.split("\r\n")[0] ?? ""));
    });
  const targets = [
    "evil.example:443",
    "127.0.0.1:22",
    "localhost",
    ":443",
    "management.azure.com:22",
    "management.azure.com:99999",
    "management.azure.com:x",
    "[::1]:443",
    "a b:443",
    "%zz:443",
    "management.azure.com@evil.example:443",
  ];
  const lines = [
    ...targets.map((to) => `CONNECT ${to} HTTP/1.1\r\nHost: x\r\n\r\n`),
    "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "CONNECT",
    "CONNECT management.azure.com:443 HTTP/1.1\r\nHost: ",
    `CONNECT management.azure.com:443 HTTP/1.1\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
    `CONNECT ${"a".repeat(100_000)}:443 HTTP/1.1\r\nHost: x\r\n\r\n`,
    "CONNECT management.azure.com:443 HTTP/9.9\r\nHost: x\r\n\r\n",
    "POST management.azure.com:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nshort",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: management.azure.com\r\nHost: x\r\n\r\n",
    "",
    "\u0000\u0001\u0002",
  ];
  for (const line of await Promise.all(lines.map(said)))
    expect(line).toMatch(/^$|^HTTP\/1\.1 (400|403|405|408|431|505)/);
  expect([...listening.refused]).toContain("evil.example");
  // Noise behind a good CONNECT is the front's, which closes.
  const noise = await said(
    "CONNECT management.azure.com:443 HTTP/1.1\r\nHost: x\r\n\r\nnoise that is no handshake\r\n\r\n",
  );
  expect(noise).toBe("HTTP/1.1 200 Connection Established");
  await serves(FRONTS[0]!);
});
