import type { TokenCredential } from "@azure/identity";

/** An image by its content, taken apart. */
export interface ImageReference {
  registry: string;
  repository: string;
  digest: string;
}

/** Whole text of an image that is pinned by digest. */
export const PINNED_IMAGE = /^([a-z0-9.-]+(?::\d+)?)\/([a-z0-9._/-]+)(?::[\w.-]+)?@(sha256:[0-9a-f]{64})$/;

/** @throws Error when the text is no image reference with a digest. */
export function parseImage(text: string): ImageReference {
  const [, registry, repository, digest] = PINNED_IMAGE.exec(text) ?? [];
  if (!registry || !repository || !digest) throw new Error(`${text} is no image pinned by digest`);
  return { registry, repository, digest };
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

/** Who a token for registries of Azure's is made out to. */
const AUDIENCE = "https://containerregistry.azure.net/.default";

/** Token of whoever is signed in at Azure, for images of Azure's registries; nobody else's registry is shown one. */
export function registryToken(
  { registry }: ImageReference,
  credential: Pick<TokenCredential, "getToken">,
): (() => Promise<string>) | undefined {
  if (!registry.endsWith(".azurecr.io")) return undefined;
  return async () => {
    const token = await credential.getToken(AUDIENCE);
    if (!token) throw new Error(`nobody is signed in at Azure, and ${registry} gives nothing to strangers`);
    return token.token;
  };
}

/** What a registry of Azure's gives for a token of Entra's: one for the images the challenge names. */
async function exchanged(
  image: ImageReference,
  challenge: string,
  entraToken: string,
): Promise<string | undefined> {
  const { origin } = new URL(address(image));
  const post = async (path: string, fields: Record<string, string>) => {
    const response = await fetch(`${origin}/oauth2/${path}`, {
      method: "POST",
      body: new URLSearchParams({ service: image.registry, ...fields }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok ? ((await response.json()) as Record<string, string | undefined>) : undefined;
  };
  const signedIn = await post("exchange", { grant_type: "access_token", access_token: entraToken });
  if (!signedIn?.["refresh_token"]) return undefined;
  const scope = /scope="([^"]*)"/.exec(challenge)?.[1] ?? `repository:${image.repository}:pull`;
  const fields = { grant_type: "refresh_token", refresh_token: signedIn["refresh_token"], scope };
  return (await post("token", fields))?.["access_token"];
}

/**
 * What a registry says about an image: `found`, `missing` or `refused`; to somebody without a password, or to whom an Entra
 * token belongs.
 * @throws Error when the registry does not answer, or answers something else, and what `entraToken` throws.
 */
export async function askRegistry(
  image: ImageReference,
  entraToken?: () => Promise<string>,
): Promise<"found" | "missing" | "refused"> {
  const ask = (token?: string): Promise<Response> =>
    fetch(address(image), {
      method: "HEAD",
      headers: { accept: MANIFESTS, ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  let response = await ask();
  if (response.status === 401) {
    const challenge = response.headers.get("www-authenticate") ?? "";
    const token = entraToken
      ? await exchanged(image, challenge, await entraToken())
      : await anonymousToken(challenge);
    if (token !== undefined) response = await ask(token);
  }
  if (response.ok) return "found";
  if (response.status === 404) return "missing";
  if (response.status === 401 || response.status === 403) return "refused";
  throw new Error(`${image.registry} answered ${response.status}`);
}
