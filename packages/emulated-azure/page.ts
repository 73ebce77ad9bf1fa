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

/**
 * Serves the page on a free port of the loopback.
 * @param commands What to type to reach the databases there are by now.
 */
export async function servePage(
  cloud: EmulatedCloud,
  commands: () => readonly string[] = () => [],
): Promise<Page> {
  const secret = randomBytes(16).toString("hex");
  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const [, given, verb = "", what] = (request.url ?? "").split("/");
    if (given !== secret) {
      response.writeHead(404).end();
      return;
    }
    const act = request.method === "POST" && what !== undefined ? actionOf(cloud, verb, what) : undefined;
    if (act) {
      await act();
      response.writeHead(303, { Location: `/${secret}/` }).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    });
    response.end(page(cloud, secret, commands()));
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

/** Minutes a role assignment takes to be in force while rights are delayed: the longest Azure speaks of. */
const DELAY_MINUTES = 10;

/** What goes on going wrong, and what switches it. */
const SWITCHES: Readonly<
  Record<
    string,
    { says: string; is(cloud: EmulatedCloud): boolean; set(cloud: EmulatedCloud, on: boolean): void }
  >
> = {
  throttled: {
    says: "every front refuses every request, blobs by 503 and the others by 429",
    is: ({ faults }) => faults.standing.has("throttled"),
    set: ({ faults }, on) =>
      void (on ? faults.standing.add("throttled") : faults.standing.delete("throttled")),
  },
  busy: {
    says: "database servers take no change: ServerIsBusy",
    is: ({ faults }) => faults.standing.has("busy"),
    set: ({ faults }, on) => void (on ? faults.standing.add("busy") : faults.standing.delete("busy")),
  },
  "delayed-rights": {
    says: `a role assignment is in force after ${DELAY_MINUTES} minutes`,
    is: ({ rights }) => rights.propagationMs > 0,
    set: ({ rights }, on) => {
      rights.propagationMs = on ? DELAY_MINUTES * 60_000 : 0;
    },
  },
};

/** What a button does; undefined for an address that is none's. */
function actionOf(cloud: EmulatedCloud, verb: string, what: string): (() => Promise<void>) | undefined {
  const { losses } = cloud;
  const one = Object.hasOwn(SWITCHES, what) ? SWITCHES[what] : undefined;
  if (one && (verb === "on" || verb === "off")) return async () => one.set(cloud, verb === "on");
  if (!regionsOf(cloud.cloud).includes(what)) return undefined;
  return {
    lose: () => losses.lose(what),
    cut: () => losses.lose(what, "cut off"),
    silence: () => losses.lose(what, "silent"),
    restore: () => losses.restore(what),
  }[verb];
}

function page(emulated: EmulatedCloud, secret: string, commands: readonly string[]): string {
  const { cloud, activity, losses } = emulated;
  const button = (verb: string, what: string, says = verb): string =>
    `<form method="post" action="/${secret}/${verb}/${encodeURIComponent(what)}"><button>${says}</button></form>`;
  const regions = regionsOf(cloud)
    .map((region) => {
      const how = losses.lost.get(region);
      return `<li>${escape(region)}: ${how ? `<b>${how === "dead" ? "lost" : how}</b> ${button("restore", region)}` : `answers ${button("lose", region)} ${button("cut", region, "cut off")} ${button("silence", region, "silent")}`}</li>`;
    })
    .join("");
  const switches = Object.entries(SWITCHES)
    .map(([name, one]) => {
      const on = one.is(emulated);
      return `<li>${escape(one.says)}: ${on ? "<b>on</b>" : "off"} ${button(on ? "off" : "on", name, `switch ${on ? "off" : "on"}`)}</li>`;
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
<h1>Emulated Azure</h1><h2>Regions</h2><ul>${regions}</ul><h2>Faults</h2><ul>${switches}</ul>
<h2>Databases</h2><pre>${escape(commands.join("\n")) || "none"}</pre>
<h2>What was done</h2><table>${done || "<tr><td>nothing yet</td></tr>"}</table>
<h2>${cloud.size} resources</h2><table>${resources}</table></html>`;
}
