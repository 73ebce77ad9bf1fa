import type * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { armKey } from "../model/azure/arm";
import { refuseInUse } from "../model/azure/inUse";
import { endpointAt, refuseInactive } from "../model/azure/replication";
import { parsePath, valueAt } from "../model/paths";
import { Cloud, CloudError, Model, Outcome, PackageModel, Scope, Tree, Value } from "../model/types";
import { nameOf } from "../../wire/urn";
import { toStruct } from "../../wire/struct";
import { Path } from "../../wire/values";
import type { Caller } from "./caller";
import { Front, Incomplete } from "./front";
import { refuseAsArm, refuseLocked, refuseUnlinked } from "./limits";
import { fromStruct, toFailures, toInitFailed, toServiceError } from "./messages";

type Handler<Request, Response> = (
  call: grpc.ServerUnaryCall<Request, Response>,
  callback: grpc.sendUnaryData<Response>,
) => void;

/** Wraps an implementation so that every error becomes an answer. */
function rpc<Request, Response>(
  body: (request: Request, peer: string) => Response | Promise<Response>,
): Handler<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => body(call.request, call.getPeer()))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(error instanceof Reply ? error.status : toServiceError(error)),
      );
  };
}

/** An error answer that is ready to send. */
class Reply extends Error {
  constructor(readonly status: Partial<grpc.StatusObject>) {
    super(status.details);
  }
}

interface Subject {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

/** An operation that changes the cloud. */
interface Operating extends Subject {
  readonly operation: "create" | "update" | "delete";
  readonly id: string;
  readonly inputs: Tree;
  readonly secrets: readonly Path[];
  readonly scope: Scope;
}

/** What the engine calls an `object`: the RPCs of one provider package over the shared model and cloud. */
export class ProviderService {
  /** Each provider instance has a connection of its own, so the peer tells which configuration a call runs with. */
  private readonly scopes = new Map<string, Scope>();

  constructor(
    private readonly model: Model,
    private readonly pkg: PackageModel,
    private readonly cloud: Cloud,
    private readonly front: Front,
    /** Who makes the requests; nobody is asked for rights when it is not said. */
    private readonly caller?: Caller,
  ) {}

  /** Handlers by RPC name. Calls that are not listed answer UNIMPLEMENTED, which the engine expects. */
  handlers(): grpc.UntypedServiceImplementation {
    return {
      handshake: rpc(() => new proto.ProviderHandshakeResponse().setAcceptSecrets(true)),
      attach: rpc(() => new Empty()),
      cancel: rpc(() => new Empty()),
      getPluginInfo: rpc(() => new PluginInfo().setVersion(this.pkg.version)),
      checkConfig: rpc((request: proto.CheckRequest) => this.checkConfig(request)),
      diffConfig: rpc((request: proto.DiffRequest) => this.diffConfig(request)),
      configure: rpc((request: proto.ConfigureRequest, peer) => this.configure(request, peer)),
      check: rpc((request: proto.CheckRequest, peer) => this.check(request, peer)),
      diff: rpc((request: proto.DiffRequest, peer) => this.diff(request, peer)),
      create: rpc((request: proto.CreateRequest, peer) => this.create(request, peer)),
      read: rpc((request: proto.ReadRequest, peer) => this.read(request, peer)),
      update: rpc((request: proto.UpdateRequest, peer) => this.update(request, peer)),
      delete: rpc((request: proto.DeleteRequest, peer) => this.delete(request, peer)),
      invoke: rpc((request: proto.InvokeRequest, peer) => this.invoke(request, peer)),
    };
  }

  private checkConfig(request: proto.CheckRequest): proto.CheckResponse {
    const response = new proto.CheckResponse();
    response.setInputs(request.getNews());
    response.setFailuresList(toFailures(this.pkg.checkConfig(fromStruct(request.getNews()).tree)));
    return response;
  }

