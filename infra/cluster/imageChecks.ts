/** Requests the API server judges images at. */
export const JUDGED_PODS = {
  apiGroups: [""],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE"],
  resources: ["pods"],
};

/** The repository of an image that is pinned by digest. @throws RangeError for any other. */
export function repositoryOf(image: string): string {
  const [, repository] = /^([^@\s]+)@sha256:[0-9a-f]{64}$/.exec(image) ?? [];
  if (repository === undefined) throw new RangeError(`image ${image}: allowed: <repository>@sha256:<digest>`);
  // A tag beside the digest decides nothing.
  return repository.replace(/:[^:/]+$/, "");
}

/** Images of a pod, and what each must be, in the language the API server evaluates (CEL). */
export function imageChecks(repositories: readonly string[]): {
  images: string;
  holds: string;
  message: string;
} {
  const known = `[${repositories.map((repository) => `"${repository}"`).join(", ")}]`;
  return {
    images:
      "object.spec.containers.map(c, c.image) + (has(object.spec.initContainers) ? object.spec.initContainers.map(c, c.image) : [])",
    holds: `variables.images.all(image, ${known}.exists(known, image.startsWith(known + "@sha256:") || (image.startsWith(known + ":") && image.contains("@sha256:"))))`,
    message: `"images must be pinned by digest and come from ${repositories.join(", ")}; found " + variables.images.join(", ")`,
  };
}
