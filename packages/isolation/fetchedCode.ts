import { runsLater } from "./shellFlow";

/** What gets a text over the network. */
const FETCH = String.raw`\b(?:curl|wget|aria2c|azcopy|gsutil|rclone|scp|oras|aws\s+s3|az\s+storage|nc(?:at)?|socat|s_client|dig|lftp|tftp|git\s+archive|svn\s+(?:export|checkout|co|cat)|crane|skopeo|invoke-webrequest|invoke-restmethod|iwr|irm|downloadstring|downloadfile)\b`;

/** A shell that takes its program from what is piped to it, interpreters that are told no other, and what makes objects of it. */
const TAKER = String.raw`(?:sudo\s+(?:-\S+\s+)*)?(?:[\w./-]*/)?(?:(?:ba|z|da|k|a)?sh(?!\s+-\w*c)(?=[\s"'\`);&|]|$)|(?:python3?|node|perl|ruby|php)\s*-?\s*(?=["'\`);&|\n]|$)|(?:iex|invoke-expression|pwsh)\b|(?:kubectl|oc)\s[^\n;|&]{0,200}?\b(?:apply|create|replace)\b|(?:source|\.)\s+/dev/stdin|parallel\s*(?:-\S+\s*)*(?=["'\`);&|\n]|$)|make\s[^\n;|&]{0,60}?-f\s*-|awk\s[^\n|]{0,200}?\bsystem\s*\(|(?:psql|mysql|sqlite3|mongosh|redis-cli)\b(?![^\n;|&]{0,300}?\s(?:-\w*[cf]|-e|--command|--file|--eval|--execute|--pipe)\b)|xargs\s(?:[^\n;|&]{0,60}?\s)?(?:[\w./-]*/)?(?:ba|z|da|k|a)?sh\s+-\w*c\s*(?=["'\`);&|\n]|$))`;

/** What runs a file it is named. */
const RUNNER = String.raw`(?:\b(?:ba|z|da)?sh|source|python3?|node|make|dpkg|rpm|chmod\s+\S*(?:x|7\d\d)\S*)\s+(?:-\S+\s+)*["']?(?:\./)?`;

const SHELL: readonly RegExp[] = [
  // curl … | sh
  new RegExp(String.raw`${FETCH}[^\n;]{0,500}?\|\s*${TAKER}`),
  /\/dev\/(?:tcp|udp)\/[\s\S]{0,300}?\|\s*(?:ba|z|da)?sh\b/,
  // sh <(curl …) · exec 3< <(curl …)
  new RegExp(
    String.raw`(?:\b(?:(?:ba|z|k)?sh|source)|(?:^|[\s;&|"'])\.)\s+(?:-\S+\s+)*<\(\s*(?:[^()\n]{0,60}<\(\s*)?${FETCH}`,
  ),
  new RegExp(
    String.raw`\bexec\s+\{?\w+\}?<\s*<\(\s*${FETCH}[\s\S]{0,300}?\b(?:(?:ba|z|k)?sh|source|eval|python3?|node|perl|ruby)\b[^\n;]{0,60}?(?:<&|/dev/fd/)`,
  ),
  // $(curl …) as a command
  new RegExp(
    String.raw`(?:^|[;&|\n{]|\s-\w*c|\b(?:then|do|else|exec|sudo))\s*["']?(?:\$\(|\`)\s*${FETCH}[^\n]{0,300}?[)\`]\s*["']?\s*(?:[;&|\n}]|$)`,
  ),
  // sh -c "$(curl …)" · eval $(curl …)
  new RegExp(
    String.raw`\b(?:sh\s+-\w*c|eval|iex|invoke-expression)\s*["']?\s*(?:\$\(|\(|\`)[^\n]{0,60}?${FETCH}`,
  ),
  // aws s3 cp s3://… x && sh x
  new RegExp(
    String.raw`\b(?:aws\s+s3\s+cp|azcopy\s+cp|azcopy\s+copy|gsutil\s+cp|scp)\s[^\n;|&]{1,300}?\s["']?([\w./~-]{2,100})["']?\s*(?:&&|;|\n)[\s\S]{0,300}?${RUNNER}\1(?![\w.-])`,
  ),
  // curl … -o x && sh x · curl … > x; sh x
  new RegExp(
    String.raw`${FETCH}[^\n|]{0,300}?\s(?:(?:-\w*o|--output|-\w*O|-outfile)[\s=]+|>{1,2}\s*)["']?([\w./~-]{2,100})["']?[\s\S]{0,500}?${RUNNER}\1`,
    "i",
  ),
  // wget …/x.sh && sh x.sh
  new RegExp(
    String.raw`${FETCH}[^\n|]{0,300}?\/([\w.-]{2,100})["']?\s*(?:&&|;|\n)[\s\S]{0,300}?${RUNNER}\1(?![\w.-])`,
  ),
  // sh <<END … $(curl …) … END
  new RegExp(
    String.raw`\b(?:ba|z|da|k|a)?sh\s+(?:-\S+\s+)*<<-?\s*(?!["'\\])\w+\n(?:[^\n]{0,300}\n){0,20}?\s*(?:\$\(|\`)\s*${FETCH}`,
  ),
  // cloud-init
  /(?:^|\n)#include(?:-once)?\s*\n\s*https?:\/\//,
];

