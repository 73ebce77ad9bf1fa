import { Transform, type TransformCallback } from "node:stream";
import { LENGTH_BYTES } from "./copyQuery";
import { message } from "./messages";

const QUERY = 0x51; // 'Q'
const HEADER_BYTES = 1 + LENGTH_BYTES;

/** What a server says to a COPY … TO STDOUT of an empty table within a transaction: text, columns not counted. */
const NO_ROWS = Buffer.concat([
  message("H", Buffer.from([0, 0, 0])),
  message("c", Buffer.alloc(0)),
  message("C", Buffer.from("COPY 0\0")),
  message("Z", Buffer.from("T")),
]);

/** Passes on what a program says to a server, but for some statements: to those it is answered that there are no rows. */
export class StatementFilter extends Transform {
  private carry: Buffer = Buffer.alloc(0);

  /**
   * @param statements each with what is to be remembered once it was asked
   * @param answer takes what the server would have said; the program has said nothing else that is not answered yet
   */
  constructor(
    private readonly statements: ReadonlyMap<string, () => void>,
    private readonly answer: (said: Buffer) => void,
  ) {
    super();
  }

  override _transform(part: Buffer, _: BufferEncoding, done: TransformCallback): void {
    let rest = this.carry.length > 0 ? Buffer.concat([this.carry, part]) : part;
    while (rest.length >= HEADER_BYTES) {
      const end = 1 + rest.readUInt32BE(1);
      if (rest.length < end) break;
      const asked = rest[0] === QUERY ? rest.toString("utf8", HEADER_BYTES, end - 1) : "";
      const note = this.statements.get(asked);
      if (note) {
        note();
        this.answer(NO_ROWS);
      } else {
        this.push(rest.subarray(0, end));
      }
      rest = rest.subarray(end);
    }
    this.carry = Buffer.from(rest);
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.carry.length > 0) this.push(this.carry);
    done();
  }
}
