import type { Alias } from "@pulumi/pulumi/proto/alias_pb";
import type * as proto from "@pulumi/pulumi/proto/resource_pb";
import { toJson } from "../wire/struct";
import type { Registration } from "./registration";
import { aliasUrn } from "../wire/urn";

/** azure-native gives every resource the names it had in other API versions; they say nothing about this program. */
const API_VERSION_ALIAS = /\/v\d{8}\w*:\w+$/;

function aliases(
  request: proto.RegisterResourceRequest,
  { project, stack }: { project: string; stack: string },
): string[] {
  const own = {
    project,
    stack,
    parent: request.getParent(),
    type: request.getType(),
    name: request.getName(),
  };
  return request.getAliasesList().flatMap((alias: Alias) => {
    const spec = alias.getSpec();
    if (!spec) return [alias.getUrn()];
    if (API_VERSION_ALIAS.test(spec.getType())) return [];
    return [
      aliasUrn(
        {
          name: spec.getName(),
          type: spec.getType(),
          stack: spec.getStack(),
          project: spec.getProject(),
          parentUrn: spec.getParenturn(),
          noParent: spec.getNoparent(),
        },
        own,
      ),
    ];
  });
}

function timeouts(request: proto.RegisterResourceRequest): Registration["options"]["customTimeouts"] {
  const given = request.getCustomtimeouts();
  const entries = Object.entries({
    create: given?.getCreate() ?? "",
    update: given?.getUpdate() ?? "",
    delete: given?.getDelete() ?? "",
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

export function fromRegistration(
  request: proto.RegisterResourceRequest,
  names: { project: string; stack: string },
): Registration {
  return {
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    custom: request.getCustom(),
    remote: request.getRemote(),
    object: toJson(request.getObject()),
    provider: request.getProvider(),
    version: request.getVersion(),
    dependencies: request.getDependenciesList(),
    propertyDependencies: Object.fromEntries(
      request
        .getPropertydependenciesMap()
        .getEntryList()
        .map(([name, deps]: [string, unknown]) => [name, urnsOf(deps)]),
    ),
    protect: request.hasProtect() ? request.getProtect() : undefined,
    options: {
      retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : undefined,
      deleteBeforeReplace: request.getDeletebeforereplacedefined()
        ? request.getDeletebeforereplace()
        : undefined,
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
      aliases: [...request.getAliasurnsList(), ...aliases(request, names)],
      customTimeouts: timeouts(request),
      deletedWith: request.getDeletedwith() || undefined,
      replaceWith: request.getReplaceWithList(),
      importId: request.getImportid() || undefined,
    },
  };
}

/** Entries of the message's map come as the wire array of each value: its first field is the list of URNs. */
function urnsOf(deps: unknown): string[] {
  return Array.isArray(deps) ? ((deps[0] as string[] | undefined) ?? []) : [];
}

export function fromRead(
  request: proto.ReadResourceRequest,
): Omit<Registration, "custom" | "remote" | "protect" | "options"> & { id: string } {
  return {
    id: request.getId(),
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    object: toJson(request.getProperties()),
    provider: request.getProvider(),
    version: request.getVersion(),
    dependencies: request.getDependenciesList(),
    propertyDependencies: {},
  };
}
