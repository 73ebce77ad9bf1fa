import https from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { DEEPEST, deeperThan } from "../arm/http";
import { Api, type Request } from "./api";
import { discovery } from "./discovery";
import { attach, refuseUpgrade } from "./exec";
import { kindNamed, type Kind } from "./kinds";
import { jobFromProtobuf, PROTOBUF } from "./protobuf";
import { badRequest, notFound, StatusError } from "./status";

/** Who asks, as the token says. */
export interface User {
  name: string;
  groups: readonly string[];
}

export interface Access {
  /** Whether the API answers at all at this moment; always unless given. `swallowed`: what is sent there vanishes. */
  reachable?(): boolean | "swallowed";
  /** Seconds whoever asks is told to wait while the API takes no more; undefined while it does. */
  throttledFor?(): number | undefined;
  /** The user a token stands for; undefined when it stands for nobody. */
  authenticate(token: string): User | undefined;
  /** Why the user may not; undefined when allowed. */
  forbids?(
    user: User,
    what: { verb: string; group: string; resource: string; namespace?: string; name?: string },
  ): string | undefined;
}

export interface KubernetesFront {
  /** `https://localhost:<port>`. */
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Bytes a request may have, as the API server takes them. */
const LARGEST = 3 * 1024 * 1024;
/** And what is read of a refused one; then the connection is cut. */
const FORGOTTEN = 16 * LARGEST;
const LOOPBACK = "127.0.0.1";
const CRON_JOB = kindNamed("batch/v1", "CronJob") as Kind;

/** The API of one cluster over HTTPS on loopback. `tls`: PEM texts. */
export async function serveKubernetes(
  api: Api,
  access: Access,
  tls: { certificate: string; key: string },
): Promise<KubernetesFront> {
  const server = https.createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    const reachable = access.reachable?.() ?? true;
    if (reachable === "swallowed") return;
    if (!reachable) return void request.destroy();
    answer(api, access, request, response).catch((error: unknown) => refuse(response, error));
  });
  server.on("upgrade", (request, socket, head) => {
    // Who hangs up while a command is looked for is nobody's failure.
    socket.on("error", () => socket.destroy());
    const reachable = access.reachable?.() ?? true;
    if (reachable === "swallowed") return;
    if (!reachable) return void socket.destroy();
    exec(api, access, request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, LOOPBACK, resolve);
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  api: Api,
  access: Access,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const user = signedIn(access, request);
  const url = addressOf(request);
  if (request.method === "GET") {
    const found = discovery(url.pathname);
    if (found) return send(response, 200, found);
  }
  const parsed = permitted(api, access, user, request, url);
  const { verb, namespace } = parsed;
  if (parsed.subresource === "exec") throw badRequest("Upgrade request required");
  if (verb === "watch") return watch(api, parsed, response);
  const body =
    request.method === "GET"
      ? undefined
      : await readBody(request, (given) =>
          jobFromProtobuf(given, (name) => api.objects.get(CRON_JOB, namespace, name)),
        );
  const { code, document } = api.handle(parsed, body);
  if (typeof document === "string") {
    response.writeHead(code, { "content-type": "text/plain" }).end(document);
    return;
  }
  send(response, code, document);
}

/** @throws StatusError 400 */
function addressOf({ url = "/" }: IncomingMessage): URL {
  const found = URL.parse(url, "https://cluster");
  if (!found) throw badRequest("the path is no path");
  return found;
}

function signedIn(access: Access, request: IncomingMessage): User {
  const user = access.authenticate(/^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "");
  if (!user) throw new StatusError(401, "Unauthorized", "Unauthorized");
  const seconds = access.throttledFor?.();
  // https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
  if (seconds !== undefined)
    throw new StatusError(429, "TooManyRequests", "too many requests, please try again later", seconds);
  return user;
}

/** What a request asks for. @throws StatusError when there is no such thing, or the user may not */
function permitted(api: Api, access: Access, user: User, request: IncomingMessage, url: URL): Request {
  const parsed = api.parse(request.method ?? "GET", url, request.headers["content-type"]);
  if (!parsed) throw notFound(`the server could not find the requested resource ${url.pathname}`);
  const { verb, kind, namespace, name } = parsed;
  const what = {
    verb,
    group: kind.group,
    resource: parsed.subresource ? `${kind.plural}/${parsed.subresource}` : kind.plural,
    namespace,
    name,
  };
  const refusal = access.forbids?.(user, what);
  if (refusal !== undefined)
    throw new StatusError(
      403,
      "Forbidden",
      `${what.resource} is forbidden: User "${user.name}" cannot ${verb} resource "${what.resource}" in API group "${kind.group}"${namespace ? ` in the namespace "${namespace}"` : ""}${refusal ? `: ${refusal}` : ""}`,
    );
  return parsed;
}

/** Runs a command in a pod for whoever may. */
async function exec(
  api: Api,
  access: Access,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const url = addressOf(request);
  const {
    kind,
    subresource,
    namespace,
    name = "",
    query,
  } = permitted(api, access, signedIn(access, request), request, url);
  if (subresource !== "exec") throw badRequest("only a command in a pod opens a connection of its own");
  const pod = api.objects.get(kind, namespace, name);
  const started = await api.controller.pods.exec(
    pod,
    query.get("container") ?? undefined,
    query.getAll("command"),
  );
  attach(request, socket, head, started);
}

function watch(api: Api, request: Request, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const stop = api.watch(request, (event) => response.write(`${JSON.stringify(event)}\n`));
  const seconds = Number(request.query.get("timeoutSeconds") ?? 0);
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
  response.on("close", () => {
    clearTimeout(timer);
    stop();
  });
}

async function readBody(request: IncomingMessage, fromProtobuf: (body: Buffer) => unknown): Promise<unknown> {
  const type = request.headers["content-type"] ?? "application/json";
  const binary = type.startsWith(PROTOBUF);
  if (!binary && !/json/.test(type))
    throw new StatusError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: application/json`,
    );
  const body = await wholeOf(request);
  if (body.length === 0) return undefined;
  if (binary) return fromProtobuf(body);
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    throw badRequest("the object provided is unrecognized: it is no JSON");
  }
  if (deeperThan(document, DEEPEST))
    throw badRequest("the object provided is unrecognized: exceeded max depth");
  return document;
}

/** What follows of a body that is too large is read and forgotten, so that the refusal arrives. @throws StatusError 413 */
function wholeOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST) return void chunks.push(chunk);
      chunks.length = 0;
      reject(new StatusError(413, "RequestEntityTooLarge", `limit is ${LARGEST}`));
      if (size > FORGOTTEN) request.destroy();
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

function send(response: ServerResponse, code: number, document: unknown): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(document));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const status = error instanceof StatusError ? error : new StatusError(500, "InternalError", String(error));
  if (status.retryAfter !== undefined) response.setHeader("Retry-After", String(status.retryAfter));
  send(response, status.code, status.document);
}
