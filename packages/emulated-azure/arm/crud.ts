import { lastName } from "../model/ids";
import { refuseAsArm, refuseLocked, refuseUnlinked } from "../provider/limits";
import { refuseUnfetched } from "../provider/vaultReferences";
import { FACTS } from "../model/azure/arm";
import { refuseInUse } from "../model/azure/inUse";
import { handOver, SERVER } from "../model/azure/replication";
import { isTree, merge, textAt, valueAt, withValue, parsePath } from "../model/paths";
import type { Failure, ResourceModel, Stored, Tree } from "../model/types";
import { resourcesBelow, undoing } from "../store/changes";
import { requireConditions } from "./conditions";
import { ArmAnswer, ArmContext, ArmRequest } from "./context";
import { ArmError, notFound } from "./errors";
import { listOf } from "./lists";
import { accepted, Done, perform } from "./perform";
import { findShown, shown } from "./views";

const GROUP = "azure-native:resources:ResourceGroup";

/** Reads, writes and deletes one resource, or lists those of a type. */
export async function crud(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const { method, route } = request;
  const model = route.model as ResourceModel;
  if (route.kind === "list") {
    if (route.group !== "") requireGroup(context, request);
    return listOf(context, request, model);
  }
  switch (method) {
    case "GET":
    case "HEAD":
      return read(context, request, model);
    case "PUT":
      return write(context, request, model, false);
    case "PATCH":
      return write(context, request, model, true);
    case "DELETE":
      return remove(context, request, model);
    default:
      throw new ArmError(
        405,
        "MethodNotAllowed",
        `The requested resource does not support http method '${method}'.`,
      );
  }
}

async function read(context: ArmContext, request: ArmRequest, model: ResourceModel): Promise<ArmAnswer> {
  const { route } = request;
  const found = await context.front.perform(
    {
      operation: "read",
      urn: "",
      type: model.type,
      name: lastName(route.path),
      key: model.key(route.path, request.scope),
    },
    undefined,
    () => findShown(route.path, context),
    { retries: "caller" },
  );
  if (!found) throw missing(request, model);
  return { status: 200, body: { ...shown(found.stored, context), id: found.id } };
}

async function write(
  context: ArmContext,
  request: ArmRequest,
  model: ResourceModel,
  partial: boolean,
): Promise<ArmAnswer> {
  const { route, body, scope } = request;
  const { cloud } = context;
  const names = namesIn(model, route.path);
  const key = model.key(route.path, scope);
  const there = cloud.get(key);
  const before = there?.softDeleted ? undefined : there;
  if (partial && !before) throw missing(request, model);
  requireConditions(request, before);
  const { inputs: sent, failures } = context.json.inputs(model.type, model, body);
  const [unread] = failures;
  if (unread) throw invalidContent(unread);
  const next = before ? changed(model, before, sent, names, partial) : { ...sent, ...names };
  if (!before && route.group !== "" && key !== groupKey(request)) requireGroup(context, request);
  if (!before) requireLocation(model, next, request);
  const attempt = {
    operation: before ? ("update" as const) : ("create" as const),
    urn: "",
    type: model.type,
    name: lastName(route.path),
    key,
  };
  const started = await perform(
    context,
    attempt,
    model.serialisedBy?.(next, route.path, scope),
    async (done: Done) => {
      const checked = context.model.check({
        type: model.type,
        name: attempt.name,
        urn: "",
        inputs: next,
        scope,
      });
      refuseInvalid(checked.failures.filter((one) => !(partial && before && leftAlone(one, sent))));
      if (before) refuseImmutable(context, model, before, next);
      refuseAsArm(context.front.refusals, cloud, model.type, route.path, checked.inputs, before?.inputs);
      refuseUnfetched(cloud, context.rights, model.type, checked.inputs);
      refuseUnlinked(cloud, model.type, checked.inputs, before?.inputs);
      const snapshot = cloud.snapshot();
      if (before) context.model.update(model.type, before.id, before.inputs, checked.inputs, scope, cloud);
      else context.model.create(model.type, "", checked.inputs, scope, cloud);
      const stored = cloud.get(key) as Stored;
      done(stored);
      await context.hooks.emit(
        before ? { kind: "updated", stored, before } : { kind: "created", stored },
        undoing(cloud, snapshot),
      );
    },
  );
  const result = (): Tree | undefined => {
    const now = cloud.get(key);
    return now && shown(now, context);
  };
  return accepted(context, request, started, { created: !before, result });
}

