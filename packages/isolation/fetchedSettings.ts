/** Where a program is told to fetch its own settings, or more code, when it starts. In lower case. */

const ADDRESS = String.raw`(?:[a-z]\w{0,9}:)?(?:(?:https?|git|ssh|oci|ftp|s3):\/\/(?:[^\s"'/@]*@)?|git@)([^\s"'/:;,)\]}]+)`;
const HAS_ADDRESS = /:\/\/|git@/;
/** How an option or setting is called that takes settings or code. */
const NAME = String.raw`(?:config(?:uration)?s?|plugins?|imports?|require|include|bundles?|extensions?|providers\.http)(?:[._-](?:file|files|url|uri|path|http|https|endpoint|location|source|import))?`;

const OPTIONS: readonly RegExp[] = [
  new RegExp(String.raw`(?:^|[\s"'])-{1,2}(?:[\w-]+[._-])??${NAME}[\s=]["']?${ADDRESS}`, "g"),
  new RegExp(String.raw`(?:^|[\s"'])-(?:javaagent|agentpath):${ADDRESS}`, "g"),
  new RegExp(
    String.raw`(?:^|[\s"'])-{1,2}(?:cp|classpath|class-path|module-path)[\s=]["']?(?:[^\s"']*[:;])?${ADDRESS}`,
    "g",
  ),
];
/** Of whom tokens are: a document of a service, which is no setting of the program. */
const OF_TOKENS = /oidc|openid|oauth|jwks|issuer|\.well-known/;

const hosts = (text: string, patterns: readonly RegExp[]): string[] =>
  patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)]
      .filter(([found], at, all) => at < all.length && !OF_TOKENS.test(found))
      .filter(
        ({ index, 0: found }) =>
          !OF_TOKENS.test(text.slice(index, index + found.length + 200).split(/\s/)[0] ?? ""),
      )
      .map(([, host = ""]) => host),
  );

/** Hosts from which options of a command line have settings or code fetched. */
export const optionSources = (text: string): string[] => (HAS_ADDRESS.test(text) ? hosts(text, OPTIONS) : []);

const VARIABLE = new RegExp(
  String.raw`(?:^|_)(?:config(?:uration)?(?:_(?:file|files|import|path|uri|location))?|plugins?|extensions)$`,
  "i",
);
const FETCHED = new RegExp(String.raw`^(?:optional:)?(?:configserver:)?${ADDRESS}`, "i");

/** Host from which a variable of a container's environment has settings or code fetched. */
export function variableSource(name: string, value: string): string | undefined {
  if (!VARIABLE.test(name) || OF_TOKENS.test(name.toLowerCase()) || OF_TOKENS.test(value)) return undefined;
  return FETCHED.exec(value.trim())?.[1]?.toLowerCase();
}

/** Words of programs' own files of settings for where the rest of them is fetched. */
const BLOCKS: readonly RegExp[] = [
  // Grafana Alloy
  new RegExp(
    String.raw`\bimport\.(?:http|git)\s+"[^"]*"\s*\{[^}]{0,400}?\b(?:url|repository)\s*=\s*"${ADDRESS}`,
    "g",
  ),
  new RegExp(String.raw`\bremotecfg\s*\{[^}]{0,400}?\burl\s*=\s*"${ADDRESS}`, "g"),
  // Open Policy Agent
  new RegExp(
    String.raw`\bservices["']?\s*:[\s\S]{0,400}?\burl["']?\s*:\s*["']?${ADDRESS}(?=[\s\S]{0,600}?\bbundles["']?\s*:)`,
    "g",
  ),
  new RegExp(
    String.raw`(?<=\bbundles["']?\s*:[\s\S]{0,600}?)\bservices["']?\s*:[\s\S]{0,400}?\burl["']?\s*:\s*["']?${ADDRESS}`,
    "g",
  ),
  // Caddy
  new RegExp(String.raw`"load"\s*:\s*\{[^}]{0,200}?"url"\s*:\s*"${ADDRESS}`, "g"),
  // Traefik
  new RegExp(
    String.raw`\bproviders["']?\s*:\s*\{?\s*["']?http["']?\s*:\s*\{?\s*["']?endpoint["']?\s*:\s*["']?${ADDRESS}`,
    "g",
  ),
  new RegExp(String.raw`\[providers\.http\]\s*\n\s*endpoint\s*=\s*["']${ADDRESS}`, "g"),
];
const MAY_HAVE_BLOCK = /import\.|remotecfg|"load"|providers|bundles/;

/** Hosts from which a file of settings has the rest of them fetched. */
export const blockSources = (text: string): string[] =>
  HAS_ADDRESS.test(text) && MAY_HAVE_BLOCK.test(text) ? hosts(text, BLOCKS) : [];
