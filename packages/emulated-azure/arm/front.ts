import { randomUUID } from "node:crypto";
import { FACTS } from "../model/azure/arm";
import { isTree } from "../model/paths";
import type { Scope, Stored, Tree, Value } from "../model/types";
import type { Session } from "../rights/directory";
import type { Wish } from "../rights/decide";
import { attributesOf, scopeOf as governedScope } from "../rights/wishes";
import { forManagement } from "../rights/entra";
import { actionFor } from "./actions";
import { asksForPromotion, promotion } from "./actions/postgres";
import { asksForRecovery, recover } from "./actions/vault";
import { ActivityEntry, ArmAnswer, ArmContext, ArmRequest, Conditions } from "./context";
import { crud } from "./crud";
import { ArmError, isUnforeseen, notAuthorized, refuseThrottled, toArmError } from "./errors";
import { ArmJson } from "./json";
import {
  requirePlainVersion,
  requirePollingVersion,
  route as routeOf,
  Route,
  unknownPath,
  WIRE,
} from "./routes";
import { plain } from "./subscriptions";

/** A request to the management endpoint as it came in. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly conditions: Conditions;
  /** Parsed JSON; undefined when there was none. */
  readonly body: unknown;
  /** Address clients reach the front at. */
  readonly base: string;
}

export const armJson = (): ArmJson => new ArmJson(FACTS, WIRE);

/**
 * Answers one request to Azure Resource Manager.
 * @param report told of what fails unforeseen after its request was accepted
 * @throws ArmError
 */
export async function answerArm(
  context: ArmContext,
  incoming: Incoming,
  report: (error: unknown) => void = () => undefined,
): Promise<ArmAnswer> {
  const { method, url, base } = incoming;
  const path = decoded(url.pathname);
  const apiVersion = url.searchParams.get("api-version") ?? undefined;
  const session = authenticated(context, incoming);
  // Whatever is asked for: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
  refuseThrottled(
    context.front.throttledFor,
    "TooManyRequests",
    "Number of requests exceeded the limit. Please try again later.",
  );
  const demand = (wish: Omit<Wish, "data">): void => refuseUnlessAllowed(context, session, wish);
  const poll = /\/(azureAsyncOperation|operationResults)\/([0-9a-f-]+)$/i.exec(path);
  if (poll) {
    requirePollingVersion(path, apiVersion);
    demand(pollingWish(path));
    const found = context.lro.answer(path, `${base}${url.pathname}${url.search}`);
    if (!found)
      throw new ArmError(404, "OperationNotFound", `The operation '${poll[2] ?? ""}' was not found.`);
    return found;
  }
  const clean = path.replace(/\/+$/, "");
  if (isPlain(clean)) {
    requirePlainVersion(apiVersion);
    const answer = plain(context, {
      method,
      path: clean,
      session,
      demand,
      filter: url.searchParams.get("$filter"),
      top: url.searchParams.get("$top"),
    });
    if (answer) return answer;
  }
  const route = routeOf(method, clean, apiVersion);
  const request: ArmRequest = {
    method,
    route,
    url,
    base,
    apiVersion: apiVersion ?? "",
    session,
    conditions: incoming.conditions,
    demand,
    body: bodyOf(method, incoming.body),
    scope: scopeOf(context, route),
  };
  return noted(context, request, () => dispatch(context, request), report);
}

function isPlain(path: string): boolean {
  return /^\/(subscriptions(\/[^/]+(\/(locations|resources|resourcegroups|providers(\/[^/]+(\/register)?)?|resourcegroups\/[^/]+\/resources))?)?|tenants)$/i.test(
    path,
  );
}

async function dispatch(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const { method, route, body } = request;
  const action = actionFor(method, route.type);
  if (route.kind === "action" && !action) {
    if (!route.operation) throw unknownPath(route);
    throw new ArmError(
      501,
      "NotImplemented",
      `Azure has ${method} ${route.type}; this emulated cloud has not.`,
    );
  }
  request.demand(wishOf(context, request));
  if (action) return action(context, request);
  if (method === "PATCH" && route.armType === SERVERS && asksForPromotion(body))
    return promotion(context, request);
  if (method === "PUT" && route.armType === VAULTS && asksForRecovery(body)) return recover(context, request);
  return crud(context, request);
}

const SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers";
const VAULTS = "Microsoft.KeyVault/vaults";

