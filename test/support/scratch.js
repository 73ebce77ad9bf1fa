/**
 * Everything a run writes to the system's temporary folder goes below one folder of its own, and a
 * shell that outlives the run deletes it, however the run ends: Ctrl-C gives jest's workers no time for their afterAll.
 */
const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

/** Linux's folder in memory, and the bytes a run may need of it: the two largest test files at once have taken 2.9 GiB. */
const MEMORY = "/dev/shm";
const ROOM = 6 * 1024 ** 3;
/** Linux since which files in memory have users' extended attributes; the S3 server keeps what it knows of an object there. */
const ATTRIBUTES_SINCE = [6, 6];

/**
 * Where the folder lies. Servers of a run make and delete a hundred thousand files, a fifth of the processors' time on a
 * disk's file system: in memory, where there is room for them and programs may be started from there.
 */
function place() {
  if (process.env.TMPDIR !== undefined || process.platform !== "linux") return os.tmpdir();
  if (!fs.existsSync(MEMORY) || !hasAttributes(os.release())) return os.tmpdir();
  const { bavail, bsize } = fs.statfsSync(MEMORY);
  if (bavail * bsize < ROOM || process.availableMemory() < 2 * ROOM) return os.tmpdir();
  const probe = path.join(fs.mkdtempSync(path.join(MEMORY, "f3d-probe-")), "probe");
  fs.writeFileSync(probe, "#!/bin/sh\n", { mode: 0o700 });
  const { status } = spawnSync(probe);
  fs.rmSync(path.dirname(probe), { recursive: true });
  return status === 0 ? MEMORY : os.tmpdir();
}

/** @param release of the kernel, such as `6.8.0-45-generic` */
function hasAttributes(release) {
  const [major, minor] = release.split(".").map(Number);
  return major > ATTRIBUTES_SINCE[0] || (major === ATTRIBUTES_SINCE[0] && minor >= ATTRIBUTES_SINCE[1]);
}

/** Waits for the end of its standard input, which the kernel closes with its owner, then for servers that still stop. */
const JANITOR = `
read -r nothing
tries=0
while ! rm -rf "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
sleep 1; rm -rf "$1"
`;

/** @returns the folder */
module.exports = function scratch() {
  const folder = fs.mkdtempSync(path.join(place(), "f3d-"));
  // As the system's own: servers that refuse to run as root run as somebody else, who deletes a folder of his own here.
  fs.chmodSync(folder, 0o1777);
  process.env.TMPDIR = folder;
  const janitor = spawn("/bin/sh", ["-c", JANITOR, "sh", folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  janitor.unref();
  janitor.stdin.unref();
  return folder;
};
