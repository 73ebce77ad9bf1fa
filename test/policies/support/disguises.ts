import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import type { prod } from "./names";

type Environment = typeof prod;

const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString("base64");
const hex = (text: string): string => Buffer.from(text).toString("hex");
const reversed = (text: string): string => [...text].reverse().join("");
const codes = (text: string): number[] => [...Buffer.from(text)];
const halves = (text: string): [string, string] => {
  const middle = Math.floor(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
};
const shifted = (text: string, by: number): string =>
  text.replace(/[A-Za-z]/g, (letter) => {
    const first = letter < "a" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - first + by) % 26) + first);
  });
const swapped = (text: string): string =>
  text.replace(/[A-Za-z]/g, (one) => (one < "a" ? one.toLowerCase() : one.toUpperCase()));

/** Bytes as base32 by an alphabet. */
const base32 = (bytes: Buffer, alphabet: string): string =>
  (
    [...bytes]
      .map((byte) => byte.toString(2).padStart(8, "0"))
      .join("")
      .match(/.{1,5}/g) ?? []
  )
    .map((bits) => alphabet[parseInt(bits.padEnd(5, "0"), 2)])
    .join("");

/** Bytes as base85 by an alphabet. */
function base85(bytes: Buffer, alphabet: string): string {
  const padding = (4 - (bytes.length % 4)) % 4;
  const padded = Buffer.concat([bytes, Buffer.alloc(padding)]);
  const groups = Array.from({ length: padded.length / 4 }, (_, at) => {
    let value = padded.readUInt32BE(at * 4);
    return Array.from({ length: 5 }, () => {
      const digit = alphabet[value % 85];
      value = Math.floor(value / 85);
      return digit;
    })
      .reverse()
      .join("");
  });
  return groups.join("").slice(0, padding === 0 ? undefined : -padding);
}

/** Bytes as one number of a base, by an alphabet. */
function number(bytes: Buffer, alphabet: string): string {
  let [value, digits] = [BigInt(`0x${bytes.toString("hex")}`), ""];
  for (; value > 0n; value /= BigInt(alphabet.length))
    digits = (alphabet[Number(value % BigInt(alphabet.length))] ?? "") + digits;
  return digits;
}

