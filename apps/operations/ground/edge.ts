import http from "node:http";
import { text as textOf } from "node:stream/consumers";
import type { EdgeAnswer } from "./types";

/** Header by which whoever answers names its region. */
export const REGION_HEADER = "x-served-by-region";
/** Longest an answer may take, to its last byte. */
const ANSWER_MS = 10_000;

/** Where a public name leads on a laptop, as `host:port`; undefined: to itself. */
export type PublicName = (host: string) => string | undefined;

interface Reply {
  status: number;
  header(name: string): string | undefined;
  text: string;
}

/** Asks over the public network, from no cache; a name that leads elsewhere is asked there, by its own name. */
async function ask(url: string, leads: PublicName, milliseconds: number): Promise<Reply> {
  const { hostname, pathname, search } = new URL(url);
  const to = leads(hostname);
  const signal = AbortSignal.timeout(milliseconds);
  if (to === undefined) {
    const response = await fetch(url, {
      signal,
      redirect: "manual",
      headers: { "cache-control": "no-cache" },
    });
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
    return { status: response.status, header, text: await response.text() };
  }
  return new Promise((resolve, reject) => {
    const sent = http.get(
      `http://${to}${pathname}${search}`,
      { headers: { host: hostname }, signal },
      (answer) => {
        const { statusCode: status = 0, headers } = answer;
        const header = (name: string) => headers[name]?.toString();
        textOf(answer).then((text) => resolve({ status, header, text }), reject);
      },
    );
    sent.on("error", reject);
  });
}

export async function throughTheEdge(
  url: string,
  leads: PublicName = () => undefined,
  milliseconds = ANSWER_MS,
): Promise<EdgeAnswer> {
  const { status, header } = await ask(url, leads, milliseconds);
  const [region, retryAfter] = [header(REGION_HEADER), header("retry-after")];
  return { status, ...(region && { region }), ...(retryAfter && { retryAfter }) };
}

/** The JSON document an address answers with, whatever its status. @throws when it answers with none */
export async function documentOf(url: string, leads: PublicName = () => undefined): Promise<unknown> {
  const { status, text } = await ask(url, leads, ANSWER_MS);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${url} answers ${status}, and no JSON`);
  }
}
