import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { EmulatedCloud } from "../cloud";
import { numberAt } from "../model/paths";
import type { Stored } from "../model/types";
import { judge } from "../network/firewall";
import type { Vantage } from "../network/vantage";
import type { Session } from "../rights/directory";
import { type BlobAccount, IMMUTABLE, POLICY, type StorageAccounts } from "./accounts";
import { wishOf } from "./wishes";

/** Host names of blob services. */
export const BLOB_HOST = /^([a-z0-9]{3,24})\.blob\.core\.windows\.net$/;
const ACCOUNT = "azure-native:storage:StorageAccount";

const VERBS = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"];

class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/**
 * The blob service of a storage account over its real server: tokens of the directory, data actions of the roles,
 * who is let in from where, versions and locked containers are this front's; everything else is the server's answer.
 */
export async function answerBlobs(
  cloud: EmulatedCloud,
  accounts: StorageAccounts,
  from: Vantage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await pass(cloud, accounts, from, request, response);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    request.resume();
    refuse(request, response, error);
  }
}

async function pass(
  cloud: EmulatedCloud,
  accounts: StorageAccounts,
  from: Vantage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET" } = request;
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  const url = parsed(request.url ?? "/", `https://${host}`);
  const name = BLOB_HOST.exec(host)?.[1] ?? "";
  const account = accounts.get(name);
  const stored = storedAccount(cloud, name);
  if (!account || !stored) throw new Refused(404, "ResourceNotFound", `There is no account ${name}.`);
  const { type, key } = stored;
  const asked = { operation: "read", type, name: "", key, itself: true } as const;
  if (cloud.front.unreachable(asked) !== undefined) {
    if (!cloud.front.swallows(asked)) request.destroy();
    return;
  }
  const verdict = judge(cloud.cloud, from, stored);
  if (verdict.is === "unreachable") return void request.destroy();
  const path = decoded(url.pathname).replace(/^\/+/, "");
  const session = signedIn(cloud, name, request.headers.authorization);
  if (verdict.is !== "answers")
    throw new Refused(
      403,
      "AuthorizationFailure",
      "This request is not authorized to perform this operation.",
    );
  // https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
  if (cloud.front.throttledFor !== undefined)
    throw new Refused(
      503,
      "ServerBusy",
      "The server is currently unable to receive requests. Please retry your request.",
    );
  if (!VERBS.includes(method))
    throw new Refused(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.");
  for (const wish of [wishOf(stored.id, method, path, url.searchParams), ...copied(stored.id, host, request)])
    if (!cloud.rights.may(session.principal, wish))
      throw new Refused(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
      );
  await refuseLocked(cloud, account, method, path, url.searchParams);
  const versioned = accounts.keepsVersions(name)
    ? await account.versions.before(account, {
        method,
        path,
        query: url.searchParams,
        headers: request.headers,
      })
    : {};
  if (versioned.refusal) {
    const { status, code } = versioned.refusal;
    if (status >= 400) throw new Refused(status, code, `The specified blob cannot be used so: ${code}.`);
    request.resume();
    response.writeHead(status, { "x-ms-version": "2024-11-04" }).end();
    return;
  }
  const { authorization, ...headers } = request.headers;
  void authorization;
  const source = copySource(account, host, request);
  const onward = http.request(
    {
      ...account.onward(versioned.path ?? `${url.pathname}${url.search}`),
      method,
      headers: { ...headers, host, ...(source !== undefined && { "x-ms-copy-source": source }) },
    },
    (answer) => {
      const status = answer.statusCode ?? 502;
      // What the server refuses without a word of why, Azure has a word for.
      if (status >= 400 && status < 500 && answer.headers["x-ms-error-code"] === undefined) {
        answer.resume();
        const why = "One of the request inputs is not valid.";
        refuse(request, response, new Refused(status, "InvalidInput", why));
        return;
      }
      if (status < 300) versioned.taken?.();
      const { rewrite } = versioned;
      const kept = { ...answer.headers, ...(status < 300 && versioned.headers) };
      if (!rewrite || method === "HEAD") {
        response.writeHead(status, kept);
        answer.pipe(response);
        return;
      }
      delete kept["content-length"];
      delete kept["transfer-encoding"];
      text(answer).then(
        (body) => response.writeHead(status, kept).end(rewrite(body)),
        () => response.destroy(),
      );
    },
  );
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}

const malformed = (): Refused =>
  new Refused(400, "InvalidUri", "The requested URI does not represent any resource on the server.");

/** @throws Refused 400 */
function parsed(address: string, base?: string): URL {
  const url = URL.parse(address, base);
  if (!url) throw malformed();
  return url;
}

/** @throws Refused 400 */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw malformed();
  }
}

