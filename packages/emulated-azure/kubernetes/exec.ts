import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { StatusError } from "./status";

/** How clients and the API server speak over one connection, the newest first (KEP-4006). */
const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/** First byte of each message. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 };

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => PROTOCOLS.find((one) => offered.has(one)) ?? false,
});

/** Lets a client speak with a process until it ends, and tells how it ended. Who hangs up ends the process. */
export function attach(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  child: ChildProcessWithoutNullStreams,
): void {
  sockets.handleUpgrade(request, socket, head, (client) => {
    const send = (channel: number, data: Buffer): void => {
      if (client.readyState === WebSocket.OPEN) client.send(Buffer.concat([Buffer.from([channel]), data]));
    };
    const end = (status: object): void => {
      send(CHANNEL.error, Buffer.from(JSON.stringify({ metadata: {}, ...status })));
      client.close(1000);
    };
    child.stdout.on("data", (data: Buffer) => send(CHANNEL.stdout, data));
    child.stderr.on("data", (data: Buffer) => send(CHANNEL.stderr, data));
    child.once("error", (error) => end(failure("InternalError", error.message)));
    child.once("close", (code, signal) =>
      end(
        code === 0
          ? { status: "Success" }
          : {
              ...failure("NonZeroExitCode", `command terminated with exit code ${code ?? signal ?? ""}`),
              details: { causes: [{ reason: "ExitCode", message: String(code ?? 137) }] },
            },
      ),
    );
    child.stdin.on("error", () => undefined);
    client.on("message", (message: Buffer) => {
      if (message[0] === CHANNEL.stdin) child.stdin.write(message.subarray(1));
      if (message[0] === CHANNEL.close && message[1] === CHANNEL.stdin) child.stdin.end();
    });
    client.once("close", () => child.kill("SIGKILL"));
    client.on("error", () => undefined);
  });
}

const failure = (reason: string, message: string): object => ({ status: "Failure", reason, message });

/** Answers an upgrade that is refused as any other request is. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status = error instanceof StatusError ? error : new StatusError(500, "InternalError", String(error));
  const body = JSON.stringify(status.document);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
