import fs from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import { z } from "zod";
import { UsageError } from "../../packages/command/errors";
import { ESCALATION } from "../../packages/alerting/priorities";

const person = z.strictObject({
  role: z.string().min(1),
  name: z.string().min(1).nullable(),
  phone: z
    .string()
    .regex(/^\+[1-9]\d{6,14}$/, "a number in international form such as +32470000000")
    .nullable(),
  email: z.email().nullable(),
});

const service = z.strictObject({
  service: z.string().min(1),
  status: z.url().nullable(),
  support: z.string().min(1).nullable(),
});

const contacts = z.strictObject({ people: z.array(person).min(1), services: z.array(service).min(1) });

export type Contacts = z.infer<typeof contacts>;

export const CONTACTS_FILE = "docs/incident/contacts.yaml";

/**
 * Reads the contacts.
 * @throws Error that names every field that is wrong, or a role of the escalation that is missing.
 */
export function readContacts(root: string): Contacts {
  const result = contacts.safeParse(load(fs.readFileSync(path.join(root, CONTACTS_FILE), "utf8")));
  if (!result.success) {
    const lines = result.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
    throw new UsageError(`${CONTACTS_FILE}:\n${lines.join("\n")}`);
  }
  const missing = ESCALATION.filter(({ who }) => !result.data.people.some(({ role }) => role === who));
  if (missing.length > 0) {
    throw new UsageError(
      `${CONTACTS_FILE}:\n${missing.map(({ who }) => `  people: no entry for ${who}`).join("\n")}`,
    );
  }
  return result.data;
}

/** Everything that is not filled in yet, one line each. */
export function unfilled({ people, services }: Contacts): string[] {
  return [
    ...people.flatMap((entry) =>
      (["name", "phone", "email"] as const)
        .filter((field) => entry[field] === null)
        .map((field) => `${entry.role}: ${field}`),
    ),
    ...services.flatMap((entry) =>
      (["status", "support"] as const)
        .filter((field) => entry[field] === null)
        .map((field) => `${entry.service}: ${field}`),
    ),
  ];
}

const shown = (value: string | null): string => value ?? "*not filled in*";

/** `docs/incident/contacts.md`. */
export function renderContacts({ people, services }: Contacts): string {
  return [
    "# Contacts",
    "",
    `<!-- Generated from ${CONTACTS_FILE} by \`npm run docs\`. -->`,
    "",
    "| Role | Name | Phone | E-mail |",
    "|---|---|---|---|",
    ...people.map(
      ({ role, name, phone, email }) => `| ${role} | ${shown(name)} | ${shown(phone)} | ${shown(email)} |`,
    ),
    "",
    "## Partners",
    "",
    "| Service | Status page | Support |",
    "|---|---|---|",
    ...services.map((entry) => `| ${entry.service} | ${shown(entry.status)} | ${shown(entry.support)} |`),
    "",
    "`npm run preflight` lists what is not filled in.",
    "",
  ].join("\n");
}
