import { availableParallelism } from "node:os";
import { FailedError, messageOf } from "../../../packages/command/errors";
import { because, childEnvironment, endOf, startProgram, succeed } from "../process";
import { ArchiveScanner, type ArchiveContent } from "./archive";
import { programEnvironment, type ServerConnection } from "./connection";
import { writingWidely, type Program } from "../../../packages/programs/postgres";

/** Level 1 compresses these archives better than gzip's default and faster than a server can dump. */
const ZSTD_LEVEL = "-1";
/** Each thread takes about 8 MiB. */
const MAX_THREADS = 4;

export interface Dump {
  /** The compressed archive. It ends when the compressor ends, whatever became of pg_dump: see `finish`. */
  stored: AsyncIterable<Buffer>;
  /**
   * Waits for both programs and fails unless both succeeded and the archive is whole; gives its content and size.
   */
  finish(): Promise<{ content: ArchiveContent; rawBytes: number }>;
  /** What made the dump end before its time, if anything of its own did. */
  problem(): FailedError | undefined;
}

/** Starts `pg_dump | zstd` on a snapshot, fingerprinting the archive between the two. */
export function startDump(options: {
  server: ServerConnection;
  snapshot: string;
  /** Encoding of the database. */
  encoding: string;
  /** A longer chunk of a table's data is the first piece of a row; default: each is a row. */
  longRowBytes?: number;
  programs: { pgDump: Program; zstd: Program };
  /** Longest wait for the lock on a table. */
  lockWaitMs: number;
  signal: AbortSignal;
  onRawBytes?: (total: number) => void;
  /** Called once pg_dump holds its locks on all tables and has written its table of contents. */
  onLocked?: () => void;
}): Dump {
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  const [file, args] = writingWidely(options.programs.pgDump, [
    "-Fc",
    "-Z0",
    "--no-password",
    `--snapshot=${options.snapshot}`,
    `--lock-wait-timeout=${options.lockWaitMs}`,
  ]);
  const dump = startProgram(file, args, {
    signal,
    stdio: ["ignore", "pipe", "pipe"],
    env: childEnvironment(programEnvironment(options.server)),
  });
  const threads = `-T${Math.min(MAX_THREADS, availableParallelism())}`;
  const zstd = startProgram(options.programs.zstd.path, [ZSTD_LEVEL, threads, "-q", "-c"], {
    signal,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const from = dump.child.stdout;
  const into = zstd.child.stdin;
  if (!from || !into || !zstd.child.stdout) throw new FailedError("pg_dump and zstd could not be connected");

  const scanner = new ArchiveScanner(options.encoding, { toc: options.onLocked }, options.longRowBytes);
  let rawBytes = 0;
  let problem: FailedError | undefined;
  const stop = (error: FailedError) => {
    problem ??= error;
    broken.abort(error);
  };
  const fail = (error: unknown) =>
    stop(new FailedError(`pg_dump wrote something unexpected: ${messageOf(error)}`));
  from.on("data", (part: Buffer) => {
    try {
      scanner.push(part);
    } catch (error) {
      fail(error);
      return;
    }
    rawBytes += part.length;
    options.onRawBytes?.(rawBytes);
    if (!into.write(part)) {
      from.pause();
      into.once("drain", () => from.resume());
    }
  });
  from.once("error", fail);
  into.on("error", () => undefined);
  void dump.ended.then(() => into.end());
  // A compressor that ends before its input did takes nothing any more: nobody may wait for it. Its exit code, looked
  // at in finish, says why it ended.
  zstd.child.once("exit", (code, by) => {
    if (into.writableEnded && code === 0) return;
    stop(new FailedError(`zstd ${endOf(code, by)}${because(zstd)}`));
  });

  return {
    problem: () => problem,
    stored: zstd.child.stdout as AsyncIterable<Buffer>,
    async finish() {
      await Promise.all([dump.ended, zstd.ended]);
      options.signal.throwIfAborted();
      if (problem) throw problem;
      // The compressor first: when it dies, pg_dump fails too, of a broken pipe.
      await succeed(zstd, "zstd");
      await succeed(dump, "pg_dump");
      try {
        return { content: scanner.finish(), rawBytes };
      } catch (error) {
        throw new FailedError(`the dump is not whole: ${messageOf(error)}`);
      }
    },
  };
}
