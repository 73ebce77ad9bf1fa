import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { encode, type Json } from "../wire/values";
import type { PlannedResource } from "./resource";

/** Property maps of one resource in a request; the request itself leaves them out. */
export interface PlainProperties {
  readonly properties: Json;
  readonly provider: Json | undefined;
}

/** A resource and the provider it goes through, as the policy pack is asked about it. */
export type Asked = readonly [resource: PlannedResource, provider: PlannedResource | undefined];

/** Asks about one resource, by its inputs. */
export function aboutResource([resource, provider]: Asked): [proto.AnalyzeRequest, PlainProperties[]] {
  const request = new proto.AnalyzeRequest()
    .setType(resource.type)
    .setUrn(resource.urn)
    .setName(resource.name);
  request.setOptions(options(resource));
  if (provider) request.setProvider(providerOf(provider));
  return [request, [plain(encode(resource.inputs, resource.inputSecrets), provider)]];
}

/** Asks about a stack as a whole, by what its resources turned out to be. */
export function aboutStack(asked: readonly Asked[]): [proto.AnalyzeStackRequest, PlainProperties[]] {
  const request = new proto.AnalyzeStackRequest().setResourcesList(asked.map(stackResource));
  return [
    request,
    asked.map(([{ outputs, outputSecrets }, provider]) => plain(encode(outputs, outputSecrets), provider)),
  ];
}

function plain(properties: Json, provider: PlannedResource | undefined): PlainProperties {
  return { properties, provider: provider && encode(provider.inputs, provider.inputSecrets) };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of a Go duration such as `1h30m`. */
function seconds(duration: string | undefined): number {
  return [...(duration ?? "").matchAll(/([\d.]+)([smh])/g)]
    .map(([, count, unit]) => Number(count) * (SECONDS[unit ?? "s"] ?? 0))
    .reduce((a, b) => a + b, 0);
}

function options({ protect, parent, options: given }: PlannedResource): proto.AnalyzerResourceOptions {
  const { create, update, delete: remove } = given.customTimeouts;
  const timeouts = new proto.AnalyzerResourceOptions.CustomTimeouts()
    .setCreate(seconds(create))
    .setUpdate(seconds(update))
    .setDelete(seconds(remove));
  const result = new proto.AnalyzerResourceOptions()
    .setProtect(protect)
    .setIgnorechangesList([...given.ignoreChanges])
    .setDeletebeforereplace(given.deleteBeforeReplace ?? false)
    .setDeletebeforereplacedefined(given.deleteBeforeReplace !== undefined)
    .setAdditionalsecretoutputsList([...given.additionalSecretOutputs])
    .setAliasesList([...given.aliases])
    .setParent(parent);
  result.setCustomtimeouts(timeouts);
  return result;
}

function providerOf(provider: PlannedResource): proto.AnalyzerProviderResource {
  return new proto.AnalyzerProviderResource()
    .setType(provider.type)
    .setUrn(provider.urn)
    .setName(provider.name);
}

function stackResource([resource, provider]: Asked): proto.AnalyzerResource {
  const result = new proto.AnalyzerResource()
    .setType(resource.type)
    .setUrn(resource.urn)
    .setName(resource.name)
    .setParent(resource.parent)
    .setDependenciesList([...resource.dependencies]);
  result.setOptions(options(resource));
  if (provider) result.setProvider(providerOf(provider));
  for (const [name, urns] of Object.entries(resource.propertyDependencies)) {
    // The engine leaves out properties that depend on nothing, so that an empty list means: on nothing in the stack.
    if (urns.length === 0) continue;
    result
      .getPropertydependenciesMap()
      .set(name, new proto.AnalyzerPropertyDependencies().setUrnsList([...urns]));
  }
  return result;
}
