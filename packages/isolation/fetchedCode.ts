/** What gets a text over the network. */
const FETCH = String.raw`\b(?:curl|wget|invoke-webrequest|invoke-restmethod|iwr|irm|downloadstring|downloadfile)\b`;
const MAY_FETCH = /curl|wget|invoke-|iwr|irm|download|#include/;

/** A shell that takes its program from what is piped to it, and interpreters that are told no other. */
const TAKER = String.raw`(?:sudo\s+(?:-\S+\s+)*)?(?:[\w./-]*/)?(?:(?:ba|z|da|k|a)?sh(?!\s+-\w*c)(?=[\s"'\`);&|]|$)|(?:python3?|node|perl|ruby|php)\s*-?\s*(?=["'\`);&|\n]|$)|(?:iex|invoke-expression|pwsh)\b)`;

/** `curl … | sh` · `sh <(curl …)` · `sh -c "$(curl …)"` · `eval $(curl …)` · `curl -o x … && sh x` · cloud-init's `#include`. */
const RUNS: readonly RegExp[] = [
  new RegExp(String.raw`${FETCH}[^\n;]{0,500}?\|\s*${TAKER}`),
  new RegExp(String.raw`\b(?:(?:ba|z|k)?sh|source)\s+(?:-\S+\s+)*<\(\s*${FETCH}`),
  new RegExp(
    String.raw`\b(?:sh\s+-\w*c|eval|iex|invoke-expression)\s*["']?\s*(?:\$\(|\(|\`)[^\n]{0,60}?${FETCH}`,
  ),
  new RegExp(
    String.raw`${FETCH}[^\n|]{0,300}?\s(?:-\w*o|--output|-\w*O|-outfile)[\s=]+["']?([\w./~-]{2,100})["']?[\s\S]{0,500}?(?:\b(?:ba|z|da)?sh|source|python3?|chmod\s+\S*(?:x|7\d\d)\S*)\s+["']?\1`,
    "i",
  ),
  /(?:^|\n)#include(?:-once)?\s*\n\s*https?:\/\//,
];

/** Whether a text has a program run that it fetches. In lower case. */
export const runsFetched = (text: string): boolean =>
  MAY_FETCH.test(text) && RUNS.some((pattern) => pattern.test(text));