function uuencoded(text: string): string {
  const sign = (six: number): string => (six === 0 ? "`" : String.fromCharCode(32 + six));
  const lines = (text.match(/.{1,45}/gs) ?? []).map((line) => {
    const bytes = codes(line.padEnd(Math.ceil(line.length / 3) * 3, "\0"));
    const sixes = Array.from({ length: bytes.length / 3 }, (_, at) => {
      const [a = 0, b = 0, c = 0] = bytes.slice(at * 3, at * 3 + 3);
      return [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
    });
    return sign(line.length) + sixes.flat().map(sign).join("");
  });
  return `begin 644 x\n${lines.join("\n")}\n\`\nend\n`;
}

const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const CAPITALS = LETTERS.toUpperCase();
const ASCII85 = Array.from({ length: 85 }, (_, at) => String.fromCharCode(33 + at)).join("");

/** Two bytes as three digits, the lowest first. */
function base45(bytes: Buffer): string {
  const alphabet = `${DIGITS}${CAPITALS} $%*+-./:`;
  const groups = Array.from({ length: Math.ceil(bytes.length / 2) }, (_, at) =>
    bytes.subarray(at * 2, at * 2 + 2),
  );
  return groups
    .map((group) => {
      const value = group.length === 2 ? group.readUInt16BE(0) : (group[0] ?? 0);
      const digits = [value % 45, Math.floor(value / 45) % 45, Math.floor(value / 2025)];
      return digits
        .slice(0, group.length + 1)
        .map((digit) => alphabet[digit])
        .join("");
    })
    .join("");
}

/** Code page 37, as far as host names need it. */
function ebcdic(code: number): number {
  const letter = String.fromCharCode(code);
  if (letter === "-") return 0x60;
  if (letter === ".") return 0x4b;
  if (/\d/.test(letter)) return 0xf0 + Number(letter);
  const at = LETTERS.indexOf(letter);
  return at < 9 ? 0x81 + at : at < 18 ? 0x91 + at - 9 : 0xa2 + at - 18;
}

/** Ways of writing a connection string or host that no reader takes for one, and every program undoes. */
export const DISGUISES: Readonly<Record<string, (of: Environment) => string>> = {
  "base64 backwards": ({ dsn }) => reversed(base64(dsn)),
  "base64 twice, backwards": ({ dsn }) => reversed(base64(base64(dsn))),
  "base64 of base64 backwards": ({ dsn }) => base64(reversed(base64(dsn))),
  "base64 of the text backwards": ({ dsn }) => base64(reversed(dsn)),
  "gzip in base64 backwards": ({ dsn }) => reversed(gzipSync(dsn).toString("base64")),
  "base64 shifted": ({ dsn }) => shifted(base64(dsn), 13),
  "base64 in the other case": ({ dsn }) => swapped(base64(dsn)),
  "hexadecimal backwards": ({ dsn }) => reversed(hex(dsn)),
  "letters moved by three": ({ host }) => shifted(host, 3),
  "letters mirrored": ({ host }) =>
    host.replace(/[a-z]/g, (one) => String.fromCharCode(219 - one.charCodeAt(0))),
  "characters moved half way round": ({ dsn }) =>
    dsn.replace(/[!-~]/g, (one) => String.fromCharCode(33 + ((one.charCodeAt(0) + 14) % 94))),
  ascii85: ({ dsn }) => base85(Buffer.from(dsn), ASCII85),
  "ascii85 of gzip": ({ dsn }) => `<~${base85(gzipSync(dsn), ASCII85)}~>`,
  "ascii85 of Brotli": ({ dsn }) => `<~${base85(brotliCompressSync(dsn), ASCII85)}~>`,
  base45: ({ dsn }) => base45(Buffer.from(dsn)),
  "EBCDIC in base64": ({ host }) => Buffer.from(codes(host).map(ebcdic)).toString("base64"),
  base85: ({ dsn }) =>
    `b85decode("${base85(Buffer.from(dsn), `${DIGITS}${CAPITALS}${LETTERS}!#$%&()*+-;<=>?@^_\`{|}~`)}")`,
  "base32 in small letters": ({ dsn }) => base32(Buffer.from(dsn), `${LETTERS}234567`),
  base32hex: ({ dsn }) => base32(Buffer.from(dsn), `${DIGITS}${CAPITALS.slice(0, 22)}`),
  "base32 of gzip": ({ dsn }) => base32(gzipSync(dsn), `${CAPITALS}234567`),
  base58: ({ dsn }) => number(Buffer.from(dsn), "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
  base36: ({ dsn }) => number(Buffer.from(dsn), DIGITS + LETTERS),
  "a decimal number": ({ dsn }) => number(Buffer.from(dsn), DIGITS),
  uuencode: ({ dsn }) => uuencoded(dsn),
  "percent of gzip": ({ dsn }) =>
    [...gzipSync(dsn)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  "gzip after a header": ({ dsn }) =>
    base64(Buffer.concat([Buffer.from("a header of 24 bytes..."), gzipSync(dsn)])),
  "zlib in hexadecimal": ({ dsn }) => deflateSync(dsn).toString("hex"),
  "brotli in base64": ({ dsn }) => brotliCompressSync(dsn).toString("base64"),
  "octal numbers": ({ host }) =>
    codes(host)
      .map((code) => code.toString(8).padStart(3, "0"))
      .join(" "),
  "bits without spaces": ({ host }) =>
    codes(host)
      .map((code) => code.toString(2).padStart(8, "0"))
      .join(""),
  "hexadecimal with hyphens": ({ host }) =>
    codes(host)
      .map((code) => code.toString(16))
      .join("-"),
  "octal numbers without spaces": ({ host }) =>
    codes(host)
      .map((code) => code.toString(8).padStart(3, "0"))
      .join(""),
  "decimal numbers without spaces": ({ host }) => codes(host).join(""),
  "decimal numbers of three digits": ({ host }) =>
    codes(host)
      .map((code) => String(code).padStart(3, "0"))
      .join(""),
  "decimal numbers between changing signs": ({ host }) =>
    codes(host)
      .map((code, at) => `${code}${",;:"[at % 3] ?? ""}`)
      .join("")
      .slice(0, -1),
  "hexadecimal on lines": ({ dsn }) => hex(dsn).replace(/(.{40})/g, "$1\n"),
  "chr() of SQL": ({ host }) =>
    `SELECT ${codes(host)
      .map((code) => `chr(${code})`)
      .join("||")}`,
  "[char] of PowerShell": ({ host }) =>
    codes(host)
      .map((code) => `[char]${code}`)
      .join("+"),
  "escapes of Lua": ({ host }) =>
    codes(host)
      .map((code) => `\\${String(code).padStart(3, "0")}`)
      .join(""),
  "escapes of CSS": ({ host }) =>
    codes(host)
      .map((code) => `\\${code.toString(16).padStart(6, "0")}`)
      .join(""),
  "escapes of SQL": ({ host }) =>
    `U&'${codes(host)
      .map((code) => `\\00${code.toString(16)}`)
      .join("")}'`,
  "%u escapes": ({ host }) =>
    codes(host)
      .map((code) => `%u00${code.toString(16)}`)
      .join(""),
  "entities without an end": ({ host }) =>
    codes(host)
      .map((code) => `&#${code}`)
      .join(""),
  "quoted-printable signs": ({ host }) => host.replace(/-/g, "=2D").replace(/\./g, "=2E"),
  "utf-7": ({ host }) => host.replace(/-/g, "+AC0-"),
  "invisible tags": ({ host }) =>
    codes(host)
      .map((code) => String.fromCodePoint(0xe0000 + code))
      .join(""),
  "CDATA in pieces": ({ host }) =>
    `<h>${halves(host)
      .map((half) => `<![CDATA[${half}]]>`)
      .join("")}</h>`,
  "letters apart": ({ host }) => [...host].join(" "),
  "letters on lines": ({ host }) => [...host].join("\n"),
  "letters with NUL between": ({ host }) => [...host].join("\0"),
  "words in a table": ({ server }) => `${server.split("-").join("|")}|.postgres.database.azure.com`,
  "words in an array": ({ server }) =>
    `a=(${server.split("-").join(" ")}); IFS=-; psql -h "\${a[*]}.postgres.database.azure.com"`,
  "words joined by Go": ({ server }) =>
    `strings.Join([]string{"${server.split("-").join('", "')}"}, "-") + ".postgres.database.azure.com"`,
  "words turned round": ({ server }) => `["${server.split("-").reverse().join('", "')}"].reverse().join("-")`,
  "words turned round by a template": ({ server }) =>
    `{{ list "${server.split("-").reverse().join('" "')}" | reverse | join "-" }}`,
  "words of Ruby turned round": ({ server }) =>
    `%w[${server.split("-").reverse().join(" ")}].reverse.join("-")`,
  "words split and joined": ({ server }) => `"${server.replaceAll("-", "_")}".split("_").join("-")`,
  "words joined by a pattern": ({ server }) => `"${server.replaceAll("-", ".")}".replace(/\\./g, "-")`,
  "words joined by a filter": ({ server }) => `echo ${server.replaceAll("-", "_")} | sed 'y/_/-/'`,
  "words as numbers of base 36": ({ server }) =>
    `[${server
      .split("-")
      .map((word) => parseInt(word, 36))
      .join(",")}].map((number) => number.toString(36)).join("-")`,
  "a pattern": ({ host }) => host.replace(/\./g, "[.]").replace(/-/g, "[-]"),
  "a piece cut out": ({ server }) =>
    `X=${server.replace("forma3d", "forQma3d")}; psql -h \${X/Q/}.postgres.database.azure.com`,
  "an underscore after each letter": ({ host }) => [...host].join("_"),
  "gzip as escapes": ({ dsn }) => gzipSync(dsn).toString("hex").replace(/../g, "\\x$&"),
};

/** Texts that are put together of two parts where they are used: a name and a place for it, in one text. */
export const PUT_TOGETHER: Readonly<Record<string, (of: Environment) => string>> = {
  "an entity": ({ server }) => {
    const [first, rest] = halves(server);
    return `<!DOCTYPE a [<!ENTITY h "${rest}">]><h>${first}&h;.postgres.database.azure.com</h>`;
  },
  "a variable of a chart": ({ server }) => {
    const [first, rest] = halves(server);
    return `{{- $p := "${rest}" }}\nhost: ${first}{{ $p }}.postgres.database.azure.com`;
  },
  "a variable of Nginx": ({ server }) => {
    const [first, rest] = halves(server);
    return `set $p ${rest};\nproxy_pass http://${first}$p.postgres.database.azure.com;`;
  },
  "a variable that grows": ({ server }) => {
    const [first, rest] = halves(server);
    return `H=${first}\nH+=${rest}\npsql -h $H.postgres.database.azure.com`;
  },
  "a place of CUE": ({ server }) => {
    const [first, rest] = halves(server);
    return `p: "${rest}"\nhost: "${first}\\(p).postgres.database.azure.com"`;
  },
  "a variable of a policy": ({ server }) => {
    const [first, rest] = halves(server);
    return `<set-variable name="p" value="${rest}" /><set-backend-service base-url="@($"https://${first}{context.Variables["p"]}.postgres.database.azure.com")" />`;
  },
  "a variable of a policy, joined": ({ server }) => {
    const [first, rest] = halves(server);
    return `<set-variable value="${rest}" name="p" /><set-backend-service base-url="@("https://${first}" + context.Variables.GetValueOrDefault<string>("p", "") + ".postgres.database.azure.com")" />`;
  },
  "a call of Go": ({ host }) => {
    const [first, rest] = halves(host);
    return `host := fmt.Sprintf("%s%s", "${first}", "${rest}")`;
  },
  "a call of Terraform": ({ server }) =>
    `host = "\${join("-", ["${server.split("-").join('", "')}"])}.postgres.database.azure.com"`,
  "members of a map": ({ server }) => {
    const [first, rest] = halves(server);
    return `const p = { a: "${first}", b: "${rest}" }; connect(p.a + p["b"] + ".postgres.database.azure.com")`;
  },
  "members of a map in a map": ({ server }) => {
    const [first, rest] = halves(server);
    return `const c = { db: { a: "${first}", b: "${rest}" } }; connect(c.db.a + c.db.b + ".postgres.database.azure.com")`;
  },
  "members of a list": ({ server }) => {
    const [first, rest] = halves(server);
    return `p = ["${rest}", "${first}"]\nconnect(p[1] + p[0] + ".postgres.database.azure.com")`;
  },
  "members of a map in a text of Python": ({ server }) => {
    const [first, rest] = halves(server);
    return `p = {"a": "${first}", "b": "${rest}"}\nconnect(f"{p['a']}{p['b']}.postgres.database.azure.com")`;
  },
  "all members of a map": ({ host }) => {
    const [first, rest] = halves(host);
    return `const p = { a: "${first}", b: "${rest}" }; connect(Object.values(p).join(""))`;
  },
};
