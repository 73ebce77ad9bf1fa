const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** What is told to stop before files are as they were: a process that would go on writing some. */
export type Stop = () => Promise<void>;

/**
 * Does what writes files, all or nothing: when it fails they are as they were, and when the command is interrupted too,
 * which then ends with 130 or 143.
 * @param undo puts everything back; may be called while little has been done
 */
export async function allOrNothing<T>(undo: () => void, work: (stops: Set<Stop>) => Promise<T>): Promise<T> {
  const stops = new Set<Stop>();
  let interrupted = false;
  const handlers = Object.entries(CODES).map(([signal, code]) => {
    const handler = () => {
      interrupted = true;
      void Promise.all([...stops].map((stop) => stop())).then(() => {
        undo();
        process.stderr.write("interrupted; nothing was made\n");
        process.exit(code);
      });
    };
    process.once(signal, handler);
    return [signal, handler] as const;
  });
  try {
    return await work(stops);
  } catch (error) {
    // What was told to stop fails; the handler ends the command.
    if (interrupted) return await new Promise<never>(() => undefined);
    undo();
    throw error;
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}
