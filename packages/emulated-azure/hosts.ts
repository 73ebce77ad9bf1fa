import type { IncomingHttpHeaders } from "node:http";
import type { ArmAnswer } from "./arm/context";
import { ArmError, refuseThrottled } from "./arm/errors";
import { answerArm } from "./arm/front";
import { parseJson } from "./arm/http";
import type { EmulatedCloud } from "./cloud";
import type { Vantage } from "./network/vantage";
import { graph, openIdConfiguration, token, tooManySignIns } from "./rights/entra";
import { answerVault, VAULT_HOST } from "./vault";

/** Azure's own names for what answers here. */
const SIGN_IN = ["login.microsoftonline.com", "login.microsoft.com", "sts.windows.net"];
const MANAGEMENT = "management.azure.com";
const GRAPH = "graph.microsoft.com";
const GRAPH_AUDIENCE = `https://${GRAPH}`;

/** A request, whatever host it was sent to. */
export interface Asked {
  readonly cloud: EmulatedCloud;
  readonly method: string;
  readonly url: URL;
  /** Without a port. */
  readonly host: string;
  /** `https://…` of the host it was sent to. */
  readonly base: string;
  /** `https://127.0.0.1:<port>`: the cloud's own, behind which all of it answers. */
  readonly address: string;
  /** Where it comes from. */
  readonly from: Vantage;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  /** Told of failures nobody foresaw. */
  readonly report: (error: unknown) => void;
}

/** What answers for some hosts or paths. */
interface Front {
  takes(asked: Asked): boolean;
  answer(asked: Asked): ArmAnswer | Promise<ArmAnswer>;
}

const CONFIGURATION = /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/i;
const TOKEN = /^\/([^/]+)\/oauth2\/(?:v2\.0\/)?token$/i;
const DISCOVERY = /\/common\/discovery\/instance$/i;
const METADATA = /^\/metadata\/endpoints$/i;

const signInAddress = ({ host, base, address }: Asked): string => (SIGN_IN.includes(host) ? base : address);
const signsIn =
  (path: RegExp) =>
  ({ host, url }: Asked): boolean =>
    host !== MANAGEMENT && path.test(url.pathname);
const tenantIn = ({ url }: Asked, path: RegExp): string => path.exec(url.pathname)?.[1] ?? "";

/** What no other front takes is for the management of resources. */
const ARM: Pick<Front, "answer"> = {
  answer: ({ cloud, method, url, base, headers, raw, report }) => {
    const conditions = { ifMatch: headers["if-match"], ifNoneMatch: headers["if-none-match"] };
    const { authorization } = headers;
    return answerArm(cloud, { method, url, authorization, conditions, base, body: parseJson(raw) }, report);
  },
};

/** The first that takes a request answers it. */
const FRONTS: readonly Front[] = [
  {
    takes: ({ host }) => VAULT_HOST.test(host),
    answer: ({ cloud, method, url, host, from, headers: { authorization }, raw }) =>
      answerVault(cloud, { method, url, host, from, authorization, body: parseJson(raw) }),
  },
  {
    takes: signsIn(CONFIGURATION),
    answer: (asked) => ({
      status: 200,
      body: openIdConfiguration(signInAddress(asked), tenantIn(asked, CONFIGURATION)),
    }),
  },
  {
    takes: signsIn(TOKEN),
    answer: (asked) => {
      const { cloud, raw } = asked;
      const busy = cloud.front.throttledFor;
      if (busy !== undefined) return tooManySignIns(busy);
      return token(cloud.directory, tenantIn(asked, TOKEN), new URLSearchParams(raw.toString("utf8")));
    },
  },
  {
    takes: ({ url }) => DISCOVERY.test(url.pathname),
    answer: (asked) => ({
      status: 200,
      body: discovery(signInAddress(asked), asked.cloud.directory.tenantId),
    }),
  },
  {
    takes: ({ host, url }) => host === GRAPH || (host !== MANAGEMENT && url.pathname.startsWith("/v1.0/")),
    answer: ({ cloud, method, url, base, headers: { authorization }, raw }) => {
      requireSession(cloud, authorization, [GRAPH_AUDIENCE, base]);
      return graph(cloud.directory, method, url, parseJson(raw));
    },
  },
  {
    takes: ({ url }) => METADATA.test(url.pathname),
    answer: ({ cloud, address }) => ({ status: 200, body: metadata(address, cloud.directory.tenantId) }),
  },
];

/** Whether a host is one of Azure's that every cloud has. */
export function isOurs(host: string): boolean {
  return [MANAGEMENT, GRAPH, ...SIGN_IN].includes(host) || VAULT_HOST.test(host);
}

/** @throws ArmError in the words of whatever refuses */
export async function answerAsked(asked: Asked): Promise<ArmAnswer> {
  return (FRONTS.find(({ takes }) => takes(asked)) ?? ARM).answer(asked);
}

/** Who asks Graph has a token for Graph, and asks no more than it takes (https://learn.microsoft.com/graph/errors). */
function requireSession(
  { directory, front }: EmulatedCloud,
  authorization: string | undefined,
  audiences: readonly string[],
): void {
  const refused = (message: string): ArmError => new ArmError(401, "InvalidAuthenticationToken", message);
  const session = directory.session(/^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? "");
  if (!session || directory.expired(session)) throw refused("Access token has expired or is not yet valid.");
  if (!audiences.includes(session.audience))
    throw refused("Access token validation failure. Invalid audience.");
  refuseThrottled(front.throttledFor, "TooManyRequests", "Too many requests.");
}

/** Where authorities of this cloud are (https://learn.microsoft.com/entra/identity-platform/msal-overview). */
function discovery(signIn: string, tenantId: string): object {
  return {
    tenant_discovery_endpoint: `${signIn}/${tenantId}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [],
  };
}

/** What `az cloud register` reads about a cloud. */
function metadata(address: string, tenant: string): object {
  return {
    name: "emulated",
    portal: address,
    graph: address,
    microsoftGraphResourceId: address,
    resourceManager: address,
    authentication: {
      loginEndpoint: address,
      audiences: [address],
      tenant,
      identityProvider: "AAD",
    },
    suffixes: {
      keyVaultDns: "vault.azure.net",
      storage: "core.windows.net",
      postgresqlServerEndpoint: "postgres.database.azure.com",
    },
  };
}
