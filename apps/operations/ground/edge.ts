import http from "node:http";
import type { EdgeAnswer } from "./types";

/** Header by which whoever answers names its region. */
export const REGION_HEADER = "x-served-by-region";
const SECONDS = 10;

/** Where a public name leads on a laptop, as `host:port`; undefined: to itself. */
export type PublicName = (host: string) => string | undefined;

interface Reply {
  status: number;
  header(name: string): string | undefined;
  text: string;
}

/** Asks over the public network, from no cache; a name that leads elsewhere is asked there, by its own name. */
async function ask(url: string, leads: PublicName): Promise<Reply> {
  const { hostname, pathname, search } = new URL(url);
  const to = leads(hostname);
  if (to === undefined) {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(SECONDS * 1000),
      redirect: "manual",
      headers: { "cache-control": "no-cache" },
    });
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
    return { status: response.status, header, text: await response.text() };
  }
  return new Promise((resolve, reject) => {
    const sent = http.get(
      `http://${to}${pathname}${search}`,
      { headers: { host: hostname }, signal: AbortSignal.timeout(SECONDS * 1000) },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => (text += part));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            header: (name) => answer.headers[name]?.toString(),
            text,
          }),
        );
      },
    );
    sent.on("error", reject);
  });
}

export async function throughTheEdge(url: string, leads: PublicName = () => undefined): Promise<EdgeAnswer> {
  const { status, header } = await ask(url, leads);
  const [region, retryAfter] = [header(REGION_HEADER), header("retry-after")];
  return { status, ...(region && { region }), ...(retryAfter && { retryAfter }) };
}

/** The JSON document an address answers with, whatever its status. @throws when it answers with none */
export async function documentOf(url: string, leads: PublicName = () => undefined): Promise<unknown> {
  const { status, text } = await ask(url, leads);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${url} answers ${status}, and no JSON`);
  }
}