  /** Another kubeconfig is the same cluster unless its identifier says otherwise; nothing else replaces a provider. */
  private diffConfig(request: proto.DiffRequest): proto.DiffResponse {
    const old = fromStruct(request.getOldInputs() ?? request.getOlds()).tree;
    const next = fromStruct(request.getNews()).tree;
    const changed = [...new Set([...Object.keys(old), ...Object.keys(next)])].filter(
      (key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]),
    );
    const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
    return new proto.DiffResponse()
      .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
      .setDiffsList(changed)
      .setReplacesList(changed.filter((key) => key === "clusterIdentifier"));
  }

  private configure(request: proto.ConfigureRequest, peer: string): proto.ConfigureResponse {
    this.scopes.set(peer, { package: this.pkg.name, config: fromStruct(request.getArgs()).tree });
    return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
  }

  private check(request: proto.CheckRequest, peer: string): proto.CheckResponse {
    const subject = subjectOf(request);
    const news = fromStruct(request.getNews());
    const olds = request.getOlds();
    const { inputs, failures } = this.model.check({
      ...subject,
      inputs: news.tree,
      ...(olds && { old: fromStruct(olds).tree }),
      scope: this.scope(peer),
    });
    const response = new proto.CheckResponse();
    response.setInputs(toStruct(inputs, news.secrets));
    response.setFailuresList(toFailures(failures));
    return response;
  }

  private diff(request: proto.DiffRequest, peer: string): proto.DiffResponse {
    const { type } = subjectOf(request);
    const old = fromStruct(request.getOldInputs()).tree;
    const next = fromStruct(request.getNews()).tree;
    const { changed, replaces } = this.model.diff(type, old, next, request.getIgnorechangesList());
    const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
    const response = new proto.DiffResponse()
      .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
      .setDiffsList([...new Set(changed.map((path) => String(parsePath(path)[0])))])
      .setReplacesList([...replaces])
      // With the same identifier, the new one cannot exist before the old one is gone.
      .setDeletebeforereplace(replaces.length > 0 && this.idStays(type, request.getId(), next, peer))
      .setHasdetaileddiff(true);
    const details = response.getDetaileddiffMap();
    for (const path of changed) {
      const kind = kindOf(valueAt(old, path), valueAt(next, path), replaces.includes(path));
      details.set(path, new proto.PropertyDiff().setKind(kind).setInputdiff(true));
    }
    return response;
  }

  private idStays(type: string, id: string, inputs: Tree, peer: string): boolean {
    const { idInputs, id: identify } = this.model.resource(type);
    if (idInputs.some((path) => typeof valueAt(inputs, path) === "symbol")) return false;
    return identify(inputs, this.scope(peer)).toLowerCase() === id.toLowerCase();
  }

  private async create(request: proto.CreateRequest, peer: string): Promise<proto.CreateResponse> {
    const { urn, type, name } = subjectOf(request);
    const { tree, secrets } = fromStruct(request.getProperties());
    const scope = this.scope(peer);
    const response = new proto.CreateResponse();
    if (request.getPreview()) {
      const { outputs } = this.model.previewCreate(type, tree, scope);
      response.setProperties(this.properties(type, outputs, secrets));
      return response;
    }
    const id = this.model.resource(type).id(tree, scope);
    this.caller?.demand({ type, id, verb: "write", inputs: tree, scope });
    const call = { operation: "create", urn, type, name, id, inputs: tree, secrets, scope } as const;
    const made = await this.operate(call, async () => {
      refuseAsArm(this.front.refusals, this.cloud, type, id, tree);
      refuseUnlinked(this.cloud, type, tree);
      this.caller?.demandFetched(type, tree);
      const outcome = this.model.create(type, urn, tree, scope, this.cloud, isOn(scope, "enablePatchForce"));
      const stored = this.cloud.get(this.key(type, outcome.id, scope));
      if (stored) await this.front.tell({ kind: "created", stored });
      return outcome;
    });
    response.setProperties(this.properties(type, made.outputs, secrets));
    return response.setId(made.id);
  }

