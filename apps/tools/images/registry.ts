import type { JsonValue, ResourceDocument } from "../render/plan";

/** An image by its content, taken apart. */
export interface ImageReference {
  registry: string;
  repository: string;
  digest: string;
}

const IMAGE = /^([a-z0-9.-]+(?::\d+)?)\/([a-z0-9._/-]+)(?::[\w.-]+)?@(sha256:[0-9a-f]{64})$/;

/** @throws Error when the text is no image reference with a digest. */
export function parseImage(text: string): ImageReference {
  const [, registry, repository, digest] = IMAGE.exec(text) ?? [];
  if (!registry || !repository || !digest) throw new Error(`${text} is no image pinned by digest`);
  return { registry, repository, digest };
}

function texts(value: JsonValue): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(texts) : [];
}

/** Every image a plan runs, each once, sorted. */
export function imagesOf(resources: readonly Pick<ResourceDocument, "inputs">[]): string[] {
  return [
    ...new Set(resources.flatMap(({ inputs }) => texts(inputs).filter((text) => IMAGE.test(text)))),
  ].sort();
}

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const TIMEOUT_MS = 20_000;

function address({ registry, repository, digest }: ImageReference): string {
  // Docker Hub answers under another name than its images have; loopback registries speak plain HTTP.
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? "http" : "https";
  return `${scheme}://${host}/v2/${repository}/manifests/${digest}`;
}

/** The token a registry hands to anybody, as its challenge says to ask for it. */
async function anonymousToken(challenge: string): Promise<string | undefined> {
  const fields = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key as string, value as string]),
  );
  if (!/^bearer /i.test(challenge) || !fields.realm) return undefined;
  const url = new URL(fields.realm);
  for (const name of ["service", "scope"]) if (fields[name]) url.searchParams.set(name, fields[name]);
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) return undefined;
  const body = (await response.json()) as { token?: string; access_token?: string };
  return body.token ?? body.access_token;
}

/**
 * What a registry says about an image to somebody without a password, who is what a node is: `found`, `missing` or
 * `refused`.
 * @throws Error when the registry does not answer, or answers something else.
 */
export async function askRegistry(image: ImageReference): Promise<"found" | "missing" | "refused"> {
  const ask = (token?: string): Promise<Response> =>
    fetch(address(image), {
      method: "HEAD",
      headers: { accept: MANIFESTS, ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  let response = await ask();
  if (response.status === 401) {
    const token = await anonymousToken(response.headers.get("www-authenticate") ?? "");
    if (token !== undefined) response = await ask(token);
  }
  if (response.ok) return "found";
  if (response.status === 404) return "missing";
  if (response.status === 401 || response.status === 403) return "refused";
  throw new Error(`${image.registry} answered ${response.status}`);
}
