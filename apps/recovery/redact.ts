const secrets = new Set<string>();
const MASK = "[redacted]";

/** Remembers a secret so that no line printed later shows it, raw or percent-encoded. */
export function keepSecret(value: string | undefined): void {
  // A short value would blank out ordinary words; no accepted credential is that short.
  if (!value || value.length < 4) return;
  secrets.add(value);
  secrets.add(encodeURIComponent(value));
}

/** The text without known secrets, passwords in URLs, account keys and SAS signatures. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, MASK);
  return clean
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)(?!<password>@)[^\s@]+@/gi, `$1${MASK}@`)
    .replace(/\b(AccountKey|SharedAccessSignature|sig|password)=[^\s;&"']+/gi, `$1=${MASK}`);
}