  private async read(request: proto.ReadRequest, peer: string): Promise<proto.ReadResponse> {
    const subject = subjectOf(request);
    const scope = this.scope(peer);
    const old = fromStruct(request.getInputs());
    const known = fromStruct(request.getProperties());
    const asked = request.getId();
    if (this.model.resource(subject.type).stateOnly) return this.unchanged(request);
    const id = this.whereKept(asked);
    this.caller?.demand({ type: subject.type, id: asked, verb: "read", scope });
    const found = await this.front.perform(
      { ...subject, operation: "read", key: this.key(subject.type, id, scope) },
      undefined,
      () => {
        refuseInactive(this.cloud, asked);
        return this.model.read(subject.type, id, scope, this.cloud);
      },
    );
    if (!found) return new proto.ReadResponse();
    const secrets = [...old.secrets, ...known.secrets];
    const response = new proto.ReadResponse().setId(id === asked ? found.id : asked);
    response.setProperties(this.properties(subject.type, found.outputs, secrets));
    const state = request.hasInputs() ? { inputs: old.tree, outputs: known.tree } : undefined;
    response.setInputs(toStruct(this.model.resource(subject.type).refreshed(found, state), secrets));
    return response;
  }

  /** What lives in the state alone is as the state says. */
  private unchanged(request: proto.ReadRequest): proto.ReadResponse {
    const response = new proto.ReadResponse().setId(request.getId());
    response.setProperties(request.getProperties());
    response.setInputs(request.getInputs());
    return response;
  }

  private async update(request: proto.UpdateRequest, peer: string): Promise<proto.UpdateResponse> {
    const { urn, type, name } = subjectOf(request);
    const asked = request.getId();
    const id = this.whereKept(asked);
    const { tree, secrets } = fromStruct(request.getNews());
    const old = fromStruct(request.getOldInputs()).tree;
    const scope = this.scope(peer);
    const response = new proto.UpdateResponse();
    if (request.getPreview()) {
      const outputs = fromStruct(request.getOlds()).tree;
      const planned = this.model.previewUpdate(type, id, old, tree, outputs, scope);
      response.setProperties(this.properties(type, planned.outputs, secrets));
      return response;
    }
    this.caller?.demand({ type, id: asked, verb: "write", inputs: tree, scope });
    const call = { operation: "update", urn, type, name, id, inputs: tree, secrets, scope } as const;
    const updated = await this.operate(call, async () => {
      const key = this.key(type, id, scope);
      const before = this.cloud.get(key);
      refuseInactive(this.cloud, asked);
      refuseAsArm(this.front.refusals, this.cloud, type, id, tree, before?.inputs);
      refuseUnlinked(this.cloud, type, tree, before?.inputs);
      this.caller?.demandFetched(type, tree);
      const outcome = this.model.update(type, id, old, tree, scope, this.cloud);
      const stored = this.cloud.get(key);
      if (before && stored) await this.front.tell({ kind: "updated", stored, before });
      return outcome;
    });
    response.setProperties(this.properties(type, updated.outputs, secrets));
    return response;
  }

  private async delete(request: proto.DeleteRequest, peer: string): Promise<Empty> {
    const { urn, type, name } = subjectOf(request);
    const asked = request.getId();
    const id = this.whereKept(asked);
    const scope = this.scope(peer);
    const inputs = fromStruct(request.getOldInputs()).tree;
    this.caller?.demand({ type, id: asked, verb: "delete", scope });
    const call = { operation: "delete", urn, type, name, id, inputs, secrets: [], scope } as const;
    try {
      await this.operate(call, async () => {
        const before = this.cloud.get(this.key(type, id, scope));
        refuseLocked(this.cloud, asked);
        refuseInactive(this.cloud, asked);
        if (before) refuseInUse(this.cloud, before);
        this.model.delete(type, id, scope, this.cloud);
        if (before) await this.front.tell({ kind: "deleted", before });
        return { id, outputs: {} };
      });
    } catch (error) {
      const unreachable = error instanceof CloudError && error.status === 503;
      if (!(unreachable && this.pkg.name === "kubernetes" && isOn(scope, "deleteUnreachable"))) throw error;
    }
    return new Empty();
  }

