import net from "node:net";

/** What happens to a connection, once: nothing, cut or silent after so many bytes to or from the server. */
export interface LinkFault {
  kind: "cut" | "silence";
  afterBytes: number;
  direction: "to" | "from";
}

export interface UnreliableLink {
  port: number;
  /** The next connection that carries that many bytes suffers it; those after it are sound. */
  suffer(fault: LinkFault | undefined): void;
  stop(): Promise<void>;
}

/** A TCP connection to a server on this machine that can break. */
export async function startLink(serverPort: number): Promise<UnreliableLink> {
  let fault: LinkFault | undefined;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const onward = net.connect(serverPort, "127.0.0.1");
    let silent = false;
    const passed = { to: 0, from: 0 };
    const pass = (direction: "to" | "from", into: net.Socket) => (data: Buffer) => {
      passed[direction] += data.length;
      if (fault && fault.direction === direction && passed[direction] > fault.afterBytes) {
        silent = fault.kind === "silence";
        fault = undefined;
        if (!silent) {
          client.destroy();
          onward.destroy();
        }
      }
      if (!silent && !into.destroyed) into.write(data);
    };
    client.on("data", pass("to", onward));
    onward.on("data", pass("from", client));
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => (sockets.delete(one), other.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    suffer: (next) => (fault = next),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
