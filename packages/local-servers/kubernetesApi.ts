import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import path from "node:path";
import { text } from "node:stream/consumers";
import { onPath } from "./onPath";
import { freePort, loopback } from "./ports";
import { startSupervised, temporaryDirectory, whenReady, type Supervised } from "./supervised";

/** What an API server answered. */
export interface KubernetesAnswer {
  readonly status: number;
  /** What it accepts and warns of, e.g. a deprecated version or a pod its namespace's level forbids. */
  readonly warnings: readonly string[];
  readonly body: { readonly message?: string; readonly [key: string]: unknown };
}

export interface KubernetesApi {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  /** Certificate to trust, as PEM. */
  readonly certificate: string;
  /** Token of a user it knows. @throws Error for any other */
  token(user: string): string;
  /** As an administrator; a body is sent as JSON, a `PATCH` is a server-side apply. */
  request(method: "GET" | "POST" | "PATCH" | "PUT", path: string, body?: unknown): Promise<KubernetesAnswer>;
  /** Ends both servers and deletes what they stored; safe to call twice. */
  stop(): Promise<void>;
}

/** Programs it takes. */
const KUBERNETES_PROGRAMS = ["kube-apiserver", "etcd"] as const;

/** Those of them that are not on PATH. */
export const missingKubernetesPrograms = (): string[] =>
  KUBERNETES_PROGRAMS.filter((name) => onPath(name) === undefined);

const SECONDS = 60;
/** Holds back until its own roles and namespaces are made. */
const READY = "/readyz";

/**
 * A real Kubernetes API server with its etcd, on free ports of the loopback address, with the admission it has by itself: schemas,
 * pod security, limits, quotas, service accounts, admission policies. Nothing acts on what is stored: no controller, no node.
 *
 * @param users names of users beside `administrator`, who may do anything; what they may is up to RBAC
 * @throws Error where a program is missing, or ends
 */
export async function startKubernetesApi(users: readonly string[] = []): Promise<KubernetesApi> {
  const missing = missingKubernetesPrograms();
  if (missing.length > 0) throw new Error(`not on PATH: ${missing.join(", ")}`);
  const etcdUrl = `http://${loopback}:${await freePort()}`;
  const peerUrl = `http://${loopback}:${await freePort()}`;
  const etcd = await startEtcd(etcdUrl, peerUrl);
  try {
    return await startServer(etcdUrl, etcd, users);
  } catch (error) {
    await etcd.stop();
    throw error;
  }
}

function startEtcd(url: string, peerUrl: string): Promise<Supervised> {
  const directory = temporaryDirectory("etcd");
  return startSupervised({
    directory,
    stopSignal: "KILL",
    command: [
      onPath("etcd") ?? "etcd",
      `--data-dir=${path.join(directory, "data")}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    ],
  });
}

/** Who may do anything. */
const ADMINISTRATOR = "administrator";

async function startServer(
  etcdUrl: string,
  etcd: Supervised,
  users: readonly string[],
): Promise<KubernetesApi> {
  const directory = temporaryDirectory("kubernetes");
  const file = (name: string): string => path.join(directory, name);
  const port = await freePort();
  const tokens = new Map([ADMINISTRATOR, ...users].map((user) => [user, randomBytes(24).toString("hex")]));
  const token = (user: string): string => {
    const found = tokens.get(user);
    if (found === undefined) throw new Error(`the API server knows no ${user}`);
    return found;
  };
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  fs.writeFileSync(file("accounts.key"), privateKey.export({ type: "pkcs1", format: "pem" }), {
    mode: 0o600,
  });
  const lines = [...tokens].map(([user, secret], i) =>
    [secret, user, i, ...(user === ADMINISTRATOR ? ["system:masters"] : [])].join(","),
  );
  fs.writeFileSync(file("tokens.csv"), `${lines.join("\n")}\n`, { mode: 0o600 });
  const server = await startSupervised({
    directory,
    stopSignal: "KILL",
    command: [
      onPath("kube-apiserver") ?? "kube-apiserver",
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${loopback}`,
      `--secure-port=${port}`,
      `--cert-dir=${directory}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${file("accounts.key")}`,
      `--service-account-signing-key-file=${file("accounts.key")}`,
      `--token-auth-file=${file("tokens.csv")}`,
      "--authorization-mode=RBAC",
      // As AKS starts it: what a pod may is up to the level of its namespace.
      "--allow-privileged=true",
      "--service-cluster-ip-range=10.0.0.0/16",
    ],
  });
  const request: KubernetesApi["request"] = (method, asked, body) =>
    ask({ port, token: token(ADMINISTRATOR), authority: file("apiserver.crt") }, method, asked, body);
  try {
    const output = () => server.output().trim().split("\n").slice(-3).join("\n");
    await whenReady("kube-apiserver", { output, ended: server.ended }, SECONDS, () =>
      request("GET", READY).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: `https://${loopback}:${port}`,
    certificate: fs.readFileSync(file("apiserver.crt"), "utf8"),
    token,
    request,
    async stop() {
      await Promise.all([server.stop(), etcd.stop()]);
    },
  };
}

async function ask(
  { port, token, authority }: { port: number; token: string; authority: string },
  method: string,
  asked: string,
  body: unknown,
): Promise<KubernetesAnswer> {
  const type = method === "PATCH" ? "application/apply-patch+yaml" : "application/json";
  const request = https.request({
    host: loopback,
    port,
    path: asked,
    method,
    ca: fs.readFileSync(authority),
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": type }) },
  });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { statusCode = 0, headers } = response;
  const said = await text(response);
  return {
    status: statusCode,
    warnings: [headers["warning"] ?? []].flat(),
    body:
      headers["content-type"] === "application/json"
        ? (JSON.parse(said) as KubernetesAnswer["body"])
        : { message: said },
  };
}
