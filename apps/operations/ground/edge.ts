import type { EdgeAnswer } from "./types";

/** Header by which whoever answers names its region. */
export const REGION_HEADER = "x-served-by-region";
const SECONDS = 10;

/** Asks over the public network, from no cache. */
export async function throughTheEdge(url: string): Promise<EdgeAnswer> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(SECONDS * 1000),
    redirect: "manual",
    headers: { "cache-control": "no-cache" },
  });
  await response.body?.cancel();
  const region = response.headers.get(REGION_HEADER);
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, ...(region && { region }), ...(retryAfter && { retryAfter }) };
}

/** The JSON document an address answers with, whatever its status. @throws when it answers with none */
export async function documentOf(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(SECONDS * 1000), redirect: "manual" });
  try {
    return await response.json();
  } catch {
    throw new Error(`${url} answers ${response.status}, and no JSON`);
  }
}
