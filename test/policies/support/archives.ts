import { deflateRawSync } from "node:zlib";

/** A tar archive of one file. */
export function tarOf(name: string, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write("ustar\0", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}

/** A zip archive of one deflated file. */
export function zipOf(name: string, text: string, flags = 0): Buffer {
  const content = deflateRawSync(text);
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(content.length, 4);
  sizes.writeUInt32LE(Buffer.byteLength(text), 8);
  const common = Buffer.from([20, 0, flags, 0, 8, 0, 0, 0, 0, 0]);
  const lengths = Buffer.from([name.length, 0, 0, 0]);
  const local = Buffer.concat([
    Buffer.from("PK\x03\x04"),
    common,
    sizes,
    lengths,
    Buffer.from(name),
    content,
  ]);
  const directory = Buffer.concat([
    Buffer.from("PK\x01\x02"),
    Buffer.from([20, 0]),
    common,
    sizes,
    lengths,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}
