import { isPromoted, isReplica } from "../../packages/isolation/graph";
import { ifPresent, type Cursor, type Outcome } from "../../packages/isolation/read";
import type { ResourceView } from "../../packages/isolation/rule";

/**
 * Judges what a database server that writes says of itself. One that follows another has it from there; one that was promoted has
 * what Azure left it with until it says something.
 */
export function ofWriter(server: ResourceView, place: Cursor, judge: () => Outcome[]): Outcome[] {
  if (isPromoted(server)) return ifPresent(place, judge);
  return isReplica(server) ? [] : judge();
}
