import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { PassThrough, pipeline } from "node:stream";
import { openSession, type ParameterStatus } from "./connect";
import { CANONICAL_SETTINGS, UNHURRIED, type ServerConnection } from "./connection";
import { LENGTH_BYTES } from "./copyQuery";
import { integers, message } from "./messages";
import { RowCutter } from "./rowCutter";
import { StatementFilter } from "./statementFilter";

const LOOPBACK = "127.0.0.1";
/** Codes that stand where a start-up message has its version of the protocol: TLS and GSSAPI are asked for. */
const ENCRYPTION_REQUESTS = [80877103, 80877104];
/** A start-up message is some names and settings; libpq itself takes no longer one. */
const MOST_OF_A_START = 10_000;

/** A server's stand-in on this machine, for one session of one program. */
export interface RowRelay {
  /** What the program connects to. */
  server: ServerConnection;
  close(): void;
}

/** What is not passed on as it is. */
export interface Relayed {
  /** Longer rows are cut; undefined: none is. */
  longRowBytes?: number;
  /** Statements that are answered here, see StatementFilter. */
  answered?: ReadonlyMap<string, () => void>;
}

/**
 * Stands between pg_dump and the server: pg_dump holds each message it gets as a whole, and a row is one message. Here
 * long rows become several (see RowCutter), and what the runner reads itself it is not asked for. Whatever else is said
 * goes through as it is. The session on the server is opened by the runner, with its TLS and its password; who connects
 * here says a password that is good once. It takes the runner some processor time per byte, so it is for databases that
 * need it.
 * @throws FailedError when the server cannot be reached
 */
export async function relayRows(
  server: ServerConnection,
  { longRowBytes, answered = new Map() }: Relayed,
): Promise<RowRelay> {
  const parameters: Buffer[] = [];
  const client = await openSession(server, { ...CANONICAL_SETTINGS, ...UNHURRIED }, ({ connection }) => {
    connection.on("parameterStatus", ({ parameterName, parameterValue }: ParameterStatus) =>
      parameters.push(message("S", Buffer.from(`${parameterName}\0${parameterValue}\0`))),
    );
  });
  // pg wants UTF-8; a dump is in the database's own encoding.
  await client.query(
    "SELECT pg_catalog.set_config('client_encoding', pg_catalog.current_setting('server_encoding'), false)",
  );
  const password = randomBytes(24).toString("hex");
  const upstream = client.connection.stream as Socket;
  // A short answer after another waited 40 ms for the program's word that it had the one before.
  const listener = createServer({ noDelay: true });
  const close = () => {
    listener.close();
    upstream.destroy();
  };
  listener.on("connection", (socket: Socket) => {
    socket.on("error", () => undefined);
    void welcome(socket, password, parameters).then(
      () => {
        // One session, one program.
        listener.close();
        upstream.removeAllListeners("data");
        const rows = longRowBytes === undefined ? new PassThrough() : new RowCutter(longRowBytes);
        pipeline(upstream, rows, socket, () => socket.destroy());
        const statements = new StatementFilter(answered, (said) => socket.write(said));
        pipeline(socket, statements, upstream, () => upstream.destroy());
      },
      () => socket.destroy(),
    );
  });
  listener.listen(0, LOOPBACK);
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  return { server: { ...server, host: LOOPBACK, port, password, sslMode: "disable" }, close };
}

/** Lets a program in as a server would. Until it is let in, it says nothing that is not asked for. */
async function welcome(socket: Socket, password: string, parameters: readonly Buffer[]): Promise<void> {
  const reader = new Reader(socket);
  for (;;) {
    const start = await reader.body(await reader.number());
    if (!ENCRYPTION_REQUESTS.includes(start.readUInt32BE(0))) break;
    socket.write("N");
  }
  socket.write(message("R", integers(3)));
  await reader.take(1);
  const said = await reader.body(await reader.number());
  const [given, expected] = [said, Buffer.from(`${password}\0`)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error("somebody else connected");
  socket.write(
    Buffer.concat([
      message("R", integers(0)),
      ...parameters,
      message("K", integers(0, 0)),
      message("Z", Buffer.from("I")),
    ]),
  );
  await reader.leave();
}

/** The first messages of a session, one by one. */
class Reader {
  private held: Buffer = Buffer.alloc(0);

  private readonly parts: AsyncIterator<Buffer, undefined>;

  constructor(socket: Socket) {
    this.parts = socket.iterator({ destroyOnReturn: false });
  }

  /** Others may read then. */
  async leave(): Promise<void> {
    await this.parts.return?.();
  }

  async number(): Promise<number> {
    return (await this.take(LENGTH_BYTES)).readUInt32BE(0);
  }

  /** What follows a length that counts itself. */
  body(length: number): Promise<Buffer> {
    if (length < 2 * LENGTH_BYTES || length > MOST_OF_A_START) throw new Error("no start of a session");
    return this.take(length - LENGTH_BYTES);
  }

  async take(bytes: number): Promise<Buffer> {
    while (this.held.length < bytes) {
      const { value: part, done } = await this.parts.next();
      if (done) throw new Error("it went away");
      this.held = Buffer.concat([this.held, part]);
    }
    const taken = this.held.subarray(0, bytes);
    this.held = this.held.subarray(bytes);
    return taken;
  }
}
