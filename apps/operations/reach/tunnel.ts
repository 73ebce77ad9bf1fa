import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../frame/errors";

/** Names of what answers private endpoints only. */
export interface PrivateHosts {
  /** Of the database, each of which gets a port of its own. */
  readonly databases: readonly string[];
  /** Of what speaks HTTPS, and so goes by the proxy. */
  readonly https: readonly string[];
}

/** What runs in the pod: standard input and output become a connection to host and port. */
const RELAY = `const [host, port] = process.argv.slice(1);
const to = require("net").connect(+port, host);
process.stdin.pipe(to);
to.pipe(process.stdout);
to.on("error", ({ message }) => { console.error(message); process.exit(1); });
to.on("close", () => process.exit(0));`;

/** Arguments of kubectl that reach the operator's pod of a cluster. */
export interface Pod {
  readonly context: string;
  readonly namespace: string;
}

export const inPod = ({ context, namespace }: Pod, command: readonly string[]): string[] => [
  ...["exec", "--stdin", "--quiet", "--context", context, "--namespace", namespace, "job/operator", "--"],
  ...command,
];

/** Connects a socket to a host and port, through the pod. */
function through(pod: Pod, host: string, port: number, socket: Duplex, say: (line: string) => void): void {
  const child = spawn("kubectl", inPod(pod, ["node", "-e", RELAY, host, String(port)]), {
    stdio: ["pipe", "pipe", "pipe"],
  });
  socket.pipe(child.stdin);
  child.stdout.pipe(socket);
  child.stderr.on("data", (data: Buffer) => say(`${host}: ${data.toString().trim()}`));
  const end = (): void => {
    socket.destroy();
    child.kill();
  };
  for (const part of [child, child.stdin, child.stdout, socket]) part.on("error", end);
  socket.on("close", end);
  child.on("close", end);
}

/** Longest a way out of this machine may take to open. */
const OPEN_MS = 20_000;

/** Servers of loopback by which names without a public address are reached. */
export interface Tunnel {
  /** A proxy for HTTPS: private names through the pod, all others as they are. */
  readonly proxy: string;
  /** `name=host:port` for each database host. */
  readonly hosts: string;
  stop(): Promise<void>;
}

/** Opens a way to a host and port as this machine has it: by itself, or by the proxy it must take. */
async function outside(target: string, by: URL | undefined): Promise<Duplex> {
  const signal = AbortSignal.timeout(OPEN_MS);
  if (!by) {
    const { hostname, port } = new URL(`https://${target}`);
    const socket = net.connect(Number(port || 443), hostname.replace(/^\[|\]$/g, ""));
    await once(socket, "connect", { signal }).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    return socket;
  }
  const { hostname, port, username, password } = by;
  const signedIn = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const request = http.request({
    ...{ host: hostname, port: Number(port || 80), method: "CONNECT", path: target, signal },
    headers: {
      host: target,
      ...(username && { "proxy-authorization": `Basic ${Buffer.from(signedIn).toString("base64")}` }),
    },
  });
  request.end();
  const [response, socket, head] = (await once(request, "connect")) as [http.IncomingMessage, Duplex, Buffer];
  if (response.statusCode !== 200) {
    socket.destroy();
    throw new Error(`the proxy ${by.host} answers ${response.statusCode ?? "nothing"} for ${target}`);
  }
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** Opens the tunnel. */
export async function openTunnel(
  pod: Pod,
  { databases, https }: PrivateHosts,
  say: (line: string) => void,
  proxyBefore?: string,
): Promise<Tunnel> {
  const upstream = proxyBefore ? new URL(proxyBefore) : undefined;
  const sockets = new Set<Duplex>();
  const open = <T extends Duplex>(socket: T): T => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    return socket;
  };
  const proxy = http.createServer((_request, response) => response.writeHead(405).end());
  proxy.on("connect", ({ url = "" }, client: Duplex, head: Buffer) => {
    const [host = "", port = "443"] = url.split(":");
    open(client);
    if (head.length > 0) client.unshift(head);
    const established = () => client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (https.includes(host)) {
      established();
      return through(pod, host, Number(port), client, say);
    }
    outside(`${host}:${port}`, upstream).then(
      (to) => {
        open(to);
        established();
        client.pipe(to).pipe(client);
        client.on("close", () => to.destroy());
        to.on("close", () => client.destroy());
      },
      (error: unknown) => {
        say(`${host}: ${messageOf(error)}`);
        client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      },
    );
  });
  const servers: net.Server[] = [proxy];
  const listen = (server: net.Server): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port));
    });
  const hosts: string[] = [];
  for (const host of databases) {
    const server = net.createServer((socket) => through(pod, host, 5432, open(socket), say));
    servers.push(server);
    hosts.push(`${host}=127.0.0.1:${await listen(server)}`);
  }
  return {
    proxy: `http://127.0.0.1:${await listen(proxy)}`,
    hosts: hosts.join(","),
    stop: async () => {
      const closed = servers.map((server) => new Promise((done) => server.close(done)));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}
