const LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/**
 * Whether the letters of a public key of age are the ones age-keygen printed: its last six are a checksum of the others
 * (Bech32, BIP 173). A key with a wrong letter is nobody's, and no backup could be made for it.
 */
export function isAgeKey(text: string): boolean {
  const values = [...text.slice("age1".length)].map((letter) => LETTERS.indexOf(letter));
  const prefix = [..."age"].map((letter) => letter.charCodeAt(0));
  const all = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31), ...values];
  let sum = 1;
  for (const value of all) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    GENERATORS.forEach((generator, bit) => {
      if ((top >>> bit) & 1) sum ^= generator;
    });
  }
  return !values.includes(-1) && sum >>> 0 === 1;
}