async function remove(context: ArmContext, request: ArmRequest, model: ResourceModel): Promise<ArmAnswer> {
  const { route, scope } = request;
  const { cloud } = context;
  const found = findShown(route.path, context);
  if (!found) {
    if (model.key(route.path, scope) === groupKey(request)) throw missing(request, model);
    return { status: 204 };
  }
  const before = found.stored;
  requireConditions(request, before);
  const { key } = before;
  const attempt = {
    operation: "delete" as const,
    urn: "",
    type: model.type,
    name: lastName(route.path),
    key,
  };
  const started = await perform(
    context,
    attempt,
    model.serialisedBy?.(namesIn(model, route.path), route.path, scope),
    async (done) => {
      // By the path by which it is shown: an endpoint is the writer's, whatever server of the pair it was made below.
      refuseLocked(cloud, found.id);
      context.goneLocks.refuse(found.id);
      if (before.type === SERVER) handOver(cloud, before);
      // Whatever hangs below goes first, so that those who run something behind it can end it.
      const gone = leaving(context, before).sort((a, b) => b.id.length - a.id.length);
      for (const { id } of gone) if (id !== before.id) refuseLockedBelow(context, id);
      refuseInUse(cloud, before, gone);
      const snapshot = cloud.snapshot();
      for (const stored of gone) {
        context.model.delete(stored.type, stored.id, scope, cloud);
        context.goneLocks.add(stored.id);
      }
      done(before);
      const undo = undoing(cloud, snapshot);
      for (const stored of gone) await context.hooks.emit({ kind: "deleted", before: stored }, undo);
    },
  );
  return accepted(context, request, started, { deleted: true, result: () => undefined });
}

/** A resource and what is below it; what is below one that is only deleted softly stays with it. */
function leaving({ cloud, model }: ArmContext, root: Stored): Stored[] {
  const all = resourcesBelow(cloud, root.id);
  const soft = all
    .filter(({ type }) => model.resource(type).softDelete)
    .map(({ id }) => `${id.toLowerCase()}/`);
  return all.filter(({ id }) => !soft.some((prefix) => id.toLowerCase().startsWith(prefix)));
}

/** A lock anywhere below keeps the whole from being deleted; the lock itself is no reason. */
function refuseLockedBelow(context: ArmContext, id: string): void {
  if (/\/providers\/microsoft\.authorization\/locks\/[^/]+$/i.test(id)) return;
  refuseLocked(context.cloud, id);
}

/** The inputs a write leads to: what was sent over what is there, and never another name. */
function changed(model: ResourceModel, before: Stored, sent: Tree, names: Tree, partial: boolean): Tree {
  const base = partial ? merge(before.inputs, sent) : { ...sent };
  const kept = ["location", ...(model.writeOnly ?? []), ...model.immutable];
  const named = model.idInputs.reduce(
    (tree, name) => withValue(tree, parsePath(name), valueAt(before.inputs, name) ?? valueAt(names, name)),
    base as Tree,
  );
  return kept.reduce((tree, path) => {
    const value = valueAt(before.inputs, path);
    return valueAt(tree, path) === undefined && value !== undefined
      ? withValue(tree, parsePath(path), value)
      : tree;
  }, named);
}

function refuseImmutable(context: ArmContext, model: ResourceModel, before: Stored, next: Tree): void {
  const kept = new Set(model.keptOnUpdate ?? []);
  const [path] = context.model
    .diff(model.type, before.inputs, next, [])
    .replaces.filter((one) => !kept.has(one) && !sameText(valueAt(before.inputs, one), valueAt(next, one)))
    // What the service wrote by itself, such as a source after a promotion, may be sent back.
    .filter((one) => !sameText(valueAt(before.outputs, one), valueAt(next, one)));
  if (path === "location") throw elsewhere(before, next);
  if (path !== undefined) {
    throw new ArmError(
      400,
      "PropertyChangeNotAllowed",
      `Changing property '${path}' is not allowed.`,
      {},
      path,
    );
  }
}

