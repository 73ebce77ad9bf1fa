import { TextDecoder } from "node:util";
/** PostgreSQL's names of server encodings, where the web's name differs in more than case and hyphens. */
const WEB_NAMES: Readonly<Record<string, string>> = {
  UTF8: "utf-8",
  LATIN1: "latin1",
  LATIN2: "iso-8859-2",
  LATIN3: "iso-8859-3",
  LATIN4: "iso-8859-4",
  LATIN5: "windows-1254",
  LATIN6: "iso-8859-10",
  LATIN7: "iso-8859-13",
  LATIN8: "iso-8859-14",
  LATIN9: "iso-8859-15",
  LATIN10: "iso-8859-16",
  ISO_8859_5: "iso-8859-5",
  ISO_8859_6: "iso-8859-6",
  ISO_8859_7: "iso-8859-7",
  ISO_8859_8: "iso-8859-8",
  KOI8R: "koi8-r",
  KOI8U: "koi8-u",
  EUC_JP: "euc-jp",
  EUC_KR: "euc-kr",
  EUC_CN: "gbk",
  WIN866: "ibm866",
  WIN874: "windows-874",
};

/** Decoder for names in a dump made in a database of this encoding; names in an unknown one are read as UTF-8. */
export function decoderFor(encoding: string): TextDecoder {
  const windows = /^WIN(125\d)$/.exec(encoding);
  return new TextDecoder(windows?.[1] ? `windows-${windows[1]}` : (WEB_NAMES[encoding] ?? "utf-8"));
}
