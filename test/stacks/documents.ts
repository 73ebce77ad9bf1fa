import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { type StackDocument, stackFileProblems } from "../../stacks/files";
import { problemLine } from "../../stacks/problems";

export const ROOT = path.join(__dirname, "../..");

/** Where a value stands in a document. */
export type Path = readonly (string | number)[];

/** What a stack file holds of configuration. */
export interface Document {
  config: Record<string, unknown>;
}

/** A problem as it is said: key, value, what is allowed. */
export const LINE = /^[^\s:]+(:[^\s:]+)*: (found .+|required); allowed: .+$/s;

/** Everything wrong with a stack file, a line each. */
export const lines = (stack: string, document: unknown): string[] =>
  stackFileProblems(stack, document).map(problemLine);

/** A copy with the value at a path replaced; undefined takes it away. */
export function replaced(document: unknown, at: Path, value: unknown): unknown {
  const [first, ...rest] = at;
  if (first === undefined) return value;
  const copy: any = Array.isArray(document) ? [...document] : { ...(document as object) };
  const inner = replaced(copy[first], rest, value);
  if (inner === undefined) delete copy[first];
  else copy[first] = inner;
  return copy;
}

/** A stack file with values laid over it. */
export function changed(stack: string, changes: Record<string, unknown>): StackDocument {
  let document: unknown = yaml.load(fs.readFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), "utf8"));
  for (const [key, value] of Object.entries(changes)) {
    const [section, ...rest] = key.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    document = replaced(document, ["config", `forma3d:${String(section)}`, ...rest], value);
  }
  return document as StackDocument;
}

export const SECOND_TARGET = {
  region: "eu-central-1",
  bucket: "forma3d-backups",
  addresses: ["203.0.113.0/24"],
};
/** The key of age's own documentation, and one with two letters in each other's place. */
export const AGE_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
export const MISTYPED_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5fsn9aqmcac8p";
export const API_IMAGE =
  "ghcr.io/forma3d/api@sha256:3b1f6f1c0c5e4a1d9a7e2b8c4d5f6071829304a5b6c7d8e9f0a1b2c3d4e5f607";
export const target = (changes: object) => ({
  "recovery.encryption": { recipients: [AGE_KEY] },
  "recovery.s3": { ...SECOND_TARGET, ...changes },
});
export const DBA = { objectId: "5a8b6c3d-1e2f-4a7b-9c0d-6e5f4a3b2c1d" };
export const announcement = (changes: object) => ({
  "alerts.maintenance": [
    {
      name: "move",
      startsAt: "2026-12-20T00:00:00Z",
      endsAt: "2026-12-20T01:00:00Z",
      announcedAt: "2026-11-10T00:00:00Z",
      reason: "upgrade",
      ...changes,
    },
  ],
});
export const told = (...at: string[]) => ({
  "statusPage.incidents": at.map((when) => ({ at: when, phase: "investigating", service: "Database" })),
});
export const windows = (...times: (readonly [startsAt: string, endsAt: string])[]) => ({
  "alerts.maintenance": times.map(([startsAt, endsAt], index) => ({
    name: `move-${index}`,
    startsAt,
    endsAt,
    announcedAt: "2026-11-10T00:00:00Z",
    reason: "upgrade",
  })),
});
export const incident = (changes: object) => ({
  "statusPage.incidents": [{ at: "2026-11-01T00:00:00Z", service: "Database", ...changes }],
});
export const parameters = (values: Record<string, string>) => ({ "database.parameters": values });
export const schedules = (values: Record<string, string>) => ({ "recovery.schedules": values });

/** Values each of which is of the right form, and which together, or for what they are, nobody can mean. */
export type Nonsense = [changes: Record<string, unknown>, message: RegExp, stack?: string];

/** Holds that each of them is refused where it stands, and nothing else is said. */
export function refusesAll(table: readonly Nonsense[]): void {
  test.each(table.map(([changes, message, stack = "prod"]) => [stack, changes, message] as const))(
    "%s with %j is refused where it stands",
    (stack, changes, message) => {
      const said = lines(stack, changed(stack, changes));
      for (const line of said) expect(line).toMatch(LINE);
      // One mistake is one message, so that nobody mends what follows from it.
      expect({ said }).toEqual({ said: [expect.stringMatching(message)] });
    },
  );
}
