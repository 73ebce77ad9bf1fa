import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { UsageError } from "../../packages/command/errors";

/** A server that answers, until the signal aborts. */
export interface Listening {
  port: number;
  /** Resolves when the signal has ended it. */
  ended: Promise<void>;
}

/**
 * @param port TCP port; 0 lets the system choose
 * @throws UsageError when it cannot be listened on
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new UsageError(`--port ${port} on ${host}: cannot be listened on (${error.code ?? error.message})`),
      ),
    );
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Does something now and again and again, and stops that and the server with the signal. */
export function repeatUntilEnded(
  server: Server,
  signal: AbortSignal,
  work: () => Promise<void>,
  everyMs: number,
): Promise<void> {
  void work();
  const timer = setInterval(() => void work(), everyMs);
  return new Promise<void>((resolve) => {
    const stop = () => {
      clearInterval(timer);
      server.close(() => resolve());
      server.closeAllConnections();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
