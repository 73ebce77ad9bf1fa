import {
  DATABASE_ROLES,
  SECRET_CATALOG,
  type DatabaseRole,
  type SecretEntry,
} from "../../../infra/secrets/secretCatalogue";
import { refused } from "../frame/errors";

/** Secrets that change together, because one value stands in several or is of no use without the other. */
export interface Unit {
  /** e.g. `database-api`, `session-secret`, `sendcloud`. */
  id: string;
  kind: "login" | "administrator" | "key" | "partner";
  entries: readonly SecretEntry[];
  /** Of a login: the role, without its region. */
  role?: DatabaseRole;
}

/** Partners of the platform: their names begin their secrets' and stand in the API's answer about its dependencies. */
const PARTNERS = ["shopify", "simplyprint", "sendcloud"] as const;

const entriesWhere = (is: (entry: SecretEntry) => boolean) => SECRET_CATALOG.filter(is);

const LOGINS: readonly Unit[] = DATABASE_ROLES.map((role) => ({
  id: `database-${role}`,
  kind: "login",
  role,
  // Its own region's password and the other's, which lies beside it for whoever makes the logins of both.
  entries: entriesWhere(({ login, connection }) => login?.role === role || connection?.role === role),
}));
const ADMINISTRATOR: Unit = {
  id: "database-admin",
  kind: "administrator",
  entries: entriesWhere(
    ({ name, connection }) => name === "database-admin-password" || connection?.role === "administrator",
  ),
};
const known = new Set([...LOGINS, ADMINISTRATOR].flatMap(({ entries }) => entries.map(({ name }) => name)));
const KEYS: readonly Unit[] = entriesWhere(
  ({ name, source, encryptionKey }) => source === "generated" && !encryptionKey && !known.has(name),
).map((entry) => ({ id: entry.name, kind: "key", entries: [entry] }));
const OF_PARTNERS: readonly Unit[] = PARTNERS.map((partner) => ({
  id: partner,
  kind: "partner",
  entries: entriesWhere(({ name, source }) => source === "external" && name.startsWith(`${partner}-`)),
}));

/** Everything `rotate` can change, in the order it does; the administrator last, by whom the others are changed. */
export const UNITS: readonly Unit[] = [...KEYS, ...OF_PARTNERS, ...LOGINS, ADMINISTRATOR];

/** The unit's secrets in a vault; where there is no other region, there are none of its logins. */
export const entriesOf = ({ entries }: Unit, regions: readonly unknown[]): SecretEntry[] =>
  entries.filter(({ login }) => login?.of !== "peer" || regions.length > 1);

/** Names one may type: of a unit, or of any secret in it. */
export const NAMES: readonly string[] = [
  ...new Set(UNITS.flatMap(({ id, entries }) => [id, ...entries.map(({ name }) => name)])),
].sort();

/** The units that names stand for. @throws OperationError for a name that is none, with the way there is instead */
export function unitsOf(names: readonly string[]): Unit[] {
  const wanted = names.map((name) => {
    const unit = UNITS.find(({ id, entries }) => id === name || entries.some((entry) => entry.name === name));
    if (unit) return unit;
    const entry = SECRET_CATALOG.find((one) => one.name === name);
    if (entry?.encryptionKey)
      throw refused(`${name}: what is stored under it would be unreadable; the way is: ${entry.rotation}`);
    if (entry?.source === "config")
      throw refused(`${name}: is kept in the stack's configuration; the way is: ${entry.rotation}`);
    throw refused(`"${name}" is no secret of the catalogue; allowed: ${NAMES.join(", ")}`);
  });
  return UNITS.filter((unit) => wanted.includes(unit));
}
