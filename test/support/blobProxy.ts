import http from "node:http";
import { text } from "node:stream/consumers";

export interface BlobProxy {
  /** The connection string with the proxy in front of the blob server. */
  connectionString: string;
  stop(): Promise<void>;
}

/** What a test does to one request: answer it itself, change the answer's headers or its body, or nothing. */
export type Interference = (
  request: http.IncomingMessage,
) =>
  | { answer: { status: number; headers: Record<string, string>; body?: string } }
  | { headers: Record<string, string> }
  | { rewrite: (body: string) => string }
  | undefined;

/** Stands between client and blob server, to give answers the emulator has not: immutability, slow rehydration. */
export async function startBlobProxy(connectionString: string, interfere: Interference): Promise<BlobProxy> {
  const endpoint = new URL(/BlobEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? "");
  const server = http.createServer((request, response) => {
    const done = interfere(request);
    if (done && "answer" in done) {
      request.resume();
      response.writeHead(done.answer.status, done.answer.headers);
      response.end(request.method === "HEAD" ? undefined : done.answer.body);
      return;
    }
    const { method, headers, url } = request;
    const onward = http.request(
      { host: endpoint.hostname, port: endpoint.port, method, headers, path: url },
      (answer) => {
        const status = answer.statusCode ?? 502;
        if (done && "rewrite" in done) {
          const { "content-length": _length, "transfer-encoding": _encoding, ...kept } = answer.headers;
          text(answer).then(
            (body) => response.writeHead(status, kept).end(done.rewrite(body)),
            () => response.destroy(),
          );
          return;
        }
        response.writeHead(status, { ...answer.headers, ...done?.headers });
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const through = new URL(endpoint);
  through.port = String(port);
  return {
    connectionString: connectionString.replace(
      /BlobEndpoint=[^;]+/,
      `BlobEndpoint=${through.href.replace(/\/$/, "")}`,
    ),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
