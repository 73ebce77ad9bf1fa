import { randomBytes } from "node:crypto";
import { loginName } from "../../../infra/data/databaseLogins";
import { DATABASE_ROLES, SECRET_CATALOG } from "../../../infra/secrets/secretCatalogue";
import { UNITS } from "../../operations/rotate/units";
import { check, measure, now, ORDERS, secondsLost, STACK, stripped, type, typeWith } from "./attempt";
import type { Attempt, Outcome } from "./attempt";
import type { Laptop } from ".";
import { valueIn } from "./vaultValue";

/** What only a partner can make anew. */
const PARTNERS_KEYS = SECRET_CATALOG.filter(({ name, source }) =>
  UNITS.some(
    ({ kind, entries }) =>
      source === "external" && kind === "partner" && entries.some((one) => one.name === name),
  ),
);
/** Every credential that can be changed. What stored data is encrypted with opens no door, and stays. */
const CREDENTIALS = UNITS.flatMap(({ entries }) => entries.map(({ name }) => name));

const fresh = (): string => randomBytes(24).toString("base64url");

/** Whoever has every credential of the application is cut off, and has none afterwards: no vault holds one, no database takes one. */
export async function securityBreach(attempt: Attempt): Promise<Outcome> {
  const { laptop, customer, stages } = attempt;
  const [own] = laptop.platform.regions;
  const leaked = credentials(laptop);
  const values = valuesIn(laptop);
  const moment = await now(laptop);
  await stages.run("the intruder changes data", () => customer.places(ORDERS));
  const at = new Date();
  await stages.run("contain", () => type(laptop, "INC-breach", "contain", STACK));
  // Partners' new keys are handed in; while it is contained nobody can try them.
  await stages.run("rotate --all, partners' keys too", () =>
    typeWith(laptop, "INC-rotate", ["rotate", STACK, "--all", "--values", "--untested"], {
      input: JSON.stringify(Object.fromEntries(PARTNERS_KEYS.map(({ name }) => [name, fresh()]))),
    }),
  );
  const ran = await stages.run("pitr --adopt, to before", () =>
    type(laptop, "INC-before", "pitr", STACK, "--at", moment.toISOString(), "--adopt"),
  );
  await stages.run("reopen", () => type(laptop, "INC-reopen", "reopen", STACK));
  await stages.run("go on", () => customer.places(ORDERS));
  const measured = await measure(attempt, at);
  const database = laptop.database();
  const working: string[] = [];
  for (const host of [laptop.platform.writerHost, own?.serverHost ?? ""])
    for (const { user, password } of leaked) {
      const signedIn = await database
        .login(host, { user, password, database: laptop.platform.database })
        .catch((error: unknown) => String(error));
      if (signedIn === true) working.push(`${user} at ${host}`);
    }
  return {
    measured: { ...stripped(measured), rpoSeconds: secondsLost(ran) },
    checks: [
      check(
        "old-credentials",
        "no old credential works",
        working.length === 0 ? "no old credential works" : working.join(", "),
      ),
      check(
        "old-values",
        `none of ${values.size} values of before is in a vault`,
        inForce(values, valuesIn(laptop), values.size),
      ),
      check("credentials-tried", `${DATABASE_ROLES.length + 1} tried`, `${leaked.length} tried`),
    ],
  };
}

/** Names of the credentials by their values, in both vaults. */
function valuesIn(laptop: Laptop): Map<string, string> {
  return new Map(
    laptop.platform.regions.flatMap(({ vault }) =>
      CREDENTIALS.flatMap((name) => {
        const value = valueIn(laptop.served, vault, name);
        return value === undefined ? [] : [[value, `${vault}/${name}`] as const];
      }),
    ),
  );
}

function inForce(
  old: ReadonlyMap<string, string>,
  present: ReadonlyMap<string, string>,
  all: number,
): string {
  const left = [...old].filter(([value]) => present.has(value)).map(([, name]) => name);
  return left.length === 0
    ? `none of ${all} values of before is in a vault`
    : `still there: ${left.join(", ")}`;
}

/** Logins of the serving region and the administrator, with the passwords its vault holds now. */
function credentials(laptop: Laptop): { user: string; password: string }[] {
  const [own] = laptop.platform.regions;
  if (!own) return [];
  const of = (name: string): string => valueIn(laptop.served, own.vault, name) ?? "";
  return [
    ...DATABASE_ROLES.map((role) => ({
      user: loginName(role, own),
      password: of(`database-${role}-password`),
    })),
    { user: laptop.database().administrator, password: of("database-admin-password") },
  ];
}
