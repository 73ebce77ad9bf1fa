import type { Writable } from "node:stream";

/** Resolves when a stream takes more data, or when it never will. */
export function writableAgain(stream: Writable): Promise<void> {
  const events = ["drain", "close", "error"] as const;
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.removeListener(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}
