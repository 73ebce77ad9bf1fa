import { ArmError } from "./errors";

/** A part of a list, and where the next one is. */
export interface PageOf<T> {
  readonly value: readonly T[];
  readonly nextLink?: string;
}

const TOKEN = "$skiptoken";

/**
 * The part of a list a request asks for. Where the next one is only the token tells, which is nobody's but the service's.
 * @param base address the list is at, without a path
 * @param size most entries of a part
 * @throws ArmError 400 for a token nobody was given
 */
export function paged<T>(all: readonly T[], base: string, url: URL, size: number): PageOf<T> {
  const from = startOf(url, all.length);
  const value = all.slice(from, from + size);
  if (from + size >= all.length) return { value };
  const next = new URL(`${base}${url.pathname}${url.search}`);
  for (const name of namesLike(next, TOKEN)) next.searchParams.delete(name);
  next.searchParams.set(TOKEN, Buffer.from(`skip ${from + size}`).toString("base64url"));
  return { value, nextLink: next.href };
}

function startOf(url: URL, length: number): number {
  const [name] = namesLike(url, TOKEN);
  if (name === undefined) return 0;
  const text = Buffer.from(url.searchParams.get(name) ?? "", "base64url").toString("utf8");
  const skip = /^skip (\d{1,9})$/.exec(text)?.[1];
  if (skip === undefined || Number(skip) >= Math.max(length, 1))
    throw new ArmError(400, "InvalidSkipToken", `The provided ${TOKEN} is not valid.`);
  return Number(skip);
}

/** Names of a request's parameters are read without regard to case. */
function namesLike(url: URL, wanted: string): string[] {
  return [...url.searchParams.keys()].filter((name) => name.toLowerCase() === wanted);
}
