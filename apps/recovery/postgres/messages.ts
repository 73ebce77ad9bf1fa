import { LENGTH_BYTES } from "./copyQuery";

/** A message as a server sends it: its type, its length, which counts itself, and what it says. */
export const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(1 + LENGTH_BYTES);
  head.write(type, "latin1");
  head.writeUInt32BE(body.length + LENGTH_BYTES, 1);
  return Buffer.concat([head, body]);
};

/** Numbers as a message has them. */
export const integers = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(LENGTH_BYTES * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, LENGTH_BYTES * index));
  return bytes;
};
