import { lastName } from "../../model/ids";
import { stringAt, valueAt } from "../../model/paths";
import { ArmAnswer, ArmContext, ArmRequest } from "../context";
import { ArmError, notFound } from "../errors";
import { accepted, perform } from "../perform";
import type { ActionTable } from "./table";

const REGISTRY = "azure-native:containerregistry:Registry";

/** A name under which an import is kept: a repository, or one with a tag. */
const TARGET = /^[a-z0-9]+([._/-][a-z0-9]+)*(:[\w.-]+)?$/;

/** Copies an image from elsewhere. No layer is fetched: what is asked for is judged, and takes its time. */
async function importImage(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const { route, body } = request;
  const before = context.cloud.get(`arm:${route.target.toLowerCase()}`);
  const name = lastName(route.target);
  if (!before) throw notFound("Microsoft.ContainerRegistry/registries", name, route.group);
  const tree = body ?? {};
  const refuse = (message: string) => new ArmError(400, "InvalidParameters", message);
  if (!stringAt(tree, "source.sourceImage")) throw refuse("source.sourceImage is needed.");
  if (!stringAt(tree, "source.registryUri") && !stringAt(tree, "source.resourceId"))
    throw refuse("One of source.registryUri and source.resourceId is needed.");
  for (const list of ["targetTags", "untaggedTargetRepositories"])
    for (const target of (valueAt(tree, list) ?? []) as readonly unknown[])
      if (typeof target !== "string" || !TARGET.test(target))
        throw refuse(`${list}: ${String(target)} is no name of a repository.`);
  const attempt = { operation: "update" as const, urn: "", type: REGISTRY, name, key: before.key };
  const started = await perform(context, attempt, undefined, (done) => {
    done(before);
    return Promise.resolve();
  });
  return accepted(context, request, started, { result: () => undefined, bare: true });
}

export const REGISTRY_ACTIONS: ActionTable = {
  "POST Microsoft.ContainerRegistry/registries/importImage": importImage,
};
