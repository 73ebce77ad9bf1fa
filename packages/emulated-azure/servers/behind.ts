import { lastName } from "../model/ids";
import { stringAt } from "../model/paths";
import { changePassword } from "./administrator";
import type { EmulatedCloud } from "../cloud";
import type { Hook } from "../hooks";
import type { Stored } from "../model/types";
import type { DatabaseServers } from "./cloud";

const SERVER = "azure-native:dbforpostgresql:Server";

const nameOf = ({ id }: Stored): string => lastName(id);

/**
 * Lets what happens to the cloud's servers happen to the real ones of the same names: an operation counts as done once
 * it is done there. What the cloud promotes, restarts, stops, starts or deletes is followed; servers are put behind it by
 * whoever makes both.
 * @returns takes the connection away again
 */
export function putBehind(cloud: EmulatedCloud, servers: DatabaseServers): () => void {
  return cloud.hooks.on(followed(servers));
}

/** What {@link putBehind} hangs in. */
export function followed(servers: DatabaseServers): Hook {
  return async (event) => {
    const stored = event.kind === "deleted" ? event.before : event.stored;
    const name = nameOf(stored);
    if (stored.type !== SERVER || !servers.names.includes(name)) return;
    switch (event.kind) {
      case "promoted":
        await servers.promote(name, {
          mode: event.mode === "switchover" ? "Switchover" : "Standalone",
          option: event.option === "planned" ? "Planned" : "Forced",
        });
        break;
      case "restarted":
        if (event.failover) await servers.server(name).failOver("planned");
        else await servers.server(name).restart();
        break;
      case "updated":
        await switched(servers, name, event.before.outputs["state"], event.stored.outputs["state"]);
        await passwordChanged(servers, event.before, event.stored);
        break;
      case "deleted":
        await servers.delete(name);
    }
  };
}

async function switched(
  servers: DatabaseServers,
  name: string,
  before: unknown,
  now: unknown,
): Promise<void> {
  if (before === now) return;
  if (now === "Stopped") await servers.server(name).stop();
  else if (now === "Ready") await servers.server(name).start();
}

async function passwordChanged(servers: DatabaseServers, before: Stored, now: Stored): Promise<void> {
  const password = stringAt(now.inputs, "administratorLoginPassword");
  if (password === undefined || password === stringAt(before.inputs, "administratorLoginPassword")) return;
  const server = servers.server(nameOf(now));
  server.administrator.password = password;
  await changePassword(server.instance, server.administrator);
}
