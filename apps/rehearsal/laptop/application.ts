import http from "node:http";
import type { AddressInfo } from "node:net";
import { Pool, type PoolConfig } from "pg";

/** Header by which whoever answers names its region. */
export const REGION_HEADER = "x-served-by-region";
const LOOPBACK = "127.0.0.1";
const ANSWER_MS = 2_000;
/** Table of the stand-in application: a row for each order it said was placed. */
export const ORDERS = "marker";

export interface ApplicationOptions {
  /** Region it says it answers from. */
  region: string;
  /** How it reaches its database; one without answers everything with a page. */
  database?: PoolConfig;
}

/**
 * What stands for the application's API in a pod: a server that writes an order for each it is sent, under the login and by
 * the names its variables give, and answers the health checks of the real one.
 */
export class Application {
  private readonly pool: Pool | undefined;
  private readonly server: http.Server;

  private constructor({ region, database }: ApplicationOptions) {
    const limits = { max: 4, connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS };
    this.pool = database && new Pool({ ...limits, ...database });
    // A session that ends with its server is replaced by the next request.
    this.pool?.on("error", () => undefined);
    this.server = http.createServer((request, response) => {
      response.setHeader(REGION_HEADER, region);
      this.answer(request).then(
        ([status, body]) => response.writeHead(status, { "content-type": "application/json" }).end(body),
        (error: unknown) =>
          response.writeHead(503).end(JSON.stringify({ error: error instanceof Error ? error.message : "" })),
      );
    });
  }

  static async start(options: ApplicationOptions): Promise<Application> {
    const application = new Application(options);
    await new Promise<void>((resolve) => application.server.listen(0, LOOPBACK, resolve));
    application.server.unref();
    return application;
  }

  get port(): number {
    return (this.server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Whether the database answers. */
  async ready(): Promise<boolean> {
    if (!this.pool) return true;
    return this.pool.query("SELECT 1").then(
      () => true,
      () => false,
    );
  }

  /** As on SIGKILL: every connection is cut, answered or not. */
  async kill(): Promise<void> {
    this.server.closeAllConnections();
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
    await this.pool?.end().catch(() => undefined);
  }

  /** As on SIGTERM: what was begun is answered, nothing new is taken. */
  async drain(): Promise<void> {
    this.server.closeIdleConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.pool?.end().catch(() => undefined);
  }

  private async answer({ method, url = "/" }: http.IncomingMessage): Promise<[number, string]> {
    const { pathname, searchParams } = new URL(url, "http://api");
    if (!this.pool || pathname === "/health/live") return [200, "{}"];
    if (pathname === "/health/dependencies") {
      const up = { status: "up" };
      return [200, JSON.stringify({ details: { shopify: up, simplyprint: up, sendcloud: up } })];
    }
    if (pathname.startsWith("/health/")) {
      await this.pool.query("SELECT 1");
      return [200, "{}"];
    }
    if (pathname === "/orders" && method === "PUT") {
      // The same order again is the same order: whoever had no answer may ask once more.
      await this.pool.query(`INSERT INTO ${ORDERS} (id) VALUES ($1) ON CONFLICT DO NOTHING`, [
        searchParams.get("id"),
      ]);
      return [201, "{}"];
    }
    if (pathname === "/orders") {
      const { rows } = await this.pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM ${ORDERS}`,
      );
      return [200, JSON.stringify(rows[0] ?? {})];
    }
    return [404, "{}"];
  }
}
