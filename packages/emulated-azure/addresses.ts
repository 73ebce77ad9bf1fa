import { randomInt } from "node:crypto";
import net from "node:net";

/** Port of loopback that answers for a host name and port at this moment; undefined when nothing does. */
export type LeadsTo = (host: string, port: number) => number | undefined;

const LOOPBACK = "127.0.0.1";
const ATTEMPTS = 20;

/**
 * Host names at loopback addresses of their own, where each answers on the ports it has in Azure: what a program that
 * looks a name up and connects to a port of it needs, and what a proxy is none for. A machine without the whole of
 * 127.0.0.0/8 has no such addresses.
 */
export class Addresses {
  private readonly byHost = new Map<string, string>();
  private readonly listeners: net.Server[] = [];
  private readonly calls = new Set<net.Socket>();

  constructor(private readonly leadsTo: LeadsTo) {}

  /**
   * Gives a host its address unless it has one, and answers there on these ports. A port this process may not take is
   * left out: the name leads to its address all the same.
   * @returns the address
   */
  async add(host: string, ports: readonly number[]): Promise<string> {
    const known = this.byHost.get(host);
    if (known) return known;
    for (let attempt = 1; ; attempt++) {
      const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(2, 255)}`;
      try {
        for (const port of ports) await this.listen(host, address, port);
        this.byHost.set(host, address);
        return address;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** The names as /etc/hosts has them. */
  hosts(): string {
    return [...this.byHost].map(([host, address]) => `${address}\t${host}\n`).join("");
  }

  async close(): Promise<void> {
    for (const call of this.calls) call.destroy();
    await Promise.all(this.listeners.map((one) => new Promise((done) => one.close(done))));
  }

  private async listen(host: string, address: string, port: number): Promise<void> {
    const server = net.createServer((caller) => this.pass(caller, this.leadsTo(host, port)));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, address, resolve);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EACCES") return;
      throw error;
    }
    server.unref();
    this.listeners.push(server);
  }

  private pass(caller: net.Socket, port: number | undefined): void {
    const keep = (socket: net.Socket): void => {
      this.calls.add(socket);
      socket.once("close", () => this.calls.delete(socket));
      // The other end may vanish at any moment; "close" follows and is what is acted on.
      socket.on("error", () => undefined);
    };
    keep(caller);
    if (port === undefined) return void caller.resetAndDestroy();
    const behind = net.connect(port, LOOPBACK);
    keep(behind);
    caller.pipe(behind).pipe(caller);
    caller.once("close", () => behind.destroy());
    behind.once("close", () => caller.destroy());
  }
}
