import http from "node:http";
import type { BlobProxy } from "./blobProxy";

/**
 * A blob server as Azure's is with versioning on, in front of the emulator, which has none: a deleted blob becomes a
 * previous version, shown only to who asks for versions, and is gone when that version is deleted by its id.
 */
export async function startVersionedBlobs(
  connectionString: string,
): Promise<BlobProxy & { previous: Set<string> }> {
  const endpoint = new URL(/BlobEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? "");
  const previous = new Set<string>();

  /** The listing as it would be with versions. */
  const listed = (xml: string, container: string, asked: boolean): string =>
    xml.replaceAll(
      /<Blob>(<Name>([^<]*)<\/Name>)([\s\S]*?<\/Blob>)/g,
      (_, head: string, name: string, rest: string) => {
        const gone = previous.has(`${container}/${name}`);
        if (!asked) return gone ? "" : `<Blob>${head}${rest}`;
        return `<Blob>${head}<VersionId>1</VersionId>${gone ? "" : "<IsCurrentVersion>true</IsCurrentVersion>"}${rest}`;
      },
    );

  const server = http.createServer((request, response) => {
    const { method, headers, url = "" } = request;
    const { pathname, searchParams } = new URL(url, endpoint);
    const blob = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    if (method === "DELETE" && !searchParams.has("versionid")) {
      request.resume();
      response.writeHead(previous.has(blob) ? 404 : 202, { "x-ms-error-code": "BlobNotFound" }).end();
      previous.add(blob);
      return;
    }
    if (method === "DELETE") previous.delete(blob);
    const onward = http.request(
      { host: endpoint.hostname, port: endpoint.port, method, headers, path: url },
      (answer) => {
        if (searchParams.get("comp") !== "list" || searchParams.get("restype") !== "container") {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
          return;
        }
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => {
          const asked = (searchParams.get("include") ?? "").split(",").includes("versions");
          const body = listed(Buffer.concat(parts).toString("utf8"), blob, asked);
          const { "content-length": _length, "transfer-encoding": _encoding, ...rest } = answer.headers;
          response.writeHead(answer.statusCode ?? 502, {
            ...rest,
            "content-length": Buffer.byteLength(body),
          });
          response.end(body);
        });
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
    previous,
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
