import { createWriteStream, statfsSync, writeSync } from "node:fs";
import { createHash } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { ArchiveFile } from "./archiveFile";
import { messageOf, NotRunError, FailedError } from "../../packages/command/errors";
import { openNameless, type NamelessFile } from "./namelessFile";
import { formatBytes } from "./progress";
import { feed, startDecryption } from "./encryption";
import { startProgram, succeed } from "./process";
import { ArchiveScanner, type ArchiveContent } from "./postgres/archive";
import type { Program } from "../../packages/programs/postgres";
import { writableAgain } from "./streams";
import type { Manifest } from "./types";

/** An archive as it came back from the store: what was stored, and what it turned out to hold. */
export interface SpooledArchive {
  /** The uncompressed archive; pg_restore needs a file to work in parallel. */
  archive: ArchiveFile;
  storedBytes: number;
  sha256: string;
  rawBytes: number;
  /** Content of the archive, or why it cannot be read as one. */
  content: ArchiveContent | { problem: string };
  remove(): void;
}

/** A full volume, a full quota, and a limit on the size of files. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** @throws NotRunError when the volume has less room than that */
export function requireSpace(directory: string, bytes: number, what: string): void {
  let free: number;
  try {
    const volume = statfsSync(directory);
    free = volume.bavail * volume.bsize;
  } catch (error) {
    throw new NotRunError(`the folder ${directory} (SCRATCH_DIR) cannot be used: ${messageOf(error)}`);
  }
  if (free >= bytes) return;
  throw new NotRunError(
    `${what} needs ${formatBytes(bytes)} in ${directory} (SCRATCH_DIR), and ${formatBytes(free)} are free`,
  );
}

interface SpoolOptions {
  source: Readable;
  manifest: Manifest;
  directory: string;
  zstd: Program;
  /** File with private keys, for an archive that is encrypted. */
  identityFile?: string;
  signal: AbortSignal;
  onBytes?: (storedBytes: number) => void;
}

/** A transfer that runs, and the file it fills, which can be read while it grows. */
export interface Spool {
  archive: ArchiveFile;
  /** Settles when the transfer has ended; rejects with NotRunError when there is no file then. */
  spooled: Promise<SpooledArchive>;
}

/**
 * Reads a stored archive once: digests what was stored, decompresses it into a file, and takes its fingerprints on
 * the way. A damaged archive is a result, not an error; the caller compares with the manifest.
 */
export function startSpool(options: SpoolOptions): Spool {
  // What is in it is not encrypted any more: it must not outlive us.
  const file = openNameless(options.directory, "spool");
  const archive = new ArchiveFile(file.path);
  const spooled = spool(options, file, archive);
  spooled.catch((error: Error) => archive.fail(error));
  return { archive, spooled };
}

async function spool(
  options: SpoolOptions,
  file: NamelessFile,
  archive: ArchiveFile,
): Promise<SpooledArchive> {
  const { source, manifest } = options;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const remove = () => file.close();
  const zstd = startProgram(options.zstd.path, ["-d", "-q", "-c"], {
    signal,
    stdio: ["pipe", "pipe", "pipe"],
  });
  try {
    const { stdin, stdout } = zstd.child;
    if (!stdin || !stdout) throw new NotRunError("zstd could not be connected");
    const secret = manifest.archive.encryption && startDecryption(manifest, options.identityFile, signal);
    const reading = digestInto(source, secret?.stdin ?? stdin, options.onBytes);
    const feeding = secret ? feed(secret.output, stdin) : Promise.resolve();
    const opened = secret?.finish() ?? Promise.resolve();
    const writing = scanInto(stdout, file, archive, manifest);
    // Whichever breaks first ends the other: a full disk must not wait for the rest of a download.
    for (const part of [reading, writing, feeding])
      part.catch((error: unknown) => (ended.abort(error), source.destroy()));
    // A key that does not fit is found out at the first bytes; the rest need not be fetched.
    opened.catch((error: unknown) => {
      if (error instanceof NotRunError) {
        ended.abort(error);
        source.destroy();
      }
    });
    const [stored, written] = await Promise.all([reading, writing, feeding]);
    let { content } = written;
    try {
      await opened;
      await succeed(zstd, "zstd");
    } catch (error) {
      if (error instanceof NotRunError) throw error;
      content = { problem: messageOf(error) };
    }
    if ("problem" in content) archive.fail(new FailedError(content.problem));
    else writeOffsets(file.descriptor, content);
    archive.complete();
    return { archive, ...stored, rawBytes: written.rawBytes, content, remove };
  } catch (thrown) {
    const reason: unknown = ended.signal.reason;
    const error = reason instanceof NotRunError ? reason : thrown;
    ended.abort(error);
    await zstd.ended;
    remove();
    options.signal.throwIfAborted();
    if (FULL.has((error as NodeJS.ErrnoException).code ?? "")) {
      throw new NotRunError(`no space left in ${options.directory} (SCRATCH_DIR) for the archive`);
    }
    throw error instanceof NotRunError || error instanceof FailedError
      ? error
      : new NotRunError(`the archive could not be read: ${messageOf(error)}`);
  }
}

