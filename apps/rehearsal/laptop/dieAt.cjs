// Loaded before a verb's own program (`node --require`): kills the process with SIGKILL at the moment DIE_AT names, which its
// journal tells exactly. Nothing here waits or counts, so the same command dies at the same place every time.
//   begun:<step>  the journal says that the step begins, or is found to be so already, and nothing of it was done
//   wrote:<step>  the first answer to a request that changes something has come; without one, as `unheard`
//   full:<step>  the disk takes no line of the journal about the step; that one is not killed
//   unheard:<step>  all of the step is done, and the journal does not say so yet
const channels = require("node:diagnostics_channel");
const fs = require("node:fs");

const [, moment, step] = /^(begun|wrote|unheard|full):(.+)$/.exec(process.env.DIE_AT ?? "") ?? [];
if (moment === undefined)
  throw new Error(`DIE_AT: "${process.env.DIE_AT}" is not begun:, wrote:, unheard: or full:<step>`);

/** The step under way. */
let current;

function die(how) {
  writeSync.call(fs, 2, `killed: ${how} ${step}\n`);
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way: nothing more of this program may happen.
  for (;;);
}

/** The entry that a line of a journal is; undefined for any other text. */
function entryOf(written) {
  const text = String(written);
  return text.startsWith('{"seq":') ? JSON.parse(text) : undefined;
}

const { writeSync, fsyncSync } = fs;
let written;
fs.writeSync = (file, text, ...rest) => {
  written = entryOf(text);
  if (written?.step === step && moment === "full")
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  if (written?.step === step && written.event === "end" && moment !== "begun") die("unheard");
  const count = writeSync.call(fs, file, text, ...rest);
  if (written?.event === "begin") current = written.step;
  if (written?.event === "end") current = undefined;
  return count;
};
fs.fsyncSync = (file) => {
  fsyncSync.call(fs, file);
  if (written?.step !== step) return;
  if (written.event === "found") die("found");
  if (written.event === "begin" && moment === "begun") die("begun");
};

const CHANGES = ["PUT", "PATCH", "POST", "DELETE"];
/** Asking for a token, keeping the lease and copying the journal are not the step's own. */
const ASIDE = /\/oauth2\/|\/incidents\/(operations|leases)\//;
const answered = (method, path) => {
  if (moment === "wrote" && current === step && CHANGES.includes(method) && !ASIDE.test(path)) die("wrote");
};
channels.subscribe("http.client.response.finish", ({ request }) => answered(request.method, request.path));
channels.subscribe("undici:request:trailers", ({ request }) => answered(request.method, request.path));
