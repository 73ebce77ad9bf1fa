import { ArmError } from "../arm/errors";
import type { Directory, Principal } from "./directory";

/** An answer of the sign-in or Graph endpoint. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: object;
}

/** Resources ARM answers tokens for. */
const MANAGEMENT = ["https://management.azure.com", "https://management.core.windows.net"];

/** A resource as asked for, without `/.default` and trailing slashes. */
function audienceOf(scope: string): string {
  const [first = ""] = scope
    .split(" ")
    .filter((part) => part !== "offline_access" && part !== "openid" && part !== "profile");
  return first.replace(/\/\.default$/, "").replace(/\/+$/, "");
}

/** Whether a token is for ARM. `base` is the address the front itself is at. */
export function forManagement(audience: string, base: string): boolean {
  return MANAGEMENT.includes(audience) || audience === base;
}

function refused(code: string, error: string, message: string): JsonAnswer {
  return {
    status: error === "invalid_client" ? 401 : 400,
    body: {
      error,
      error_description: `${code}: ${message}`,
      error_codes: [Number(code.replace("AADSTS", ""))],
    },
  };
}

/** AADSTS90055 of https://learn.microsoft.com/entra/identity-platform/reference-error-codes. */
export function tooManySignIns(seconds: number): JsonAnswer & { headers: Record<string, string> } {
  const { body } = refused("AADSTS90055", "temporarily_unavailable", "There are too many incoming requests.");
  return { status: 429, body, headers: { "Retry-After": String(seconds) } };
}

/** What Entra's documents say about a tenant: where to sign in (https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc). */
export function openIdConfiguration(base: string, tenantId: string): object {
  return {
    issuer: `${base}/${tenantId}/v2.0`,
    authorization_endpoint: `${base}/${tenantId}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/${tenantId}/oauth2/v2.0/token`,
    device_authorization_endpoint: `${base}/${tenantId}/oauth2/v2.0/devicecode`,
    jwks_uri: `${base}/${tenantId}/discovery/v2.0/keys`,
    response_types_supported: ["code", "id_token"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
  };
}

/** Signs a service principal in with its secret (client credentials of OAuth 2.0). */
export function token(directory: Directory, tenant: string, form: URLSearchParams): JsonAnswer {
  if (tenant.toLowerCase() !== directory.tenantId.toLowerCase()) {
    return refused("AADSTS90002", "invalid_request", `Tenant '${tenant}' not found.`);
  }
  const grant = form.get("grant_type");
  if (grant !== "client_credentials") {
    return refused(
      "AADSTS70003",
      "unsupported_grant_type",
      `The app requested an unsupported grant type '${grant ?? ""}'.`,
    );
  }
  const principal = directory.byAppId(form.get("client_id") ?? "");
  if (!principal) {
    return refused(
      "AADSTS700016",
      "unauthorized_client",
      `Application with identifier '${form.get("client_id") ?? ""}' was not found in the directory '${tenant}'.`,
    );
  }
  if (principal.secret === undefined || form.get("client_secret") !== principal.secret) {
    return refused(
      "AADSTS7000215",
      "invalid_client",
      `Invalid client secret provided for app '${principal.appId ?? ""}'.`,
    );
  }
  const audience = audienceOf(form.get("scope") ?? form.get("resource") ?? "");
  if (audience === "")
    return refused(
      "AADSTS900144",
      "invalid_request",
      "The request body must contain the following parameter: 'scope'.",
    );
  const access = directory.issue(principal, audience);
  const seconds = Math.round(
    ((directory.session(access)?.expires.getTime() ?? 0) - directory.now().getTime()) / 1_000,
  );
  return {
    status: 200,
    body: { token_type: "Bearer", expires_in: seconds, ext_expires_in: seconds, access_token: access },
  };
}

const KIND: Readonly<Record<Principal["type"], string>> = {
  User: "user",
  Group: "group",
  ServicePrincipal: "servicePrincipal",
};

function shown(principal: Principal): object {
  const { objectId: id, displayName, type, appId } = principal;
  return {
    "@odata.type": `#microsoft.graph.${KIND[type]}`,
    id,
    displayName,
    ...(type === "User" && { userPrincipalName: displayName }),
    ...(type === "ServicePrincipal" && {
      appId,
      servicePrincipalNames: [appId],
      servicePrincipalType: "Application",
    }),
  };
}

/**
 * The look-ups of Microsoft Graph that the Azure CLI makes: who is behind an id, and who has a name.
 * @throws ArmError for anything else.
 */
export function graph(directory: Directory, method: string, url: URL, body: unknown): JsonAnswer {
  const path = url.pathname.replace(/^\/v1\.0/, "");
  const all = directory.all();
  if (method === "POST" && /^\/directoryObjects\/(microsoft\.graph\.)?getByIds$/i.test(path)) {
    const { ids } = (body ?? {}) as { ids?: unknown };
    if (!Array.isArray(ids) || !ids.every((id): id is string => typeof id === "string"))
      throw new ArmError(400, "Request_BadRequest", "The parameter 'ids' must be a list of identifiers.");
    const found = ids.map((id) => directory.byObjectId(id)).filter((one) => one !== undefined);
    return { status: 200, body: { value: found.map(shown) } };
  }
  const list = /^\/(users|groups|servicePrincipals)$/i.exec(path)?.[1];
  if (method === "GET" && list) {
    const type = `${list[0]?.toUpperCase() ?? ""}${list.slice(1, -1)}`.toLowerCase();
    const filter = url.searchParams.get("$filter") ?? "";
    const values = [...filter.matchAll(/'([^']*)'/g)].map(([, value]) => (value ?? "").toLowerCase());
    const found = all.filter(
      (one) =>
        one.type.toLowerCase() === type &&
        (filter === "" ||
          values.some((value) =>
            [one.appId, one.objectId, one.displayName].some((own) => own?.toLowerCase() === value),
          )),
    );
    return { status: 200, body: { value: found.map(shown) } };
  }
  const one = /^\/(?:users|groups|servicePrincipals|directoryObjects)\/([^/]+)$/i.exec(path)?.[1];
  const found = one === undefined ? undefined : directory.byObjectId(one);
  if (method === "GET" && found) return { status: 200, body: shown(found) };
  throw new ArmError(404, "Request_ResourceNotFound", `Resource '${one ?? path}' does not exist.`);
}
