import * as proto from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { ResourceFixture } from "./fixture";

/** A finding as the engine gets it. */
export interface Diagnostic {
  /** Name of the rule. */
  rule: string;
  message: string;
  urn: string;
  level: Level;
}

export const LEVELS = ["advisory", "mandatory", "disabled", "remediate"] as const;
export type Level = (typeof LEVELS)[number];

/** Stack and project a resource is in. */
export interface Place {
  stack: string;
  project: string;
}

export const urnOf = (
  { stack, project }: Place,
  { type, name }: Pick<ResourceFixture, "type" | "name">,
): string => `urn:pulumi:${stack}::${project}::${type}::${name}`;

/** URNs of fixtures by name; a name no fixture has stands for itself. */
export const urnsOf = (
  place: Place,
  names: readonly string[],
  fixtures: readonly ResourceFixture[],
): string[] =>
  names.map((name) => {
    const target = fixtures.find((other) => other.name === name);
    return target ? urnOf(place, target) : name;
  });

function options({ opts = {} }: ResourceFixture): proto.AnalyzerResourceOptions {
  const message = new proto.AnalyzerResourceOptions();
  message.setProtect(opts.protect ?? false);
  message.setIgnorechangesList([...(opts.ignoreChanges ?? [])]);
  return message;
}

function provider(
  place: Place,
  given: NonNullable<ResourceFixture["provider"]>,
): proto.AnalyzerProviderResource {
  const message = new proto.AnalyzerProviderResource();
  const name = given.name ?? "provider";
  message.setType(given.type);
  message.setName(name);
  message.setUrn(urnOf(place, { type: given.type, name }));
  message.setProperties(Struct.fromJavaScript(given.props as never));
  return message;
}

/** What the engine sends for one resource. */
export function analyzeRequest(place: Place, fixture: ResourceFixture): proto.AnalyzeRequest {
  const request = new proto.AnalyzeRequest();
  // A child's URN carries the types of its parents; its own type is the last one.
  request.setType(fixture.type.slice(fixture.type.lastIndexOf("$") + 1));
  request.setName(fixture.name);
  request.setUrn(urnOf(place, fixture));
  request.setProperties(Struct.fromJavaScript(fixture.props as never));
  request.setOptions(options(fixture));
  if (fixture.provider) request.setProvider(provider(place, fixture.provider));
  return request;
}

/** What the engine sends for the whole stack. */
export function analyzeStackRequest(
  place: Place,
  fixtures: readonly ResourceFixture[],
): proto.AnalyzeStackRequest {
  const request = new proto.AnalyzeStackRequest();
  for (const fixture of fixtures) {
    const resource = new proto.AnalyzerResource();
    resource.setType(fixture.type.slice(fixture.type.lastIndexOf("$") + 1));
    resource.setName(fixture.name);
    resource.setUrn(urnOf(place, fixture));
    resource.setProperties(Struct.fromJavaScript((fixture.outputs ?? fixture.props) as never));
    resource.setOptions(options(fixture));
    if (fixture.provider) resource.setProvider(provider(place, fixture.provider));
    for (const [property, names] of Object.entries(fixture.propertyDependencies ?? {})) {
      const dependencies = new proto.AnalyzerPropertyDependencies();
      dependencies.setUrnsList(urnsOf(place, names, fixtures));
      resource.getPropertydependenciesMap().set(property, dependencies);
    }
    request.addResources(resource);
  }
  return request;
}

export function diagnosticsOf(response: proto.AnalyzeResponse): Diagnostic[] {
  return response.getDiagnosticsList().map((diagnostic) => ({
    rule: diagnostic.getPolicyname(),
    message: diagnostic.getMessage(),
    urn: diagnostic.getUrn(),
    level: LEVELS[diagnostic.getEnforcementlevel()] ?? "mandatory",
  }));
}
