import { spawn } from "node:child_process";
import http from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";

/** Domains of what has a private endpoint only. */
const PRIVATE = [".postgres.database.azure.com", ".vault.azure.net", ".blob.core.windows.net"];

export const isPrivate = (host: string): boolean => PRIVATE.some((domain) => host.endsWith(domain));

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

/** Servers of loopback by which names without a public address are reached. */
export interface Tunnel {
  /** A proxy for HTTPS: private names through the pod, all others as they are. */
  readonly proxy: string;
  /** `name=host:port` for each database host. */
  readonly hosts: string;
  stop(): Promise<void>;
}

/** Opens the tunnel. @param databaseHosts names of the database, each of which gets a port of its own */
export async function openTunnel(
  pod: Pod,
  databaseHosts: readonly string[],
  say: (line: string) => void,
): Promise<Tunnel> {
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
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) client.unshift(head);
    if (isPrivate(host)) return through(pod, host, Number(port), client, say);
    const to = open(net.connect(Number(port), host));
    client.pipe(to).pipe(client);
    client.on("close", () => to.destroy());
  });
  const servers: net.Server[] = [proxy];
  const listen = (server: net.Server): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port));
    });
  const hosts: string[] = [];
  for (const host of databaseHosts) {
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
