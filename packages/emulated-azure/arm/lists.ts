import { stringAt, strings } from "../model/paths";
import type { ResourceModel, Stored, Tree } from "../model/types";
import { ArmAnswer, ArmContext, ArmRequest, list } from "./context";
import { ArmError } from "./errors";
import { filtered, filterTerms, refusedFilter, topOf } from "./narrow";
import type { Route } from "./routes";
import { builtInDefinitions } from "./subscriptions";
import { listed, shown } from "./views";

const ASSIGNMENT = "azure-native:authorization:RoleAssignment";
const DEFINITION = "azure-native:authorization:RoleDefinition";

/** Lists the resources of a type at a scope, narrowed as the clients' descriptions say the list can be. */
export function listOf(context: ArmContext, request: ArmRequest, model: ResourceModel): ArmAnswer {
  const { route, url } = request;
  const takes = route.operation?.takes ?? [];
  const filter = takes.includes("$filter") ? url.searchParams.get("$filter") : null;
  const top = takes.includes("$top") ? url.searchParams.get("$top") : null;
  if (model.type === ASSIGNMENT) return list(topOf(assignments(context, route.target, filter), top));
  if (model.type === DEFINITION) return list(definitions(context, route, filter));
  const found = answering(context, listed(model.type, route.target, context)).map(({ stored, id }) => ({
    ...shown(stored, context),
    id,
  }));
  if (filter !== null)
    throw new ArmError(
      501,
      "NotImplemented",
      `Azure narrows a list of ${route.armType} by $filter; this emulated cloud does not.`,
    );
  return list(topOf(found, top));
}

/** What is in a lost region is left out. */
function answering<T extends { readonly stored: Stored }>({ front }: ArmContext, all: readonly T[]): T[] {
  return all.filter(
    ({ stored: { type, key } }) => !front.unreachable({ operation: "read", type, name: "", key }),
  );
}

/**
 * Role assignments at, above and below a scope; `atScope()` leaves out those below it
 * (https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope#uri-parameters).
 */
function assignments(context: ArmContext, target: string, filter: string | null): Tree[] {
  const { cloud, directory } = context;
  const wanted = target.toLowerCase();
  const tests = filterTerms(filter).map(({ name, operator, value }): ((one: Stored) => boolean) => {
    if (name === "atscope" && operator === "call") return (one) => covers(scopeOf(one), wanted);
    if (name === "principalid" && operator === "eq") return (one) => principalOf(one) === value.toLowerCase();
    if (name === "assignedto" && operator === "call") {
      const groups = directory.byObjectId(value)?.groups ?? [];
      const holders = [value, ...groups].map((id) => id.toLowerCase());
      return (one) => holders.includes(principalOf(one));
    }
    throw refusedFilter(filter ?? "");
  });
  return [...cloud.ofType(ASSIGNMENT)]
    .filter((one) => covers(scopeOf(one), wanted) || covers(wanted, scopeOf(one)))
    .filter((one) => tests.every((test) => test(one)))
    .map((stored) => shown(stored, context));
}

const scopeOf = ({ inputs }: Stored): string => (stringAt(inputs, "scope") ?? "").toLowerCase();
const principalOf = ({ inputs }: Stored): string => (stringAt(inputs, "principalId") ?? "").toLowerCase();

const covers = (scope: string, what: string): boolean =>
  scope === what || what.startsWith(scope.endsWith("/") ? scope : `${scope}/`);

/**
 * Role definitions that can be assigned at a scope, with `atScopeAndBelow()` those of scopes below it too, by name and kind
 * (https://learn.microsoft.com/azure/role-based-access-control/role-definitions-list#rest-api).
 */
function definitions(context: ArmContext, { target, subscription }: Route, filter: string | null): Tree[] {
  const terms = filterTerms(filter);
  const below = terms.some(({ name }) => name === "atscopeandbelow");
  if (below && terms.length > 1) throw refusedFilter(filter ?? "");
  const wanted = target.toLowerCase();
  const own = [...context.cloud.ofType(DEFINITION)].filter(({ inputs }) =>
    strings(inputs["assignableScopes"]).some(({ text }) => {
      const scope = text.toLowerCase();
      return covers(scope, wanted) || (below && covers(wanted, scope));
    }),
  );
  const all = [...builtInDefinitions(subscription), ...own.map((stored) => shown(stored, context))];
  return filtered(all, below ? null : filter, {
    rolename: (one) => stringAt(one, "properties.roleName"),
    type: (one) => stringAt(one, "properties.type") ?? "CustomRole",
  });
}
