import { RandomBytes } from "@pulumi/random/randomBytes";
import { RandomPassword } from "@pulumi/random/randomPassword";
import * as pulumi from "@pulumi/pulumi";
import { connectionString, DATABASE_PORTS } from "../data/database";
import { DatabaseRole, SECRET_CATALOG, SecretEntry } from "./secretCatalog";
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
  /** By secret name; external secrets are absent. */
  readonly values: Record<string, pulumi.Output<string>> = {};

  private readonly encryptionKeys = new Map<string, pulumi.Output<string>>();

  constructor(
    private readonly name: string,
    private readonly args: SecretValuesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:vault:SecretValues", name, {}, opts);
    for (const entry of SECRET_CATALOG.filter(({ connection }) => !connection)) {
      const value = this.value(entry);
      if (value) this.values[entry.name] = value;
    }
    for (const entry of SECRET_CATALOG) {
      if (entry.connection) this.values[entry.name] = this.connection(entry.connection);
    }
    this.registerOutputs({});
  }

  /** The value of a managed secret. @throws Error for a name without one. */
  require(secret: string): pulumi.Output<string> {
    const value = this.values[secret];
    if (!value) throw new Error(`secret ${secret} has no managed value`);
    return value;
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
          ? // Letters and digits only: the value stands in connection strings. 32 of them carry 190 bits.
            new RandomPassword(
              `${this.name}-${entry.name}`,
              { length: 32, special: false, minLower: 1, minUpper: 1, minNumeric: 1, keepers },
              opts,
            ).result
          : new RandomBytes(`${this.name}-${entry.name}`, { length: entry.randomBytes, keepers }, opts)
              .base64;
    }
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

  private connection({
    role,
    pooled,
  }: {
    role: DatabaseRole | "administrator";
    pooled: boolean;
  }): pulumi.Output<string> {
    const administrator = role === "administrator";
    return connectionString({
      role: administrator ? this.args.administratorLogin : role,
      password: this.require(administrator ? "database-admin-password" : `database-${role}-password`),
      host: this.args.databaseHost,
      port: pooled ? DATABASE_PORTS.pooled : DATABASE_PORTS.direct,
      database: this.args.databaseName,
      sslMode: this.args.sslMode,
    });
  }
}
