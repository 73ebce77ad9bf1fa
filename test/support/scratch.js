/**
 * Everything a run writes to the system's temporary folder goes below one folder of its own, and a
 * shell that outlives the run deletes it, however the run ends: Ctrl-C gives jest's workers no time for their afterAll.
 */
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

/** Waits for the end of its standard input, which the kernel closes with its owner, then for servers that still stop. */
const JANITOR = `
read -r nothing
tries=0
while ! rm -rf "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
sleep 1; rm -rf "$1"
`;

/** @returns the folder */
module.exports = function scratch() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "f3d-"));
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
