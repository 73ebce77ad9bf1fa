import type { ContainerClient } from "@azure/storage-blob";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { failed, messageOf, refused } from "./errors";

/** One line of a journal. */
export interface JournalEntry {
  /** Place in the journal, from 1. */
  seq: number;
  at: string;
  verb: string;
  /** `run`, `begin`, `end`, `failed`, `interrupted` or `finished`. */
  event: string;
  step?: string;
  data?: unknown;
  /** SHA-256 of the line before; null in the first. */
  prev: string | null;
}

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

/** Checks the chain. @throws OperationError naming the first line that was changed, removed or is no entry */
export function readJournal(file: string): JournalEntry[] {
  let prev: string | null = null;
  return wholeLines(fs.readFileSync(file, "utf8")).map((line, index) => {
    let entry: JournalEntry;
    try {
      entry = JSON.parse(line) as JournalEntry;
    } catch {
      throw refused(`${file}, line ${index + 1}: is no journal entry; the journal was changed`);
    }
    if (entry.seq !== index + 1 || entry.prev !== prev)
      throw refused(`${file}, line ${index + 1}: does not follow the line before; the journal was changed`);
    prev = sha256(line);
    return entry;
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
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
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
    this.head = sha256(line);
    const { copy, warn } = this.options;
    const name = `${path.basename(this.file, ".jsonl")}/${String(seq).padStart(6, "0")}.json`;
    await copy?.write(name, line).catch((error: unknown) => {
      warn(`warning: the journal could not be copied to ${copy.place}: ${messageOf(error)}`);
    });
  }

  /** @throws OperationError where the disk does not take it: what is not on record must not happen */
  private keep(line: string): void {
    try {
      const handle = fs.openSync(this.file, "a", 0o600);
      try {
        fs.writeSync(handle, line);
        fs.fsyncSync(handle);
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
