import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { messageOf } from "../../packages/command/errors";
import { LOOPBACK } from "./guard/policy";
import { keepSecret } from "./redact";
import type { AzureAccess } from "./store/azure/client";
import type { S3Access } from "./store/s3/client";
import type { Tier } from "./types";

/** How a target is reached. */
export type StoreAccess =
  ({ kind: "azure" } & AzureAccess) | ({ kind: "s3" } & S3Access) | { kind: "folder"; path: string };

/** Containers (S3: buckets, folder: folders) by what they hold; a tier without one is not kept in that target. */
export interface Containers extends Partial<Record<Tier, string>> {
  evidence?: string;
  /** Where a drill puts backups of made-up data. */
  drill?: string;
}

/** One place every backup goes to. */
export interface Target {
  /** For messages, options and metrics. */
  name: string;
  store: StoreAccess;
  containers: Containers;
}

/** Name of the only target where the settings name an account instead of a list. */
export const SINGLE_TARGET = "primary";

/** Bearer tokens and keys go over TLS only; an emulator on this machine has none. */
export const secureUrl = z
  .url({ protocol: /^https?$/, error: "an https URL", abort: true })
  .refine(
    (text) =>
      text.startsWith("https:") ||
      LOOPBACK.some((host) => [host, `[${host}]`].includes(new URL(text).hostname)),
    "an https URL",
  );
export const connectionString = z
  .string()
  .regex(
    /^(UseDevelopmentStorage=true|.*(BlobEndpoint|AccountName)=.+)/i,
    "an Azure Storage connection string",
  );
export const containerName = z
  .string()
  .regex(/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, "3-63 lower-case letters, digits and single hyphens");
const absolute = z.string().refine((text) => path.isAbsolute(text), "an absolute path");

const containers = z.strictObject({
  hourly: containerName.optional(),
  daily: containerName.optional(),
  weekly: containerName.optional(),
  monthly: containerName.optional(),
  evidence: containerName.optional(),
  drill: containerName.optional(),
});
const common = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "1-31 lower-case letters, digits and hyphens, starting with a letter"),
  containers: containers.optional(),
};
const entry = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({
      ...common,
      kind: z.literal("azure"),
      url: secureUrl.optional(),
      connectionString: connectionString.optional(),
      connectionStringFile: absolute.optional(),
    }),
    z.strictObject({
      ...common,
      kind: z.literal("s3"),
      region: z.string().regex(/^[a-z0-9-]{1,40}$/, "a region, such as eu-central-1"),
      endpoint: secureUrl.optional(),
      accessKeyIdFile: absolute.optional(),
      secretAccessKeyFile: absolute.optional(),
      pathStyle: z.boolean("true or false").optional(),
      objectLock: z.enum(["governance", "compliance"]).optional(),
    }),
    z.strictObject({ ...common, kind: z.literal("folder"), path: absolute }),
  ],
  { error: 'with "kind": azure, s3 or folder' },
);
const list = z
  .array(entry, "a JSON list of targets")
  .min(1, "at least one target")
  .max(8, "at most 8 targets");

/**
 * Reads `BACKUP_TARGETS`.
 * @param fallback containers of targets that name none
 * @param problems gets a line for everything that is wrong, none with a secret
 */
export function parseTargets(text: string, fallback: Containers, problems: string[]): Target[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    problems.push(`BACKUP_TARGETS: expected a JSON list of targets: ${messageOf(error).slice(0, 120)}`);
    return [];
  }
  const parsed = list.safeParse(value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      problems.push(`BACKUP_TARGETS${where(issue)}: ${expected(issue)}`);
    return [];
  }
  const names = new Set<string>();
  return parsed.data.flatMap((given, index) => {
    const report = (problem: string) => void problems.push(`BACKUP_TARGETS[${index}]${problem}`);
    if (names.has(given.name)) report(`.name: "${given.name}" is used twice`);
    names.add(given.name);
    const store = accessOf(given, report);
    return store ? [{ name: given.name, store, containers: given.containers ?? fallback }] : [];
  });
}

function where({ path: keys }: z.core.$ZodIssue): string {
  return keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return `unknown: ${issue.keys.join(", ")}`;
  if (issue.code === "invalid_value") return `expected one of ${issue.values.join(", ")}`;
  return `expected ${issue.message}`;
}

function accessOf(given: z.infer<typeof entry>, report: (problem: string) => void): StoreAccess | undefined {
  const read = (key: string, file: string | undefined) => {
    if (file === undefined) return undefined;
    try {
      const text = readFileSync(file, "utf8").trim();
      if (text) {
        keepSecret(text);
        return text;
      }
      report(`.${key}: ${file} is empty`);
    } catch (error) {
      report(`.${key}: cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? "error"}`);
    }
    return undefined;
  };
  switch (given.kind) {
    case "folder":
      return { kind: "folder", path: given.path };
    case "azure": {
      const ways = [given.url, given.connectionString, given.connectionStringFile];
      if (ways.filter(Boolean).length !== 1) {
        report(": expected one of url, connectionString, connectionStringFile");
        return undefined;
      }
      if (given.url) return { kind: "azure", url: given.url };
      const text = given.connectionString ?? read("connectionStringFile", given.connectionStringFile);
      if (text === undefined) return undefined;
      if (!connectionString.safeParse(text).success) {
        report(".connectionStringFile: expected an Azure Storage connection string");
        return undefined;
      }
      keepAccountKey(text);
      return { kind: "azure", connectionString: text };
    }
    case "s3": {
      const { accessKeyIdFile, secretAccessKeyFile } = given;
      if (!accessKeyIdFile !== !secretAccessKeyFile) {
        report(": accessKeyIdFile and secretAccessKeyFile go together");
        return undefined;
      }
      const accessKeyId = read("accessKeyIdFile", accessKeyIdFile);
      const secretAccessKey = read("secretAccessKeyFile", secretAccessKeyFile);
      return {
        kind: "s3",
        region: given.region,
        endpoint: given.endpoint,
        credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
        pathStyle: given.pathStyle ?? given.endpoint !== undefined,
        objectLock: given.objectLock?.toUpperCase() as "GOVERNANCE" | "COMPLIANCE" | undefined,
      };
    }
  }
}

/** Keeps the key in a connection string out of everything that is printed. */
export function keepAccountKey(text: string | undefined): void {
  keepSecret(text);
  keepSecret(/AccountKey=([^;]+)/i.exec(text ?? "")?.[1]);
}
