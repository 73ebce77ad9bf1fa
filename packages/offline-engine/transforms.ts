import * as grpc from "@grpc/grpc-js";
import { Callback, CallbackInvokeRequest, CallbackInvokeResponse } from "@pulumi/pulumi/proto/callback_pb";
import * as proto from "@pulumi/pulumi/proto/resource_pb";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the package ships no declaration of its clients
const { CallbacksClient } = require("@pulumi/pulumi/proto/callback_grpc_pb") as {
  CallbacksClient: new (
    target: string,
    credentials: grpc.ChannelCredentials,
  ) => grpc.Client & {
    invoke(
      request: CallbackInvokeRequest,
      done: (error: grpc.ServiceError | null, response: CallbackInvokeResponse) => void,
    ): void;
  };
};

/** The transforms a program registered, kept in the program and called back over its own address. */
export class Transforms {
  private readonly clients = new Map<string, InstanceType<typeof CallbacksClient>>();
  private readonly ofResources: Callback[] = [];
  private readonly ofInvokes: Callback[] = [];
  /** Transforms given as an option of a component apply to what is below it. */
  private readonly byUrn = new Map<string, { parent: string; callbacks: Callback[] }>();

  addResource(callback: Callback): void {
    this.ofResources.push(callback);
  }

  addInvoke(callback: Callback): void {
    this.ofInvokes.push(callback);
  }

  /** Lets the resource's own transforms, then its parents', then the stack's change a registration. */
  async apply(request: proto.RegisterResourceRequest): Promise<void> {
    const chain = [
      ...request.getTransformsList(),
      ...this.inherited(request.getParent()),
      ...this.ofResources,
    ];
    for (const callback of chain) {
      const asked = new proto.TransformRequest()
        .setType(request.getType())
        .setName(request.getName())
        .setCustom(request.getCustom())
        .setParent(request.getParent());
      asked.setProperties(request.getObject());
      asked.setOptions(optionsOf(request));
      const answer = proto.TransformResponse.deserializeBinary(
        await this.call(callback, asked.serializeBinary()),
      );
      request.setObject(answer.getProperties());
      const options = answer.getOptions();
      if (options) applyOptions(request, options);
    }
  }

  /** Remembers the transforms of a registered resource for its children. */
  remember(urn: string, request: proto.RegisterResourceRequest): void {
    this.byUrn.set(urn, { parent: request.getParent(), callbacks: request.getTransformsList() });
  }

  async applyInvoke(request: proto.ResourceInvokeRequest): Promise<void> {
    for (const callback of this.ofInvokes) {
      const options = new proto.TransformInvokeOptions()
        .setProvider(request.getProvider())
        .setVersion(request.getVersion())
        .setPluginDownloadUrl(request.getPlugindownloadurl());
      const asked = new proto.TransformInvokeRequest().setToken(request.getTok());
      asked.setArgs(request.getArgs());
      asked.setOptions(options);
      const answer = proto.TransformInvokeResponse.deserializeBinary(
        await this.call(callback, asked.serializeBinary()),
      );
      request.setArgs(answer.getArgs());
      const changed = answer.getOptions();
      if (changed) request.setProvider(changed.getProvider()).setVersion(changed.getVersion());
    }
  }

  close(): void {
    this.clients.forEach((client) => client.close());
  }

  private inherited(parent: string): Callback[] {
    const found: Callback[] = [];
    for (let above = this.byUrn.get(parent); above; above = this.byUrn.get(above.parent)) {
      found.push(...above.callbacks);
    }
    return found;
  }

  private call(callback: Callback, bytes: Uint8Array): Promise<Uint8Array> {
    const target = callback.getTarget();
    let client = this.clients.get(target);
    if (!client) {
      client = new CallbacksClient(target, grpc.credentials.createInsecure());
      this.clients.set(target, client);
    }
    const request = new CallbackInvokeRequest().setToken(callback.getToken()).setRequest(bytes);
    return new Promise((resolve, reject) => {
      client.invoke(request, (error, response) =>
        error ? reject(new Error(error.details)) : resolve(response.getResponse_asU8()),
      );
    });
  }
}

function optionsOf(request: proto.RegisterResourceRequest): proto.TransformResourceOptions {
  const options = new proto.TransformResourceOptions()
    .setDependsOnList(request.getDependenciesList())
    .setIgnoreChangesList(request.getIgnorechangesList())
    .setReplaceOnChangesList(request.getReplaceonchangesList())
    .setAliasesList(request.getAliasesList())
    .setProvider(request.getProvider())
    .setVersion(request.getVersion())
    .setAdditionalSecretOutputsList(request.getAdditionalsecretoutputsList())
    .setDeletedWith(request.getDeletedwith())
    .setImport(request.getImportid());
  options.setCustomTimeouts(request.getCustomtimeouts());
  if (request.hasProtect()) options.setProtect(request.getProtect() ?? false);
  if (request.hasRetainondelete()) options.setRetainOnDelete(request.getRetainondelete() ?? false);
  if (request.getDeletebeforereplacedefined())
    options.setDeleteBeforeReplace(request.getDeletebeforereplace());
  return options;
}

function applyOptions(request: proto.RegisterResourceRequest, options: proto.TransformResourceOptions): void {
  request
    .setDependenciesList(options.getDependsOnList())
    .setIgnorechangesList(options.getIgnoreChangesList())
    .setReplaceonchangesList(options.getReplaceOnChangesList())
    .setAliasesList(options.getAliasesList())
    .setProvider(options.getProvider())
    .setVersion(options.getVersion())
    .setAdditionalsecretoutputsList(options.getAdditionalSecretOutputsList())
    .setDeletedwith(options.getDeletedWith())
    .setImportid(options.getImport());
  request.setCustomtimeouts(options.getCustomTimeouts());
  if (options.hasProtect()) request.setProtect(options.getProtect() ?? false);
  if (options.hasRetainOnDelete()) request.setRetainondelete(options.getRetainOnDelete() ?? false);
  if (options.hasDeleteBeforeReplace()) {
    request
      .setDeletebeforereplace(options.getDeleteBeforeReplace() ?? false)
      .setDeletebeforereplacedefined(true);
  }
}
