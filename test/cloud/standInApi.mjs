/**
 * Stands for the API of a shop, which is not here: its answers come from the database and the partners it really asks.
 * Environment: DATABASE_URL, INTERNAL_API_KEY, PARTNERS (name=url,…).
 */
/* global fetch, URL */
import http from "node:http";
import pg from "pg";

const { DATABASE_URL, INTERNAL_API_KEY, PARTNERS = "" } = process.env;

async function query(text) {
  const client = new pg.Client({ connectionString: DATABASE_URL, connectionTimeoutMillis: 3000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const up = (promise) =>
  promise.then(
    () => "up",
    (error) => `down: ${error.message}`,
  );

const ANSWERS = {
  "GET /health": async () => [200, { status: "ok" }],
  "GET /health/ready": async () => {
    const database = await up(query("SELECT 1"));
    return [database === "up" ? 200 : 503, { database }];
  },
  "GET /health/dependencies": async () => {
    const asked = PARTNERS.split(",").map(async (one) => {
      const [name, url] = one.split("=");
      return [name, await up(fetch(url))];
    });
    return [200, Object.fromEntries(await Promise.all(asked))];
  },
  "GET /retry-queue/stats": async () => [
    200,
    Object.fromEntries(
      (await query("SELECT kind, count(*)::int AS pending FROM retry_queue GROUP BY kind")).map((row) => [
        row.kind,
        row.pending,
      ]),
    ),
  ],
  "POST /retry-queue/process": async () => [200, await query("DELETE FROM retry_queue RETURNING kind")],
};

http
  .createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const answer = ANSWERS[`${request.method === "HEAD" ? "GET" : request.method} ${pathname}`];
    const inside = pathname.startsWith("/retry-queue/");
    const allowed = !inside || request.headers.authorization === `Bearer ${INTERNAL_API_KEY}`;
    const [status, body] = !answer
      ? [404, { error: "not found" }]
      : !allowed
        ? [401, { error: "unauthorized" }]
        : await answer().catch((error) => [500, { error: error.message }]);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  })
  .listen(3000, "localhost");
