import type { ContainerClient } from "@azure/storage-blob";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { failed, messageOf, refused } from "./errors";
import { makeFolder } from "./keeping";

/** What entries mean. Another number when a program that knows only this one would misread them; 1 until entries said it. */
const FORMAT = 2;

const journalEntry = z.object({
  /** Place in the journal, from 1. */
  seq: z.int().min(1),
  /** {@link FORMAT} of the program that wrote it. */
  format: z.int().min(1).default(1),
  at: z.iso.datetime(),
  verb: z.string(),
  /** `run`, `begin`, `end`, `found`, `failed`, `interrupted` or `finished`. */
  event: z.string(),
  step: z.string().optional(),
  data: z.unknown().optional(),
  /** SHA-256 of the line before; null in the first. */
  prev: z.string().nullable(),
});

/** One line of a journal. */
export type JournalEntry = z.infer<typeof journalEntry>;

/** A second place for entries, such as the incident store of a region that stands. Must never overwrite. */
export interface JournalCopy {
  readonly place: string;
  write(name: string, line: string): Promise<void>;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Lines that begin with a whole entry; a run killed while it wrote leaves a last line without an end. */
function wholeLines(text: string): string[] {
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
}

/** What is left to whoever cannot go on with a journal. */
const ANOTHER = "another --incident <id> begins another, and goes on from what it finds";

/** An entry that a line is. @throws Error that says why it is none of this program's */
function entryOf(line: string): JournalEntry {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    throw new Error("is no journal entry; the journal was changed");
  }
  const { format } = z.object({ format: z.unknown() }).catch({ format: undefined }).parse(document);
  if (typeof format === "number" && format > FORMAT)
    throw new Error(
      `was written by a newer version of this program (format ${format}, and this one reads up to ${FORMAT}): go on with that one`,
    );
  const entry = journalEntry.safeParse(document);
  if (!entry.success) throw new Error("is no journal entry; the journal was changed");
  return entry.data;
}

/** Checks the chain. @throws OperationError naming the first line that was changed or removed, is no entry, or is a newer program's */
export function readJournal(file: string): JournalEntry[] {
  let prev: string | null = null;
  return wholeLines(fs.readFileSync(file, "utf8")).map((line, index) => {
    try {
      const entry = entryOf(line);
      if (entry.seq !== index + 1 || entry.prev !== prev)
        throw new Error("does not follow the line before; the journal was changed");
      prev = sha256(line);
      return entry;
    } catch (error) {
      throw refused(`${file}, line ${index + 1}: ${messageOf(error)}; ${ANOTHER}`);
    }
  });
}

/** The append-only, hash-chained record of one incident: a local file, which is enough, and a copy where one can be kept. */
export class Journal {
  private constructor(
    readonly file: string,
    readonly entries: JournalEntry[],
    private head: string | null,
    private readonly verb: string,
    private readonly options: JournalOptions,
  ) {}

  /** Opens the journal of an incident, or begins it. @throws OperationError when it was changed by somebody */
  static open(folder: string, incident: string, verb: string, options: JournalOptions): Journal {
    makeFolder(folder);
    const file = path.join(folder, `${incident}.jsonl`);
    if (!fs.existsSync(file)) return new Journal(file, [], null, verb, options);
    const entries = readJournal(file);
    const lines = wholeLines(fs.readFileSync(file, "utf8"));
    // What a killed run left of its last line was never relied on.
    fs.truncateSync(file, Buffer.byteLength(lines.map((line) => `${line}\n`).join("")));
    const last = lines.at(-1);
    return new Journal(file, entries, last === undefined ? null : sha256(last), verb, options);
  }

  /** Adds an entry; it is on the disk when this returns. */
  async add(event: string, step?: string, data?: unknown): Promise<void> {
    const seq = this.entries.length + 1;
    const at = this.options.now().toISOString();
    const entry: JournalEntry = {
      seq,
      format: FORMAT,
      at,
      verb: this.verb,
      event,
      ...(step && { step }),
      data,
      prev: this.head,
    };
    const line = JSON.stringify(entry);
    this.keep(`${line}\n`);
    this.entries.push(entry);
    const digest = (this.head = sha256(line));
    const { copy, warn } = this.options;
    // Another machine may have begun the same incident: what it wrote stays beside this.
    const name = `${path.basename(this.file, ".jsonl")}/${String(seq).padStart(6, "0")}-${digest.slice(0, 8)}.json`;
    await copy?.write(name, line).catch((error: unknown) => {
      warn(`warning: the journal could not be copied to ${copy.place}: ${messageOf(error)}`);
    });
  }

  /** @throws OperationError where the disk does not take it: what is not on record must not happen */
  private keep(line: string): void {
    try {
      const handle = fs.openSync(this.file, "a", 0o600);
      const { size } = fs.fstatSync(handle);
      try {
        // A disk that is nearly full takes a part of it first, and says so with the next.
        for (let left = Buffer.from(line); left.length > 0;) left = left.subarray(fs.writeSync(handle, left));
        fs.fsyncSync(handle);
      } catch (error) {
        fs.ftruncateSync(handle, size);
        throw error;
      } finally {
        fs.closeSync(handle);
      }
    } catch (error) {
      throw failed(`the journal ${this.file} cannot be written: ${messageOf(error)}`, error);
    }
  }
}

export interface JournalOptions {
  now(): Date;
  warn(message: string): void;
  copy?: JournalCopy;
}

/** Longest a copy may take: what is lost with its region must not hold up whoever leaves it. */
const COPY_MS = 10_000;

/**
 * Entries as blobs of their own, below `operations/`, in each of some containers: one that is immutable takes them too. One that
 * did not take an entry is left alone from then on, and that is told once.
 */
export function blobCopies(
  containers: readonly { readonly name: string; readonly container: ContainerClient }[],
): JournalCopy {
  const silent = new Set<string>();
  return {
    place: containers[0]?.container.containerName ?? "",
    async write(blob, text) {
      const asked = containers.filter(({ name }) => !silent.has(name));
      const said = await Promise.allSettled(
        asked.map(({ container }) =>
          container.getBlockBlobClient(`operations/${blob}`).upload(text, Buffer.byteLength(text), {
            abortSignal: AbortSignal.timeout(COPY_MS),
            conditions: { ifNoneMatch: "*" },
          }),
        ),
      );
      const reasons = said.flatMap((one, index) => {
        const name = asked[index]?.name ?? "";
        if (one.status === "fulfilled") return [];
        silent.add(name);
        return [`${name}: ${messageOf(one.reason)}`];
      });
      if (reasons.length > 0) throw new Error(`${reasons.join("; ")}; from here on not tried`);
    },
  };
}
