import { randomBytes } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { EmulatedCloud } from "./cloud";
import { regionsOf } from "./regions";

/** A page in the browser about a cloud, with its faults to switch. */
export interface Page {
  /** Address with a part nobody can guess: whoever has it may switch. */
  readonly address: string;
  stop(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Serves the page on a free port of the loopback. */
export async function servePage(cloud: EmulatedCloud): Promise<Page> {
  const secret = randomBytes(16).toString("hex");
  const { losses } = cloud;
  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const [, given, verb, region] = (request.url ?? "").split("/");
    if (given !== secret) {
      response.writeHead(404).end();
      return;
    }
    if (request.method === "POST" && region !== undefined && regionsOf(cloud.cloud).includes(region)) {
      if (verb === "lose") await losses.lose(region);
      if (verb === "restore") await losses.restore(region);
      response.writeHead(303, { Location: `/${secret}/` }).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    });
    response.end(page(cloud, losses.lost, secret));
  };
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    address: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/${secret}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function page({ cloud, activity }: EmulatedCloud, lost: ReadonlySet<string>, secret: string): string {
  const regions = regionsOf(cloud)
    .map((region) => {
      const gone = lost.has(region);
      const verb = gone ? "restore" : "lose";
      return `<li>${escape(region)}: ${gone ? "<b>lost</b>" : "answers"} <form method="post" action="/${secret}/${verb}/${encodeURIComponent(region)}"><button>${verb}</button></form></li>`;
    })
    .join("");
  const resources = [...cloud.all()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(
      ({ type, id, softDeleted }) =>
        `<tr><td>${escape(type)}</td><td>${escape(id)}${softDeleted ? " (deleted)" : ""}</td></tr>`,
    )
    .join("");
  const done = activity
    .slice(-20)
    .reverse()
    .map(
      ({ at, operation, resource, status }) =>
        `<tr><td>${at.toISOString()}</td><td>${escape(operation)}</td><td>${escape(resource)}</td><td>${status}</td></tr>`,
    )
    .join("");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Emulated Azure</title>
<style>body{font:15px system-ui;margin:2em}form{display:inline}td{padding:.1em 1em .1em 0;vertical-align:top}</style>
<h1>Emulated Azure</h1><h2>Regions</h2><ul>${regions}</ul>
<h2>What was done</h2><table>${done || "<tr><td>nothing yet</td></tr>"}</table>
<h2>${cloud.size} resources</h2><table>${resources}</table></html>`;
}
