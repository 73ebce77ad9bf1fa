import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { UsageError } from "../../command/errors";
import { Stored } from "../model/types";
import { CloudStore } from "./cloud";

/** Name of the file in a kept folder that holds the emulated cloud. */
export const CLOUD_FILE = "cloud.json";

const FORMAT = 1;
const tree = z.record(z.string(), z.json());
const document = z.strictObject({
  format: z.literal(FORMAT),
  seed: z.string().min(1),
  resources: z.array(
    z.strictObject({
      key: z.string().min(1),
      type: z.string().min(1),
      id: z.string(),
      inputs: tree,
      outputs: tree,
      softDeleted: z.boolean().optional(),
    }),
  ),
});

/** A store that cannot be read. The message says which file and why. */
export class StoreError extends UsageError {
  constructor(
    file: string,
    reason: string,
    /** Whether there is simply no file yet. */
    readonly absent = false,
  ) {
    super(`${file}: ${reason}`);
  }
}

/**
 * Writes the cloud whole or not at all. The file is readable by its owner only: generated passwords stand in it in
 * clear text.
 */
export function saveCloud(folder: string, cloud: CloudStore): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, CLOUD_FILE);
  const resources = [...cloud.all()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const draft = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(draft, `${JSON.stringify({ format: FORMAT, seed: cloud.seed, resources }, null, 1)}\n`, {
    mode: 0o600,
  });
  fs.renameSync(draft, file);
}

/** @throws StoreError when there is no such file or it is not a store of this format. */
export function loadCloud(folder: string): CloudStore {
  const file = path.join(folder, CLOUD_FILE);
  let content: unknown;
  try {
    content = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new StoreError(
      file,
      missing ? "there is no emulated cloud here; `npm run rehearse -- --keep` leaves one" : "is not JSON",
      missing,
    );
  }
  const result = document.safeParse(content);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new StoreError(
      file,
      `is not an emulated cloud of format ${FORMAT}: ${issue?.path.join(".") || "document"}: ${issue?.message ?? "unreadable"}`,
    );
  }
  return new CloudStore(result.data.seed, result.data.resources as Stored[]);
}
