import { parseImage } from "../../operations/ground/registry";
import type { ResourcesGround } from "../../operations/ground/types";

const API = "2023-07-01";

/** Longest a registry may take to copy one image from another. */
const IMPORT_MS = 10 * 60_000;

/** Who may pull from a registry that does not give its images to anybody. */
export interface SourceLogin {
  /** Host of the registry, such as `ghcr.io`. */
  registry: string;
  username: string;
  password: string;
}

/**
 * Has a registry of Azure's copy an image from where it is published, every platform of it, under the same name and digest and
 * without a tag. What is there already stays as it is.
 * @param published E.g. `ghcr.io/forma3d/api@sha256:…`
 * @throws Error when Azure refuses, or cannot get the image
 */
export async function importImage(
  resources: Pick<ResourcesGround, "post">,
  registryId: string,
  published: string,
  login?: SourceLogin,
): Promise<void> {
  const { registry, repository, digest } = parseImage(published);
  await resources.post(
    `${registryId}/importImage`,
    API,
    {
      source: {
        registryUri: registry,
        sourceImage: `${repository}@${digest}`,
        ...(login?.registry === registry && {
          credentials: { username: login.username, password: login.password },
        }),
      },
      untaggedTargetRepositories: [`${registry}/${repository}`],
      mode: "NoForce",
    },
    AbortSignal.timeout(IMPORT_MS),
  );
}

/** What became of one image. */
export interface Brought {
  text: string;
  there: boolean;
}

/** Imports what is not there yet, one image after another: a registry copies a few at a time, and refuses more. */
export async function bring(
  images: readonly { pulled: string; published: string }[],
  ask: (pulled: string) => Promise<"found" | "missing" | "refused">,
  importOne: (published: string) => Promise<void>,
): Promise<Brought[]> {
  const all: Brought[] = [];
  for (const { pulled, published } of images) {
    try {
      const before = await ask(pulled);
      if (before === "refused") throw new Error("whoever is signed in may not pull from it");
      if (before === "missing") await importOne(published);
      all.push({ text: `${before === "found" ? "found" : "imported"}  ${pulled}`, there: true });
    } catch (error) {
      all.push({ text: `NOT IMPORTED: ${reason(error)}  ${published}`, there: false });
    }
  }
  return all;
}

/** First line of what went wrong. */
export function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0] ?? "";
}
