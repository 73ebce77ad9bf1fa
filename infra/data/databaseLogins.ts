import { DATABASE_ROLES, DatabaseRole, SECRET_CATALOG } from "../secrets/secretCatalogue";

/** A region as the database's logins name it. */
export interface LoginRegion {
  /** Short code, in which its logins end, e.g. `weu`. A failover finds them by it. */
  code: string;
  /** e.g. `westeurope`; for messages. */
  location: string;
}

/** The regions that have logins. */
export interface LoginRegions {
  /** Region that serves: its logins may log in. */
  serving: LoginRegion;
  /** The other region, whose logins are there and may not log in until a failover lets them. */
  standby?: LoginRegion;
}

/** A role's login of one region. */
export interface DatabaseLogin {
  role: DatabaseRole;
  name: string;
  region: LoginRegion;
  /** Environment variable the roles' script reads its password from. */
  variable: string;
}

/** Name of a role's login of a region, e.g. `api_weu`. */
export function loginName(role: DatabaseRole, { code }: Pick<LoginRegion, "code">): string {
  return `${role}_${code}`;
}

/** The logins of all regions, in the order of roles, those of the serving region first. */
export function databaseLogins({ serving, standby }: LoginRegions): DatabaseLogin[] {
  const of = (region: LoginRegion, whose: "own" | "peer") =>
    DATABASE_ROLES.map((role): DatabaseLogin => {
      const secret = SECRET_CATALOG.find(({ login }) => login?.role === role && login.of === whose);
      if (!secret) throw new Error(`the catalogue has no password for the ${whose} login of ${role}`);
      return { role, region, name: loginName(role, region), variable: secret.variable };
    });
  return [...of(serving, "own"), ...(standby ? of(standby, "peer") : [])];
}
