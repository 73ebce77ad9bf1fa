import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as proto from "@pulumi/pulumi/proto/resource_pb";
import { InvokeResponse } from "@pulumi/pulumi/proto/provider_pb";
import { toJson, toStruct } from "../wire/struct";
import { Deployment } from "./deployment";
import { fromRead, fromRegistration } from "./requests";
import { Transforms } from "./transforms";
import { Answer, refusal } from "./rpc";

/** What the emulated engine can do; hooks run around operations, and a plan has none. */
const FEATURES = new Set([
  "aliasSpecs",
  "deletedWith",
  "invokeTransforms",
  "outputValues",
  "parameterization",
  "replaceWith",
  "resourceReferences",
  "secrets",
  "transforms",
]);

/** Requests taken in one turn of the event loop; in between, the policy pack is asked about what was declared before. */
const REQUESTS_A_TURN = 8;

/**
 * The engine's resource monitor for a program in this very process: the SDK calls it with the protocol's own messages,
 * as it calls a client, so that nothing has to be serialised.
 */
export class Monitor {
  /** Requests taken so far, to see whether the program is still at work. */
  requests = 0;
  /** What was refused; the SDK's own errors repeat it, wrapped several times. */
  readonly refusals: string[] = [];
  private readonly transforms = new Transforms();
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly deployment: Deployment) {}

  supportsFeature(
    request: proto.SupportsFeatureRequest,
    answer: Answer<proto.SupportsFeatureResponse>,
  ): void {
    answer(null, new proto.SupportsFeatureResponse().setHassupport(FEATURES.has(request.getId())));
  }

  registerResource(
    request: proto.RegisterResourceRequest,
    answer: Answer<proto.RegisterResourceResponse>,
  ): void {
    this.reply(() => this.register(request), answer);
  }

  readResource(request: proto.ReadResourceRequest, answer: Answer<proto.ReadResourceResponse>): void {
    this.reply(() => this.read(request), answer);
  }

  registerResourceOutputs(request: proto.RegisterResourceOutputsRequest, answer: Answer<Empty>): void {
    this.reply(() => {
      this.deployment.registerOutputs(request.getUrn(), toJson(request.getOutputs()));
      return new Empty();
    }, answer);
  }

  invoke(request: proto.ResourceInvokeRequest, answer: Answer<InvokeResponse>): void {
    this.reply(() => this.perform(request), answer);
  }

  call(request: proto.ResourceCallRequest, answer: Answer<never>): void {
    this.reply(() => {
      throw new Error(`${request.getTok()}: methods of resources are not emulated`);
    }, answer);
  }

  registerStackTransform(callback: Parameters<Transforms["addResource"]>[0], answer: Answer<Empty>): void {
    this.transforms.addResource(callback);
    answer(null, new Empty());
  }

  registerStackInvokeTransform(
    callback: Parameters<Transforms["addInvoke"]>[0],
    answer: Answer<Empty>,
  ): void {
    this.transforms.addInvoke(callback);
    answer(null, new Empty());
  }

  registerPackage(
    request: proto.RegisterPackageRequest,
    answer: Answer<proto.RegisterPackageResponse>,
  ): void {
    answer(null, new proto.RegisterPackageResponse().setRef(`${request.getName()}@${request.getVersion()}`));
  }

  signalAndWaitForShutdown(_request: Empty, answer: Answer<Empty>): void {
    answer(null, new Empty());
  }

  /** Answers a call; what an action throws is reported once, and is what the program sees. */
  private reply<A>(action: () => A | Promise<A>, answer: Answer<A>): void {
    this.requests++;
    this.inTurn()
      .then(action)
      .then(
        (value) => answer(null, value),
        (error: unknown) => {
          const refused = refusal(error);
          this.refusals.push(refused.details);
          this.deployment.report("error", "", refused.details);
          answer(refused);
        },
      );
  }

  private inTurn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.waiting.push(resolve) === 1) setImmediate(() => this.take());
    });
  }

  private take(): void {
    for (const start of this.waiting.splice(0, REQUESTS_A_TURN)) start();
    if (this.waiting.length > 0) setImmediate(() => this.take());
  }

  close(): void {
    this.transforms.close();
  }

  private async register(request: proto.RegisterResourceRequest): Promise<proto.RegisterResourceResponse> {
    await this.transforms.apply(request);
    const made = await this.deployment.register(fromRegistration(request, this.deployment.settings));
    this.transforms.remember(made.urn, request);
    const response = new proto.RegisterResourceResponse().setUrn(made.urn).setId(made.id);
    response.setObject(toStruct(made.outputs, made.secrets));
    return response;
  }

  private async read(request: proto.ReadResourceRequest): Promise<proto.ReadResourceResponse> {
    const made = await this.deployment.read(fromRead(request));
    const response = new proto.ReadResourceResponse().setUrn(made.urn);
    response.setProperties(toStruct(made.outputs, made.secrets));
    return response;
  }

  private async perform(request: proto.ResourceInvokeRequest): Promise<InvokeResponse> {
    await this.transforms.applyInvoke(request);
    const { tree, secrets } = await this.deployment.invoke(
      request.getTok(),
      toJson(request.getArgs()),
      request.getProvider(),
      request.getVersion(),
    );
    const response = new InvokeResponse();
    response.setReturn(toStruct(tree, secrets));
    return response;
  }
}