  private async invoke(request: proto.InvokeRequest, peer: string): Promise<proto.InvokeResponse> {
    const token = request.getTok();
    const scope = this.scope(peer);
    const args = fromStruct(request.getArgs()).tree;
    const attempt = {
      operation: "read",
      urn: "",
      type: token,
      name: token,
      key: placeOf(args, scope),
    } as const;
    this.caller?.demandFunction(token, args, scope);
    const result = await this.front.perform(attempt, undefined, () =>
      this.model.invoke(token, args, scope, this.cloud),
    );
    const response = new proto.InvokeResponse();
    response.setReturn(toStruct(result, this.model.secretOutputs(token).map(parsePath)));
    return response;
  }

  /** Runs one operation through the front; a half-made resource is reported as such. */
  private async operate(call: Operating, action: () => Promise<Outcome>): Promise<Outcome> {
    const { operation, urn, type, name, id, inputs, secrets, scope } = call;
    const attempt = { operation, urn, type, name, key: this.key(type, id, scope) };
    const serialisedBy = this.model.resource(type).serialisedBy?.(inputs, id, scope);
    try {
      return await this.front.perform(attempt, serialisedBy, action);
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      if (operation === "delete") throw new Reply({ ...toServiceError(error), details: error.reason });
      const made = error.outcome as Outcome;
      const properties = this.properties(type, made.outputs, secrets);
      throw new Reply(toInitFailed(made.id, properties, toStruct(inputs, secrets), error.reason));
    }
  }

  /** An endpoint is its pair's: kept below the server it was made under, and shown below whichever writes. */
  private whereKept(id: string): string {
    return endpointAt(this.cloud, id)?.endpoint.id ?? id;
  }

  private key(type: string, id: string, scope: Scope): string {
    return this.model.resource(type).key(id, scope);
  }

  private properties(type: string, outputs: Tree, secrets: readonly Path[]) {
    return toStruct(outputs, [...secrets, ...this.model.secretOutputs(type).map(parsePath)]);
  }

  private scope(peer: string): Scope {
    const scope = this.scopes.get(peer);
    if (!scope) throw new Error(`the engine used provider ${this.pkg.name} before configuring it`);
    return scope;
  }
}

/** A setting of the provider's; the Kubernetes SDK hands each one over as JSON in a text. */
function isOn({ config }: Scope, name: string): boolean {
  return config[name] === true || config[name] === "true";
}

/** Resource group a function looks into, so that an outage reaches functions too. */
function placeOf(args: Tree, scope: Scope): string {
  const [subscription, group] = [scope.config["subscriptionId"], args["resourceGroupName"]];
  return typeof subscription === "string" && typeof group === "string"
    ? armKey(`/subscriptions/${subscription}/resourceGroups/${group}`)
    : "";
}

function subjectOf(request: { getUrn(): string; getType(): string; getName(): string }): Subject {
  const urn = request.getUrn();
  return { urn, type: request.getType(), name: request.getName() || nameOf(urn) };
}

function kindOf(old: Value | undefined, next: Value | undefined, replaces: boolean): proto.PropertyDiff.Kind {
  const { Kind } = proto.PropertyDiff;
  if (old === undefined) return replaces ? Kind.ADD_REPLACE : Kind.ADD;
  if (next === undefined) return replaces ? Kind.DELETE_REPLACE : Kind.DELETE;
  return replaces ? Kind.UPDATE_REPLACE : Kind.UPDATE;
}
