import zlib, { inflateRawSync } from "node:zlib";

/** One file of an archive. */
export interface Entry {
  readonly name: string;
  readonly bytes: Buffer;
}

/** What bytes turned out to be: files, other bytes, or something nobody here can open. */
export type Container =
  | { readonly via: string; readonly entries: readonly Entry[] }
  | { readonly via: string; readonly bytes: Buffer }
  | { readonly via: string; readonly sealed: true };

/** Most files of one archive that are looked into; one with more is refused unread. */
const MAX_ENTRIES = 2_000;
const BLOCK = 512;

/** Beginnings of formats that hide what they hold and that Node.js does not open. */
const SEALED: readonly (readonly [string, Buffer])[] = [
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ["7z", Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])],
  ["rar", Buffer.from([0x52, 0x61, 0x72, 0x21, 0x1a, 0x07])],
  ["lz4", Buffer.from([0x04, 0x22, 0x4d, 0x18])],
  ["lzip", Buffer.from("LZIP")],
  ["ar", Buffer.from("!<arch>\n")],
  ["cpio", Buffer.from("07070")],
  ["cpio", Buffer.from([0xc7, 0x71])],
  ["squashfs", Buffer.from("hsqs")],
  ["openssl", Buffer.from("Salted__")],
  ["age", Buffer.from("age-encryption.org")],
  ["lzma", Buffer.from([0x5d, 0x00, 0x00])],
  ["compress", Buffer.from([0x1f, 0x9d, 0x90])],
  ["snappy", Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50])],
  ["lzop", Buffer.from([0x89, 0x4c, 0x5a, 0x4f])],
  ["lrzip", Buffer.from("LRZI")],
  ["cab", Buffer.from("MSCF")],
  ["xar", Buffer.from("xar!")],
];

/** First bytes of everything that is opened or known to be sealed; other bytes are no container but, perhaps, a tar. */
const FIRST_BYTES = new Set([0x50, 0x28, 0x42, ...SEALED.map(([, mark]) => mark[0])]);

/** Texts that say themselves that they are encrypted. */
const SEALED_TEXTS: readonly (readonly [string, RegExp])[] = [
  ["pgp", /-----BEGIN PGP MESSAGE-----/],
  ["age", /-----BEGIN AGE ENCRYPTED FILE-----/],
  ["ansible-vault", /\$ANSIBLE_VAULT;/],
  ["sops", /\bENC\[AES256_GCM,data:/],
  ["cms", /-----BEGIN CMS-----/],
  ["jwe", /\beyJ[\w-]{8,}\.[\w-]*\.[\w-]{8,}\.[\w-]+\.[\w-]{8,}/],
];

/** What seals a text; undefined when nothing does. */
export function sealedText(text: string): string | undefined {
  return text.length < 16 ? undefined : SEALED_TEXTS.find(([, mark]) => mark.test(text))?.[0];
}
const BZIP2 = /^BZh[1-9]1AY&SY/;
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const ZIP_FILE = 0x04034b50;
const ZIP_DIRECTORY = 0x02014b50;
const ZIP_END = 0x06054b50;

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;

/** Opens an archive or a compression by its own mark; undefined when the bytes have none. */
export function openContainer(bytes: Buffer, maxBytes: number): Container | undefined {
  if (bytes.length < 8) return undefined;
  if (bytes.readUInt32LE(0) === ZIP_FILE || bytes.readUInt32LE(0) === ZIP_END)
    return openZip(bytes, maxBytes);
  if (isTar(bytes)) return openTar(bytes);
  if (!FIRST_BYTES.has(bytes[0])) return undefined;
  if (bytes.subarray(0, 4).equals(ZSTD)) return openZstd(bytes, maxBytes);
  const sealed = SEALED.find(([, mark]) => bytes.subarray(0, mark.length).equals(mark));
  if (sealed) return { via: sealed[0], sealed: true };
  return BZIP2.test(bytes.subarray(0, 10).toString("latin1")) ? { via: "bzip2", sealed: true } : undefined;
}

function openZstd(bytes: Buffer, maxOutputLength: number): Container {
  const decompress = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;
  try {
    if (decompress) return { via: "zstd", bytes: decompress(bytes, { maxOutputLength }) };
  } catch {
    // What does not open, or opens beyond the limit, is as good as sealed.
  }
  return { via: "zstd", sealed: true };
}

const octal = (field: Buffer): number => parseInt(field.toString("latin1").replace(/[\0 ]+/g, ""), 8);

/** By the checksum of the first header, which every kind of tar has; old ones lack the word `ustar`. */
function isTar(bytes: Buffer): boolean {
  if (bytes.length < BLOCK) return false;
  const header = bytes.subarray(0, BLOCK);
  if (header.subarray(257, 262).toString("latin1") === "ustar") return true;
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return header[0] !== 0 && octal(header.subarray(148, 156)) === sum;
}

function openTar(bytes: Buffer): Container {
  const entries: Entry[] = [];
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const size = octal(header.subarray(124, 136));
    if (!Number.isFinite(size) || size < 0 || entries.length >= MAX_ENTRIES)
      return { via: "tar", sealed: true };
    // A link's target is a name like any other.
    const name = [header.subarray(345, 500), header.subarray(0, 100), header.subarray(157, 257)]
      .map((part) => part.toString("utf8").replace(/\0.*$/s, ""))
      .filter((part) => part !== "")
      .join("/");
    entries.push({ name, bytes: bytes.subarray(at + BLOCK, at + BLOCK + size) });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return { via: "tar", entries };
}

function openZip(bytes: Buffer, maxBytes: number): Container {
  const sealed: Container = { via: "zip", sealed: true };
  try {
    const entries: Entry[] = [];
    let total = 0;
    let at = bytes.readUInt32LE(bytes.lastIndexOf(Buffer.from("PK\x05\x06")) + 16);
    while (at + 46 <= bytes.length && bytes.readUInt32LE(at) === ZIP_DIRECTORY) {
      const [flags, method] = [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10)];
      const packed = bytes.readUInt32LE(at + 20);
      const [nameLength, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
      const local = bytes.readUInt32LE(at + 42);
      const name = bytes.subarray(at + 46, at + 46 + (nameLength ?? 0)).toString("utf8");
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const raw = bytes.subarray(start, start + packed);
      const isEncrypted = (flags & 1) === 1;
      if (isEncrypted || (method !== 0 && method !== 8) || entries.length >= MAX_ENTRIES) return sealed;
      const content = method === 0 ? raw : inflateRawSync(raw, { maxOutputLength: maxBytes });
      total += content.length;
      if (total > maxBytes) return sealed;
      entries.push({ name, bytes: content });
      at += 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0);
    }
    return entries.length > 0 ? { via: "zip", entries } : sealed;
  } catch {
    return sealed;
  }
}
