import { canonical, percentDecoded } from "./text";

/** What people call production; names of environments that hold production data come from the inventory. */
const PRODUCTION = /^(?:prod|prd)\d{0,2}$/;
const PRODUCTION_FOLDERS = ["production", "live"];
/** What lets somebody in, and what it lets into: a word before one of these says whose it is. */
const STORE =
  "db|database|datastore|pg|postgres|postgresql|sql|mysql|redis|mongo|storage|blob|vault|kv|secret|secrets|password|passwd|pass|pwd|credential|credentials|creds|key|keys|token|dsn|url|uri|connection|conn|user|username|login|admin|root|api|cert|certificate|tls|account|sas|client|oauth|jwt|smtp|webhook|server|host|cluster|kubeconfig|env|environment";
/**
 * `live-db-password` and `orders-db-live` are an environment's, and so is `shop-production-db`; `production-orders` may be a
 * department's, `live-chat` a feature and `go-live` a day.
 */
const WHOSE = new RegExp(
  String.raw`[._-]production(?:[._-]|$)|(?:^|[._-])(?:production|live)[._-](?:${STORE})(?:[._-]|$)|(?<!(?:^|[._-])go)[._-]live$`,
);
/** Words written together, each with a capital. */
const HUMP = /(?<=[a-z0-9])(?=[A-Z])/g;

/**
 * A step of a path, pattern or subject that stands for another environment; undefined when none does.
 * @param environments names of the others
 */
export function otherEnvironment(text: string, environments: readonly string[]): string | undefined {
  const steps = canonical(percentDecoded(text).replace(HUMP, "-")).split(/[^\p{L}\p{N}._-]+/u);
  const names = new Set(environments);
  const words = steps.flatMap((step) => step.split(/[._-]+/));
  return (
    [...words, ...steps].find((word) => names.has(word) || PRODUCTION.test(word)) ??
    steps.find((step) => PRODUCTION_FOLDERS.includes(step) || WHOSE.test(step))
  );
}
