import { availableParallelism } from "node:os";
import { FailedError, messageOf } from "../../../packages/command/errors";
import { because, childEnvironment, endOf, startProgram, succeed } from "../process";
import { ArchiveScanner, type ArchiveContent } from "./archive";
import { programEnvironment, type ServerConnection } from "./connection";
import type { ReadApart } from "./readApart";
import type { TocEntry } from "./toc";
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

export interface DumpOptions {
  server: ServerConnection;
  snapshot: string;
  /** Encoding of the database. */
  encoding: string;
  /** A longer chunk of a table's data is the first piece of a row; default: each is a row. */
  longRowBytes?: number;
  /** Tables whose rows pg_dump leaves out. */
  apart?: ReadApart;
  programs: { pgDump: Program; zstd: Program };
  /** Longest wait for the lock on a table. */
  lockWaitMs: number;
  signal: AbortSignal;
  onRawBytes?: (total: number) => void;
  /** Called once pg_dump holds its locks on all tables and has written its table of contents. */
  onLocked?: () => void;
}

/** Starts `pg_dump | zstd` on a snapshot, fingerprinting the archive between the two. */
export function startDump(options: DumpOptions): Dump {
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  const [file, args] = writingWidely(options.programs.pgDump, [
    "-Fc",
    "-Z0",
    "--no-password",
    `--snapshot=${options.snapshot}`,
    // Left to itself it takes the one that a role or a database sets for its sessions.
    `--encoding=${options.encoding}`,
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

  let rawBytes = 0;
  let problem: FailedError | undefined;
  const stop = (error: FailedError) => {
    problem ??= error;
    broken.abort(error);
  };
  const write = async (parts: readonly Buffer[]) => {
    // A compressor that is gone takes nothing, and says nothing any more that could be waited for.
    signal.throwIfAborted();
    // One call of the system for all of them.
    into.cork();
    const written = parts.map((part) => {
      rawBytes += part.length;
      // An error is the compressor's end, which says more.
      return new Promise<unknown>((resolve) => into.write(part, resolve));
    });
    into.uncork();
    options.onRawBytes?.(rawBytes);
    // Whose buffers they are uses them again.
    await Promise.all(written);
  };
  into.on("error", () => undefined);
  const weaver = new Weaver(options, write);
  const woven = weaver
    .run(from as AsyncIterable<Buffer>)
    .catch((error: unknown) => {
      // Of a session that reads, its own error says more.
      if (!signal.aborted) stop(new FailedError(`pg_dump wrote something unexpected: ${messageOf(error)}`));
    })
    .finally(() => into.end());
  // While rows come from elsewhere nobody reads what it writes, or sees that it writes no more.
  dump.child.once("exit", (code, by) => {
    if (code === 0) return;
    const tell = () => stop(new FailedError(`pg_dump ${endOf(code, by)}${because(dump)}`));
    if (dump.child.stderr?.closed === false) dump.child.stderr.once("close", tell);
    else tell();
  });
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
      await Promise.all([dump.ended, zstd.ended, woven]);
      options.signal.throwIfAborted();
      if (problem) throw problem;
      // The compressor first: when it dies, pg_dump fails too, of a broken pipe.
      await succeed(zstd, "zstd");
      await succeed(dump, "pg_dump");
      try {
        return { content: weaver.finish(), rawBytes };
      } catch (error) {
        throw new FailedError(`the dump is not whole: ${messageOf(error)}`);
      }
    },
  };
}

/** Passes an archive on with the rows that pg_dump has left out, and takes its fingerprints on the way. */
class Weaver {
  private readonly scanner: ArchiveScanner;
  /** Its data have begun, and pg_dump has not yet said more. */
  private begun: TocEntry | undefined;

  constructor(
    private readonly options: Pick<DumpOptions, "encoding" | "longRowBytes" | "apart" | "onLocked">,
    private readonly write: (parts: readonly Buffer[]) => Promise<void>,
  ) {
    const { encoding, longRowBytes, apart, onLocked } = options;
    this.scanner = new ArchiveScanner(
      encoding,
      {
        toc: ({ entries }) => {
          apart?.begin(entries);
          onLocked?.();
        },
        stopsIn: (entry) => {
          if (!apart?.holds(entry)) return false;
          this.begun = entry;
          return true;
        },
      },
      longRowBytes,
    );
  }

  /** @throws Error when it is not what pg_dump writes, or rows do not come */
  async run(archive: AsyncIterable<Buffer>): Promise<void> {
    for await (const part of archive) {
      for (let rest = part; rest.length > 0;) {
        await this.fill();
        const taken = this.scanner.push(rest);
        await this.write([rest.subarray(0, taken)]);
        rest = rest.subarray(taken);
      }
    }
  }

  /** @throws Error when the archive is not whole */
  finish(): ArchiveContent {
    return this.scanner.finish();
  }

  private async fill(): Promise<void> {
    const { begun } = this;
    this.begun = undefined;
    if (!begun || !this.options.apart) return;
    for await (const parts of this.options.apart.rows(begun)) {
      for (const part of parts) this.scanner.push(part);
      await this.write(parts);
    }
  }
}
