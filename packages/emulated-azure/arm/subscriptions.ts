import { lastName } from "../model/ids";
import { BUILT_IN } from "../rights/roles";
import { AZURE } from "../model/azure";
import { pairedRegion, REGIONS } from "../model/azure/regionPairs";
import { stringAt } from "../model/paths";
import type { Stored, Tree } from "../model/types";
import { ArmAnswer, ArmContext, list } from "./context";
import { ArmError, notAuthorized } from "./errors";
import { Fields, filtered, topOf } from "./narrow";
import { providers } from "./registration";
import { shown } from "./views";
import type { Session } from "../rights/directory";

/** A request about subscriptions, tenants or what they hold, before any resource provider. */
export interface PlainRequest {
  readonly method: string;
  /** What the caller narrows a list to, as it was sent. */
  readonly filter: string | null;
  /** How many entries of a list the caller wants, as it was sent. */
  readonly top: string | null;
  readonly path: string;
  readonly session: Session;
  /** Refuses unless the caller may. */
  readonly demand: (wish: { action: string; scope: string }) => void;
}

/** Subscriptions of the cloud: those anything in it is in. */
export function subscriptionsOf({ cloud }: Pick<ArmContext, "cloud">): string[] {
  const found = new Set<string>();
  for (const { id } of cloud.all()) {
    const subscription = /^\/subscriptions\/([^/]+)/i.exec(id)?.[1];
    if (subscription) found.add(subscription.toLowerCase());
  }
  return [...found];
}

function subscription(id: string, tenantId: string): Tree {
  return {
    id: `/subscriptions/${id}`,
    subscriptionId: id,
    displayName: id,
    tenantId,
    state: "Enabled",
    subscriptionPolicies: {
      locationPlacementId: "Public_2014-09-01",
      quotaId: "PayAsYouGo_2014-09-01",
      spendingLimit: "Off",
    },
    authorizationSource: "RoleBased",
    managedByTenants: [],
    tags: {},
  };
}

/**
 * Answers what is no resource provider's: subscriptions, tenants, locations, registered providers, all resources.
 * @returns undefined for a path that is something else.
 */
export function plain(context: ArmContext, request: PlainRequest): ArmAnswer | undefined {
  const { method, path, session, demand } = request;
  if (method !== "GET" && !/\/register$/i.test(path)) return undefined;
  const { tenantId } = context.directory;
  const known = subscriptionsOf(context).filter((id) =>
    context.rights.knows(session.principal, `/subscriptions/${id}`),
  );
  if (/^\/subscriptions$/i.test(path)) return list(known.map((id) => subscription(id, tenantId)));
  if (/^\/tenants$/i.test(path)) {
    return list([
      {
        id: `/tenants/${tenantId}`,
        tenantId,
        tenantCategory: "Home",
        displayName: "Emulated",
        countryCode: "NL",
      },
    ]);
  }
  const [, id = "", rest = ""] = /^\/subscriptions\/([^/]+)(.*)$/i.exec(path) ?? [];
  if (id === "") return undefined;
  const scope = `/subscriptions/${id}`;
  const isKnown = known.includes(id.toLowerCase());
  if (/^(\/locations|\/providers(\/[^/]+){0,2})?$/i.test(rest) && !isKnown) {
    throw new ArmError(404, "SubscriptionNotFound", `The subscription '${id}' could not be found.`);
  }
  if (rest === "") return { status: 200, body: subscription(id, tenantId) };
  if (/^\/locations$/i.test(rest)) {
    return list(
      REGIONS.map((name) => ({
        id: `${scope}/locations/${name}`,
        name,
        type: "Region",
        displayName: name,
        regionalDisplayName: name,
        metadata: {
          regionType: "Physical",
          pairedRegion: [pairedRegion(name)].flatMap((pair) => (pair === undefined ? [] : [{ name: pair }])),
        },
      })),
    );
  }
  const provided = providers(method, scope, rest, demand);
  if (provided) return provided;
  if (/^(\/resourcegroups\/[^/]+)?\/resources$/i.test(rest)) {
    demand({
      action: "Microsoft.Resources/subscriptions/resources/read",
      scope: path.slice(0, -"/resources".length),
    });
    const all = resources(context, path.slice(0, -"/resources".length));
    return list(topOf(filtered(all, request.filter, RESOURCE_FIELDS), request.top));
  }
  if (/^\/resourcegroups$/i.test(rest)) return groups(context, request, scope, isKnown);
  return undefined;
}

/** Groups the caller may read; a caller with no right in the subscription at all is refused. */
function groups(
  context: ArmContext,
  { session, filter, top }: PlainRequest,
  scope: string,
  isKnown: boolean,
): ArmAnswer {
  const action = "Microsoft.Resources/subscriptions/resourceGroups/read";
  if (!isKnown) throw notAuthorized(session.principal, { action, scope });
  const prefix = `${scope.toLowerCase()}/`;
  const found = [...context.cloud.all()].filter(
    ({ type, id }) =>
      type === "azure-native:resources:ResourceGroup" &&
      id.toLowerCase().startsWith(prefix) &&
      context.rights.may(session.principal, { action, scope: id }),
  );
  const all = found.map((stored) => shown(stored, context));
  return list(topOf(filtered(all, filter, GROUP_FIELDS), top));
}

const textOf = (name: string) => (entry: Tree) => stringAt(entry, name);
const GROUP_FIELDS: Fields = { location: textOf("location"), name: textOf("name") };
const RESOURCE_FIELDS: Fields = {
  ...GROUP_FIELDS,
  resourcetype: textOf("type"),
  resourcegroup: (entry) => /\/resourceGroups\/([^/]+)/i.exec(textOf("id")(entry) ?? "")?.[1],
};

function isTopLevel({ id, softDeleted }: Stored): boolean {
  return (
    !softDeleted &&
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/[^/]+\/[^/]+\/[^/]+$/i.test(id)
  );
}

function resources({ cloud }: ArmContext, scope: string): Tree[] {
  const prefix = `${scope.toLowerCase()}/`;
  return [...cloud.all()]
    .filter((stored) => isTopLevel(stored) && stored.id.toLowerCase().startsWith(prefix))
    .map(({ id, outputs, inputs, type }) => ({
      id,
      name: lastName(id),
      type: AZURE.resources.find((model) => model.type === type)?.armType ?? "",
      location: stringAt(inputs, "location") ?? stringAt(outputs, "location") ?? "global",
      tags: (outputs["tags"] as Tree | undefined) ?? {},
    }));
}

/** Built-in roles as ARM shows them in a subscription; clients compare the ids with those of assignments. */
export function builtInDefinitions(subscription: string): Tree[] {
  return [...BUILT_IN.values()].map(({ name, roleName, description, permissions }) => ({
    id: `${subscription === "" ? "" : `/subscriptions/${subscription}`}/providers/Microsoft.Authorization/roleDefinitions/${name}`,
    name,
    type: "Microsoft.Authorization/roleDefinitions",
    properties: {
      roleName,
      type: "BuiltInRole",
      description,
      assignableScopes: ["/"],
      permissions: permissions.map((permission) => ({
        actions: [...permission.actions],
        notActions: [...permission.notActions],
        dataActions: [...permission.dataActions],
        notDataActions: [...permission.notDataActions],
      })),
    },
  }));
}
