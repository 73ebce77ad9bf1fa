import { RandomBytes } from "@pulumi/random/randomBytes";
import { RandomPassword } from "@pulumi/random/randomPassword";
import * as pulumi from "@pulumi/pulumi";
import { connectionString } from "../data/database";
import { DATABASE_PORTS } from "../data/places";
import { loginName } from "../data/databaseLogins";
import { DATABASE_ROLES, DatabaseRole, SECRET_CATALOG, SecretEntry } from "./secretCatalogue";
import { encryptionKeyDay } from "./secretIssue";

export interface SecretValuesArgs {
  /** Day the secrets were issued; a later day makes new values. */
  issued: string;
  /** Days of the keys that protect stored data, the newest first; each day is a key of its own. */
  tokenEncryptionKeys: readonly string[];
  /** Protects the newest of those keys: whoever replaces it at once instead of adding one is stopped. */
  protect: boolean;
  /** Values an operator configured, by secret name. */
  configured: Record<string, pulumi.Output<string>>;
  administratorLogin: string;
  /** Regions, by their place in the program; each has logins and a vault of its own. One or two. */
  regions: Readonly<Record<string, { code: string }>>;
  /** Host clients connect to. */
  databaseHost: string;
  databaseName: string;
  /** libpq's sslmode of the connection strings. */
  sslMode: string;
}

/**
 * Values of the catalogue's generated and configured secrets. A new issuing day generates every random value
 * anew, at the next update, together with whatever is composed from it. Only the keys that protect stored data stay.
 */
export class SecretValues extends pulumi.ComponentResource {
  /** What every region shares, by secret name; external secrets are absent. */
  private readonly shared: Record<string, pulumi.Output<string>> = {};
  /** Passwords of a region's logins by place and role. */
  private readonly passwords = new Map<string, pulumi.Output<string>>();
  private readonly encryptionKeys = new Map<string, pulumi.Output<string>>();

  constructor(
    private readonly name: string,
    private readonly args: SecretValuesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:vault:SecretValues", name, {}, opts);
    for (const entry of SECRET_CATALOG.filter(({ connection, login }) => !connection && !login)) {
      const value = this.value(entry);
      if (value) this.shared[entry.name] = value;
    }
    for (const place of Object.keys(args.regions))
      for (const role of DATABASE_ROLES)
        this.passwords.set(`${place} ${role}`, this.password(`database-${role}-password-${place}`));
    this.registerOutputs({});
  }

  /** The value of a managed secret that every region shares. @throws Error for a name without one. */
  require(secret: string): pulumi.Output<string> {
    return known(this.shared[secret], secret);
  }

  /** The values of a region's vault by secret name; external secrets are absent. */
  of(place: string): Record<string, pulumi.Output<string>> {
    const values = { ...this.shared };
    for (const { name, login, connection } of SECRET_CATALOG) {
      if (connection) values[name] = this.connection(place, connection);
      const whose = login?.of === "peer" ? this.peerOf(place) : place;
      if (login && whose) values[name] = this.passwordOf(whose, login.role);
    }
    return values;
  }

  private peerOf(place: string): string | undefined {
    return Object.keys(this.args.regions).find((other) => other !== place);
  }

  private passwordOf(place: string, role: DatabaseRole): pulumi.Output<string> {
    return known(this.passwords.get(`${place} ${role}`), `password of ${role} in ${place}`);
  }

  private value(entry: SecretEntry): pulumi.Output<string> | undefined {
    const keepers = { issued: this.args.issued };
    const opts = { parent: this };
    switch (entry.source) {
      case "external":
        return undefined;
      case "config":
        return this.args.configured[entry.name];
      case "generated":
        if (entry.encryptionKey) return this.encryptionKey(entry.encryptionKey);
        return entry.randomBytes === undefined
          ? this.password(entry.name)
          : new RandomBytes(`${this.name}-${entry.name}`, { length: entry.randomBytes, keepers }, opts)
              .base64;
    }
  }

  /** Letters and digits only: the value stands in connection strings. 32 of them carry 190 bits. */
  private password(noun: string): pulumi.Output<string> {
    return new RandomPassword(
      `${this.name}-${noun}`,
      {
        length: 32,
        special: false,
        minLower: 1,
        minUpper: 1,
        minNumeric: 1,
        keepers: { issued: this.args.issued },
      },
      { parent: this },
    ).result;
  }

  private encryptionKey(place: "current" | "previous"): pulumi.Output<string> {
    const { tokenEncryptionKeys: days, protect } = this.args;
    const day = encryptionKeyDay(place, days);
    const known = this.encryptionKeys.get(day);
    if (known) return known;
    const { base64 } = new RandomBytes(
      `${this.name}-token-encryption-key-${day}`,
      { length: 32, keepers: { issued: day } },
      { parent: this, protect: protect && day === days[0] },
    );
    this.encryptionKeys.set(day, base64);
    return base64;
  }

  private connection(
    place: string,
    { role, pooled }: NonNullable<SecretEntry["connection"]>,
  ): pulumi.Output<string> {
    const administrator = role === "administrator";
    const region = known(this.args.regions[place], `region ${place}`);
    return connectionString({
      role: administrator ? this.args.administratorLogin : loginName(role, region),
      password: administrator ? this.require("database-admin-password") : this.passwordOf(place, role),
      host: this.args.databaseHost,
      port: pooled ? DATABASE_PORTS.pooled : DATABASE_PORTS.direct,
      database: this.args.databaseName,
      sslMode: this.args.sslMode,
    });
  }
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} has no managed value`);
  return value;
}
