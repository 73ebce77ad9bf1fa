import http, { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import net from "node:net";
import { ArmError, Swallowed, Unreachable } from "./arm/errors";
import { readBody, REQUEST_TIMEOUT_MS, send, sendError } from "./arm/http";
import { Authority } from "./certificates";
import type { EmulatedCloud } from "./cloud";
import { answerAsked, isOurs } from "./hosts";
import { judge } from "./network/firewall";
import { SOMEBODY, type Vantage } from "./network/vantage";
import type { Real } from "./real";
import { answerBlobs, BLOB_HOST } from "./storage";
import { answerTraffic, domainOf } from "./traffic";

const LOOPBACK = "127.0.0.1";

/** Ways into a cloud, by which every request counts as one that comes from the same place. */
export interface Entrance {
  /** `https://127.0.0.1:<port>`: management, sign-in and Graph for clients that can be told an address. */
  readonly address: string;
  /** `http://127.0.0.1:<port>`: proxy for clients that insist on Azure's own names. */
  readonly proxy: string;
  /** Port of loopback behind a host name and port of the cloud's; undefined when nothing is, or nothing that answers there. */
  portOf(host: string, port: number): number | undefined;
}

/** A cloud that listens, itself the entrance of whoever says nothing of where they are. */
export interface Listening extends Entrance {
  /** Certificate the clients have to trust, as PEM. */
  readonly certificate: string;
  /** Hosts somebody wanted to reach that are not this cloud's, each once. They were refused. */
  readonly refused: ReadonlySet<string>;
  /** The entrance of whoever is somewhere; the same for the same place. */
  entrance(from: Vantage): Promise<Entrance>;
  stop(): Promise<void>;
}

export interface ListenOptions {
  /** Told of failures nobody foresaw; the console unless given. */
  readonly report?: (error: unknown) => void;
  /** What runs behind the cloud's data planes; none unless given. */
  readonly real?: Real;
  /** Milliseconds a client may take to send a whole request; default 30 s. */
  readonly requestTimeoutMs?: number;
  /** Where whoever says nothing is; {@link SOMEBODY} on the Internet unless given. */
  readonly from?: Vantage;
}

/** What all entrances of a cloud share. */
interface Inside {
  readonly cloud: EmulatedCloud;
  readonly real: Real | undefined;
  readonly report: (error: unknown) => void;
  readonly authority: Authority;
  readonly refused: Set<string>;
  readonly sockets: Set<net.Socket>;
  readonly servers: net.Server[];
  readonly requestTimeoutMs: number;
}

/** Opens a cloud on free ports of the loopback. */
export async function listen(cloud: EmulatedCloud, options: ListenOptions = {}): Promise<Listening> {
  const {
    report = (error: unknown) => console.error(error),
    requestTimeoutMs = REQUEST_TIMEOUT_MS,
    real,
  } = options;
  const authority = real?.authority ?? (await Authority.create());
  const inside: Inside = {
    ...{ cloud, real, report, authority, requestTimeoutMs },
    ...{ refused: new Set(), sockets: new Set(), servers: [] },
  };
  const { from = SOMEBODY } = options;
  const entrances = new Map<string, Promise<Entrance>>();
  const entrance = (there: Vantage): Promise<Entrance> => {
    const key = JSON.stringify(there);
    const known = entrances.get(key) ?? open(inside, there);
    entrances.set(key, known);
    return known;
  };
  return {
    ...(await entrance(from)),
    entrance,
    certificate: authority.certificate,
    refused: inside.refused,
    stop: async () => {
      const closed = inside.servers.map((one) => new Promise((done) => one.close(done)));
      for (const socket of inside.sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** Opens both ways in for whoever is somewhere. */
async function open(inside: Inside, from: Vantage): Promise<Entrance> {
  const { cloud, real, report, authority, refused, sockets, servers, requestTimeoutMs } = inside;
  // Looked after as often as it may take: a request that never ends is cut then.
  const patience = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: requestTimeoutMs,
  };
  let address = "";
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    request.on("error", () => response.destroy());
    answer({ cloud, real, report, from }, request, response, address).catch((error: unknown) => {
      // Who hung up wants no answer.
      if (error instanceof Swallowed || (request.destroyed && !request.complete)) return;
      if (error instanceof Unreachable) return void response.destroy();
      sendError(request, response, error, report);
    });
  };
  const own = await authority.issue(LOOPBACK, "localhost");
  const server = https.createServer(
    {
      ...own,
      SNICallback: (name, done) => {
        authority.contextFor(name).then(
          (context) => done(null, context),
          (error: unknown) => done(error as Error),
        );
      },
      handshakeTimeout: requestTimeoutMs,
      ...patience,
    },
    handle,
  );
  servers.push(server);
  server.on("connection", (socket: net.Socket) => track(sockets, socket));
  server.on("tlsClientError", () => undefined);
  server.on("clientError", (_error, socket) => socket.destroy());
  const port = await bind(server);
  address = `https://${LOOPBACK}:${port}`;
  const answers = (host: string): boolean => {
    const target = real?.behind(host);
    return target === undefined || judge(cloud.cloud, from, target).is === "answers";
  };
  const portOf = (host: string, asked: number): number | undefined => {
    const here =
      isOurs(host) || (real !== undefined && (BLOB_HOST.test(host) || domainOf(cloud, host) !== undefined));
    if (here && asked === 443) return port;
    return answers(host) ? real?.portOf(host, asked) : undefined;
  };
  const proxy = http.createServer(patience, (_request, response) => {
    response.writeHead(405, { Connection: "close" });
    response.end();
  });
  servers.push(proxy);
  proxy.on("clientError", (_error, socket) => socket.destroy());
  proxy.on("connection", (socket: net.Socket) => track(sockets, socket));
  proxy.on("connect", (request: IncomingMessage, client: net.Socket, head: Buffer) => {
    client.on("error", () => client.destroy());
    const [host = "", asked] = (request.url ?? "").split(":");
    const to = portOf(host, Number(asked ?? 443));
    if (!answers(host)) return void client.destroy();
    if (to === undefined) {
      refused.add(host);
      client.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      return;
    }
    const upstream = net.connect(to, LOOPBACK, () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    track(sockets, upstream);
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  return { address, proxy: `http://${LOOPBACK}:${await bind(proxy)}`, portOf };
}

function track(sockets: Set<net.Socket>, socket: net.Socket): void {
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
}

function bind(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, LOOPBACK, () => resolve((server.address() as net.AddressInfo).port));
  });
}

/** Answers a request that came in by one of both ways. */
async function answer(
  { cloud, real, report, from }: Pick<Inside, "cloud" | "real" | "report"> & { from: Vantage },
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
): Promise<void> {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  const base = host === LOOPBACK || host === "localhost" || host === "" ? address : `https://${host}`;
  const url = parsed(request.url ?? "/", base);
  // Blobs are as large as they are: nothing of them is read here.
  if (real && BLOB_HOST.test(host)) return answerBlobs(cloud, real.storage, from, request, response);
  const domain = real && domainOf(cloud, host);
  if (real && domain) return answerTraffic(cloud, real.clusters, domain, request, response);
  if (base !== address && !isOurs(host)) {
    request.resume();
    throw new ArmError(400, "InvalidHostName", `Nothing of this cloud is called '${host}'.`, {
      Connection: "close",
    });
  }
  const asked = { cloud, url, host, base, address, from, report, raw: await readBody(request) };
  const { method = "GET", headers } = request;
  send(request, response, await answerAsked({ ...asked, method, headers }));
}

function parsed(path: string, base: string): URL {
  try {
    // Clients put a scope that begins with a slash behind one.
    return new URL(path.replace(/^\/+/, "/"), base);
  } catch {
    throw new ArmError(400, "InvalidRequestUri", "The request URI is not well formed.");
  }
}