function storedAccount({ cloud }: EmulatedCloud, name: string): Stored | undefined {
  return [...cloud.all()].find(
    ({ type, id }) => type === ACCOUNT && id.toLowerCase().endsWith(`/storageaccounts/${name}`),
  );
}

function signedIn({ directory }: EmulatedCloud, name: string, authorization: string | undefined): Session {
  const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
  const session = token === undefined ? undefined : directory.session(token);
  const audiences = ["https://storage.azure.com", `https://${name}.blob.core.windows.net`];
  if (session && !directory.expired(session) && audiences.includes(session.audience)) return session;
  if (authorization !== undefined && token === undefined)
    throw new Refused(
      403,
      "KeyBasedAuthenticationNotPermitted",
      "Key based authentication is not permitted on this storage account.",
    );
  throw new Refused(401, "NoAuthenticationInformation", "Server failed to authenticate the request.", {
    "WWW-Authenticate": `Bearer authorization_uri=https://login.microsoftonline.com/${directory.tenantId}/oauth2/authorize resource_id=https://storage.azure.com`,
  });
}

/** Who copies must be allowed to read what is copied. */
function copied(account: string, host: string, { headers }: IncomingMessage) {
  const source = sourceOf(host, headers["x-ms-copy-source"]);
  return source ? [wishOf(account, "GET", decoded(source.pathname).slice(1), source.searchParams)] : [];
}

function sourceOf(host: string, given: string | string[] | undefined): URL | undefined {
  if (typeof given !== "string") return undefined;
  const source = parsed(given);
  if (source.hostname !== host)
    throw new Refused(404, "CannotVerifyCopySource", "Copies come from the same account here, and no other.");
  return source;
}

/** Where the server itself finds what is copied; within one account it asks for no key. */
function copySource(account: BlobAccount, host: string, { headers }: IncomingMessage): string | undefined {
  const source = sourceOf(host, headers["x-ms-copy-source"]);
  if (!source) return undefined;
  const version = source.searchParams.get("versionid") ?? source.searchParams.get("versionId");
  if (version === null) return `http://${account.host}${source.pathname}${source.search}`;
  const kept = account.versions.placeOf(decoded(source.pathname).slice(1), version);
  if (kept === undefined) throw new Refused(404, "BlobNotFound", "The specified version does not exist.");
  return `http://${account.host}${kept}`;
}

/**
 * A container with a policy of so many days lets nobody change or delete what is in it before they have passed, and is itself
 * deleted through the resource manager alone, empty or not (https://github.com/Azure/azure-sdk-for-python/issues/22255).
 */
async function refuseLocked(
  { cloud }: EmulatedCloud,
  account: BlobAccount,
  method: string,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const [container = "", ...blob] = path.split("/");
  const harmless = ["lease", "tags", "block", "tier"].includes(query.get("comp") ?? "");
  const whole = blob.length === 0;
  if (harmless || !(whole ? ["DELETE"] : ["PUT", "DELETE"]).includes(method)) return;
  const below = `/storageaccounts/${account.name}/blobservices/default/containers/${container}/`;
  const policy = [...cloud.all()].find(
    ({ type, id }) => type === POLICY && id.toLowerCase().includes(below.toLowerCase()),
  );
  const days = policy && numberAt(policy.outputs, "immutabilityPeriodSinceCreationInDays");
  if (!days) return;
  if (whole) throw new Refused(409, IMMUTABLE.code, IMMUTABLE.says);
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const { status, headers } = await account.ask("HEAD", `/${encoded}`);
  const made = new Date(String(headers["x-ms-creation-time"] ?? headers["last-modified"])).getTime();
  if (status === 200 && Date.now() < made + days * 86_400_000)
    throw new Refused(
      409,
      "BlobImmutableDueToPolicy",
      "This operation is not permitted as the blob is immutable due to a policy.",
    );
}

function refuse({ method }: IncomingMessage, response: ServerResponse, error: Refused): void {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
  response.writeHead(error.status, {
    "Content-Type": "application/xml",
    "x-ms-error-code": error.code,
    ...error.headers,
  });
  response.end(method === "HEAD" ? undefined : body);
}
