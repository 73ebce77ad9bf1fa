/**
 * Programs by what a name does to them. Whoever is told `prod` may act there, whatever his name: new ones come every year.
 * So only those are passed over that are known to run, build, print or look for something.
 */

/** What runs or builds an application: `prod` is a way of doing that, and what is reached stands in its settings. */
const RUNTIMES =
  "node|npm|npx|pnpm|pnpx|yarn|bun|bunx|deno|tsx|ts-node|nest|ng|vite|next|nuxt|webpack|rollup|esbuild|tsc|jest|vitest|nodemon|pm2|pm2-runtime|java|mvn|mvnw|gradle|gradlew|dotnet|python\\d?(?:\\.\\d+)?|pip\\d?|uv|poetry|gunicorn|uvicorn|hypercorn|celery|flask|django-admin|ruby|rails|rake|bundle|puma|unicorn|sidekiq|php|php-fpm|artisan|composer|perl|go|cargo|make|just|task|nginx|httpd|caddy|envoy|haproxy|traefik|docker-entrypoint\\.sh|tini|dumb-init|supervisord";
/** What prints, compares, looks for, waits or works on files at hand. */
const PLAIN =
  "git|psql|pg_dump|pg_dumpall|pg_restore|pgcli|pg_isready|echo|printf|test|\\[|\\[\\[|case|esac|if|then|elif|else|fi|for|in|while|until|do|done|function|return|exit|true|false|:|set|unset|shift|local|readonly|declare|let|trap|cd|pwd|ls|cat|tac|head|tail|less|grep|egrep|fgrep|rg|awk|gawk|mawk|sed|tr|cut|sort|uniq|wc|tee|xxd|od|base64|base32|jq|yq|date|sleep|mkdir|rmdir|rm|mv|cp|ln|chmod|chown|touch|find|tar|gzip|gunzip|unzip|zip|openssl|sha256sum|md5sum|diff|cmp|file|which|type|read|logger|stat|du|df|ps|kill|wait|id|whoami|hostname|uname|basename|dirname|realpath|envsubst|curl|wget|nc|ping|dig|nslookup|getent|apk|apt|apt-get|yum|dnf|microdnf|tzdata|ulimit|umask|FROM|RUN|COPY|ENV|ARG|LABEL|WORKDIR|CMD|ENTRYPOINT|USER|EXPOSE";
/** What calls the program that comes after it. */
const CALLERS =
  /^(?:sudo|doas|exec|nohup|time|nice|env|command|builtin|xargs|timeout|stdbuf|setsid|gosu|su-exec|chroot|watch|parallel|if|elif|while|until|then|do|else|!|\$|(?:ba|da|a|z|k)?sh|busybox|pwsh|powershell)$/;
const PASSED_OVER = new RegExp(`^(?:${RUNTIMES}|${PLAIN})$`, "i");
const ASSIGNED = /^[A-Za-z_]\w*=/;

/** Commands of a script, each as its words, without quotes. */
function commandsOf(script: string): string[][] {
  return script
    .replace(/\\\r?\n/g, " ")
    .split(/\n|;|&&|\|\||\||\$\(|[`(){}]/)
    .map((command) => command.replace(/["']/g, "").trim().split(/\s+/).filter(Boolean));
}

/** A word of a command without what stands before the first letter of a program. */
const nameOf = (word: string): string => word.slice(word.lastIndexOf("/") + 1);

/** Where a command's own words begin: after assignments, callers and their options. */
function programAt(words: readonly string[]): number {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    const isCaller = CALLERS.test(nameOf(word));
    if (!isCaller && !ASSIGNED.test(word) && !(at > 0 && /^-|^\d+[smh]?$/.test(word))) break;
    at++;
  }
  return at;
}

/** Whether a word looks like a program, and not like prose or a value. */
const IS_PROGRAM = /^(?:[\w./-]*\/)?[a-z][\w.+-]{0,40}$/i;

/** Words programs are told by their arguments, without those that are passed over, and each part of a word on its own. */
export function toldTo(script: string): string[] {
  return commandsOf(script).flatMap((words) => {
    const at = programAt(words);
    const program = words[at] ?? "";
    const name = nameOf(program);
    // What is fetched of a branch stays here; what is pushed to one is deployed from it.
    const acts = !PASSED_OVER.test(name) || (name === "git" && words.includes("push"));
    if (!IS_PROGRAM.test(program) || !acts) return [];
    // A path of the machine's own says nothing of an environment: `/dev/null`.
    return words
      .slice(at + 1)
      .flatMap((word) => word.split(/[=:,@]/).filter((part) => !/^[>&\d]*\/(?!\/)/.test(part)));
  });
}