async function digestInto(
  source: Readable,
  into: Writable,
  onBytes?: (bytes: number) => void,
): Promise<{ storedBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let storedBytes = 0;
  let accepting = true;
  // A decompressor that gave up on damaged data closes its input; what was stored is still digested to the end.
  into.on("error", () => (accepting = false));
  into.on("close", () => (accepting = false));
  for await (const part of source as AsyncIterable<Buffer>) {
    hash.update(part);
    storedBytes += part.length;
    onBytes?.(storedBytes);
    if (accepting && !into.write(part)) await writableAgain(into);
  }
  into.end();
  return { storedBytes, sha256: hash.digest("hex") };
}

async function scanInto(
  source: Readable,
  file: NamelessFile,
  archive: ArchiveFile,
  { server, longRowBytes }: Manifest,
): Promise<{ rawBytes: number; content: SpooledArchive["content"] }> {
  const scanner = new ArchiveScanner(server.encoding, archive, longRowBytes);
  const out = createWriteStream("", { fd: file.descriptor, autoClose: false, highWaterMark: 1024 * 1024 });
  let failure: Error | undefined;
  out.once("error", (error) => (failure = error));
  let rawBytes = 0;
  let problem: string | undefined;
  for await (const part of source as AsyncIterable<Buffer>) {
    if (failure) throw failure;
    rawBytes += part.length;
    if (problem === undefined) {
      try {
        scanner.push(part);
      } catch (error) {
        problem = messageOf(error);
        archive.fail(new FailedError(problem));
      }
    }
    const more = out.write(part, (error) => {
      if (!error) archive.wrote(part.length);
    });
    if (!more) await writableAgain(out);
  }
  await new Promise<void>((resolve, reject) => {
    if (failure) reject(failure);
    out.once("error", reject);
    out.end(() => resolve());
  });
  if (problem === undefined) {
    try {
      return { rawBytes, content: scanner.finish() };
    } catch (error) {
      problem = messageOf(error);
    }
  }
  return { rawBytes, content: { problem } };
}

const POSITION_KNOWN = 2;

/**
 * Completes the table of contents with the positions a dump to a pipe could not know. Without them every connection
 * of a parallel restore reads through all the data before its own.
 */
function writeOffsets(descriptor: number, { header, offsets }: ArchiveContent): void {
  for (const { field, position } of offsets) {
    const value = Buffer.alloc(1 + header.offsetBytes);
    value[0] = POSITION_KNOWN;
    // Six bytes reach 281 TB; the others stay zero.
    value.writeUIntLE(position, 1, 6);
    writeSync(descriptor, value, 0, value.length, field);
  }
}

/** Why what came back is not what the manifest describes; undefined when it is. */
export function damageOf(spooled: SpooledArchive, manifest: Manifest): string | undefined {
  if (spooled.storedBytes !== manifest.storedBytes || spooled.sha256 !== manifest.sha256) {
    return `the archive has ${spooled.storedBytes} bytes with SHA-256 ${spooled.sha256}, not those of its manifest`;
  }
  return "problem" in spooled.content ? spooled.content.problem : contradiction(spooled.content, manifest);
}

/** What the archive holds against what its manifest says; undefined when they agree. */
export function contradiction(content: ArchiveContent, manifest: Manifest): string | undefined {
  if (content.tocSha256 !== (manifest.tocSha256 ?? content.tocSha256))
    return "the table of contents is another";
  const found = new Map(content.tables.map((table) => [table.name, table]));
  for (const table of manifest.tables) {
    const actual = found.get(table.name);
    if (!actual) return `table ${table.name} is not in the archive`;
    if (actual.sha256 !== table.sha256 || actual.rows !== table.rows) {
      return `table ${table.name} has other content in the archive`;
    }
  }
  if (found.size !== manifest.tables.length) return `the archive holds ${found.size} tables`;
  if (content.largeObjects.sum !== manifest.largeObjects.sum) return "the large objects have other content";
  const sequences = new Map(content.sequences.map((sequence) => [sequence.name, sequence]));
  for (const { name, value, called } of manifest.sequences) {
    const actual = sequences.get(name);
    if (actual?.value !== value || actual.called !== called)
      return `sequence ${name} has another value in the archive`;
  }
  return undefined;
}
