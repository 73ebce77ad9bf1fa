import net from "node:net";

const LOOPBACK = "127.0.0.1";

/** How a name answers: it leads on, it refuses each caller at once, or it takes the call and never says a word. */
export type Reach = "open" | "refusing" | "silent";

/**
 * A name as a TCP endpoint on loopback: whoever connects is passed on, byte for byte, to where the name leads at that
 * moment. Its port stays the same for life, as a host name does.
 */
export class TcpFront {
  private reachable: Reach = "open";
  private leadsTo: number | undefined;
  private readonly calls = new Set<net.Socket>();

  private constructor(
    private readonly listener: net.Server,
    readonly port: number,
  ) {}

  static async open(): Promise<TcpFront> {
    const listener = net.createServer();
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen(0, LOOPBACK, resolve);
    });
    listener.unref();
    const front = new TcpFront(listener, (listener.address() as net.AddressInfo).port);
    listener.on("connection", (caller) => front.take(caller));
    return front;
  }

  /** Leads to another port of loopback from now on, or nowhere; calls that led elsewhere are cut. */
  lead(port: number | undefined): void {
    if (port === this.leadsTo) return;
    this.leadsTo = port;
    this.cut();
  }

  get reach(): Reach {
    return this.reachable;
  }

  /** Anything but "open" also cuts the calls that stand: a lost region answers nobody. */
  set reach(reach: Reach) {
    this.reachable = reach;
    if (reach !== "open") this.cut();
  }

  /** Ends every call; new ones are taken. */
  cut(): void {
    for (const call of this.calls) call.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  private take(caller: net.Socket): void {
    this.keep(caller);
    if (this.reachable === "silent") return;
    if (this.reachable === "refusing" || this.leadsTo === undefined) {
      caller.resetAndDestroy();
      return;
    }
    const behind = net.connect(this.leadsTo, LOOPBACK);
    this.keep(behind);
    caller.setNoDelay(true);
    behind.setNoDelay(true);
    caller.pipe(behind).pipe(caller);
    caller.once("close", () => behind.destroy());
    behind.once("close", () => caller.destroy());
  }

  private keep(socket: net.Socket): void {
    this.calls.add(socket);
    socket.once("close", () => this.calls.delete(socket));
    // The other end may vanish at any moment; "close" follows and is what is acted on.
    socket.on("error", () => undefined);
    socket.unref();
  }
}
