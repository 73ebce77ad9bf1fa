import { RandomBytes } from "@pulumi/random/randomBytes";
import { RandomPassword } from "@pulumi/random/randomPassword";
import * as pulumi from "@pulumi/pulumi";
import { connectionString, DATABASE_PORTS } from "./database";
import { DatabaseRole, SECRET_CATALOG, SecretEntry } from "./secretCatalog";

export interface SecretValuesArgs {
  /** Day the secrets were issued; a later day makes new values. */
  issued: string;
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
 * anew, at the next update, together with whatever is composed from it.
 */
export class SecretValues extends pulumi.ComponentResource {
  /** By secret name; external secrets are absent. */
  readonly values: Record<string, pulumi.Output<string>> = {};

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
