import { UsageError } from "../../command/errors";
import { isTree, merge, parsePath, withValue } from "../model/paths";
import type { CloudStore, Snapshot } from "./cloud";
import { Cloud, Model, Stored, Tree, Value } from "../model/types";

/** What takes back everything that changed since a snapshot and up to now; what changes later stays. */
export function undoing(cloud: CloudStore, before: Snapshot): () => void {
  const now = cloud.snapshot();
  // Compared when it is called: most operations are never taken back.
  return () => {
    const keys = new Set([...before.keys(), ...now.keys()]);
    for (const key of [...keys].filter((one) => before.get(one) !== now.get(one))) {
      const was = before.get(key);
      if (was) cloud.put(was);
      else cloud.remove(key);
    }
  };
}

/** Nothing has the id that was asked for. */
class NotInCloud extends UsageError {
  constructor(id: string) {
    super(`the emulated cloud holds no ${id}; \`npm run sandbox -- ls\` shows what it holds`);
  }
}

/** Azure does not do that to such a resource. */
class UnknownEvent extends UsageError {
  constructor(event: string, type: string, known: readonly string[]) {
    super(`${event} does not happen to ${type}; what does: ${known.join(", ") || "nothing"}`);
  }
}

/** @throws NotInCloud */
export function find(cloud: Cloud, id: string): Stored {
  const wanted = id.toLowerCase();
  for (const stored of cloud.all()) if (stored.id.toLowerCase() === wanted) return stored;
  throw new NotInCloud(id);
}

/**
 * Changes one property as somebody in the portal would.
 * @throws NotInCloud
 */
export function change(cloud: Cloud, id: string, path: string, value: Value): void {
  const stored = find(cloud, id);
  const parts = parsePath(path);
  cloud.put({
    ...stored,
    inputs: withValue(stored.inputs, parts, value),
    outputs: withValue(stored.outputs, parts, value),
  });
}

/**
 * Lets something happen that Azure does by itself, e.g. `ha-failover` to a database server.
 * @throws NotInCloud, UnknownEvent
 */
export function happen(model: Model, cloud: Cloud, id: string, event: string): void {
  const stored = find(cloud, id);
  const moves = model.resource(stored.type).moves ?? {};
  const move = moves[event];
  if (!move) throw new UnknownEvent(event, stored.type, Object.keys(moves));
  const moved = move(stored);
  cloud.put({ ...stored, inputs: followed(stored.inputs, moved), outputs: merge(stored.outputs, moved) });
}

/** The inputs as a read would find them: only what was set is looked at. */
function followed(inputs: Tree, moved: Tree): Tree {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]): [string, Value] => {
      const now = moved[key];
      if (now === undefined) return [key, value];
      return [key, isTree(value) && isTree(now) ? followed(value, now) : now];
    }),
  );
}

/**
 * Deletes a resource and everything below it, without Pulumi's knowledge.
 * @throws NotInCloud
 */
export function deleteBehind(cloud: Cloud, id: string): void {
  find(cloud, id);
  for (const stored of resourcesBelow(cloud, id)) cloud.remove(stored.key);
}

/** A resource and everything nested in it or attached to it. */
export function resourcesBelow(cloud: Cloud, id: string): Stored[] {
  const root = id.toLowerCase();
  return [...cloud.all()].filter((stored) => {
    const own = stored.id.toLowerCase();
    return own === root || own.startsWith(`${root}/`);
  });
}
