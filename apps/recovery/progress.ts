import { formatDuration } from "./duration";
import { redact } from "./redact";
import type { Out } from "../../packages/command/terminal";

/** Where a run says what it is doing. Never stdout: that belongs to the result. */
export interface Progress {
  /** One line about an event. */
  note(message: string): void;
  /** Starts a stage; a running stage ends. `expectedBytes` draws a percentage. */
  stage(name: string, expectedBytes?: number): void;
  /** Bytes handled so far in the current stage. */
  bytes(total: number): void;
  /** Ends the current stage; `how` when it did not do what it was for. */
  done(how?: "failed" | "interrupted"): void;
}

export const silent: Progress = { note() {}, stage() {}, bytes() {}, done() {} };

const LINE_EVERY_MS = 10_000;
const BAR_EVERY_MS = 200;

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${String(units[unit])}`;
}

/**
 * A live bar on a terminal; elsewhere one line when a stage starts, every ten seconds, and when it ends.
 * @param out usually process.stderr
 */
export function createProgress(out: Out, now: () => number = Date.now): Progress {
  const live = out.isTTY === true;
  let current:
    { name: string; startedAt: number; bytes: number; expected?: number; printedAt: number } | undefined;

  const line = (text: string) => {
    if (live) out.write("\r\x1b[2K");
    out.write(`${new Date(now()).toISOString()} ${redact(text)}\n`);
  };
  const describe = (ended = false) => {
    if (!current) return "";
    const seconds = (now() - current.startedAt) / 1000;
    const parts = [current.name];
    if (current.bytes > 0) {
      const share = current.expected ? ` of ~${formatBytes(current.expected)}` : "";
      parts.push(`${formatBytes(current.bytes)}${share}`);
      const rate = seconds > 0 ? current.bytes / seconds : 0;
      if (rate > 0) parts.push(`${formatBytes(Math.round(rate))}/s`);
      // Early on, and past an estimate that was too low, there is nothing to be said about the end.
      const left = (current.expected ?? 0) - current.bytes;
      if (!ended && seconds >= 2 && left > 0) parts.push(`~${formatDuration(left / rate)} left`);
    }
    parts.push(formatDuration(seconds));
    return parts.join(" · ");
  };
  const bar = () => {
    if (!current?.expected) return "";
    const width = 20;
    const filled = Math.min(width, Math.round((width * current.bytes) / current.expected));
    return `[${"#".repeat(filled)}${".".repeat(width - filled)}] `;
  };
  const done = (how: Parameters<Progress["done"]>[0] | "done" = "done") => {
    if (!current) return;
    line(`${describe(true)} · ${how}`);
    current = undefined;
  };
  return {
    note: line,
    stage(name, expected) {
      done();
      current = { name, startedAt: now(), bytes: 0, expected, printedAt: now() };
      if (live) out.write(redact(`\r\x1b[2K${name}`));
      else line(`${name} …`);
    },
    bytes(total) {
      if (!current) return;
      current.bytes = total;
      if (now() - current.printedAt < (live ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
      current.printedAt = now();
      if (live) out.write(redact(`\r\x1b[2K${bar()}${describe()}`));
      else line(describe());
    },
    done,
  };
}
