import net from "node:net";

/** Loopback only: a drill must not be reachable from the network. */
export const loopback = "127.0.0.1";

/** A TCP port that was free a moment ago. Another process may take it first: callers retry with a new one. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, loopback, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
