import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { FailedError, NotRunError } from "../../packages/command/errors";
import { startProgram, succeed } from "./process";
import { findProgram } from "../../packages/programs/postgres";
import { keepSecret } from "./redact";
import { writableAgain } from "./streams";
import type { Manifest } from "./types";

/** A public key of age (https://age-encryption.org/v1, X25519). */
export const recipient = z
  .string()
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, "public keys of age (age1…), separated by commas");

const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;

/** Private keys of age in a file, as `age-keygen` writes it; comments aside, one a line. */
export function checkIdentities(file: string): string | undefined {
  let lines: string[];
  try {
    lines = readFileSync(file, "utf8").split("\n");
  } catch (error) {
    return `cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? "error"}`;
  }
  const keys = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  for (const key of keys) keepSecret(key);
  if (keys.length === 0) return `${file} holds no private key of age (AGE-SECRET-KEY-1…)`;
  const wrong = keys.findIndex((key) => !IDENTITY.test(key));
  return wrong < 0 ? undefined : `${file}: key ${wrong + 1} is no private key of age (AGE-SECRET-KEY-1…)`;
}

/** A stream through a program. */
export interface Through {
  output: AsyncIterable<Buffer>;
  /** Waits for the program. @throws CommandError unless it succeeded */
  finish(): Promise<void>;
}

/** How long a program that died is waited for, when another complains about it. */
const GRACE_MS = 500;

export interface Encryption extends Through {
  /** Why the program died by itself, once another failed because of it; undefined when it did not. */
  problem(): Promise<Error | undefined>;
}

/** Encrypts a stream for the holders of private keys, in the format of age. What encrypts cannot read it back. */
export function encrypting(
  source: AsyncIterable<Buffer>,
  recipients: readonly string[],
  signal: AbortSignal,
): Encryption {
  const broken = new AbortController();
  const args = ["--encrypt", ...recipients.flatMap((one) => ["--recipient", one])];
  const program = startProgram(findProgram("age").path, args, {
    signal: AbortSignal.any([signal, broken.signal]),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { stdin, stdout } = program.child;
  if (!stdin || !stdout) throw new FailedError("age could not be connected");
  let failure: Error | undefined;
  let died: Error | undefined;
  const ended = succeed(program, "age").catch((error: Error) => {
    if (!signal.aborted && !broken.signal.aborted) died = error;
  });
  feed(source, stdin).catch((error: Error) => {
    failure = error;
    // What is cut off must not look finished.
    broken.abort(error);
  });
  return {
    output: stdout as AsyncIterable<Buffer>,
    // A program that died leaves its source unread: its exit code says why, and there is nothing else to wait for.
    async finish() {
      await program.ended;
      signal.throwIfAborted();
      if (failure) throw failure;
      await succeed(program, "age");
    },
    async problem() {
      await Promise.race([ended, sleep(GRACE_MS)]);
      return died;
    },
  };
}

/** A stream that is being decrypted: what is written to `stdin` comes out of `output`. */
export interface Decryption extends Through {
  stdin: Writable;
}

/**
 * Decrypts an archive.
 * @throws NotRunError when there is no file with private keys; its `finish` when none of them fits
 */
export function startDecryption(
  manifest: Manifest,
  identityFile: string | undefined,
  signal: AbortSignal,
): Decryption {
  const needed = identityNeeded(manifest, identityFile);
  if (needed) throw new NotRunError(needed);
  const args = ["--decrypt", "--identity", identityFile ?? ""];
  const program = startProgram(findProgram("age").path, args, { signal, stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout } = program.child;
  if (!stdin || !stdout) throw new FailedError("age could not be connected");
  return {
    stdin,
    output: stdout as AsyncIterable<Buffer>,
    async finish() {
      try {
        await succeed(program, "age");
      } catch (error) {
        if (!/no identity matched|incorrect identity/i.test(program.stderr())) throw error;
        throw new NotRunError(`no key in ${identityFile ?? ""} opens ${manifest.id}: ${keysOf(manifest)}`);
      }
    },
  };
}

/** Hands a stream to a program's input; one that has ended takes no more. */
export async function feed(source: AsyncIterable<Buffer>, into: Writable): Promise<void> {
  let open = true;
  into.on("error", () => (open = false));
  into.on("close", () => (open = false));
  for await (const part of source) {
    if (!open) return;
    if (!into.write(part)) await writableAgain(into);
  }
  into.end();
}

const keysOf = ({ archive }: Manifest) =>
  `it is encrypted for ${archive.encryption?.recipients.join(", ") ?? "nobody"}`;

/** Why an archive cannot be read here; undefined when it can be tried. */
function identityNeeded(manifest: Manifest, identityFile: string | undefined): string | undefined {
  if (!manifest.archive.encryption || identityFile !== undefined) return undefined;
  return `${manifest.id} cannot be read: ${keysOf(manifest)}; BACKUP_IDENTITY_FILE: missing; file with the private key`;
}
