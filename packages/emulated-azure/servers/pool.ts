import { startPooler, type Pooler } from "../../local-servers/pgbouncer";
import { TcpFront } from "./front";
import { PROVIDER_ROLE, type Home } from "./home";
import type { Settings } from "./instance";

/** A server's PgBouncer, in transaction mode as Azure's: it lets in whoever the server lets in. */
export class ServerPool {
  private constructor(
    /** What Azure offers as 6432 of the server's name. */
    readonly front: TcpFront,
    private readonly pooler: Pooler,
  ) {}

  /**
   * @param port of the server's own name, so that it survives whatever serves behind that
   * @throws NotRunError when PgBouncer is not installed; Error when the servers offer no TLS
   */
  static async open(home: Home, port: number, settings: Settings): Promise<ServerPool> {
    if (!home.certificate) throw new Error("PgBouncer needs servers that offer TLS");
    const pooler = await startPooler({
      serverPort: port,
      users: new Map([[PROVIDER_ROLE, home.password]]),
      lookUp: PROVIDER_ROLE,
      tls: home.certificate,
      // What was refused once is asked for again: a server that restarts answers in a second.
      settings: { server_login_retry: "1", ...settings },
    });
    const front = await TcpFront.open();
    front.lead(pooler.port);
    return new ServerPool(front, pooler);
  }

  async close(): Promise<void> {
    await this.front.close();
    await this.pooler.stop();
  }
}

/** The names of a virtual endpoint at PgBouncer's port. */
export class PooledNames {
  private constructor(
    readonly writer: TcpFront,
    readonly reader: TcpFront,
  ) {}

  static async open(): Promise<PooledNames> {
    return new PooledNames(await TcpFront.open(), await TcpFront.open());
  }
}
