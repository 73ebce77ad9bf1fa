import { FETCHES } from "../fetchedCode";
import { kubernetesObjects, podSpecs } from "../objects";
import type { Cursor } from "../read";
import type { ResourceView, Violation } from "../rule";
import { runsSaved, savedBy, type Saved } from "../shellFlow";

const lineOf = (container: Cursor): string =>
  [...container.at("command").texts(), ...container.at("args").texts()].join(" ").toLowerCase();

/** Where a container has its volumes, the longest path first. */
const mountsOf = (container: Cursor): { volume: string; path: string }[] =>
  container
    .at("volumeMounts")
    .items()
    .map((mount) => ({
      volume: `${mount.at("name").text ?? ""}/${mount.at("subPath").text ?? ""}`,
      path: (mount.at("mountPath").text ?? "").toLowerCase().replace(/\/+$/, ""),
    }))
    .sort((one, other) => other.path.length - one.path.length);

/** What a container fetches into a volume: the volume, and the way from there. */
function fetchedInto(container: Cursor): (Saved & { volume: string })[] {
  const mounts = mountsOf(container);
  return savedBy(lineOf(container), FETCHES).flatMap((saved) => {
    const mount = mounts.find(({ path }) => saved.path === path || saved.path.startsWith(`${path}/`));
    return mount ? [{ ...saved, volume: mount.volume, path: saved.path.slice(mount.path.length) }] : [];
  });
}

/** Containers that run what another one of their pod fetched into a volume of both. */
export function handedOver(resource: ResourceView): Violation[] {
  return kubernetesObjects(resource).flatMap((found) =>
    podSpecs(found).flatMap((spec) => {
      const containers = ["initContainers", "containers"].flatMap((list) => spec.at(list).items());
      const fetched = containers.flatMap((container) =>
        container.at("volumeMounts").present
          ? fetchedInto(container).map((one) => ({ ...one, by: container.path }))
          : [],
      );
      if (fetched.length === 0) return [];
      return containers.flatMap((container) => {
        const line = lineOf(container);
        const mounts = mountsOf(container);
        const isRun = fetched.some(
          ({ volume, path, isFolder, by }) =>
            by !== container.path &&
            mounts
              .filter((mount) => mount.volume === volume)
              .some((mount) => runsSaved(line, { path: `${mount.path}${path}`, isFolder, from: 0 })),
        );
        return isRun
          ? [
              {
                path: container.path,
                message:
                  "runs what a container beside it fetches, which no plan shows; build it into the image",
              },
            ]
          : [];
      });
    }),
  );
}