/**
 * What is somewhere is not made again somewhere else (https://github.com/MicrosoftDocs/azure-docs/issues/70422; a group:
 * https://github.com/Azure/azure-cli/issues/23043).
 */
function elsewhere({ id, type, inputs }: Stored, next: Tree): ArmError {
  const [there, wanted] = [textAt(inputs, "location"), textAt(next, "location")];
  if (type === GROUP)
    return new ArmError(
      409,
      "InvalidResourceGroupLocation",
      `Invalid resource group location '${wanted}'. The Resource group already exists in location '${there}'.`,
    );
  const group = /\/resourceGroups\/([^/]+)/i.exec(id)?.[1] ?? "";
  return new ArmError(
    409,
    "InvalidResourceLocation",
    `The resource '${lastName(id)}' already exists in location '${there}' in resource group '${group}'. A resource with the same name cannot be created in location '${wanted}'. Please select a new resource name.`,
  );
}

function sameText(one: unknown, other: unknown): boolean {
  const plain = (value: unknown): unknown =>
    typeof value === "string" ? value.toLowerCase().replaceAll(" ", "") : value;
  return plain(one) === plain(other);
}

function invalidContent({ property, reason }: Failure): ArmError {
  return new ArmError(
    400,
    "InvalidRequestContent",
    `The request content was invalid and could not be deserialized: '${reason}. Path '${property}'.'.`,
  );
}

const isMissing = ({ kind }: Failure): boolean => kind === "missing";

/**
 * Whether something is missing that a PATCH does not touch: the bodies of PATCH that the services publish require nothing, such as
 * https://learn.microsoft.com/javascript/api/@azure/arm-postgresql-flexible/serverforpatch.
 */
function leftAlone(failure: Failure, sent: Tree): boolean {
  const [first = ""] = parsePath(failure.property);
  return isMissing(failure) && !(String(first) in sent);
}

function refuseInvalid(failures: readonly Failure[]): void {
  const [first] = failures;
  if (!first) return;
  const { property, reason } = first;
  throw isMissing(first)
    ? new ArmError(400, "MissingRequiredParameter", `Parameter '${property}' ${reason}.`, {}, property)
    : new ArmError(
        400,
        "InvalidParameterValue",
        `Invalid value given for parameter '${property}': ${reason}.`,
        {},
        property,
      );
}

function namesIn(model: ResourceModel, id: string): Tree {
  return model.namesIn?.(id) ?? {};
}

function requireGroup(context: ArmContext, request: ArmRequest): void {
  const found = context.cloud.get(groupKey(request));
  if (!found || found.softDeleted) {
    throw new ArmError(
      404,
      "ResourceGroupNotFound",
      `Resource group '${request.route.group}' could not be found.`,
    );
  }
}

function groupKey({ route }: ArmRequest): string {
  return `arm:/subscriptions/${route.subscription}/resourcegroups/${route.group}`.toLowerCase();
}

function requireLocation(model: ResourceModel, inputs: Tree, { route }: ArmRequest): void {
  const shape = FACTS.shapes[FACTS.resources[model.type]?.inputs ?? ""];
  const tracked = /\/providers\/[^/]+\/[^/]+\/[^/]+$/i.test(route.path) && route.group !== "";
  const tags = shape && "tags" in shape;
  if (tracked && tags && shape["location"] && inputs["location"] === undefined) {
    throw new ArmError(400, "LocationRequired", "The location property is required for this definition.");
  }
}

function missing(request: ArmRequest, model: ResourceModel): ArmError {
  const { route } = request;
  if (`arm:${route.path}`.toLowerCase() === groupKey(request)) {
    return new ArmError(404, "ResourceGroupNotFound", `Resource group '${route.group}' could not be found.`);
  }
  return notFound(model.armType ?? "", lastName(route.path), route.group);
}

export { isTree };
