import { COMPUTE_ACTIONS } from "./compute";
import { OTHER_ACTIONS } from "./edge";
import { INSIGHTS_ACTIONS } from "./insights";
import { POSTGRES_ACTIONS } from "./postgres";
import { REGISTRY_ACTIONS } from "./registry";
import { STORAGE_ACTIONS } from "./storage";
import type { Action, ActionTable } from "./table";
import { VAULT_ACTIONS } from "./vault";

const TABLES: readonly ActionTable[] = [
  POSTGRES_ACTIONS,
  STORAGE_ACTIONS,
  VAULT_ACTIONS,
  INSIGHTS_ACTIONS,
  COMPUTE_ACTIONS,
  REGISTRY_ACTIONS,
  OTHER_ACTIONS,
];

const ACTIONS = new Map<string, Action>(
  TABLES.flatMap((table) => Object.entries(table)).map(([key, action]) => [key.toLowerCase(), action]),
);

/** What answers a request that is about no resource as a whole, by method and type. */
export function actionFor(method: string, type: string): Action | undefined {
  return ACTIONS.get(`${method} ${type}`.toLowerCase());
}
