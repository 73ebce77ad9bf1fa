import { compact } from "../duration";
import { messageOf } from "./errors";
import { editStackFile, typedChange, type StackChange } from "./stackFile";

/** A change of a stack's file that must be merged, or the next update undoes what a verb did. */
export interface Commit {
  stack: string;
  changes: readonly StackChange[];
  branch: string;
  /** Subject of the commit and title of the pull request. */
  subject: string;
}

/** Where pull requests are opened. */
export interface Forge {
  /** GitHub's API, or a fake of it. */
  api: string;
  /** `owner/name`. */
  repository: string;
  token: string;
  /** Branch that is deployed; default `main`. */
  base?: string;
}

/** A branch for each time a verb was decided on: one incident takes a verb there and back, and a run that was killed goes on with its own. */
export const branchOf = (
  verb: string,
  { incident, decidedAt }: { incident: string; decidedAt: Date },
): string =>
  // An incident nobody named is called by its verb already.
  [...(incident.startsWith(`${verb}-`) ? [] : [verb]), incident, compact(decidedAt)].join("-");

const fileOf = (stack: string): string => `Pulumi.${stack}.yaml`;
/** A word for a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Commands that put the change before its reviewers, each a line that runs as it is. */
export function commitCommands({ stack, changes, branch, subject }: Commit): string[] {
  return [
    "git fetch origin && git switch --create " + quoted(branch) + " origin/HEAD",
    `npm run -s operations -- record ${stack} ${changes.map((change) => quoted(typedChange(change))).join(" ")}`,
    `git commit --message ${quoted(subject)} -- ${fileOf(stack)}`,
    "git push --set-upstream origin HEAD",
  ];
}

/** @returns undefined where no token or repository is given */
export function forgeOf(env: Readonly<Record<string, string | undefined>>): Forge | undefined {
  const token = env["GITHUB_TOKEN"] ?? env["GH_TOKEN"];
  const repository = env["GITHUB_REPOSITORY"];
  if (!token || !repository) return undefined;
  return { api: env["GITHUB_API_URL"] ?? "https://api.github.com", repository, token };
}

interface Content {
  sha: string;
  content: string;
}

const SECONDS = 20;

/**
 * Opens the pull request with the change, or finds the one that is open. Nothing is changed twice, whenever it was killed.
 * @returns its address; undefined where the file says so already
 * @throws Error with what the forge said
 */
async function openPullRequest(forge: Forge, commit: Commit): Promise<string | undefined> {
  const { base = "main", repository } = forge;
  const { branch, subject, changes } = commit;
  const file = fileOf(commit.stack);
  const ask = asker(forge);
  const read = (ref: string) => ask<Content>("GET", `contents/${file}?ref=${encodeURIComponent(ref)}`);
  const deployed = textOf(await read(base));
  if (editStackFile(deployed, changes) === deployed) return undefined;
  const head = await ask<{ object: { sha: string } }>("GET", `git/ref/heads/${base}`);
  await ask("POST", "git/refs", { ref: `refs/heads/${branch}`, sha: head.object.sha }, [422]);
  const own = await read(branch);
  const wanted = editStackFile(textOf(own), changes);
  if (wanted !== textOf(own))
    await ask("PUT", `contents/${file}`, {
      branch,
      sha: own.sha,
      message: subject,
      content: Buffer.from(wanted).toString("base64"),
    });
  const [owner = ""] = repository.split("/");
  const [open] = await ask<{ html_url: string }[]>(
    "GET",
    `pulls?state=open&head=${encodeURIComponent(`${owner}:${branch}`)}`,
  );
  if (open) return open.html_url;
  const body = `What runs says so already; unmerged, the next update undoes it:\n\n${changes.map((change) => `- \`${typedChange(change)}\``).join("\n")}\n`;
  const made = await ask<{ html_url: string }>("POST", "pulls", { title: subject, head: branch, base, body });
  return made.html_url;
}

const textOf = ({ content }: Content): string => Buffer.from(content, "base64").toString();

function asker({ api, repository, token }: Forge) {
  return async <T>(method: string, path: string, body?: object, fine: readonly number[] = []): Promise<T> => {
    const response = await fetch(`${api}/repos/${repository}/${path}`, {
      method,
      signal: AbortSignal.timeout(SECONDS * 1000),
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const document = (await response.json().catch(() => ({}))) as T & { message?: string };
    if (!response.ok && !fine.includes(response.status))
      throw new Error(
        `${method} ${path.split("?")[0] ?? ""}: ${response.status} ${document.message ?? ""}`.trim(),
      );
    return document;
  };
}

/** How a change gets before its reviewers. */
export interface Settled {
  commands: string[];
  pullRequest?: string;
  /** For whoever reads the end of a run. */
  lines: string[];
}

/** Opens the pull request where that is possible; where not, says why, and the commands. It fails no verb: what was done is done. */
export async function settle(commit: Commit, forge: Forge | undefined): Promise<Settled> {
  const commands = commitCommands(commit);
  const byHand = (why: string): Settled => ({
    commands,
    lines: [`${why}; commit now, or the next update undoes it:`, ...commands.map((line) => `  ${line}`)],
  });
  if (!forge)
    return byHand("no pull request was opened, since GITHUB_TOKEN and GITHUB_REPOSITORY are not both set");
  try {
    const pullRequest = await openPullRequest(forge, commit);
    if (pullRequest === undefined)
      return { commands, lines: [`${fileOf(commit.stack)} says so already: nothing is to be committed`] };
    return { commands, pullRequest, lines: [`merge ${pullRequest}, or the next update undoes it`] };
  } catch (error) {
    return byHand(`the pull request could not be opened (${messageOf(error)})`);
  }
}
