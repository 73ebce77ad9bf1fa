import net from "node:net";

const LOOPBACK = "127.0.0.1";

/** How a name answers: it leads on, it refuses each caller at once, or it takes the call and never says a word again. */
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
    // Who has said all may still be told something; and where all is swallowed, one end's goodbye is not the other's.
    const listener = net.createServer({ allowHalfOpen: true });
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

  /** Calls that stand are cut with "refusing"; with "silent" both ends believe in them, until the name is something else again. */
  set reach(reach: Reach) {
    const before = this.reachable;
    this.reachable = reach;
    if (reach === "silent") for (const call of this.calls) call.unpipe().pause();
    else if (reach === "refusing" || before === "silent") this.cut();
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
    const behind = net.connect({ port: this.leadsTo, host: LOOPBACK, allowHalfOpen: true });
    this.keep(behind);
    caller.setNoDelay(true);
    behind.setNoDelay(true);
    caller.pipe(behind).pipe(caller);
    // Where all is swallowed the other end hears of no end either.
    const ends = (other: net.Socket) => (): void => {
      if (this.reachable !== "silent") other.destroy();
    };
    caller.once("close", ends(behind));
    behind.once("close", ends(caller));
  }

  private keep(socket: net.Socket): void {
    this.calls.add(socket);
    socket.once("close", () => this.calls.delete(socket));
    // The other end may vanish at any moment; "close" follows and is what is acted on.
    socket.on("error", () => undefined);
    socket.unref();
  }
}