/** An address or repository, where no option says that packages are looked for there by their names. */
const SOURCE = String.raw`(?<!(?:registry|index|index-url|links|proxy|host|source|\s-i|\s-f)[\s=]["']?)(?:(?:git|hg|svn|bzr)\+\w+:|(?:github|gitlab|bitbucket|gist):|git@[\w.-]+:|https?://)[^\s"']*`;
/** Pinned to a commit or to a digest, it is what somebody looked at. */
const UNPINNED = String.raw`(?<!(?:[@#][0-9a-f]{40}|sha256=[0-9a-f]{64}))(?=["'\s;&|)]|$)`;

/** Packages and programs by their address instead of by name and version. */
const PACKAGES: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:pip[\dx]?|uv|poetry|conda|npm|pnpm|yarn|bun|gem|cargo|dnf|yum|zypper)\s(?:[^\n;|&]{0,60}\s)??(?:install|i|add|dlx)\b\s(?:[^\n;|&]{0,200}?[\s"'@])??${SOURCE}${UNPINNED}`,
  ),
  new RegExp(
    String.raw`\b(?:uvx|npx|bunx|pnpx|pipx\s+run|uv\s+run|(?:npm|pnpm|bun)\s+(?:exec|x)|rpm)\s+(?:-\S+[\s=]+)*["']?${SOURCE}${UNPINNED}`,
  ),
  new RegExp(
    String.raw`\bdeno\s+(?:run|install|x|compile|eval)?\s*(?:[^\n;|&]{0,200}?\s)??["']?https?:\/\/\S`,
  ),
  /\bgo\s+(?:run|install|get)\s+(?:-\S+\s+)*[\w.-]+\.[a-z]{2,}\/[\w./-]+@(?!v\d|[0-9a-f]{12})/,
  // A checkout that something of is run
  new RegExp(
    String.raw`\bgit\s+(?:-\S+\s+)*clone\s[^\n;|&]{0,300}?([\w-][\w.-]*?)(?:\.git)?["']?\s*(?:&&|;|\n)[\s\S]{0,300}?(?:\bcd\s+|${RUNNER}|\binstall\s+|(?:^|[\s;&])\.?/)(?:[\w./-]{0,60}/)?\1(?![\w.-])`,
  ),
  // Objects nobody sees in a plan
  /\b(?:kubectl|oc)\s[^\n;|&]{0,200}?\s(?:-f|--filename|-k|--kustomize)[\s=]*["']?(?:https?:\/\/|git(?:hub\.com\/|@|::)|ssh:\/\/)/,
  /\bhelm\s(?:[^\n;|&]{0,200}?\s)??(?:install|upgrade)\s[^\n;|&]{0,300}?(?:\boci:\/\/|\bhttps?:\/\/\S+\.tgz|\s--repo[\s=])/,
  /\bhelm\s+plugin\s+install\s[^\n;|&]{0,200}?(?:https?|git|ssh):\/\//,
  /\s--manifest(?:-url)?[\s=]["']?https?:\/\//,
  // An image nobody sees in a plan
  /\b(?:docker|podman|nerdctl)\s(?:[^\n;|&]{0,60}?\s)??run\s(?![^\n;|&]{0,400}@sha256:[0-9a-f]{64})[^\n;|&]{0,300}?[\w.-]+(?::\d+)?\/[\w./-]+/,
  /\bnix\s+(?:run|shell|develop|profile\s+install)\s(?:[^\n;|&]{0,100}\s)??["']?(?:github|gitlab|git\+\w+|https?):(?![^\s]{0,200}[0-9a-f]{40})/,
];

const GETS = String.raw`(?:urlopen|urlretrieve|requests\.get|httpx\.get|http\.get|fetch|uri\.open|open|get|file_get_contents|downloadstring)`;

/** An interpreter that is told to run what an address answers. */
const EVALUATED: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:eval|exec|instance_eval|compile|function)\s*[\s(][^\n]{0,80}?\b${GETS}\b[^\n]{0,40}?https?:`,
  ),
  /\bfetch\s*\(\s*["'`]https?:[^\n]{0,200}?\.then\(\s*(?:eval\b|\(?\w+\)?\s*=>\s*(?:eval|new function|vm\.)\b)/,
  new RegExp(
    String.raw`\s-\w*[ecr]\b[\s\S]{0,400}?\b${GETS}\s*\(\s*["'\`]https?:[\s\S]{0,400}?\b(?:eval|exec|instance_eval|new function|compile|runin\w*context)\s*\(`,
  ),
  /\b(?:import|include|require)(?:_once)?\s*\(?\s*["'`]https?:/,
];

/** A file that is a program by its name, got without anything that says which it is. */
const PROGRAM = new RegExp(
  String.raw`${FETCH}[^\n;|&]{0,400}?https?:\/\/[^\s"']{1,300}\.(?:jar|war|so|wasm|deb|rpm|whl|phar|dll|exe)(?=["'\s;&|)?#]|$)`,
);
const CHECKED = /\bsha(?:256|384|512)sum\s+(?:-\S+\s+)*(?:-\w*c|--check)\b/;

/** What stands between a program that fetches and one that runs. */
const SEVERAL = /[|;&<>(`\n]/;
const MAY_FETCH =
  /crane|skopeo|git\s|archive|svn|ftp|curl|wget|aria2c|azcopy|gsutil|rclone|scp|oras|s3|storage|\bnc|socat|s_client|dig|invoke-|iwr|irm|download|#include|\/dev\/(?:tcp|udp)\//;
const MAY_NAME_SOURCE =
  /:\/\/|\b(?:docker|podman|nerdctl)\s|\b(?:github|gitlab|bitbucket|gist)[:.]|\bgo\s+(?:run|install|get)\s|git@/;
const MAY_EVALUATE = /eval|exec|compile|function|import|include|require|fetch/;

/** Longest argument Linux hands to a program, in characters. */
const MAX_CHARS = 128 * 1024;

/** Whether a text has a program run that it fetches. In lower case. */
export const runsFetched = (text: string): boolean =>
  text.length <= MAX_CHARS &&
  ((SEVERAL.test(text) &&
    MAY_FETCH.test(text) &&
    (SHELL.some((pattern) => pattern.test(text)) || runsLater(text, FETCH))) ||
    (MAY_FETCH.test(text) && text.includes("://") && PROGRAM.test(text) && !CHECKED.test(text)) ||
    (MAY_NAME_SOURCE.test(text) &&
      (PACKAGES.some((pattern) => pattern.test(text)) ||
        (text.includes("http") &&
          MAY_EVALUATE.test(text) &&
          EVALUATED.some((pattern) => pattern.test(text))))));

/** What a container fetches, for those beside it that share its volumes. */
export const FETCHES: string = FETCH;
