import { createHash } from "node:crypto";

/** What Pulumi sends in place of a value it does not know yet. */
export const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** An IPv4 address as one number. */
export const decimal = (address: string): number =>
  address.split(".").reduce((value, part) => value * 256 + Number(part), 0);

/** An entry of `secretHashes`. */
export const fingerprint = (salt: string, secret: string): string =>
  `${salt}:${createHash("sha256").update(salt).update(secret).digest("hex")}`;

/** Lines of base64 that decode to noise, the same at every run. */
export function randomLines(count: number): string {
  return Array.from({ length: count }, (_, line) =>
    Buffer.concat([0, 1].map((half) => createHash("sha256").update(`${line}/${half}`).digest()))
      .subarray(0, 48)
      .toString("base64"),
  ).join("\n");
}
