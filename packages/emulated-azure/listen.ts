import http, { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import net from "node:net";
import { ArmError, Swallowed } from "./arm/errors";
import { readBody, REQUEST_TIMEOUT_MS, send, sendError } from "./arm/http";
import { Authority } from "./certificates";
import type { EmulatedCloud } from "./cloud";
import { answerAsked, isOurs } from "./hosts";
import type { Real } from "./real";
import { answerBlobs, BLOB_HOST } from "./storage";
import { answerTraffic, domainOf } from "./traffic";

const LOOPBACK = "127.0.0.1";

/** A cloud that listens. */
export interface Listening {
  /** `https://127.0.0.1:<port>`: management, sign-in and Graph for clients that can be told an address. */
  readonly address: string;
  /** `http://127.0.0.1:<port>`: proxy for clients that insist on Azure's own names. */
  readonly proxy: string;
  /** Certificate the clients have to trust, as PEM. */
  readonly certificate: string;
  /** Port of loopback behind a host name and port of the cloud's; undefined when nothing is. */
  portOf(host: string, port: number): number | undefined;
  /** Hosts somebody wanted to reach that are not this cloud's, each once. They were refused. */
  readonly refused: ReadonlySet<string>;
  stop(): Promise<void>;
}

export interface ListenOptions {
  /** Told of failures nobody foresaw; the console unless given. */
  readonly report?: (error: unknown) => void;
  /** What runs behind the cloud's data planes; none unless given. */
  readonly real?: Real;
  /** Milliseconds a client may take to send a whole request; default 30 s. */
  readonly requestTimeoutMs?: number;
}

/** Starts both ways in on free ports of the loopback. */
export async function listen(cloud: EmulatedCloud, options: ListenOptions = {}): Promise<Listening> {
  const { report = (error: unknown) => console.error(error), requestTimeoutMs = REQUEST_TIMEOUT_MS } =
    options;
  // Looked after as often as it may take: a request that never ends is cut then.
  const patience = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: requestTimeoutMs,
  };
  const authority = options.real?.authority ?? (await Authority.create());
  const sockets = new Set<net.Socket>();
  let address = "";
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    request.on("error", () => response.destroy());
    answer({ cloud, real: options.real, report }, request, response, address).catch((error: unknown) => {
      // Who hung up wants no answer.
      if (error instanceof Swallowed || (request.destroyed && !request.complete)) return;
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
  server.on("connection", (socket: net.Socket) => track(sockets, socket));
  server.on("tlsClientError", () => undefined);
  server.on("clientError", (_error, socket) => socket.destroy());
  const port = await bind(server);
  address = `https://${LOOPBACK}:${port}`;
  const portOf = (host: string, asked: number): number | undefined => {
    const { real } = options;
    const here =
      isOurs(host) || (real !== undefined && (BLOB_HOST.test(host) || domainOf(cloud, host) !== undefined));
    return here && asked === 443 ? port : real?.portOf(host, asked);
  };
  const refused = new Set<string>();
  const proxy = http.createServer(patience, (_request, response) => {
    response.writeHead(405, { Connection: "close" });
    response.end();
  });
  proxy.on("clientError", (_error, socket) => socket.destroy());
  proxy.on("connection", (socket: net.Socket) => track(sockets, socket));
  proxy.on("connect", (request: IncomingMessage, client: net.Socket, head: Buffer) => {
    client.on("error", () => client.destroy());
    const [host = "", asked] = (request.url ?? "").split(":");
    const to = portOf(host, Number(asked ?? 443));
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
  const proxyPort = await bind(proxy);
  return {
    address,
    proxy: `http://${LOOPBACK}:${proxyPort}`,
    certificate: authority.certificate,
    portOf,
    refused,
    stop: async () => {
      const closed = [server, proxy].map((one) => new Promise((done) => one.close(done)));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
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
  { cloud, real, report }: { cloud: EmulatedCloud; real: Real | undefined; report: (error: unknown) => void },
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
): Promise<void> {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  const base = host === LOOPBACK || host === "localhost" || host === "" ? address : `https://${host}`;
  const url = parsed(request.url ?? "/", base);
  // Blobs are as large as they are: nothing of them is read here.
  if (real && BLOB_HOST.test(host)) return answerBlobs(cloud, real.storage, request, response);
  const domain = real && domainOf(cloud, host);
  if (real && domain) return answerTraffic(cloud, real.clusters, domain, request, response);
  if (base !== address && !isOurs(host)) {
    request.resume();
    throw new ArmError(400, "InvalidHostName", `Nothing of this cloud is called '${host}'.`, {
      Connection: "close",
    });
  }
  const asked = { cloud, url, host, base, address, report, raw: await readBody(request) };
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
