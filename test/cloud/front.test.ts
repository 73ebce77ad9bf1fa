import net from "node:net";
import tls from "node:tls";
import { EmulatedCloud, emulatedCloud } from "../../packages/emulated-azure/cloud";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { grant } from "../../packages/emulated-azure/rights/grant";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { Reply, request, signIn } from "./client";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";

const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
const SCOPE = `/subscriptions/${SUBSCRIPTION}`;
const GROUP = `${SCOPE}/resourceGroups/rg-shop`;
const SERVER = `${GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/psql-shop`;
const SERVER_TYPE = "Microsoft.DBforPostgreSQL/flexibleServers";
const VERSION = "api-version=2025-08-01";

let time: Date;
let cloud: EmulatedCloud;
let listening: Listening;
let operator: Principal;
let token: string;
let failures: unknown[];

const server = {
  location: "westeurope",
  sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
  properties: {
    version: "17",
    storage: { storageSizeGB: 128 },
    administratorLogin: "keeper",
    administratorLoginPassword: "not a real 1",
  },
};

/** A role for somebody, put there as whoever made the subscription would have. */
const assign = (principal: Principal, role: string, scope = SCOPE) =>
  grant(cloud.cloud, { principal, role, scope });

function ask(method: string, path: string, body?: unknown): Promise<Reply> {
  return request(listening, method, path, {
    token,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const refused = ({ status, body }: Reply): [number, string] => [status, body?.error?.code];

/** Follows a long-running operation to its end. */
async function ended({ headers }: Reply): Promise<any> {
  const at = new URL(String(headers["azure-asyncoperation"]));
  for (;;) {
    const { body } = await ask("GET", `${at.pathname}${at.search}`);
    if (body.status !== "InProgress") return body;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeEach(async () => {
  time = new Date("2026-11-01T12:00:00Z");
  failures = [];
  cloud = emulatedCloud(sandboxModel(), { retryAfter: 0, now: () => time, refusals: ARM_REFUSALS });
  listening = await listen(cloud, { report: (error) => failures.push(error) });
  operator = cloud.directory.add({ displayName: "operator", secret: "operator signs in" });
  assign(operator, "Owner");
  token = await signIn(cloud, listening, operator);
  await ask("PUT", `${GROUP}?api-version=2024-11-01`, { location: "westeurope" });
  await ended(await ask("PUT", `${SERVER}?${VERSION}`, server));
});

afterEach(async () => {
  await listening.stop();
  expect(failures).toEqual([]);
});

describe("what ARM refuses", () => {
  test.each([
    ["no API version", "GET", SERVER, 400, "MissingApiVersionParameter"],
    [
      "an API version nobody published",
      "GET",
      `${SERVER}?api-version=2099-01-01`,
      400,
      "NoRegisteredProviderFound",
    ],
    [
      "a provider that is none",
      "GET",
      `${GROUP}/providers/Contoso.Widgets/widgets/one?${VERSION}`,
      404,
      "InvalidResourceNamespace",
    ],
    [
      "a type its provider lacks",
      "GET",
      `${GROUP}/providers/Microsoft.Storage/widgets/one?api-version=2024-01-01`,
      404,
      "InvalidResourceType",
    ],
    ["an action its type lacks", "POST", `${SERVER}/explode?${VERSION}`, 404, "InvalidResourceType"],
    ["a resource that is not there", "GET", `${SERVER}-other?${VERSION}`, 404, "ResourceNotFound"],
    [
      "a group that is not there",
      "GET",
      `${SCOPE}/resourceGroups/rg-none?api-version=2024-11-01`,
      404,
      "ResourceGroupNotFound",
    ],
    ["a path that cannot be read", "GET", `/subscriptions/%zz?${VERSION}`, 400, "InvalidRequestUri"],
  ])("%s", async (_, method, path, status, code) => {
    expect(refused(await ask(method, path))).toEqual([status, code]);
  });

  test("what Azure has and this cloud has not says so, and does nothing", async () => {
    expect(refused(await ask("POST", `${SERVER}/startLtrBackup?api-version=2024-08-01`, {}))).toEqual([
      501,
      "NotImplemented",
    ]);
  });

  test("JSON that is none, a list for an object, and more than ARM takes", async () => {
    const put = (body: string): Promise<Reply> =>
      request(listening, "PUT", `${SERVER}?${VERSION}`, { token, body });
    expect(refused(await put("{ not json"))).toEqual([400, "InvalidRequestContent"]);
    expect(refused(await put("[]"))).toEqual([400, "InvalidRequestContent"]);
    expect(refused(await put(JSON.stringify({ tags: { a: "x".repeat(5 * 1024 * 1024) } })))).toEqual([
      413,
      "RequestContentTooLarge",
    ]);
  });

  test("a property nobody described is named, and never comes back", async () => {
    const body = {
      ...server,
      properties: { ...server.properties, storage: { storageSizeGB: 128, colour: "red" } },
    };
    const reply = await ask("PUT", `${SERVER}-two?${VERSION}`, body);
    expect(refused(reply)).toEqual([400, "InvalidRequestContent"]);
    expect(reply.body.error.message).toContain("properties.storage.colour");
    expect(refused(await ask("GET", `${SERVER}-two?${VERSION}`))).toEqual([404, "ResourceNotFound"]);
  });

  test("an envelope that holds no object is not passed over", async () => {
    for (const properties of [5, "text", true, [], [{}]])
      expect(refused(await ask("PUT", `${SERVER}-two?${VERSION}`, { ...server, properties }))).toEqual([
        400,
        "InvalidRequestContent",
      ]);
  });

  test("what is missing, wrong, or cannot be changed any more", async () => {
    const without = { ...server, properties: { ...server.properties, version: undefined } };
    expect(refused(await ask("PUT", `${SERVER}-two?${VERSION}`, without))).toEqual([
      400,
      "MissingRequiredParameter",
    ]);
    const { location, ...nowhere } = server;
    expect([location, ...refused(await ask("PUT", `${SERVER}-two?${VERSION}`, nowhere))]).toEqual([
      "westeurope",
      400,
      "LocationRequired",
    ]);
    const odd = { properties: { storage: { storageSizeGB: 100 } } };
    expect(refused(await ask("PATCH", `${SERVER}?${VERSION}`, odd))).toEqual([400, "InvalidParameterValue"]);
    // What somebody sent stands in the message, and must not pass for its reason.
    const word = { ...server, properties: { ...server.properties, storage: { type: "required" } } };
    for (const [method, body] of [
      ["PUT", word] as const,
      ["PATCH", { properties: word.properties }] as const,
    ])
      expect(refused(await ask(method, `${SERVER}?${VERSION}`, body))).toEqual([
        400,
        "InvalidParameterValue",
      ]);
    const login = { ...server, properties: { ...server.properties, administratorLogin: "another" } };
    expect(refused(await ask("PUT", `${SERVER}?${VERSION}`, login))).toEqual([
      400,
      "PropertyChangeNotAllowed",
    ]);
  });

  test("a deletion that a lock forbids, of the resource and of its group", async () => {
    const lock = `${SERVER}/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01`;
    expect((await ask("PUT", lock, { properties: { level: "CanNotDelete" } })).status).toBe(201);
    expect(refused(await ask("DELETE", `${SERVER}?${VERSION}`))).toEqual([409, "ScopeLocked"]);
    expect(refused(await ask("DELETE", `${GROUP}?api-version=2024-11-01`))).toEqual([409, "ScopeLocked"]);
    await ask("DELETE", lock);
    // One that is gone is heeded a while longer.
    expect((await ask("GET", lock)).status).toBe(404);
    expect(refused(await ask("DELETE", `${SERVER}?${VERSION}`))).toEqual([409, "ScopeLocked"]);
    time = new Date(time.getTime() + 2_000);
    expect((await ask("DELETE", `${SERVER}?${VERSION}`)).status).toBe(202);
  });

  test("no token, one nobody issued, one for something else, and one that has expired", async () => {
    const with_ = (text?: string): Promise<Reply> =>
      request(listening, "GET", `${SERVER}?${VERSION}`, { ...(text !== undefined && { token: text }) });
    expect(refused(await with_())).toEqual([401, "AuthenticationFailed"]);
    expect((await with_()).headers["www-authenticate"]).toContain("authorization_uri=");
    expect(refused(await with_("made.up.token"))).toEqual([401, "InvalidAuthenticationToken"]);
    const vault = await signIn(cloud, listening, operator, "https://vault.azure.net/.default");
    expect(refused(await with_(vault))).toEqual([401, "InvalidAuthenticationTokenAudience"]);
    expect((await with_(token)).status).toBe(200);
    time = new Date(time.getTime() + 3_600_000);
    expect(refused(await with_(token))).toEqual([401, "ExpiredAuthenticationToken"]);
  });

  test("connections that send half a request, or noise, disturb nobody", async () => {
    const { port } = new URL(listening.address);
    const half = tls.connect({ host: "127.0.0.1", port: Number(port), ca: listening.certificate });
    await new Promise((resolve) => half.once("secureConnect", resolve));
    half.write("PUT /subscriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    const noise = net.connect(Number(port), "127.0.0.1", () => noise.end("\0\0 no handshake"));
    noise.on("error", () => undefined);
    expect((await ask("GET", `${SERVER}?${VERSION}`)).status).toBe(200);
    half.destroy();
    expect((await ask("GET", `${SERVER}?${VERSION}`)).status).toBe(200);
  });
});

describe("long-running operations", () => {
  test("are accepted, followed, and end when what runs behind the resource has followed", async () => {
    let finish = (): void => undefined;
    cloud.hooks.on(({ kind }) =>
      kind === "restarted" ? new Promise((resolve) => (finish = resolve)) : undefined,
    );
    const accepted = await ask("POST", `${SERVER}/restart?${VERSION}`, {});
    expect(accepted.status).toBe(202);
    expect(accepted.headers).toMatchObject({
      "retry-after": "0",
      location: expect.stringContaining("/operationResults/"),
    });
    const at = new URL(String(accepted.headers["azure-asyncoperation"]));
    expect((await ask("GET", `${at.pathname}${at.search}`)).body).toMatchObject({ status: "InProgress" });
    const location = new URL(String(accepted.headers.location));
    expect((await ask("GET", `${location.pathname}${location.search}`)).status).toBe(202);
    // One thing at a time, over either front.
    expect(refused(await ask("POST", `${SERVER}/restart?${VERSION}`, {}))).toEqual([409, "ServerIsBusy"]);
    finish();
    expect(await ended(accepted)).toMatchObject({ status: "Succeeded" });
    expect((await ask("GET", `${location.pathname}${location.search}`)).status).toBe(200);
  });

  test("fail when what runs behind the resource does", async () => {
    cloud.hooks.on(({ kind }) => {
      if (kind === "restarted") throw new Error("the disk is full");
    });
    const accepted = await ask("POST", `${SERVER}/restart?${VERSION}`, {});
    expect(await ended(accepted)).toMatchObject({ status: "Failed", error: { code: "InternalServerError" } });
    // Whoever runs the cloud is told why, and the activity log says how what was accepted has ended.
    expect(failures.splice(0)).toEqual([new Error("the disk is full")]);
    const log = `${SCOPE}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01`;
    const events = (await ask("GET", log)).body.value.filter(
      ({ operationName }: any) => operationName.value === `${SERVER_TYPE}/restart/action`,
    );
    expect(events.map(({ status, level }: any) => [status.value, level])).toEqual([
      ["Failed", "Error"],
      ["Accepted", "Informational"],
    ]);
    expect(events[0].correlationId).toBe(events[1].correlationId);
    expect(events[0].properties.statusMessage).toMatch(/InternalServerError/);
  });
});

describe("faults", () => {
  test("throttling is answered with the seconds to wait, as often as it was asked for", async () => {
    cloud.faults.add({ operation: "read", type: "dbforpostgresql:Server", effect: "throttle", times: 2 });
    for (let i = 0; i < 2; i++) {
      const reply = await ask("GET", `${SERVER}?${VERSION}`);
      expect([...refused(reply), reply.headers["retry-after"]]).toEqual([429, "TooManyRequests", "2"]);
    }
    expect((await ask("GET", `${SERVER}?${VERSION}`)).status).toBe(200);
  });

  test("a region that does not answer is a 503, and its server sends no metric at all", async () => {
    const metrics = `${SERVER}/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=is_db_alive&aggregation=Maximum`;
    const points = async (): Promise<any[]> => (await ask("GET", metrics)).body.value[0].timeseries[0].data;
    expect((await points()).map(({ maximum }) => maximum)).toEqual([1]);
    cloud.faults.outage("region westeurope", ({ key }) => key.includes("psql-shop"));
    expect(refused(await ask("GET", `${SERVER}?${VERSION}`))).toEqual([503, "ServiceUnavailable"]);
    expect(await points()).toEqual([]);
  });

  test("a metric nobody publishes is refused", async () => {
    const path = `${SERVER}/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=happiness`;
    expect(refused(await ask("GET", path))).toEqual([400, "BadRequest"]);
  });

  test("a service that fails once is asked again", async () => {
    cloud.faults.add({ operation: "update", type: "dbforpostgresql:Server", effect: "refuse" });
    const patch = { tags: { team: "shop" } };
    expect(refused(await ask("PATCH", `${SERVER}?${VERSION}`, patch))).toEqual([500, "InternalServerError"]);
    failures = [];
    expect(await ended(await ask("PATCH", `${SERVER}?${VERSION}`, patch))).toMatchObject({
      status: "Succeeded",
    });
    expect((await ask("GET", `${SERVER}?${VERSION}`)).body.tags).toEqual(patch.tags);
  });

  test("a new assignment takes its time, and so does one taken away", async () => {
    cloud.rights.propagationMs = 60_000;
    const other = cloud.directory.add({ displayName: "other", secret: "other signs in" });
    const name = "5f2c7a5e-0a43-4a4e-9a53-2b5a0b1f3d10";
    const at = `${SCOPE}/providers/Microsoft.Authorization/roleAssignments/${name}?api-version=2022-04-01`;
    const roleDefinitionId = `${SCOPE}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
    const properties = { principalId: other.objectId, principalType: "ServicePrincipal", roleDefinitionId };
    expect((await ask("PUT", at, { properties })).status).toBe(201);
    const theirs = await signIn(cloud, listening, other);
    const read = async (): Promise<number> =>
      (await request(listening, "GET", `${SERVER}?${VERSION}`, { token: theirs })).status;
    expect(await read()).toBe(403);
    time = new Date(time.getTime() + 60_000);
    expect(await read()).toBe(200);
    await ask("DELETE", at);
    expect(await read()).toBe(200);
    time = new Date(time.getTime() + 60_000);
    expect(await read()).toBe(403);
  });

  test("a session that is ended is over at once", async () => {
    cloud.directory.endSessions(operator.objectId);
    expect(refused(await ask("GET", `${SERVER}?${VERSION}`))).toEqual([401, "ExpiredAuthenticationToken"]);
  });
});

describe("Azure's own names", () => {
  /** A request to a host through the proxy, as a client sends it. */
  async function through(
    host: string,
    path: string,
    bearer: string,
    method = "GET",
    body = "",
  ): Promise<Reply | string> {
    const { port } = new URL(listening.proxy);
    const plain = net.connect(Number(port), "127.0.0.1");
    plain.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
    const line = await new Promise<string>((resolve) =>
      plain.once("data", (data: Buffer) => resolve(data.toString().split("\r\n")[0] ?? "")),
    );
    if (!line.includes(" 200 ")) return line;
    const secure = tls.connect({ socket: plain, servername: host, ca: listening.certificate });
    secure.write(
      `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearer}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
    let text = "";
    for await (const part of secure) text += String(part);
    const [head = "", ...rest] = text.split("\r\n\r\n");
    const content = rest.join("\r\n\r\n");
    return {
      status: Number(head.split(" ")[1]),
      headers: {},
      body: content === "" ? undefined : JSON.parse(content),
    };
  }

  test("lead here through the proxy, under a certificate of the throw-away authority", async () => {
    expect(await through("management.azure.com", `${SERVER}?${VERSION}`, token)).toMatchObject({
      status: 200,
      body: { name: "psql-shop" },
    });
  });

  test("of anything else lead nowhere", async () => {
    for (const host of ["dc.services.visualstudio.com", "github.com", "management.azure.com.example"])
      expect(await through(host, "/", token)).toContain("403");
    expect([...listening.refused].sort()).toEqual([
      "dc.services.visualstudio.com",
      "github.com",
      "management.azure.com.example",
    ]);
  });

  test("of a vault lead to its secrets, for who may read them", async () => {
    const vault = `${GROUP}/providers/Microsoft.KeyVault/vaults/kv-shop`;
    const properties = {
      tenantId: cloud.directory.tenantId,
      sku: { family: "A", name: "standard" },
      enableRbacAuthorization: true,
    };
    await ask("PUT", `${vault}?api-version=2024-11-01`, { location: "westeurope", properties });
    const bearer = await signIn(cloud, listening, operator, "https://vault.azure.net/.default");
    const host = "kv-shop.vault.azure.net";
    const key = "/secrets/partner-key";
    expect(await through(host, "/secrets?api-version=7.4", "nobody")).toMatchObject({ status: 401 });
    // Owner of everything, and still not of what is inside.
    expect(await through(host, `${key}?api-version=7.4`, bearer)).toMatchObject({ status: 403 });
    assign(operator, "Key Vault Secrets Officer", vault);
    expect(await through(host, `${key}?api-version=7.4`, bearer, "PUT", '{"value":"made up"}')).toMatchObject(
      { status: 200 },
    );
    expect(await through(host, `${key}?api-version=7.4`, bearer)).toMatchObject({
      status: 200,
      body: { value: "made up" },
    });
    const shown = await ask("GET", `${vault}/secrets/partner-key?api-version=2024-11-01`);
    expect([shown.status, JSON.stringify(shown.body).includes("made up")]).toEqual([200, false]);
  });
});

test("the sign-in endpoint refuses a wrong secret, an unknown application and another tenant", async () => {
  const post = (tenant: string, form: Record<string, string>): Promise<Reply> =>
    request(listening, "POST", `/${tenant}/oauth2/v2.0/token`, {
      body: new URLSearchParams(form).toString(),
    });
  const tenant = cloud.directory.tenantId;
  const form = { grant_type: "client_credentials", scope: "https://management.azure.com/.default" };
  const told = async (reply: Promise<Reply>): Promise<[number, string]> => {
    const { status, body } = await reply;
    return [status, body.error];
  };
  expect(
    await told(post(tenant, { ...form, client_id: operator.appId ?? "", client_secret: "wrong" })),
  ).toEqual([401, "invalid_client"]);
  expect(await told(post(tenant, { ...form, client_id: SUBSCRIPTION }))).toEqual([
    400,
    "unauthorized_client",
  ]);
  expect(await told(post(SUBSCRIPTION, form))).toEqual([400, "invalid_request"]);
});

test("a list of resources is narrowed by type and name, and another filter is refused", async () => {
  const at = `/subscriptions/${SUBSCRIPTION}/resources?api-version=2021-04-01&$filter=`;
  const type = "Microsoft.Storage/storageAccounts";
  const { body } = await ask("GET", `${at}${encodeURIComponent(`resourceType eq '${type}'`)}`);
  expect(body.value.every((one: { type: string }) => one.type === type)).toBe(true);
  const none = encodeURIComponent(`resourceType eq '${type}' and name eq 'nobody'`);
  expect((await ask("GET", `${at}${none}`)).body.value).toEqual([]);
  const unread = await ask("GET", `${at}${encodeURIComponent("colour eq 'a'")}`);
  expect([unread.status, unread.body.error.code]).toEqual([400, "InvalidFilterInQueryString"]);
});
