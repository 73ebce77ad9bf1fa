import {
  databaseOf,
  passwordOf,
  PUBLIC_SCHEMA,
  serverShape,
  SHAPED_DATABASES,
} from "../../local-servers/flexibleShape";
import type { Instance, Settings } from "./instance";

/** Who administers a server, as its creation names them. */
export interface Administrator {
  login: string;
  password: string;
}

/** A server that is to be made. */
export interface NewServer {
  name: string;
  region: string;
  administrator: Administrator;
  highlyAvailable: boolean;
  parameters?: Settings;
}

/** An administrator as Azure's, who is no superuser, and owners and databases as a flexible server has them. */
export async function administer(instance: Instance, { login, password }: Administrator): Promise<void> {
  for (const statement of serverShape(login, password)) await instance.query(statement);
  for (const database of SHAPED_DATABASES) await instance.query(PUBLIC_SCHEMA, [], database);
}

/** Gives the administrator the password it is said to have. */
export async function changePassword(instance: Instance, { login, password }: Administrator): Promise<void> {
  await instance.query(passwordOf(login, password));
}

/** Makes a database as Azure's resource manager does: it belongs to the administrator. */
export async function createDatabase(
  instance: Instance,
  database: string,
  { login }: Administrator,
): Promise<void> {
  await instance.query(databaseOf(database, login));
}

/** Deletes a database, whoever is connected to it. */
export async function dropDatabase(instance: Instance, database: string): Promise<void> {
  await instance.query(`drop database if exists "${database.replaceAll('"', '""')}" with (force)`);
}
