import path from "node:path";
import { projectRoot } from "../../../packages/command/root";

/** A moment of a step at which a command is killed, or its disk is full, e.g. `begun:promote`; what each means stands in `dieAt.cjs`. */
export type DieAt = `${"begun" | "wrote" | "unheard" | "full"}:${string}`;

/** What kills a command at the moment its variable DIE_AT names, for `node --require`. */
export const DIE_AT = path.join(projectRoot(__dirname), "apps/rehearsal/laptop/dieAt.cjs");
