import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** What a process sees that this machine does not have, and what it runs with. */
export interface ContainerOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Text of files by their absolute paths, e.g. `/etc/hosts`. */
  readonly files: Readonly<Record<string, string>>;
  /** Files and folders of this machine by the absolute paths they have in the container, e.g. `/app`. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Folder its parts are kept in while it runs; whoever made it deletes it. */
  readonly directory: string;
}

/**
 * Puts together a root folder that nobody else sees and that is gone with the process: the machine's own folders but
 * for an empty /run, other files over them, then chroot. "$1" is the folder, the rest the command.
 */
const SCRIPT = `
set -e
root=$1/root; shift
mkdir "$root"
mount -t tmpfs -o mode=755 none "$root"
for from in /*; do
  if [ -L "$from" ]; then cp -P "$from" "$root$from"
  elif [ "$from" != /run ] && [ -d "$from" ]; then mkdir "$root$from"; mount --rbind "$from" "$root$from"; fi
done
mkdir "$root/run"
while IFS='	' read -r from to; do
  if [ -d "$from" ]; then mkdir -p "$root$to"; mount --rbind "$from" "$root$to"
  else mkdir -p "$(dirname "$root$to")"; [ -e "$root$to" ] || : > "$root$to"; mount --bind "$from" "$root$to"; fi
done < "$OVERLAID"
unset OVERLAID
# In a folder that is on the path of root only.
chroot=$(PATH=$PATH:/usr/sbin:/sbin; command -v chroot)
exec "$chroot" "$root" "$@"
`;

const unshare = (): [string, ...string[]] => [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  ...["--mount", "--propagation", "private"],
];

let found: { reason: string | undefined } | undefined;

/** Why this machine makes no containers; undefined where it does. It takes Linux, and root or user namespaces. */
export function noContainers(): string | undefined {
  if (!found) {
    const [program, ...args] = unshare();
    const { status, stderr, error } = spawnSync(program, [...args, "true"], { encoding: "utf8" });
    found = { reason: status === 0 ? undefined : (error?.message ?? stderr.trim()) };
  }
  return found.reason;
}

/** Starts a process that sees other files than this machine's, on the same network. */
export function startContainer(options: ContainerOptions): ChildProcessWithoutNullStreams {
  const { command, environment, files, mounts = {}, directory } = options;
  const kept = fs.mkdtempSync(path.join(directory, "container-"));
  const overlaid = Object.entries(mounts);
  Object.entries(files).forEach(([to, text], index) => {
    const from = path.join(kept, `file-${index}`);
    fs.writeFileSync(from, text);
    overlaid.push([to, from]);
  });
  const list = path.join(kept, "overlaid");
  // Folders before what lies in them.
  overlaid.sort(([a], [b]) => (a < b ? -1 : 1));
  fs.writeFileSync(list, overlaid.map(([to, from]) => `${from}\t${to}\n`).join(""));
  const [program, ...args] = [...unshare(), "/bin/sh", "-c", SCRIPT, "sh", kept, ...command];
  const child = spawn(program as string, args, {
    env: { PATH: process.env["PATH"], ...environment, OVERLAID: list },
    cwd: "/",
    stdio: "pipe",
  });
  child.once("close", () => fs.rmSync(kept, { recursive: true, force: true }));
  return child;
}