/** The right a request needs (https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations). */
function wishOf({ cloud }: ArmContext, { method, route, body }: ArmRequest): Wish {
  const verb = method === "GET" || method === "HEAD" ? "read" : method === "DELETE" ? "delete" : "write";
  const action = method === "POST" ? `${route.type}/action` : `${route.type}/${verb}`;
  const there: Tree = cloud.get(`arm:${route.path.toLowerCase()}`)?.inputs ?? {};
  const sent = body["properties"];
  const isList = route.kind === "list";
  const at = route.path.toLowerCase().lastIndexOf("/providers/");
  const governed = governedScope(route.path, route.armType);
  const scope = isList
    ? route.path.slice(0, at) || route.path
    : governed === route.path && route.kind === "action"
      ? route.target || route.path
      : governed;
  return {
    action,
    scope: at < 0 ? route.path : scope,
    request: attributesOf(isTree(sent as Value) ? (sent as Tree) : {}),
    resource: attributesOf(there),
  };
}

/** Waiting for an operation takes a right of the provider it is of, beside the one that began it. */
function pollingWish(path: string): Wish {
  const [, scope = "", operation = ""] =
    /^(\/subscriptions\/[^/]+).*\/providers\/(.+)\/[^/]+$/i.exec(path) ?? [];
  // `…/locations/<where>/azureAsyncOperation`: the place is no part of the action.
  return { action: `${operation.replace(/\/locations\/[^/]+\//i, "/locations/")}/read`, scope };
}

function refuseUnlessAllowed({ rights }: ArmContext, { principal }: Session, wish: Wish): void {
  if (rights.may(principal, wish)) return;
  throw notAuthorized(principal, wish);
}

function authenticated(context: ArmContext, { authorization, base }: Incoming): Session {
  const { directory } = context;
  const challenge = (error: string, description: string): Record<string, string> => ({
    "WWW-Authenticate": `Bearer authorization_uri="https://login.microsoftonline.com/${directory.tenantId}", error="${error}", error_description="${description}"`,
  });
  const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    throw new ArmError(
      401,
      "AuthenticationFailed",
      "Authentication failed. The 'Authorization' header is missing.",
      challenge("invalid_token", "The authentication failed because of missing 'Authorization' header."),
    );
  }
  const session = directory.session(token);
  if (!session) {
    throw new ArmError(
      401,
      "InvalidAuthenticationToken",
      "The access token is invalid.",
      challenge("invalid_token", "The access token is invalid."),
    );
  }
  if (directory.expired(session)) {
    throw new ArmError(
      401,
      "ExpiredAuthenticationToken",
      `The access token expiry UTC time '${session.expires.toISOString()}' is earlier than current UTC time '${context.now().toISOString()}'.`,
      challenge("invalid_token", "The access token has expired."),
    );
  }
  if (!forManagement(session.audience, base)) {
    throw new ArmError(
      401,
      "InvalidAuthenticationTokenAudience",
      `The access token has been obtained for wrong audience or resource '${session.audience}'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.azure.com/'.`,
      challenge("invalid_token", "The audience is invalid."),
    );
  }
  return session;
}

function bodyOf(method: string, body: unknown): Tree {
  const needed = method === "PUT" || method === "PATCH";
  if (body === undefined && !needed) return {};
  if (!isTree(body as Value)) {
    throw new ArmError(
      400,
      "InvalidRequestContent",
      "The request content was invalid and could not be deserialized: 'a JSON object is expected.'.",
    );
  }
  return body as Tree;
}

function scopeOf({ directory }: ArmContext, { subscription }: Route): Scope {
  return { package: "azure-native", config: { subscriptionId: subscription, tenantId: directory.tenantId } };
}

/** Writes what changes the cloud into the activity log: refused or not, accepted, and how that ended. */
async function noted(
  context: ArmContext,
  { method, route, session }: ArmRequest,
  action: () => Promise<ArmAnswer>,
  report: (error: unknown) => void,
): Promise<ArmAnswer> {
  if (method === "GET" || method === "HEAD") return action();
  const verb = method === "DELETE" ? "delete" : method === "POST" ? "action" : "write";
  const common = {
    caller: session.principal.type === "User" ? session.principal.displayName : session.principal.objectId,
    operation: `${route.type}/${verb}`,
    resource: route.kind === "action" ? route.target : route.path,
    correlationId: randomUUID(),
  };
  const note = (status: ActivityEntry["status"], error?: unknown): void =>
    void context.activity.push({
      ...common,
      at: context.now(),
      status,
      ...(error !== undefined && { error: toArmError(error).body() }),
    });
  try {
    const answer = await action();
    note(answer.end ? "Accepted" : "Succeeded");
    answer.end?.then(
      () => note("Succeeded"),
      (error: unknown) => {
        note("Failed", error);
        if (isUnforeseen(toArmError(error))) report(error);
      },
    );
    return answer;
  } catch (error) {
    note("Failed", error);
    throw error;
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new ArmError(400, "InvalidRequestUri", "The request URI is not well formed.");
  }
}

export type { Stored };
